"""Runs that an operator or a signal ends, and that are resumed."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.exposures import ArchivedExposure
from lsst.ts.calibrations.domain.errors import ArchiveError, NoAnswer
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureLost,
    ExposureTaken,
    JobSubmitted,
    StepNotDone,
)
from lsst.ts.calibrations.journal.journal import JOURNAL
from lsst.ts.calibrations.run import acquisition

from .interrupted import (
    check,
)


def waits_for(holds: Callable[[Any], bool]) -> Callable[[Any], Any]:
    async def wait(script: Any) -> None:
        while not holds(script):  # noqa: ASYNC110, simulated time costs nothing
            await asyncio.sleep(0.1)

    return wait


async def stop(script: Any, remote: salobj.Remote) -> None:
    await remote.cmd_stop.set_start(timeout=100)


async def terminate(script: Any, remote: salobj.Remote) -> None:
    signal.raise_signal(signal.SIGTERM)


ENDS = {"stop": (stop, "STOPPED"), "SIGTERM": (terminate, "FAILED")}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_was_stopped_goes_on(observed: Any, how: str, paused: bool) -> None:
    case = observed()
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        if paused:
            await waits_for(lambda script: script.state.state == ScriptState.PAUSED)(script)
            await asyncio.sleep(300)
        else:
            await waits_for(lambda script: script.record.jobs)(script)
        await end(script, remote)

    case.begin(operator=operator, pauseCheckpoint="DARK 2 .*" if paused else "")
    assert case.state == case.summary["state"] == state
    assert case.summary["reason"] == case.reason
    record = case.record
    assert (record.ended.state, record.ended.reason) == (state, case.reason)
    assert all(each.ingested for each in record.exposures.values())
    assert all(job.ended is not None for job in record.jobs.values())
    left = [*([] if paused else ["verify BIAS"]), "verify DARK", "verify FLAT", "gains from flat pairs"]
    assert [each["step"] for each in case.summary["not_done"]] == left
    assert [each.step for each in case.facts(StepNotDone)] == left
    assert case.reason.endswith(f"; not done: {', '.join(left)}")
    case.resume()
    check(case)
    assert len(case.summary["exposures"]) == 8
    others = [line for line in case.log if "Taking the other" in line]
    assert others or not paused
    assert not any("discarded first" in line for line in others), "the one to be discarded was there"


@pytest.mark.parametrize("how", ENDS)
def test_an_exposure_that_a_stop_cannot_wait_for_is_named_and_found_again(observed: Any, how: str) -> None:
    case = observed(
        "n_bias: 1\nn_discard_bias: 0\nn_dark: 1\nn_discard_dark: 0\nexp_times_dark: 60\n"
        "script_mode: BIAS_DARK\n"
    )
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        darks = waits_for(lambda script: script.record.begun and script.record.begun.image_type == "DARK")
        await darks(script)
        await asyncio.sleep(1)
        await end(script, remote)

    case.begin(operator=operator)
    assert (case.state, len(case.summary["exposures"])) == (state, 1)
    assert case.summary["reason"] == case.reason == case.record.ended.reason
    (bias,) = case.summary["exposures"]
    name = f"{bias['obs_id'][:-1]}{int(bias['obs_id'][-1]) + 1}"
    words = f"1 exposure was taken and is kept; a DARK of 60 s was under way ({name}): the run looks for it"
    assert words in case.reason
    case.resume(later=100.0)
    assert case.state == "DONE"
    assert [each["image_type"] for each in case.summary["exposures"]] == ["BIAS", "DARK"]
    assert [fact.image_type for fact in case.facts(ExposureBegun)] == ["BIAS", "DARK"]  # not once more
    assert "under way" not in case.reason


def mean_another(case: Any, exposure: Any) -> None:
    """The number of an exposure means a dark of 30 s of another night in the repository."""
    other = ("of another night", "dark", 30.0)
    with contextlib.closing(sqlite3.connect(case.folder / "repo" / "gen3.sqlite3")) as database, database:
        database.execute("""INSERT INTO "group" (instrument, name) VALUES ('LATISS', ?)""", other[:1])
        database.execute(
            'UPDATE "exposure" SET "group" = ?, observation_type = ?, exposure_time = ? WHERE id = ?',
            (*other, exposure["id"]),
        )


def stopped_in_a_dark(observed: Any, exp_time: float) -> Any:
    """A run that was stopped during the first of two darks, which the camera ends."""
    case = observed(
        f"script_mode: DARK\nn_dark: 2\nn_discard_dark: 0\nexp_times_dark: {exp_time}\ndo_verify: false\n"
    )

    async def operator(script: Any, remote: salobj.Remote) -> None:
        await waits_for(lambda script: script.record.begun)(script)
        await asyncio.sleep(0.2)
        await stop(script, remote)

    case.begin(operator=operator)
    assert (case.state, case.summary["exposures"]) == ("STOPPED", [])
    return case


@pytest.mark.parametrize(
    ("asked", "measured", "used"),
    [(4.5, 4.51, True), (14.5, 14.4, True), (3.6, 4.4, False), (4.5, 4.2, False)],
)
def test_an_exposure_that_is_found_has_its_time_as_far_as_it_can_be_measured(
    observed: Any, monkeypatch: pytest.MonkeyPatch, asked: float, measured: float, used: bool
) -> None:
    case, read = stopped_in_a_dark(observed, asked), ArchivedExposure.from_record

    def from_record(record: Any) -> ArchivedExposure:
        return replace(read(record), exp_time=measured if record.id % 10 == 1 else asked)

    monkeypatch.setattr(ArchivedExposure, "from_record", from_record)
    case.resume()
    assert case.state == "DONE", case.reason
    assert [each["exp_time"] for each in case.summary["exposures"]] == [asked, asked]
    assert (f"the DARK of {asked:g} s that was about to begin" in "\n".join(case.log)) != used
    numbers = [each["id"] % 10 for each in case.summary["exposures"]]
    assert numbers == ([1, 2] if used else [2, 3])


def test_an_exposure_that_is_found_under_the_number_of_another_is_not_used(
    observed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = observed("script_mode: BIAS_DARK\nn_bias: 1\nn_discard_bias: 0\nn_dark: 1\nn_discard_dark: 0\n"
                    "exp_times_dark: 30\ndo_verify: false\n")  # fmt: skip

    async def operator(script: Any, remote: salobj.Remote) -> None:
        darks = waits_for(lambda script: script.record.begun and script.record.begun.image_type == "DARK")
        await darks(script)
        await asyncio.sleep(0.2)
        await stop(script, remote)

    async def of_group(self: Archive, group: str) -> tuple[int, ArchivedExposure]:
        (bias,) = case.record_before.exposures.values()
        return bias.taken.id, ArchivedExposure(bias.taken.obs_id, group, "DARK", 30.0)

    case.begin(operator=operator)
    case.record_before = case.record
    monkeypatch.setattr(Archive, "exposure_of_group", of_group)
    case.resume(later=100.0)
    (bias, dark) = case.summary["exposures"]
    assert (case.state, bias["image_type"], dark["image_type"]) == ("DONE", "BIAS", "DARK")
    assert any(f"and the number of {bias['obs_id']}: it is not used" in line for line in case.log)


def test_exposures_whose_numbers_mean_others_are_taken_again(observed: Any) -> None:
    case = observed("script_mode: BIAS_DARK\nn_bias: 2\nn_discard_bias: 0\nn_dark: 3\nexp_times_dark: 10\n")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        darks = waits_for(lambda script: len(script.record.exposures) == 4)
        await darks(script)
        await asyncio.sleep(10)
        await stop(script, remote)

    case.begin(operator=operator)
    changed = case.summary["exposures"][3]  # a dark that is used; the biases may be verified already
    assert changed["image_type"] == "DARK"
    mean_another(case, changed)
    case.resume(later=100.0)
    assert case.state == "DONE", case.reason
    (lost,) = case.facts(ExposureLost)
    words = f"exposure {lost.id} of the Butler is {changed['obs_id']}, DARK of 30 s, group of another night"
    assert lost.id == changed["id"]
    assert words in lost.reason
    assert any(f"{changed['obs_id']} is lost and will be taken again" in line for line in case.log)
    assert changed["id"] not in [each.taken.id for each in case.last_record.held("DARK").values()]
    (job,) = [job for job in case.summary["jobs"] if job["calibration"] == "DARK"]
    assert str(changed["id"]) not in job["data_query"]


def test_images_that_are_for_nothing_else_are_needed_themselves(observed: Any) -> None:
    case = observed("script_mode: BIAS\nn_bias: 4\nn_discard_bias: 0\ndo_verify: false\n")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        confirmed = waits_for(lambda script: any(each.ingested for each in script.record.exposures.values()))
        await confirmed(script)
        await stop(script, remote)

    case.begin(operator=operator)
    changed = next(each for each in case.summary["exposures"] if each["ingested"])
    mean_another(case, changed)
    case.resume(later=100.0)
    assert case.state == "DONE", case.reason
    assert [lost.id for lost in case.facts(ExposureLost)] == [changed["id"]]
    assert changed["id"] not in [each.taken.id for each in case.last_record.held("BIAS").values()]
    assert len(case.last_record.held("BIAS")) == 4


@pytest.mark.parametrize("more", ["do_verify: false\n", ""])
def test_images_that_have_gone_from_the_butler_are_taken_again(observed: Any, more: str) -> None:
    case = observed(f"script_mode: BIAS\nn_bias: 4\nn_discard_bias: 0\n{more}")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        two = waits_for(lambda script: sum(each.ingested for each in script.record.exposures.values()) == 2)
        await two(script)
        await stop(script, remote)

    case.begin(operator=operator)
    gone = [each["id"] for each in case.summary["exposures"] if each["ingested"]][:1]
    butler = case.open_butler(str(case.folder / "repo"), True)
    raws = butler.query_datasets("raw", LATISS.raw_collection, instrument=LATISS.name, exposure=gone[0])
    butler.pruneDatasets(raws, disassociate=True, unstore=True, purge=True)
    case.resume(later=100.0)
    assert case.state == "DONE", case.reason
    (lost,) = case.facts(ExposureLost)
    assert (lost.id, lost.reason) == (gone[0], "the Butler has not all of its raw images any more")
    held = [each.taken.id for each in case.last_record.held("BIAS").values()]
    assert len(held) == 4
    assert gone[0] not in held


@pytest.mark.parametrize("error", [NoAnswer("no answer"), ArchiveError("the server closed the connection")])
def test_no_image_is_lost_because_the_butler_cannot_be_asked(
    observed: Any, monkeypatch: pytest.MonkeyPatch, error: ArchiveError
) -> None:
    case = observed("script_mode: BIAS\nn_bias: 4\nn_discard_bias: 0\n")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        await waits_for(lambda script: len(script.record.exposures) == 2)(script)
        await terminate(script, remote)

    case.begin(operator=operator)
    assert not all(each["ingested"] for each in case.summary["exposures"])

    async def image(*_: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "image", image)
        case.resume(later=100.0)
    assert case.state == "FAILED"
    assert error.happened in case.reason
    assert case.facts(ExposureLost) == []
    case.resume(later=100.0)
    assert case.state == "DONE", case.reason
    assert case.facts(ExposureLost) == []


def test_who_ends_before_the_first_exposure_does_not_say_that_nothing_was_exposed(observed: Any) -> None:
    case = observed("script_mode: DARK\nn_dark: 1\nn_discard_dark: 0\nexp_times_dark: 60\n")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        await waits_for(lambda script: script.record.begun)(script)
        await asyncio.sleep(1)
        await terminate(script, remote)

    case.begin(operator=operator)
    assert (case.state, case.summary["exposures"]) == ("FAILED", [])
    assert case.exposed


@pytest.mark.parametrize("how", ENDS)
def test_a_stop_before_the_camera_was_asked_is_no_exposure(observed: Any, how: str) -> None:
    case = observed()
    end, _ = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        # The endReadout of the first bias is late; the camera class waits for it before it asks for the next.
        await waits_for(lambda script: script.record.begun and script.record.begun.position == 2)(script)
        await end(script, remote)

    case.begin("end-readout-late:image=1,seconds=40", operator=operator)
    assert [fact.position for fact in case.facts(ExposureBegun)] == [1, 2]
    assert len(case.summary["exposures"]) == 1
    assert "under way" not in case.reason
    case.resume(later=100.0)
    check(case)
    assert len(case.facts(ExposureTaken)) == 8


@pytest.mark.parametrize("how", ENDS)
def test_an_end_that_comes_before_the_run_has_begun_is_its_end(observed: Any, how: str) -> None:
    case = observed("script_mode: BIAS\n")
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        say = script.set_state

        async def say_slowly(state: ScriptState | None = None, **more: Any) -> None:
            await say(state, **more)
            await asyncio.sleep(1 if state == ScriptState.RUNNING else 0)

        script.set_state = say_slowly
        await waits_for(lambda script: script.state.state == ScriptState.RUNNING)(script)
        await end(script, remote)
        await script.done_task
        await script.close()
        await asyncio.sleep(2)

    case.begin(operator=operator)
    assert case.states[-1] == (ScriptState.STOPPED if how == "stop" else ScriptState.STOPPING)
    assert not case.exposed
    if how == "stop":
        assert case.record.ended.state == case.summary["state"] == state
    else:
        assert not (case.run / JOURNAL).exists()


@pytest.mark.parametrize("how", ENDS)
def test_no_job_is_begun_after_a_stop(observed: Any, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    case = observed()
    monkeypatch.setattr(acquisition, "STOP_LIMIT", 5.0)  # within which the biases are confirmed
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        # The biases are not all confirmed yet; while the dark is ended they will be.
        darks = waits_for(lambda script: script.record.begun and script.record.begun.image_type == "DARK")
        await darks(script)
        await asyncio.sleep(3)
        assert not all(each.ingested for each in script.record.exposures.values())
        await end(script, remote)

    case.begin(operator=operator)
    assert case.state == state
    assert len(case.record.held("BIAS")) == 3
    assert all(each.ingested for each in case.record.exposures.values())
    assert case.facts(JobSubmitted) == []
