"""Runs of which page and tables are made in the tests: facts with one noisy amplifier, and five stories."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.config.config import examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, INSTRUMENTS
from lsst.ts.calibrations.journal import facts
from lsst.ts.calibrations.journal.journal import FORMAT, JOURNAL, Journal
from lsst.ts.calibrations.journal.summary import SUMMARY
from lsst.ts.calibrations_page.__main__ import load

FIRST = 2025011500001
BEGIN = 1_736_964_037.0
JOB = "0123456789abcdef0123456789abcdef"


def row(
    amplifier: str | None, detector: str, exposure: int | None, test: str, **about: Any
) -> dict[str, Any]:
    """A test as the journal has it."""
    values = {"value": 10.0, "reference": 10.0, "limit": [9.5, 10.5], "unit": "electron", "passed": True}
    where = {"exposure": exposure, "detector": detector, "amplifier": amplifier, "test": test}
    return {**where, **values, "counted": True, **about}


def bias_tests(detectors: Mapping[int, str], n: int, noisy: str | None) -> Iterator[dict[str, Any]]:
    """Tests of n biases; the noisy amplifier is that of the first detector."""
    for number in range(n):
        for place, detector in enumerate(detectors.values()):
            for amplifier in AMPLIFIERS:
                bad = amplifier == noisy and not place
                noise = {"value": 13.25, "passed": False} if bad else {"value": 10.0 + 0.01 * number}
                yield row(amplifier, detector, FIRST + number, "NOISE", **noise)
                level = {"value": 0.1, "reference": 0.0, "limit": [-10.0, 10.0]}
                yield row(amplifier, detector, FIRST + number, "MEAN", **level)


def run_facts(
    instrument: str = "LATISS", *, n: int = 5, noisy: str | None = "C05", detectors: tuple[int, ...] = ()
) -> Iterator[facts.Fact]:
    """Facts of a run that takes biases and verifies them, up to its verdict."""
    about = INSTRUMENTS[instrument]
    used = {one: name for one, name in about.detectors.items() if not detectors or one in detectors}
    text = f"script_mode: BIAS\nn_bias: {n}\nn_discard_bias: 0\ndetectors: {list(detectors)}\n"
    config = examine(text, load_schema(instrument), about).config
    assert config is not None
    yield facts.RunConfigured(
        time=BEGIN,
        format=FORMAT,
        script="MakeCalibrations",
        instrument=instrument,
        text=text,
        config=config.as_dict(),
        simulated=True,
        repository="/nowhere",
        seed=1,
        scale=4,
        date="2025-01-15",
        collections=(),
    )
    yield facts.FaultsInjected(time=BEGIN, faults=("amplifier-noise:amplifier=C05,factor=1.2",))
    for number in range(n):
        begun, one = BEGIN + 3.0 * number, FIRST + number
        kind: dict[str, Any] = {
            "image_type": "BIAS",
            "exp_time": 0.0,
            "position": number + 1,
            "discarded": False,
        }
        name = f"AT_O_20250115_{number + 1:06d}"
        yield facts.ExposureTaken(time=begun + 0.5, id=one, obs_id=name, begun=begun, **kind)
        yield facts.ReadoutEnded(time=begun + 2.5, id=one)
        yield facts.ExposureConfirmed(time=begun + 2.8, id=one, physical_filter="r", files=())
    end = BEGIN + 3.0 * n
    yield facts.JobSubmitted(
        time=end,
        job_id=JOB,
        kind="verify",
        calibration="BIAS",
        pipeline="verifyBias.yaml",
        config="-i LATISS/calib",
        data_query="",
        collection=f"u/ocps/{JOB}",
        log="/nowhere/ocps.log",
    )
    yield facts.JobEnded(time=end + 40.0, job_id=JOB, exit_code=0)
    tests = tuple(bias_tests(used, n, noisy))
    yield facts.OutcomesRead(time=end + 41.0, calibration="BIAS", collection=f"u/ocps/{JOB}", tests=tests)
    failed = sum(not each["passed"] for each in tests)
    yield facts.VerdictGiven(
        time=end + 41.0,
        calibration="BIAS",
        passed=True,
        complete=True,
        verification_collection=f"u/ocps/{JOB}",
        generation_collection=None,
        failures={str(FIRST + number): {"NOISE": 1} for number in range(n if noisy else 0)},
        thresholds={"MAX_FAILED_EXPOSURES_THRESHOLD": 4, "FINAL_NUMBER_OF_FAILED_EXPOSURES": 0},
        n_failed=failed,
        n_tests=len(tests),
    )


def write_journal(folder: Path, found: Iterator[facts.Fact]) -> Path:
    """Write facts where a run writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder / JOURNAL)
    for fact in found:
        journal.append(fact)
    journal.close()
    return folder


CERTIFIED = "LATISS/calib/daily/calib.20250115.1"
REJECTED = "BIAS rejected (48 of 96 tests failed: NOISE). Likely cause: only 3 images were combined."


def write_story(folder: Path, story: str) -> Path:
    """Write journal and summary of a run that is good, noisy, three, ptc or comcam."""
    instrument = "LSSTComCam" if story == "comcam" else "LATISS"
    noisy = "C05" if story in ("noisy", "comcam") else None
    write_journal(folder, run_facts(instrument, n=3 if story == "three" else 5, noisy=noisy))
    summary = {**load(folder).summary, "state": "DONE"}
    bias = summary["verification"]["BIAS"]
    if story == "three":
        low = {"value": 8.2, "passed": False}
        summary["tests"] = [each | (low if each["test"] == "NOISE" else {}) for each in summary["tests"]]
        summary |= {"state": "FAILED", "reason": REJECTED}
        summary["not_done"] = [
            {"step": f"{word}", "reason": "no bias"} for word in ("certify BIAS", "verify DARK")
        ]
        bias |= {"passed": False, "generation_collection": "u/made", "n_failed": 48}
    if story == "ptc":
        curve = {"gain": 1.13, "gain_error": 0.002, "noise": 9.2, "a00": -2.5e-06, "turnoff": 105000.0}
        levels = {"means": [1e3, 4e4, 9e4], "variances": [950.0, 3.2e4, 6.4e4], "used": [True, True, True]}
        summary["curves"] = [
            {"detector": 0, "amplifier": amplifier, **curve, **levels} for amplifier in AMPLIFIERS
        ]
        summary["verification"]["PTC"] = bias | {"generation_collection": "u/made", "n_tests": 80}
        about = {"begin": "2025-01-15T00:00:00", "end": "2025-01-18T00:00:00", "verified": True}
        summary["certified"] = [{"dataset_type": "ptc", "collection": CERTIFIED, **about}]
    (folder / SUMMARY).write_text(json.dumps(summary), encoding="utf-8")
    return folder
