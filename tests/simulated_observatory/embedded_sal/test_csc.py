"""Summary states, faults and heartbeats of a CSC."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import pairwise

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.embedded_sal import State
from lsst.ts.simulated_observatory.embedded_sal.remote import transition_commands
from lsst.ts.simulated_observatory.testing import open_remote, run_in_simulated_time

Check = Callable[[salobj.BaseCsc, salobj.Remote], Awaitable[None]]


def run_check(kind: type[salobj.BaseCsc], check: Check, initial_state: State = State.STANDBY) -> None:
    csc = partial(kind, "OCPS", 1, initial_state=initial_state)
    run_in_simulated_time(check, csc, partial(open_remote, "OCPS", 1))


def test_the_commands_lead_from_standby_to_enabled_and_back(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        states = await salobj.set_summary_state(remote, State.ENABLED)
        states += await salobj.set_summary_state(remote, State.STANDBY)
        assert states == [
            State.STANDBY,
            State.DISABLED,
            State.ENABLED,
            State.ENABLED,
            State.DISABLED,
            State.STANDBY,
        ]
        published = [remote.evt_summaryState.get_oldest().summaryState for _ in range(5)]
        assert published == [5, 1, 2, 1, 5]

    run_check(pipelines, check)


def test_a_transition_that_the_state_does_not_allow_is_refused(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckError, match="enable not allowed in state"):
            await remote.cmd_enable.set_start()
        assert csc.summary_state == State.STANDBY

    run_check(pipelines, check)


def test_other_commands_need_the_enabled_state(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(salobj.AckError, match=r"Not allowed in state=<State\.DISABLED"):
            await remote.cmd_execute.set_start()
        with pytest.raises(salobj.AckError, match="abort_job not allowed in state"):
            await remote.cmd_abort_job.set_start()

    run_check(pipelines, check, State.DISABLED)


def test_a_fault_is_reported_with_its_code_and_left_by_standby(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        await csc.fault(2, "the pipeline failed")
        assert remote.evt_summaryState.get().summaryState == State.FAULT
        error = remote.evt_errorCode.get()
        assert (error.errorCode, error.errorReport) == (2, "the pipeline failed")
        with pytest.raises(salobj.AckError, match="in Fault state: errorCode=2"):
            await remote.cmd_execute.set_start()
        await salobj.set_summary_state(remote, State.ENABLED)
        assert remote.evt_errorCode.get().errorCode == 0

    run_check(pipelines, check, State.ENABLED)


def test_a_heartbeat_comes_every_second(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        stamps = [(await remote.evt_heartbeat.next(flush=True)).private_sndStamp for _ in range(4)]
        assert [later - earlier for earlier, later in pairwise(stamps)] == [1, 1, 1]

    run_check(pipelines, check)


def test_a_step_that_fails_brings_the_component_back(pipelines: type[salobj.BaseCsc]) -> None:
    class Broken(pipelines):  # type: ignore[misc, valid-type]
        async def begin_start(self, data: salobj.BaseMsgType) -> None:
            raise salobj.ExpectedError(f"no configuration {data.configurationOverride!r}")

        async def end_enable(self, data: salobj.BaseMsgType) -> None:
            raise RuntimeError("no power")

    async def at_the_start(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(RuntimeError, match=r"start of OCPS:1.*no configuration 'night.yaml'"):
            await salobj.set_summary_state(remote, State.ENABLED, override="night.yaml")
        assert csc.summary_state == State.STANDBY

    run_check(Broken, at_the_start)
    del Broken.begin_start

    async def at_the_end(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        with pytest.raises(RuntimeError, match="no power"):
            await salobj.set_summary_state(remote, State.ENABLED)
        assert csc.summary_state == State.DISABLED

    run_check(Broken, at_the_end)


def test_exit_control_closes_the_component(pipelines: type[salobj.BaseCsc]) -> None:
    async def check(csc: salobj.BaseCsc, remote: salobj.Remote) -> None:
        await remote.cmd_exitControl.set_start()
        await csc.done_task
        assert remote.evt_summaryState.get().summaryState == State.OFFLINE
        with pytest.raises(salobj.AckTimeoutError):
            await remote.cmd_start.set_start(timeout=10)

    run_check(pipelines, check)


def test_the_class_of_a_component_must_fit_its_interface(pipelines: type[salobj.BaseCsc]) -> None:
    class Versionless(salobj.BaseCsc):
        pass

    class Bare(salobj.BaseCsc):
        version = "1"

    class Extra(pipelines):  # type: ignore[misc, valid-type]
        async def do_dance(self, data: salobj.BaseMsgType) -> None:
            pass

    async def main() -> None:
        with pytest.raises(RuntimeError, match="version"):
            Versionless("OCPS", 1)
        with pytest.raises(TypeError, match="must add do_abort_job, do_execute"):
            Bare("OCPS", 1)
        with pytest.raises(TypeError, match="must remove do_dance"):
            Extra("OCPS", 1)
        with pytest.raises(ValueError, match="FAULT"):
            pipelines("OCPS", 1, initial_state=State.FAULT)
        with pytest.raises(ValueError, match="simulation_mode"):
            pipelines("OCPS", 1, simulation_mode=1)
        async with (
            Bare("OCPS", 1, allow_missing_callbacks=True) as csc,
            salobj.Remote(csc.domain, "OCPS", 1) as remote,
        ):
            with pytest.raises(salobj.AckError, match="not supported"):
                await remote.cmd_execute.set_start()

    clock.run(main)


def test_a_second_component_of_the_same_name_can_be_refused(pipelines: type[salobj.BaseCsc]) -> None:
    async def main() -> None:
        async with pipelines("OCPS", 1, check_if_duplicate=True) as first:
            second = pipelines("OCPS", 1, check_if_duplicate=True)
            with pytest.raises(salobj.ExpectedError, match="already running"):
                await second.done_task
            assert first.isopen

    clock.run(main)


def test_log_lines_are_published_once_the_start_is_done(pipelines: type[salobj.BaseCsc]) -> None:
    async def main() -> None:
        csc = pipelines("OCPS", 1)
        csc.log.info("made")
        async with csc, salobj.Domain() as domain, salobj.Remote(domain, "OCPS", 1) as remote:
            assert remote.evt_logMessage.get() is None  # as with salobj 8.2
            assert remote.evt_softwareVersions.get().cscVersion == "1"
            await remote.cmd_setLogLevel.set_start(level=10)
            assert remote.evt_logLevel.get().level == 10
            await asyncio.to_thread(csc.log.debug, "from a thread")
            await asyncio.sleep(0.1)
            line = remote.evt_logMessage.get()
            assert (line.message, line.private_sndStamp) == ("from a thread", clock.START_TAI)

    clock.run(main)


@pytest.mark.parametrize("begin", State)
@pytest.mark.parametrize("end", State)
def test_the_commands_between_two_states_end_in_the_second(begin: State, end: State) -> None:
    if end == State.FAULT:
        with pytest.raises(ValueError, match="FAULT"):
            transition_commands(begin, end)
    else:
        commands = transition_commands(begin, end)
        assert [state for _, state in commands][-1:] == ([] if begin == end else [end])
