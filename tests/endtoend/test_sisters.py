"""LSSTComCam, with all its detectors, and LSSTCam, with some, run their daily default to its end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, Instrument

# Reference calibrations are drawn first if the cache has none: those of nine detectors take a minute.
pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(3600)]

COMCAM, LSSTCAM = "maintel/make_comcam_calibrations.py", "maintel/make_lsstcam_calibrations.py"


@pytest.fixture(scope="module", params=[(COMCAM, "LSSTComCam", ()), (LSSTCAM, "LSSTCam", (94, 0))])
def night(request: Any, run_script: Callable[..., Any]) -> tuple[Any, Instrument, list[int]]:
    """A run with the default configuration; of LSSTCam on an E2V and an ITL detector only."""
    script, name, detectors = request.param
    some = ["-p", f"detectors={list(detectors)}"] if detectors else []
    run = run_script("--scale", "16", *some, script=script)
    return run, INSTRUMENTS[name], sorted(detectors or INSTRUMENTS[name].detectors)


def test_it_ends_done_and_every_type_passes(night: Any) -> None:
    run, _, _ = night
    assert run.status == 0, run.output
    assert (run.summary["state"], run.summary["not_done"]) == ("DONE", [])
    assert [job["exit_code"] for job in run.summary["jobs"]] == [0, 0, 0, 0]
    verdicts = run.summary["verification"]
    assert set(verdicts) == {"BIAS", "DARK", "FLAT"}
    assert all(each["passed"] and each["complete"] for each in verdicts.values())


def test_every_image_has_a_file_for_each_detector(night: Any) -> None:
    run, instrument, detectors = night
    exposures = run.summary["exposures"]
    assert Counter(each["image_type"] for each in exposures) == {"BIAS": 21, "DARK": 23, "FLAT": 21}
    assert all(each["ingested"] and len(each["files"]) == len(detectors) for each in exposures)
    assert exposures[0]["obs_id"] == f"{instrument.code}_O_20250115_000001"


def test_the_thresholds_are_those_of_so_many_detectors(night: Any) -> None:
    run, _, detectors = night
    thresholds = run.summary["verification"]["BIAS"]["thresholds"]
    needed = len(detectors) // 2 + 1
    assert thresholds["MAX_FAILED_DETECTORS_THRESHOLD"] == needed
    assert thresholds["MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD"] == 8 * needed


def test_every_amplifier_of_every_detector_has_its_true_gain(night: Any) -> None:
    run, instrument, detectors = night
    truth = json.loads((run.folder / "truth.json").read_text(encoding="utf-8"))
    gains: dict[tuple[int, str], list[float]] = {}
    for each in run.summary["gains"]:
        gains.setdefault((each["detector"], each["amplifier"]), []).append(each["gain_corrected"])
    assert set(gains) == {(number, name) for number in detectors for name in instrument.amplifiers}
    for (number, name), measured in gains.items():
        true = truth[instrument.detectors[number]]["amplifiers"][name]["gain"]
        assert sum(measured) / len(measured) == pytest.approx(true, rel=0.05)
