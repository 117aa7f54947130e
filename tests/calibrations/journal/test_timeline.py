"""The timeline of a summary: what a run took, and what it takes at least."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lsst.ts.calibrations.journal.facts import (
    RunEnded,
    RunResumed,
    StepNotDone,
)
from lsst.ts.simulated_observatory.clock import START_TAI

from .summaries import CONFIG, configured, exposure, summarize


def test_what_lies_between_the_parts_of_a_run_counts_nowhere(tmp_path: Path) -> None:
    facts = [
        configured(0.0),
        *exposure(1, "BIAS", 0.0, 3.0),
        *exposure(2, "DARK", 30.0, 5.0),
        StepNotDone(time=START_TAI + 50.0, step="verify DARK", reason="exit code 1"),
        RunEnded(time=START_TAI + 50.0, state="FAILED", reason=""),
        RunResumed(time=START_TAI + 4000.0),
        *exposure(3, "FLAT", 5.0, 4001.0),
        *exposure(4, "FLAT", 5.0, 4019.0),
    ]
    summary = summarize(facts, tmp_path, ended=4100.0, config=replace(CONFIG, wait_between_exposures=10.0))
    assert summary["timeline"] == {
        "open": 40.0,
        "readout": 8.0,
        "floor": 40.0 + 8.0 + 2.0 + 2 * 10.0,
        "acquisition": (37.0 - 3.0) + (4027.0 - 4001.0),
        "total": 50.0 + 100.0,
    }
    assert [each["id"] for each in summary["exposures"]] == [1, 2, 3, 4]
    assert summary["not_done"] == []


def test_the_timeline_of_images_taken_without_a_pause_is_the_floor(tmp_path: Path) -> None:
    facts = [*exposure(1, "BIAS", 0.0, 3.0), *exposure(2, "DARK", 30.0, 5.0), *exposure(3, "FLAT", 5.0, 37.0)]
    assert summarize(facts, tmp_path)["timeline"] == {
        "open": 35.0,
        "readout": 6.0,
        "floor": 42.0,
        "acquisition": 42.0,
        "total": 100.0,
    }


def test_pauses_are_in_the_acquisition_and_asked_for_waits_in_the_floor_too(tmp_path: Path) -> None:
    facts = [*exposure(1, "BIAS", 0.0, 0.0), *exposure(2, "BIAS", 0.0, 12.0)]
    timeline = summarize(facts, tmp_path, config=replace(CONFIG, wait_between_exposures=10.0))["timeline"]
    assert (timeline["floor"], timeline["acquisition"]) == (14.0, 14.0)
    timeline = summarize(facts, tmp_path, config=CONFIG)["timeline"]
    assert (timeline["floor"], timeline["acquisition"]) == (4.0, 14.0)


def test_the_acquisition_begins_when_the_first_image_is_asked_for(tmp_path: Path) -> None:
    assert summarize(exposure(1, "DARK", 30.0, 4.0), tmp_path)["timeline"]["acquisition"] == 32.0
