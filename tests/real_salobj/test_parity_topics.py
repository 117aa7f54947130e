"""Samples, callbacks, commands and remotes: the same stories on either SAL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lsst.ts.utils import current_tai
from parity import LIMIT, Play, until

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode

pytestmark = pytest.mark.timeout(300)


@contextlib.asynccontextmanager
async def pair(**kwargs: Any) -> AsyncIterator[tuple[Any, Any]]:
    """A controller of the OCPS and a remote of it."""
    async with (
        salobj.Controller("OCPS", 1) as ocps,
        salobj.Domain() as domain,
        salobj.Remote(domain, "OCPS", 1, **kwargs) as remote,
    ):
        yield ocps, remote


async def publish(ocps: Any, *codes: int) -> None:
    for code in codes:
        await ocps.evt_job_result.set_write(exit_code=code, force_output=True)


def test_samples_come_in_order_and_wait_in_the_queue(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            event = remote.evt_job_result
            assert (event.get(), event.has_data, event.nqueued) == (None, False, 0)
            await publish(ocps, 1, 2, 3)
            await until(lambda: event.nqueued == 3)
            assert event.get().exit_code == (await event.aget(timeout=1)).exit_code == 3
            assert [(await event.next(flush=False)).exit_code, event.get_oldest().exit_code] == [1, 2]
            event.flush()
            assert (event.nqueued, event.get_oldest(), event.get().exit_code) == (0, None, 3)
            with pytest.raises(TimeoutError):
                await event.next(flush=False, timeout=0.1)
            sample = event.get()
            assert (sample.salIndex, sample.private_identity, sample.job_id) == (1, "OCPS:1", "")
            assert 0 <= sample.private_rcvStamp - sample.private_sndStamp < LIMIT
            assert abs(sample.private_sndStamp - current_tai()) < LIMIT

    play(story)


def test_a_late_joiner_gets_the_last_sample_unless_it_wants_none(play: Play) -> None:
    async def story() -> None:
        async with salobj.Controller("OCPS", 1) as ocps, salobj.Domain() as domain:
            await publish(ocps, 1, 2)
            taken = []

            async def take(data: Any) -> None:
                taken.append(data.exit_code)

            late = salobj.Remote(domain, "OCPS", 1)
            without = salobj.Remote(domain, "OCPS", 1, evt_max_history=0)
            every = salobj.Remote(domain, "OCPS", 0)
            called = salobj.Remote(domain, "OCPS", 1)
            called.evt_job_result.callback = take
            for remote in (late, without, every, called):
                await remote.start_task
            assert (await late.evt_job_result.next(flush=False, timeout=LIMIT)).exit_code == 2
            assert late.evt_job_result.nqueued == 0
            assert (await every.evt_job_result.aget(timeout=LIMIT)).salIndex == 1
            await until(lambda: taken == [2])
            assert without.evt_job_result.get() is None

    play(story)


def test_those_who_wait_at_the_same_time_share_a_sample_and_the_end_of_the_wait(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            event = remote.evt_job_result
            both = asyncio.gather(event.next(flush=True), event.next(flush=False))
            await asyncio.sleep(0)
            await publish(ocps, 7)
            assert [data.exit_code for data in await asyncio.wait_for(both, LIMIT)] == [7, 7]
            patient = asyncio.ensure_future(event.next(flush=True))
            await asyncio.sleep(0)
            with pytest.raises(TimeoutError):
                await event.next(flush=False, timeout=0.1)
            with pytest.raises(asyncio.CancelledError):
                await patient

    play(story)


def test_the_queue_holds_a_hundred_samples(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            await publish(ocps, *range(103))
            await until(lambda: remote.evt_job_result.get() and remote.evt_job_result.get().exit_code == 102)
            assert remote.evt_job_result.nqueued == 100
            assert (await remote.evt_job_result.next(flush=False)).exit_code == 3

    with caplog.at_level(logging.WARNING):
        play(story)
    assert "evt_job_result python read queue is full (100 elements); data may be lost" in caplog.messages


def test_an_event_is_written_when_it_changes_or_when_that_is_forced(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, _):
            event = ocps.evt_job_result
            assert not event.has_data
            first, again = [await event.set_write(exit_code=1) for _ in range(2)]
            assert (first.did_change, first.was_written) == (True, True)
            assert (again.did_change, again.was_written) == (False, False)
            assert (await event.set_write(exit_code=1, force_output=True)).was_written
            assert not (await event.set_write(exit_code=None)).did_change
            assert event.set(job_id="a")
            assert (event.data.exit_code, event.data.job_id) == (1, "a")
            with pytest.raises(AttributeError):
                event.set(no_such_field=1)

    play(story)


def test_a_callback_takes_samples_one_after_the_other_and_nobody_else_may(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            event, taken, running = remote.evt_job_result, list[int](), list[int]()

            async def take(data: Any) -> None:
                running.append(1)
                taken.append(len(running) * 10 + data.exit_code)
                await asyncio.sleep(0.05)
                running.pop()
                if data.exit_code == 2:
                    raise ValueError("a callback that fails is not called any less")

            event.callback = take
            await publish(ocps, 1, 2, 3)
            await until(lambda: len(taken) == 3)
            assert taken == [11, 12, 13]
            assert event.get().exit_code == 3
            for refused in (event.flush, event.get_oldest):
                with pytest.raises(RuntimeError):
                    refused()
            for refused in (event.next(flush=False), event.aget()):
                with pytest.raises(RuntimeError):
                    await refused
            with pytest.raises(TypeError):
                event.callback = "no function"

    play(story)


def test_commands_are_acknowledged_with_what_became_of_them(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):

            async def execute(data: Any) -> Any:
                match data.pipeline:
                    case "slow":
                        await ocps.cmd_execute.ack_in_progress(data, timeout=LIMIT, result='{"job_id": "j"}')
                        await asyncio.sleep(0.3)
                    case "ack":
                        return ocps.salinfo.make_ackcmd(
                            data.private_seqNum, SalRetCode.CMD_COMPLETE, result="x"
                        )
                    case "expected":
                        raise salobj.ExpectedError("not now")
                    case "error":
                        raise ValueError("broken")
                    case "timeout":
                        raise TimeoutError
                    case "cancelled":
                        raise asyncio.CancelledError
                return None

            ocps.cmd_execute.callback = execute
            command = remote.cmd_execute
            done = await command.set_start(pipeline="", timeout=LIMIT)
            assert (done.ack, done.error, done.result) == (SalRetCode.CMD_COMPLETE, 0, "Done")
            first = await command.set_start(pipeline="slow", timeout=LIMIT, wait_done=False)
            assert (first.ack, first.result) == (SalRetCode.CMD_INPROGRESS, '{"job_id": "j"}')
            assert first.timeout == LIMIT
            assert (await command.next_ackcmd(first, timeout=LIMIT)).ack == SalRetCode.CMD_COMPLETE
            with pytest.raises(RuntimeError, match="unknown or finished"):
                await command.next_ackcmd(first)
            assert (await command.set_start(pipeline="ack", timeout=LIMIT)).result == "x"
            for pipeline, code, text in (
                ("expected", SalRetCode.CMD_FAILED, "Failed: not now"),
                ("error", SalRetCode.CMD_FAILED, "Failed: broken"),
                ("timeout", SalRetCode.CMD_TIMEOUT, "Timeout"),
                ("cancelled", SalRetCode.CMD_ABORTED, "Aborted"),
            ):
                with pytest.raises(salobj.AckError) as caught:
                    await command.set_start(pipeline=pipeline, timeout=LIMIT)
                ack = caught.value.ackcmd
                assert (ack.ack, ack.error, ack.result) == (code, 1, text)
                assert "Command failed" in str(caught.value)
                assert not isinstance(caught.value, salobj.AckTimeoutError)

    play(story)


def test_silence_is_told_from_failure_and_progress_extends_the_wait(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            with pytest.raises(salobj.AckTimeoutError) as caught:
                await remote.cmd_execute.set_start(timeout=0.3)
            assert caught.value.ackcmd.ack == SalRetCode.CMD_NOACK
            assert caught.value.ackcmd.result == "No command acknowledgement seen"

            async def execute(data: Any) -> None:
                await ocps.cmd_execute.ack_in_progress(data, timeout=float(data.version), result="wait")
                await asyncio.sleep(2.0)

            ocps.cmd_execute.callback = execute
            ocps.cmd_execute.allow_multiple_callbacks = True
            await remote.cmd_execute.set_start(version=f"{LIMIT}", timeout=1.0)
            with pytest.raises(salobj.AckTimeoutError) as caught:
                await remote.cmd_execute.set_start(version="0.1", timeout=1.0)
            assert caught.value.ackcmd.ack == SalRetCode.CMD_INPROGRESS

    play(story)


def test_commands_of_one_name_wait_for_each_other_unless_they_may_run_at_once(play: Play) -> None:
    async def story() -> None:
        async with pair() as (ocps, remote):
            running, most = list[int](), list[int]()

            async def execute(_: Any) -> None:
                running.append(1)
                most.append(len(running))
                await asyncio.sleep(0.2)
                running.pop()

            ocps.cmd_execute.callback = execute
            for at_once, expected in ((False, 1), (True, 2)):
                ocps.cmd_execute.allow_multiple_callbacks = at_once
                most.clear()
                await asyncio.gather(*(remote.cmd_execute.set_start(timeout=LIMIT) for _ in range(2)))
                assert max(most) == expected

    play(story)


def test_a_remote_has_what_was_asked_for(play: Play) -> None:
    async def story() -> None:
        async with salobj.Domain() as domain:
            some = salobj.Remote(domain, "OCPS", 1, include=["summaryState", "nothing"], readonly=True)
            others = salobj.Remote(domain, "OCPS", 1, exclude=["summaryState"])
            assert hasattr(some, "evt_summaryState")
            assert not any(hasattr(some, name) for name in ("evt_job_result", "cmd_execute", "evt_nothing"))
            assert hasattr(others, "evt_job_result")
            assert hasattr(others, "cmd_execute")
            assert not hasattr(others, "evt_summaryState")
            with pytest.raises(ValueError, match="include"):
                salobj.Remote(domain, "OCPS", 1, include=["a"], exclude=["b"])
            with pytest.raises(ValueError, match="not an indexed SAL component"):
                salobj.Remote(domain, "ATCamera", 1)
            with pytest.raises(RuntimeError):
                some.evt_summaryState.get()
            await asyncio.gather(some.start_task, others.start_task)

    play(story)
