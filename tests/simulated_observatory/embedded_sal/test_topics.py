"""Events on the bus: queue, newest sample, history, callbacks, and who hears whom."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.testing import open_remote, run_in_simulated_time

Check = Callable[[salobj.Controller, salobj.Remote], Awaitable[None]]


def run_check(check: Check) -> None:
    """Run a coroutine function with an OCPS:1 and a remote in a domain of its own."""
    run_in_simulated_time(check, partial(salobj.Controller, "OCPS", 1), partial(open_remote, "OCPS", 1))


async def publish(ocps: salobj.Controller, *codes: int) -> None:
    for code in codes:
        await ocps.evt_job_result.set_write(exit_code=code, force_output=True)


def test_next_gives_every_sample_oldest_first_and_get_the_newest() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        event = remote.evt_job_result
        assert event.get() is None
        assert not event.has_data
        await publish(ocps, 1, 2, 3)
        assert event.get().exit_code == 3
        assert (await event.aget()).exit_code == 3
        assert event.nqueued == 3
        assert [(await event.next(flush=False)).exit_code for _ in range(2)] == [1, 2]
        assert event.get_oldest().exit_code == 3
        assert event.get_oldest() is None

    run_check(check)


def test_flush_makes_next_wait_for_a_new_sample() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        await publish(ocps, 1)
        waiting = asyncio.create_task(remote.evt_job_result.next(flush=True))
        await asyncio.sleep(3)
        assert not waiting.done()
        await publish(ocps, 2)
        assert (await waiting).exit_code == 2

    run_check(check)


def test_waiting_ends_at_the_time_limit() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        begun = clock.current_tai()
        with pytest.raises(TimeoutError):
            await remote.evt_job_result.next(flush=False, timeout=7)
        with pytest.raises(TimeoutError):
            await remote.evt_job_result.aget(timeout=5)
        assert clock.current_tai() - begun == 12

    run_check(check)


def test_those_who_wait_at_the_same_time_get_the_same_sample() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        waiting = [asyncio.create_task(remote.evt_job_result.next(flush=False)) for _ in range(2)]
        await asyncio.sleep(1)
        await publish(ocps, 1, 2)
        first, second = await asyncio.gather(*waiting)
        assert first is second
        assert first.exit_code == 1
        assert remote.evt_job_result.nqueued == 1

    run_check(check)


def test_the_time_limit_of_one_cancels_those_who_wait_with_it() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        short = asyncio.create_task(remote.evt_job_result.next(flush=False, timeout=1))
        patient = asyncio.create_task(remote.evt_job_result.next(flush=False))
        outcomes = await asyncio.gather(short, patient, return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [TimeoutError, asyncio.CancelledError]

    run_check(check)


def test_the_queue_holds_100_samples_and_tells_that_it_fills(caplog: pytest.LogCaptureFixture) -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        await publish(ocps, *range(103))
        assert remote.evt_job_result.nqueued == 100
        assert (await remote.evt_job_result.next(flush=False)).exit_code == 3
        assert (await remote.evt_job_result.next(flush=False)).exit_code == 4
        remote.evt_job_result.flush()
        await publish(ocps, 1)
        await remote.evt_job_result.next(flush=False)
        await publish(ocps, *range(12))
        await remote.evt_job_result.next(flush=False)

    with caplog.at_level(logging.WARNING):
        run_check(check)
    assert [record.message for record in caplog.records] == [
        "evt_job_result python read queue is full (100 elements); data may be lost",
        "evt_job_result python read queue is filling: 12 of 100 elements",
    ]


def test_a_callback_takes_the_samples_one_after_the_other() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        event, taken = remote.evt_job_result, []

        async def take(data: salobj.BaseMsgType) -> None:
            await asyncio.sleep(1)
            taken.append((data.exit_code, round(clock.current_tai() - begun)))

        event.callback = take
        begun = clock.current_tai()
        await publish(ocps, 1, 2)
        for call in (event.flush, event.get_oldest):
            with pytest.raises(RuntimeError, match="has a callback"):
                call()
        for wait in (event.next(flush=False), event.aget()):
            with pytest.raises(RuntimeError, match="has a callback"):
                await wait
        await asyncio.sleep(5)
        await publish(ocps, 3)
        await asyncio.sleep(5)
        assert taken == [(1, 1), (2, 2), (3, 6)]
        event.allow_multiple_callbacks = True
        await publish(ocps, 4, 5)
        await asyncio.sleep(5)
        assert taken[3:] == [(4, 11), (5, 11)]
        event.callback = None
        await publish(ocps, 6)
        assert event.nqueued == 1

    run_check(check)


def test_a_callback_that_fails_is_logged_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        taken = []

        def take(data: salobj.BaseMsgType) -> None:
            taken.append(data.exit_code)
            raise KeyError("oh")

        remote.evt_job_result.callback = take
        await publish(ocps, 1, 2)
        await asyncio.sleep(0)
        assert taken == [1, 2]

    run_check(check)
    assert sum("failed" in record.message for record in caplog.records) == 2


def test_late_joiners_get_the_last_sample_of_each_event() -> None:
    async def main() -> None:
        async with salobj.Controller("OCPS", 1) as ocps, salobj.Domain() as domain:
            await publish(ocps, 1, 2)
            async with salobj.Remote(domain, "OCPS", 1) as remote:
                assert (await remote.evt_job_result.next(flush=False)).exit_code == 2
            async with salobj.Remote(domain, "OCPS", 1, evt_max_history=0) as remote:
                assert remote.evt_job_result.get() is None

    clock.run(main)


def test_each_index_is_heard_by_its_own_remotes_and_all_by_index_0() -> None:
    async def main() -> None:
        async with (
            salobj.Controller("OCPS", 1) as first,
            salobj.Controller("OCPS", 2) as second,
            salobj.Domain() as domain,
            salobj.Remote(domain, "OCPS", 2) as one,
            salobj.Remote(domain, "OCPS", 0) as every,
        ):
            await publish(first, 1)
            await publish(second, 2)
            assert one.evt_job_result.nqueued == 1
            assert one.evt_job_result.get().salIndex == 2
            assert [every.evt_job_result.get_oldest().salIndex for _ in range(2)] == [1, 2]
            async with salobj.Remote(domain, "OCPS", 2) as late:
                assert [late.evt_job_result.get_oldest().salIndex, late.evt_job_result.nqueued] == [2, 0]
            async with salobj.Remote(domain, "OCPS", 0) as late:
                assert [late.evt_job_result.get_oldest().salIndex for _ in range(2)] == [1, 2]

    clock.run(main)


def test_an_event_is_written_when_it_changed_or_when_forced() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        event = ocps.evt_job_result
        first = await event.set_write(exit_code=0)
        again = await event.set_write(exit_code=0, job_id=None)
        forced = await event.set_write(force_output=True)
        other = await event.set_write(job_id="7")
        written = [(result.did_change, result.was_written) for result in (first, again, forced, other)]
        assert written == [(True, True), (False, False), (False, True), (True, True)]
        assert remote.evt_job_result.nqueued == 3
        with pytest.raises(AttributeError, match="no fields"):
            event.set(nonsense=None)

    run_check(check)


def test_a_remote_has_the_topics_it_asks_for() -> None:
    async def main() -> None:
        async with salobj.Domain() as domain:
            few = salobj.Remote(domain, "ATOODS", include=["imageInOODS"], readonly=True)
            most = salobj.Remote(domain, "ATOODS", exclude=["heartbeat"])
            assert hasattr(few, "evt_imageInOODS")
            assert not hasattr(few, "evt_heartbeat")
            assert not hasattr(few, "cmd_start")
            assert hasattr(most, "cmd_start")
            assert not hasattr(most, "evt_heartbeat")
            with pytest.raises(ValueError, match="both"):
                salobj.Remote(domain, "ATOODS", include=[], exclude=[])
            with pytest.raises(RuntimeError, match="not started"):
                few.evt_imageInOODS.get()
            with pytest.raises(ValueError, match="not an indexed"):
                salobj.Remote(domain, "ATOODS", 1)

    clock.run(main)


def test_closing_cancels_those_who_wait() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        waiting = asyncio.create_task(remote.evt_job_result.next(flush=False))
        await asyncio.sleep(1)
        await remote.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await publish(ocps, 1)

    run_check(check)


def test_a_topic_that_is_not_there_is_an_error_that_names_component_and_topic() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        with pytest.raises(AttributeError, match=r"OCPS:1.*evt_jobResult"):
            _ = remote.evt_jobResult
        with pytest.raises(AttributeError, match="evt_jobResult"):
            _ = ocps.evt_jobResult
        with pytest.raises(ValueError, match="no SAL component 'OCSP'"):
            salobj.Remote(remote.salinfo.domain, "OCSP", 1)

    run_check(check)


def test_a_component_can_read_what_it_writes_and_a_queue_has_the_length_asked_for() -> None:
    async def check() -> None:
        async with salobj.Domain() as domain:
            info = salobj.SalInfo(domain, "OCPS", 1)
            written = salobj.topics.ControllerEvent(info, "job_result")
            read = salobj.topics.RemoteEvent(info, "job_result", queue_len=11)
            with pytest.raises(ValueError, match="already added"):
                salobj.topics.RemoteEvent(info, "job_result")
            await info.start()
            with pytest.raises(ValueError, match="must be more than 10"):
                salobj.topics.RemoteEvent(salobj.SalInfo(domain, "OCPS", 1), "job_result", queue_len=10)
            for code in range(1, 13):
                await written.set_write(exit_code=code, force_output=True)
            assert read.nqueued == 11
            assert (await read.next(flush=False)).exit_code == 2

    run_in_simulated_time(check)


def test_a_callback_that_was_cancelled_is_not_called_any_more() -> None:
    async def check(ocps: salobj.Controller, remote: salobj.Remote) -> None:
        taken: list[int] = []

        async def take(data: salobj.BaseMsgType) -> None:
            taken.append(data.exit_code)
            if data.exit_code == 2:
                raise asyncio.CancelledError

        remote.evt_job_result.callback = take
        for code in (1, 2, 3):
            await publish(ocps, code)
            await asyncio.sleep(1)
        assert taken == [1, 2]  # as with salobj, whose loop of callbacks has ended
        remote.evt_job_result.callback = take
        await publish(ocps, 4)
        await asyncio.sleep(1)
        assert taken == [1, 2, 4]

    run_check(check)


def test_a_remote_of_every_index_commands_the_one_that_it_names() -> None:
    async def check() -> None:
        async with (
            salobj.Domain() as domain,
            salobj.Controller("OCPS", 1) as one,
            salobj.Controller("OCPS", 2) as two,
            salobj.Remote(domain, "OCPS", 0) as remote,
        ):
            heard: list[int] = []
            for number, ocps in ((1, one), (2, two)):
                ocps.cmd_execute.callback = partial(_note, heard, number)
            await remote.cmd_execute.set_start(salIndex=2, timeout=5)
            assert heard == [2]
            with pytest.raises(salobj.AckTimeoutError):
                await remote.cmd_execute.set_start(timeout=5)

    run_in_simulated_time(check)


async def _note(heard: list[int], number: int, _: salobj.BaseMsgType) -> None:
    heard.append(number)
