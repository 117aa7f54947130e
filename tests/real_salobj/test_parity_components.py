"""Components: the same stories on either SAL."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from lsst.ts.observatory.control import RemoteGroup
from parity import LIMIT, Component, Play, component, until

from lsst.ts import salobj

pytestmark = pytest.mark.timeout(300)


async def next_state(remote: Any) -> salobj.State:
    return salobj.State((await remote.evt_summaryState.next(flush=False, timeout=LIMIT)).summaryState)


def test_a_component_goes_from_standby_to_enabled_and_back(play: Play) -> None:
    async def story() -> None:
        async with component(simulation_mode=1) as (csc, remote):
            assert await next_state(remote) == salobj.State.STANDBY
            assert (await remote.evt_simulationMode.aget(timeout=LIMIT)).mode == 1
            assert (await remote.evt_softwareVersions.aget(timeout=LIMIT)).cscVersion == "1.2"
            with pytest.raises(salobj.AckError, match="enable not allowed in state"):
                await remote.cmd_enable.set_start(timeout=LIMIT)
            states = await salobj.set_summary_state(remote, salobj.State.ENABLED, timeout=LIMIT)
            assert states == [salobj.State.STANDBY, salobj.State.DISABLED, salobj.State.ENABLED]
            assert [await next_state(remote) for _ in range(2)] == states[1:]
            await remote.cmd_abort_job.set_start(timeout=LIMIT)
            with pytest.raises(salobj.AckError, match="This command is not supported"):
                await remote.cmd_execute.set_start(timeout=LIMIT)
            await remote.cmd_disable.set_start(timeout=LIMIT)
            with pytest.raises(salobj.AckError, match="abort_job not allowed in state"):
                await remote.cmd_abort_job.set_start(timeout=LIMIT)
            csc.refuses = True
            with pytest.raises(salobj.AckError, match="Failed: not today"):
                await remote.cmd_enable.set_start(timeout=LIMIT)
            assert csc.summary_state == salobj.State.DISABLED
            await salobj.set_summary_state(remote, salobj.State.OFFLINE, timeout=LIMIT)
            await asyncio.wait_for(csc.done_task, LIMIT)

    play(story)


def test_a_component_in_fault_says_why_and_comes_back_by_standby(play: Play) -> None:
    async def story() -> None:
        async with component(initial_state=salobj.State.ENABLED) as (csc, remote):
            assert [await next_state(remote) for _ in range(3)][-1] == salobj.State.ENABLED
            await csc.fault(7, "no Butler")
            assert await next_state(remote) == salobj.State.FAULT
            await until(lambda: remote.evt_errorCode.get().errorCode == 7)
            assert remote.evt_errorCode.get().errorReport == "no Butler"
            with pytest.raises(salobj.AckError, match="errorCode=7, errorReport='no Butler'"):
                await remote.cmd_abort_job.set_start(timeout=LIMIT)
            await remote.cmd_standby.set_start(timeout=LIMIT)
            assert await next_state(remote) == salobj.State.STANDBY
            await until(lambda: remote.evt_errorCode.get().errorCode == 0)

    play(story)


def test_a_component_has_a_heartbeat_every_second(play: Play) -> None:
    async def story() -> None:
        async with component() as (_, remote):
            stamps = [
                (await remote.evt_heartbeat.next(flush=False, timeout=LIMIT)).private_sndStamp
                for _ in range(4)
            ]
            assert stamps[-1] - stamps[0] == pytest.approx(3, abs=0.5)

    play(story)


def test_a_component_that_is_none_is_refused(play: Play) -> None:
    class Unversioned(salobj.BaseCsc):
        pass

    class Extra(Component):
        async def do_nothing_known(self, data: Any) -> None:
            """No command has this name."""

    async def story() -> None:
        with pytest.raises(RuntimeError, match="version"):
            Unversioned("OCPS", 1)
        with pytest.raises(TypeError, match="must remove do_nothing_known"):
            Extra()
        with pytest.raises(ValueError, match="initial_state cannot be FAULT"):
            Component(initial_state=salobj.State.FAULT)
        with pytest.raises(ValueError, match="simulation_mode=5"):
            Component(simulation_mode=5)

    play(story)


def test_a_group_of_remotes_knows_its_components(play: Play) -> None:
    async def story() -> None:
        async with component(initial_state=salobj.State.ENABLED) as (csc, _), salobj.Domain() as domain:
            group = RemoteGroup(["OCPS:1"], domain=domain, log=logging.getLogger("group"))
            await group.start_task
            assert group.components_attr == ["ocps_1"]
            assert await group.get_state("ocps_1") == salobj.State.ENABLED
            await group.assert_liveliness()
            await group.assert_all_enabled()
            await group.standby()
            assert csc.summary_state == salobj.State.STANDBY
            state = group.rem.ocps_1.evt_summaryState
            await until(lambda: state.get().summaryState == salobj.State.STANDBY)
            with pytest.raises(AssertionError, match="ocps_1"):
                await group.assert_all_enabled()
            await group.enable()
            assert csc.summary_state.name == "ENABLED"

    play(story)
