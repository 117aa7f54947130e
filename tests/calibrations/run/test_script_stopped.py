"""A whole script that an operator pauses or stops, or that a full disk ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts.calibrations.journal.facts import (
    ExposureConfirmed,
    ExposureTaken,
    Fact,
    JobEnded,
    JobSubmitted,
    RunEnded,
    StepNotDone,
)
from lsst.ts.calibrations.journal.journal import Journal, JournalError
from lsst.ts.calibrations.run.context import STOP_LIMIT

FEW = "n_bias: 2\nn_dark: 1\nexp_times_dark: 10\nn_flat: 2\n"
"""Images 1 to 3 are biases, 4 and 5 darks, 6 to 8 flats; the first of each is discarded."""
ONLY_BIAS = "script_mode: BIAS\nn_bias: 3\n"
FIRST = 2025011500001


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    while not holds():  # noqa: ASYNC110, simulated time costs nothing
        await asyncio.sleep(0.1)


def test_the_operator_can_pause_before_an_exposure_and_go_on(night: Any) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: script.state.state == ScriptState.PAUSED)
        await asyncio.sleep(500)
        await remote.cmd_resume.set_start()

    outcome = night(FEW + "do_gain_from_flat_pairs: false", operator=operator, pauseCheckpoint="DARK 2.*")
    assert outcome.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "PAUSED", "RUNNING", "ENDING", "DONE"]
    begun = [fact.begun for fact in outcome.of(ExposureTaken)]
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    assert [number for number, gap in enumerate(gaps, 1) if gap > 400] == [4]
    assert len(outcome.of(ExposureConfirmed)) == 8


def test_the_script_stops_at_the_checkpoint_that_was_asked_for(night: Any) -> None:
    outcome = night(FEW, stopCheckpoint="FLAT:.*")
    assert (outcome.state, outcome.summary["state"]) == ("STOPPED", "STOPPED")
    assert [each["image_type"] for each in outcome.summary["exposures"]] == ["BIAS"] * 3 + ["DARK"] * 2
    ingested = [each["ingested"] for each in outcome.summary["exposures"]]
    assert ingested == [True] * 4 + [False], "the last one is confirmed when the run is resumed"


def test_a_stop_at_the_end_of_an_exposure_keeps_it(night: Any) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: len(script.record.exposures) == 4)
        await asyncio.sleep(10)  # 2 s of readout, 8 of the 10 s of the next dark
        await remote.cmd_stop.set_start()

    outcome = night(FEW, operator=operator)
    assert outcome.states[-2:] == ["STOPPING", "STOPPED"]
    assert [each["ingested"] for each in outcome.summary["exposures"]] == [True] * 4 + [False]
    assert outcome.summary["state"] == "STOPPED"


MADE = "generate_calibrations: true\ncalib_collection: LATISS/calib/test\ndo_defects: true\n"
ALL_STEPS = [
    *(f"{what} {name}" for name in ("BIAS", "DARK", "FLAT") for what in ("generate", "verify", "certify")),
    "gains from flat pairs",
    *(f"{what} DEFECTS" for what in ("generate", "verify", "certify")),
]


async def stop(script: Any, remote: Any) -> None:
    await remote.cmd_stop.set_start(timeout=100)


@pytest.mark.parametrize("exposures", [0, 4])
def test_a_stopped_run_names_every_step_that_was_not_done(night: Any, exposures: int) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: script.record.configured is not None)
        await until(lambda: len(script.record.exposures) == exposures)
        await stop(script, remote)

    outcome = night(FEW + MADE, operator=operator)
    assert (outcome.state, outcome.summary["verification"]) == ("STOPPED", {})
    assert [each["step"] for each in outcome.summary["not_done"]] == ALL_STEPS
    assert {each["reason"] for each in outcome.summary["not_done"]} == {"the run was stopped before"}
    assert outcome.reason.endswith(f" kept; not done: {len(ALL_STEPS)} steps, see summary.json")
    kinds = [type(fact) for fact in outcome.facts]
    assert kinds[-len(ALL_STEPS) - 1 :] == [StepNotDone] * len(ALL_STEPS) + [RunEnded]


def test_a_stopped_run_names_no_step_that_was_done(night: Any) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: "BIAS" in script.record.verdicts)
        await stop(script, remote)

    outcome = night(FEW, operator=operator)
    assert [each["step"] for each in outcome.summary["not_done"]] == [
        "verify DARK",
        "verify FLAT",
        "gains from flat pairs",
    ]
    assert outcome.reason.endswith("; not done: verify DARK, verify FLAT, gains from flat pairs")


def test_a_run_that_fails_in_its_first_check_names_every_step(night: Any) -> None:
    outcome = night(FEW, "component-state:component=ATOODS,state=DISABLED")
    assert (outcome.state, outcome.summary["exposures"]) == ("FAILED", [])
    assert outcome.summary["not_done"] == [
        {"step": step, "reason": "the check before the first exposure found problems"}
        for step in ("verify BIAS", "verify DARK", "verify FLAT", "gains from flat pairs")
    ]
    assert outcome.reason.startswith("Error in run: The check before the first exposure has 1 problem")
    assert "verify" not in outcome.reason
    assert not [line for line in outcome.warnings() if "verify BIAS" in line]


@pytest.mark.parametrize(
    ("fault", "state", "words"), [("take-images-refused", "FAILED", "rejected"), ("oods-late", "DONE", "")]
)
def test_a_stop_after_the_end_of_the_run_changes_nothing(
    night: Any, fault: str, state: str, words: str
) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: script.record.configured is not None)
        ended = asyncio.Event()
        script._own_task.add_done_callback(lambda _: ended.set())
        await ended.wait()
        await stop(script, remote)

    outcome = night(ONLY_BIAS, fault, operator=operator)
    assert (outcome.state, outcome.summary["state"]) == (state, state)
    assert words in outcome.reason


def test_a_stop_aborts_the_jobs_that_are_under_way(night: Any) -> None:
    async def operator(script: Any, remote: Any) -> None:
        await asyncio.sleep(25)  # the images take 15 s, the job 20 s more
        await remote.cmd_stop.set_start()

    outcome = night(ONLY_BIAS, operator=operator)
    assert outcome.state == "STOPPED"
    (job,) = outcome.summary["jobs"]
    assert (job["exit_code"], job["ended"] is not None) == (None, True)
    assert outcome.summary["verification"] == {}


DARKS = "script_mode: BIAS_DARK\nn_bias: 2\nn_dark: 1\nexp_times_dark: 30\nwait_between_exposures: 9\n"
"""After 1.5 s the first of three biases is read out, after 4 s there is a wait, 40 s later a dark of 30 s."""

MOMENTS = {
    "before the first exposure": (0.05, ""),
    "readout": (1.5, ""),
    "wait": (6.0, ""),
    "exposure": (45.0, ""),
    "job": (60.0, ""),
    "silent OODS": (45.0, "oods-lost"),
    "silent camera": (5.0, "take-images-silent:image=1"),
    "readout that never ends": (60.0, "end-readout-lost:image=2"),
    "silent OCPS": (60.0, "ocps-silent"),
    "filter wheel": (3.0, ""),
}
"""Seconds from the begin of a run to its stop, and a fault, by what is under way."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stop_is_over_before_the_queue_loses_patience(night: Any, moment: str) -> None:
    times: list[float] = []

    async def operator(script: Any, remote: Any) -> None:
        await until(lambda: script.state.state == ScriptState.RUNNING)
        await asyncio.sleep(MOMENTS[moment][0])
        times.append(asyncio.get_running_loop().time())
        await remote.cmd_stop.set_start(timeout=100)
        await until(lambda: script.state.state == ScriptState.STOPPED)
        times.append(asyncio.get_running_loop().time())

    faults = [MOMENTS[moment][1]] if MOMENTS[moment][1] else []
    filter_ = "filter: SDSSg_65mm\n" if moment == "filter wheel" else ""
    outcome = night(f"{DARKS}{filter_}oods_timeout: 600", *faults, operator=operator)
    assert outcome.state == outcome.summary["state"] == "STOPPED"
    assert times[1] - times[0] < STOP_LIMIT + 0.5, "its process has to end as well"
    assert moment != "filter wheel" or outcome.summary["exposures"] == []


