"""The telescope is looked at before flats, as far as it is on the bus."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.clients import STATE_TIMEOUT, Clients
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCAM, Instrument
from lsst.ts.simulated_observatory import clock


class Component(salobj.BaseCsc):
    version = "1"


@contextlib.asynccontextmanager
async def telescope(**states: salobj.State) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        for name, state in states.items():
            await stack.enter_async_context(Component(name, initial_state=state))
        yield


async def problems(*ignore: str, instrument: Instrument = LSSTCAM) -> list[str]:
    async with salobj.Domain() as domain:
        clients = Clients(instrument, domain, logging.getLogger("test"))
        await clients.start()
        return await clients.telescope_problems(ignore)


@pytest.mark.parametrize("dome", [salobj.State.DISABLED, salobj.State.ENABLED])
def test_the_dome_may_rest_if_its_trajectory_is_enabled(dome: salobj.State) -> None:
    async def story() -> None:
        async with telescope(MTDome=dome, MTDomeTrajectory=salobj.State.ENABLED):
            assert await problems() == []

    clock.run(story)


def test_everything_that_is_not_as_it_should_be_is_named() -> None:
    async def story() -> None:
        async with telescope(MTDome=salobj.State.STANDBY, MTDomeTrajectory=salobj.State.DISABLED):
            trajectory, dome = await problems()
            assert "MTDomeTrajectory is DISABLED; flats need it ENABLED" in trajectory
            assert "MTDome is STANDBY; flats need it DISABLED or ENABLED" in dome
            assert await problems("mtdome", "MTDomeTrajectory") == []

    clock.run(story)


def test_a_state_that_sal_does_not_have_is_not_as_it_should_be() -> None:
    async def story() -> None:
        async with Component("MTDome", initial_state=salobj.State.ENABLED) as dome:
            await dome.evt_summaryState.set_write(summaryState=0)
            (problem,) = await problems()
            assert problem.startswith("MTDome is in the unknown state 0; flats need it DISABLED or ENABLED")
            assert await problems("mtdome") == []

    clock.run(story)


def test_what_is_not_on_the_bus_is_passed_over_in_little_time() -> None:
    async def story() -> None:
        begin = asyncio.get_running_loop().time()
        assert await problems() == []
        assert asyncio.get_running_loop().time() - begin <= STATE_TIMEOUT
        assert await problems(instrument=LATISS) == []

    clock.run(story)
