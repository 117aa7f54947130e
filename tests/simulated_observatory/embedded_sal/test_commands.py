"""The conversation of a command: sent, in progress, ended, refused, not heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode
from lsst.ts.simulated_observatory.testing import open_remote, run_in_simulated_time

Check = Callable[[salobj.BaseCsc, salobj.Remote], Awaitable[None]]


@pytest.fixture
def run_check(pipelines: type[salobj.BaseCsc]) -> Callable[[Check], None]:
    """Run a coroutine function with an enabled OCPS:1 and a remote."""

    csc = partial(pipelines, "OCPS", 1, initial_state=salobj.State.ENABLED)
    return lambda check: run_in_simulated_time(check, csc, partial(open_remote, "OCPS", 1))


def test_a_command_that_succeeds_is_complete(run_check: Callable[[Check], None]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        ackcmd = await remote.cmd_execute.set_start(pipeline="cpBias.yaml")
        assert (ackcmd.ack, ackcmd.error, ackcmd.result) == (SalRetCode.CMD_COMPLETE, 0, "Done")

    run_check(check)


@pytest.mark.parametrize(
    ("version", "code", "result"),
    [
        ("expected", SalRetCode.CMD_FAILED, "Failed: no such pipeline"),
        ("broken", SalRetCode.CMD_FAILED, "Failed: 'broken'"),
        ("timeout", SalRetCode.CMD_TIMEOUT, "Timeout"),
        ("cancelled", SalRetCode.CMD_ABORTED, "Aborted"),
        ("own", SalRetCode.CMD_NOPERM, "no"),
    ],
)
def test_a_command_that_fails_raises_with_the_reason(
    run_check: Callable[[Check], None],
    caplog: pytest.LogCaptureFixture,
    version: str,
    code: SalRetCode,
    result: str,
) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckError, match=code.name) as caught:
            await remote.cmd_execute.set_start(version=version)
        assert not isinstance(caught.value, salobj.AckTimeoutError)
        assert (caught.value.ackcmd.ack, caught.value.ackcmd.result) == (code, result)

    run_check(check)
    tracebacks = [record for record in caplog.records if record.exc_info]
    assert bool(tracebacks) == (version == "broken")


def test_progress_extends_the_time_limit_by_what_it_carries(run_check: Callable[[Check], None]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        begun = clock.current_tai()
        ackcmd = await remote.cmd_execute.set_start(version="slow", timeout=20)
        assert ackcmd.ack == SalRetCode.CMD_COMPLETE
        assert clock.current_tai() - begun == 510

    run_check(check)


def test_the_first_acknowledgement_then_the_final_one(run_check: Callable[[Check], None]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        first = await remote.cmd_execute.set_start(version="slow", wait_done=False)
        assert (first.ack, first.result, first.timeout) == (SalRetCode.CMD_INPROGRESS, "job 1", 600)
        final = await remote.cmd_execute.next_ackcmd(first)
        assert final.ack == SalRetCode.CMD_COMPLETE
        with pytest.raises(RuntimeError, match="unknown or finished"):
            await remote.cmd_execute.next_ackcmd(first)

    run_check(check)


def test_silence_is_a_time_out_that_says_whether_anything_was_heard(
    run_check: Callable[[Check], None],
) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckTimeoutError) as caught:
            await remote.cmd_execute.set_start(version="slow", timeout=5)
        assert caught.value.ackcmd.ack == SalRetCode.CMD_NOACK
        first = await remote.cmd_execute.set_start(version="slow", wait_done=False, timeout=1000)
        with pytest.raises(salobj.AckTimeoutError) as caught:
            await remote.cmd_execute.next_ackcmd(first, timeout=100)
        assert caught.value.ackcmd.ack == SalRetCode.CMD_INPROGRESS
        with pytest.raises(RuntimeError, match="unknown or finished"):
            await remote.cmd_execute.next_ackcmd(first)

    run_check(check)


def test_commands_of_one_kind_wait_for_each_other_unless_allowed(
    run_check: Callable[[Check], None],
) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        async def both() -> float:
            begun = clock.current_tai()
            await asyncio.gather(*(remote.cmd_execute.set_start(version="slow") for _ in range(2)))
            return clock.current_tai() - begun

        assert await both() == 1020
        csc.cmd_execute.allow_multiple_callbacks = True
        assert await both() == 510

    run_check(check)


def test_each_sender_gets_the_acknowledgements_of_its_own_commands(
    run_check: Callable[[Check], None],
) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        csc.cmd_execute.allow_multiple_callbacks = True
        async with salobj.Domain() as domain, salobj.Remote(domain, "OCPS", 1) as other:
            outcomes: Any = await asyncio.gather(
                remote.cmd_execute.set_start(version="slow"),
                other.cmd_execute.set_start(version="expected"),
                return_exceptions=True,
            )
            assert outcomes[0].ack == SalRetCode.CMD_COMPLETE
            assert isinstance(outcomes[1], salobj.AckError)

    run_check(check)


def test_a_command_begins_with_empty_fields_each_time(run_check: Callable[[Check], None]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        remote.cmd_execute.set(pipeline="a", version="b")
        assert remote.cmd_execute.data.version == "b"
        remote.cmd_execute.set(pipeline="c")
        assert (remote.cmd_execute.data.pipeline, remote.cmd_execute.data.version) == ("c", "")
        for forbidden in (remote.cmd_execute.write, remote.cmd_execute.set_write):
            with pytest.raises(NotImplementedError):
                await forbidden()

    run_check(check)


def test_closing_the_remote_cancels_a_command_that_waits(run_check: Callable[[Check], None]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        waiting = asyncio.create_task(remote.cmd_execute.set_start(version="slow"))
        await asyncio.sleep(1)
        await remote.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(RuntimeError, match="no longer open"):
            await remote.cmd_execute.set_start()

    run_check(check)


def test_a_controller_without_callbacks_takes_commands_from_the_queue() -> None:
    async def main() -> None:
        async with (
            salobj.Controller("OCPS", 1) as ocps,
            salobj.Domain() as domain,
            salobj.Remote(domain, "OCPS", 1) as remote,
        ):
            sending: asyncio.Task[Any] = asyncio.create_task(remote.cmd_abort_job.set_start(job_id="7"))
            data = await ocps.cmd_abort_job.next(timeout=5)
            assert data.job_id == "7"
            ackcmd = ocps.salinfo.make_ackcmd(data.private_seqNum, SalRetCode.CMD_COMPLETE)
            await ocps.cmd_abort_job.ack(data, ackcmd)
            assert (await sending).ack == SalRetCode.CMD_COMPLETE

    clock.run(main)
