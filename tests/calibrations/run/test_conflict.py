"""Somebody else certifies in the range of a run: what it advises then can be followed, and helps."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from lsst.daf.butler import Butler
from lsst.daf.butler.script import certifyCalibrations

from lsst.ts.calibrations.config.observing_day import daily_lines

from .interrupted import COLLECTION, Observed

BIAS = "script_mode: BIAS\ngenerate_calibrations: true\nn_bias: 12\nn_discard_bias: 0\n"
CONFLICT = f"butler-conflict:kind=generate,calibration=BIAS,collection={COLLECTION}"


def last_words(case: Observed) -> str:
    """What the log says at the end can be done with the run."""
    (words,) = [line for line in case.log if "resumed; its directory" in line or line.startswith("Resuming ")]
    case.log.clear()
    return words


def cannot(case: Observed, what: str) -> str:
    return (
        f"Resuming {case.run} cannot change that {what}; start a new run. What this run made and verification"
        " accepted can be certified by hand."
    )


@pytest.fixture
def conflicting(observed: Callable[..., Observed]) -> Observed:
    """A run during which somebody has certified another bias."""
    case = observed(f"{BIAS}calib_collection: {COLLECTION}\n")
    case.begin(CONFLICT)
    assert case.state == "FAILED"
    return case


def test_a_certification_that_conflicts_is_not_advised_to_be_resumed(conflicting: Observed) -> None:
    case = conflicting
    assert f"bias was not certified in {COLLECTION}: another one is valid already" in case.reason
    assert "Resuming the run cannot change that: start a new one" in case.reason
    lasting = f"another bias is valid in {COLLECTION} at some time in the range"
    assert last_words(case) == cannot(case, lasting)
    assert case.summary["not_done"][0]["lasting"] == [lasting]

    case.resume()
    assert case.state == "FAILED"
    lasting = f"another calibration is valid in {COLLECTION} at some time in the range"
    assert f"{COLLECTION} already has bias valid from" in case.reason
    assert f"Resuming the run cannot change that {lasting}; start a new run." in case.reason
    assert "calib_collection:" not in case.reason, "the configuration cannot be changed any more"
    assert "resume the run again" not in case.reason
    assert last_words(case) == cannot(case, lasting)


def test_what_was_made_can_be_certified_by_hand_as_the_reason_says(conflicting: Observed) -> None:
    case = conflicting
    run = case.summary["verification"]["BIAS"]["generation_collection"] + "/run"
    assert f"or certify {run} by hand (butler certify-calibrations)" in case.reason
    repository = str(case.folder / "repo")
    certifyCalibrations(repository, run, "LATISS/calib/by-hand", "bias", "2025-01-15", "2025-01-16", False)
    with Butler.from_config(repository) as butler:
        found = butler.registry.queryDatasetAssociations("bias", collections=["LATISS/calib/by-hand"])
        assert [each.ref.run for each in found] == [run]


def test_a_new_run_with_the_lines_that_it_is_told_to_paste_is_done(conflicting: Observed) -> None:
    case = conflicting
    shutil.rmtree(case.run)
    case.begin(later=3600.0)
    assert all(line in case.reason for line in daily_lines(COLLECTION)), case.reason
    shutil.rmtree(case.run)
    case.config = "\n".join([BIAS, *daily_lines(COLLECTION)])
    case.begin(later=3600.0)
    assert case.state == "DONE", case.reason


async def stop_during_a_job(script: Any, remote: Any) -> None:
    while not script.record.jobs:  # noqa: ASYNC110, simulated time costs nothing
        await asyncio.sleep(0.5)
    await remote.cmd_stop.set_start()


def test_a_daily_run_whose_number_another_has_taken_says_that_it_is_to_be_left(
    observed: Callable[..., Observed],
) -> None:
    """Stopped, queued again with the same configuration, and then resumed."""
    case = observed("\n".join([BIAS, *daily_lines("LATISS/calib")]))
    case.begin(operator=stop_during_a_job)
    assert case.state == "STOPPED", case.reason
    first = case.folder / "first"
    shutil.move(case.run, first)
    case.parts = 1
    case.begin(later=3600.0)
    assert case.state == "DONE", case.reason
    shutil.rmtree(case.run)
    shutil.move(first, case.run)
    case.log.clear()
    case.resume(later=7200.0)
    assert case.state == "FAILED"
    assert "LATISS/calib.20250115.1 already has bias valid from" in case.reason
    assert "{n}" not in case.reason
    lasting = "another calibration is valid in LATISS/calib.20250115.1 at some time in the range"
    assert last_words(case) == cannot(case, lasting)