def fill_disk(monkeypatch: pytest.MonkeyPatch, is_refused: Callable[[Fact], bool]) -> None:
    """The disk has no room for some facts; there may be room for shorter ones after them."""
    append = Journal.append

    def full(journal: Journal, fact: Fact) -> None:
        if is_refused(fact):
            raise JournalError("the journal cannot be written: No space left on device")
        append(journal, fact)

    monkeypatch.setattr(Journal, "append", full)


def test_a_full_disk_is_no_silent_end_and_leaves_no_job_alone(
    night: Any, pipelines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, lambda fact: isinstance(fact, ExposureTaken) and fact.image_type == "FLAT")
    outcome = night(FEW)
    assert outcome.state == "FAILED"
    assert "No space left on device" in outcome.reason
    assert len(outcome.of(ExposureTaken)) == 5
    assert all(each["ended"] is not None for each in outcome.summary["jobs"])


def test_a_job_that_a_full_disk_does_not_take_does_not_spoil_the_journal(
    night: Any, pipelines: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_disk(monkeypatch, lambda fact: isinstance(fact, JobSubmitted))
    outcome = night(ONLY_BIAS)
    assert outcome.state == "FAILED"
    assert "No space left on device" in outcome.reason
    assert not outcome.of(JobEnded)


def test_a_listener_that_fails_ends_nothing_and_is_logged(night: Any) -> None:
    def fail(fact: Fact) -> None:
        raise RuntimeError("the view is gone")

    outcome = night(ONLY_BIAS + "n_discard_bias: 0\ndo_verify: false", listener=fail)
    assert outcome.state == "DONE"
    assert any("A listener of the run failed at ExposureTaken" in message for _, message in outcome.log)
