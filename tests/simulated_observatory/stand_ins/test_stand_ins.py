"""A run without pixels is the same run: message by message, fact by fact, but for what pixels tell."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.components.machinery import Machinery
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.embedded_sal.bus import running_bus
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.repository.reference import ReferenceRequest
from lsst.ts.simulated_observatory.repository.reference_repository import reference_repository
from lsst.ts.simulated_observatory.repository.repository import write_index
from lsst.ts.simulated_observatory.session.observatory import real_machinery
from lsst.ts.simulated_observatory.session.progress import PlainProgress
from lsst.ts.simulated_observatory.session.request import SimulationSettings
from lsst.ts.simulated_observatory.session.script_session import ScriptSession
from lsst.ts.simulated_observatory.session.setup import SimulationSetup
from lsst.ts.simulated_observatory.stand_ins.machinery import standin_machinery
from lsst.ts.simulated_observatory.stand_ins.measurements import Measured, StandInCamera
from lsst.ts.simulated_observatory.stand_ins.template import make_template

SCALE = 4

OPTIONS = {
    "script_mode": "BIAS_DARK_FLAT",
    "n_bias": 2,
    "n_dark": 2,
    "exp_times_dark": 5,
    "n_flat": 2,
    "n_discard_bias": 1,
    "do_gain_from_flat_pairs": True,
}

Make = Callable[[Path], Machinery]


def without_pixels(repository: Path) -> Machinery:
    return standin_machinery(LATISS, repository, StandInCamera(seed=1), scale=SCALE)


def with_pixels(repository: Path) -> Machinery:
    return real_machinery(LATISS, repository)


@dataclass
class Recorded:
    """What passed on the bus, and what the script wrote."""

    messages: list[tuple[float, str, str, dict[str, Any]]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)


class Place(SimulationSetup):
    """SimulationSetup with a machinery of one's own."""

    make: Make

    def _machinery(self) -> Machinery:
        return self.make(self.repository)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose reference calibrations have no pixels."""
    path = tmp_path_factory.mktemp("template") / "repo"
    make_template(path, LATISS, [0], seed=1, scale=SCALE, filters=[("SDSSr_65mm~empty", "r")])
    return path


@pytest.fixture(scope="module")
def reference() -> Path:
    """The reference calibrations of the simulated observatory, with pixels."""
    request = ReferenceRequest(LATISS, (0,), SCALE, 1, usual_optics(LATISS))
    return reference_repository(request, lambda _: None, lambda: None)


def play(folder: Path, template: Path, make: Make, options: Mapping[str, Any], *, threads: bool) -> Recorded:
    run = folder / "run"
    run.mkdir(parents=True)
    shutil.copytree(template, run / "repo")
    place = Place(
        instrument=LATISS,
        config=CalibrationConfig.from_namespace(dict(options), LATISS),
        settings=SimulationSettings(
            folder=run, jobs=run / "uws", repository=run / "repo", seed=1, scale=SCALE
        ),
        faults=(),
    )
    object.__setattr__(place, "make", make)
    write_index(place.index, place.repository, {LATISS.repository})
    outcome = Recorded()

    async def main() -> int:
        loop_time = asyncio.get_running_loop().time

        def listen(component: str, topic: str, data: Any) -> None:
            outcome.messages.append((loop_time(), component, topic, vars(data).copy()))

        running_bus().listeners.append(listen)
        with (folder / "console.txt").open("w", encoding="utf-8") as file:
            view = PlainProgress(Console(file=file))
            text = json.dumps(dict(options))
            return await ScriptSession(
                MakeLatissCalibrations, text, place, index=1, log_level=20, view=view
            ).run()

    assert clock.run(main, threads=threads) in (0, 1)
    outcome.summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    lines = (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    outcome.facts = [json.loads(line) for line in lines]
    return outcome


PIXEL_FACTS = {"GainsMeasured": {"gains"}, "OutcomesRead": {"tests"}}
"""Fields of facts that pixels tell."""

OWN_FOLDER = re.compile(r"/[^\s\"']*/run(?=[/\s\"']|$)")


def comparable(value: Any) -> Any:
    """The same for runs in different folders, and without the table of the gains, which pixels tell."""
    if isinstance(value, Mapping):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(each) for each in value]
    if isinstance(value, str):
        return OWN_FOLDER.sub("RUN", value) if "electron/adu" not in value else "gains"
    return value


@pytest.mark.endtoend
@pytest.mark.timeout(900)
def test_with_and_without_pixels_message_by_message(reference: Path, tmp_path: Path) -> None:
    real = play(tmp_path / "with", reference, with_pixels, OPTIONS, threads=True)
    quick = play(tmp_path / "without", reference, without_pixels, OPTIONS, threads=False)
    assert real.summary["state"] == quick.summary["state"] == "DONE"
    for expected, found in zip(real.messages, quick.messages, strict=False):
        assert comparable(found) == comparable(expected)
    assert len(quick.messages) == len(real.messages)
    for fact, other in zip(real.facts, quick.facts, strict=True):
        from_pixels = PIXEL_FACTS.get(fact["fact"], set())
        assert set(fact) == set(other)
        for name in set(fact) - from_pixels:
            assert comparable(other[name]) == comparable(fact[name]), (fact["fact"], name)
    gains = [[set(each) for each in run.summary["gains"]] for run in (real, quick)]
    assert gains[0] == gains[1]


def test_threads_make_no_difference(template: Path, tmp_path: Path) -> None:
    """Work that is done by the loop itself comes out at the same instants."""
    options = {**OPTIONS, "n_bias": 1, "n_dark": 1, "n_discard_bias": 0}
    outcome = [
        play(tmp_path / f"{threads}", template, without_pixels, options, threads=threads)
        for threads in (True, False)
    ]
    assert comparable(outcome[0].messages) == comparable(outcome[1].messages)


def test_a_noisy_detector_fails_its_verification(template: Path, tmp_path: Path) -> None:
    faults = Faults(f"amplifier-noise:amplifier=C0{number},factor=1.3" for number in range(8)).detector

    def noisy(repository: Path) -> Machinery:
        return standin_machinery(LATISS, repository, StandInCamera(1, faults), scale=SCALE)

    outcome = play(tmp_path, template, noisy, {"script_mode": "BIAS", "n_bias": 3}, threads=False)
    verdict = outcome.summary["verification"]["BIAS"]
    assert (verdict["passed"], verdict["complete"]) == (False, True)
    assert [tests["NOISE"] for tests in verdict["failures"].values()] == [8, 8, 8]


@pytest.mark.parametrize(("number", "passes"), [(3, False), (20, True)])
def test_a_combination_of_three_fails_and_one_of_twenty_passes(number: int, passes: bool) -> None:
    """As the procedure page has it; without pixels it follows from how noise averages."""
    image = Measured(2025011500001, ImageType.BIAS, 0.0, "SDSSr_65mm~empty", combined=number)
    statistics = StandInCamera(seed=1).statistics(image, detector_model("LATISS", 0, SCALE))
    assert statistics["SUCCESS"] is passes


def test_a_run_with_a_combination_of_three_certifies_nothing(template: Path, tmp_path: Path) -> None:
    options = {"script_mode": "BIAS", "n_bias": 3, "n_discard_bias": 0, "generate_calibrations": True}
    outcome = play(tmp_path, template, without_pixels, options, threads=False)
    assert (outcome.summary["state"], outcome.summary["certified"]) == ("FAILED", [])
