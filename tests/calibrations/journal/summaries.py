"""Summaries of facts that a test gives, checked against their schema."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.facts import (
    ExposureConfirmed,
    ExposureTaken,
    Fact,
    ReadoutEnded,
    RunConfigured,
)
from lsst.ts.calibrations.journal.journal import FORMAT
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.journal.summary import make_summary
from lsst.ts.simulated_observatory.clock import START_TAI

THRESHOLDS = {
    "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD": 8,
    "MAX_FAILED_DETECTORS_THRESHOLD": 1,
    "MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD": 8,
    "MAX_FAILED_EXPOSURES_THRESHOLD": 3,
    "FINAL_NUMBER_OF_FAILED_EXPOSURES": 0,
}


SCHEMA = json.loads((files("lsst.ts.calibrations") / "schemas" / "summary.json").read_text(encoding="utf-8"))


VALIDATOR = Draft7Validator(SCHEMA)


CONFIG = CalibrationConfig.from_namespace({}, LATISS)


def exposure(number: int, kind: str, seconds: float, begun: float, *, lost: bool = False) -> list[Fact]:
    shutter = 1.0 if kind == "FLAT" else 0.0
    taken = START_TAI + begun + seconds + shutter
    facts: list[Fact] = [
        ExposureTaken(
            time=taken,
            id=number,
            obs_id=f"AT_O_20250115_{number:06d}",
            image_type=kind,
            exp_time=seconds,
            position=number,
            discarded=number == 1,
            begun=START_TAI + begun,
        ),
        ReadoutEnded(time=taken + 2.0, id=number),
    ]
    if not lost:
        files = (f"/raw/{number}.fits",)
        facts.append(ExposureConfirmed(time=taken + 6.0, id=number, physical_filter="r~empty", files=files))
    return facts


def configured(when: float) -> Fact:
    return RunConfigured(
        time=START_TAI + when,
        format=FORMAT,
        script="MakeLatissCalibrations",
        instrument="LATISS",
        text="",
        config={},
        simulated=True,
        repository=None,
        seed=1,
        scale=4,
        date=None,
        collections=(),
    )


def summarize(
    facts: list[Fact], folder: Path, ended: float = 100.0, config: CalibrationConfig | None = None
) -> dict[str, Any]:
    record = RunRecord()
    for fact in facts:
        record.apply(fact)
    summary = make_summary(
        record,
        RunSettings(
            folder=folder, repository=folder / "repo", simulated=True, seed=3, scale=4, date="2025-01-15"
        ),
        LATISS,
        script="MakeLatissCalibrations",
        state="DONE",
        reason="",
        config=config,
        started=START_TAI,
        ended=START_TAI + ended,
    )
    VALIDATOR.validate(summary)
    return summary
