"""Runs that are given bad input: as the command makes them, but without pixels and in virtual time."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from rich.console import Console

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.config.config import CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.embedded_sal.bus import running_bus
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.repository.repository import write_index
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory
from lsst.ts.simulated_observatory.session.progress import PlainProgress
from lsst.ts.simulated_observatory.session.request import SimulationSettings
from lsst.ts.simulated_observatory.session.script_session import ScriptSession
from lsst.ts.simulated_observatory.session.setup import SimulationSetup
from lsst.ts.simulated_observatory.stand_ins.machinery import standin_machinery
from lsst.ts.simulated_observatory.stand_ins.measurements import StandInCamera
from lsst.ts.simulated_observatory.stand_ins.template import make_template

SCALE = 16
SCRIPT = "auxtel/make_latiss_calibrations.py"

SMALL: Mapping[str, Any] = {"script_mode": "BIAS", "n_bias": 1, "n_discard_bias": 0}
"""The smallest run that has an exposure and a job."""

CANARY = "canary"
"""Name of the file that an input makes if it is executed."""


@dataclass(frozen=True)
class Outcome:
    """What became of a script or a command that was given something."""

    status: int
    screen: str
    """All that the operator sees."""
    commands: tuple[str, ...]
    """Commands to components, as ``component command``."""
    touched: frozenset[str]
    """What is new, gone or changed outside of the run directory."""
    folder: Path

    @property
    def words(self) -> str:
        """The screen without the breaks and frames that the width of the terminal makes."""
        return " ".join(self.screen.replace("│", " ").split())

    def summary(self) -> dict[str, Any]:
        import json

        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return found

    def is_harmless(self) -> None:
        """Whatever came of it: nothing was executed, and an operator can read what the screen says."""
        assert "Traceback" not in self.screen
        strange = {each for each in self.screen if each != "\n" and not each.isprintable()}
        assert not strange, f"{strange} reached the terminal"
        assert self.touched == frozenset()
        assert not list(self.folder.parent.rglob(CANARY))

    def is_refused_in_preflight(self, *expected: str) -> None:
        """The observatory is not as the run needs it: nothing was exposed, and the reason is told."""
        self.is_harmless()
        assert self.status == 2, self.screen
        for words in expected:
            assert words in self.words, self.words
        assert not [each for each in self.commands if each.endswith(("takeImages", "execute"))]

    def is_refused(self, *expected: str) -> None:
        """Nothing was begun, and the reason is told."""
        self.is_harmless()
        assert self.status == 2, self.screen
        for words in expected:
            assert words in self.words, self.words
        assert self.commands == ()


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with what is in it, and every folder; not the run directory."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if "run" not in path.relative_to(folder).parts[:1]
    }


class _Place(SimulationSetup):
    """SimulationSetup without pixels."""

    def observatory(self) -> SimulatedObservatory:
        faults = Faults(self.faults)
        return SimulatedObservatory(
            self.instrument,
            standin_machinery(
                self.instrument, self.repository, StandInCamera(1, faults.detector), scale=SCALE
            ),
            images=self.images,
            jobs=self.settings.jobs,
            scale=SCALE,
            seed=1,
            faults=faults,
            detectors=self.detectors,
            optics=self.optics,
        )


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose reference calibrations have no pixels."""
    path = tmp_path_factory.mktemp("template") / "repo"
    make_template(path, LATISS, [0], seed=1, scale=SCALE, filters=[("SDSSr_65mm~empty", "r")])
    return path


@pytest.fixture
def script(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Give a text, or options beside those of the smallest run, to the script in its observatory."""
    monkeypatch.chdir(tmp_path)

    def play(given: str | Mapping[str, Any], *faults: str) -> Outcome:
        text = given if isinstance(given, str) else yaml.safe_dump({**SMALL, **given})
        run = tmp_path / "run"
        run.mkdir()
        shutil.copytree(template, run / "repo")
        place = _Place(
            instrument=LATISS,
            config=examine(text, load_schema("LATISS"), LATISS).config
            or CalibrationConfig.from_namespace({}, LATISS),
            settings=SimulationSettings(
                folder=run,
                jobs=run / "uws",
                repository=run / "repo",
                seed=1,
                scale=SCALE,
            ),
            faults=faults,
        )
        write_index(place.index, place.repository, {LATISS.repository})
        return _play(place, text)

    return play


def _play(place: SimulationSetup, text: str) -> Outcome:
    commands: list[str] = []
    screen = io.StringIO()
    above = place.settings.folder.parent

    def listen(component: str, topic: str, _: Any) -> None:
        if topic.startswith("cmd_") and component != "Script":
            commands.append(f"{component} {topic.removeprefix('cmd_')}")

    async def main() -> int:
        running_bus().listeners.append(listen)
        view = PlainProgress(Console(file=screen, width=200))
        session = ScriptSession(MakeLatissCalibrations, text, place, index=1, log_level=20, view=view)
        return await session.run()

    before = contents(above)
    status = clock.run(main, threads=False)
    after = contents(above)
    return Outcome(
        status,
        screen.getvalue(),
        tuple(commands),
        frozenset(name for name in before | after if before.get(name, 0) != after.get(name, 0)),
        place.settings.folder,
    )


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Give arguments to ``run_script``, where no reference calibrations can be made; ``run`` is its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").write_text("a file, so that nothing that is refused comes so far")
    monkeypatch.setenv("TS_CALIBRATIONS_SAL", "embedded")
    monkeypatch.setenv("TS_CALIBRATIONS_CACHE", str(tmp_path / "cache"))

    def run(*arguments: str, script: str = SCRIPT) -> Outcome:
        from lsst.ts.simulated_observatory.cli.run_script import main

        before = contents(tmp_path)
        # With colours: click would take escape sequences away from what is no terminal.
        result = CliRunner().invoke(main, [script, *arguments], color=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        after = contents(tmp_path)
        touched = frozenset(name for name in before | after if before.get(name, 0) != after.get(name, 0))
        return Outcome(result.exit_code, result.output, (), touched, tmp_path / "run")

    return run
