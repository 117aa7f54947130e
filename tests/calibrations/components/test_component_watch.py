"""Who is silent or no longer ENABLED during a run is named soon, and nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.component_watch import CERTAIN, PERIOD, ComponentWatch
from lsst.ts.simulated_observatory import clock

SOON = 15.0
"""Seconds after which a silence that is certain must have been named."""


class Beating(salobj.BaseCsc):
    version = "1"

    def __init__(self, name: str, state: salobj.State = salobj.State.ENABLED) -> None:
        super().__init__(name, initial_state=state, allow_missing_callbacks=True)

    def stop_beating(self) -> None:
        assert self._heartbeat is not None
        self._heartbeat.cancel()

    def beat_again(self) -> None:
        self._beat(1.0)


Act = Callable[[Beating], Awaitable[None]]


def watch(act: Act, *, state: salobj.State = salobj.State.ENABLED, after: float = 0.0) -> list[str]:
    """Watch two components, with one of which something is done; return the outages some seconds later."""

    async def story() -> list[str]:
        async with Beating("ATCamera", state) as camera, Beating("ATOODS"), salobj.Domain() as domain:
            remotes = [
                salobj.Remote(domain, name, include=["heartbeat", "summaryState"], readonly=True)
                for name in ("ATCamera", "ATOODS")
            ]
            await asyncio.gather(*(remote.start_task for remote in remotes))
            components = ComponentWatch(remotes, clock.current_tai, logging.getLogger("run"))
            watching = asyncio.ensure_future(components.watch())
            await asyncio.sleep(30)
            await act(camera)
            await asyncio.sleep(after)
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            return components.outages

    return clock.run(story)


def test_who_beats_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    async def act(_: Any) -> None:
        await asyncio.sleep(3600)

    assert watch(act) == []
    assert caplog.messages == []


def test_who_is_silent_is_named_with_the_time_of_the_last_heartbeat(caplog: pytest.LogCaptureFixture) -> None:
    async def act(camera: Beating) -> None:
        camera.stop_beating()
        await asyncio.sleep(CERTAIN - 2 * PERIOD)
        assert caplog.messages == [], "a heartbeat may be late"
        await asyncio.sleep(SOON - (CERTAIN - 2 * PERIOD))

    assert watch(act) == ["ATCamera has sent no heartbeat since 2025-01-15T18:00:30 (TAI)"]
    (message,) = caplog.messages
    assert message.startswith("ATCamera has sent no heartbeat since 2025-01-15T18:00:30 (TAI): is it running")


def test_who_was_silent_and_comes_back_is_named_with_both_times(caplog: pytest.LogCaptureFixture) -> None:
    async def act(camera: Beating) -> None:
        camera.stop_beating()
        await asyncio.sleep(60)
        camera.beat_again()
        await asyncio.sleep(20)

    (silence,) = watch(act)
    assert silence.startswith("ATCamera sent no heartbeat from 2025-01-15T18:00:30 to 2025-01-15T18:01:3")
    assert [message.partition(":")[0] for message in caplog.messages][1:] == [
        "ATCamera sends heartbeats again"
    ]


def test_who_does_not_hear_names_nobody() -> None:
    """A process that was held up, as by a debugger or a machine that slept, has heard nobody meanwhile."""

    async def act(camera: Beating) -> None:
        camera.stop_beating()
        loop: Any = asyncio.get_running_loop()
        loop._now += 600.0
        camera.beat_again()
        await asyncio.sleep(20)

    assert watch(act) == []


def test_who_leaves_enabled_is_named_with_its_states_until_it_comes_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def act(camera: Beating) -> None:
        await camera.evt_summaryState.set_write(summaryState=salobj.State.FAULT)
        await asyncio.sleep(2 * PERIOD)
        assert caplog.messages == [
            "ATCamera has not been ENABLED (FAULT) since 2025-01-15T18:00:30 (TAI): until it is ENABLED again"
            " what the run asks of it fails."
        ]
        for state in (salobj.State.STANDBY, salobj.State.DISABLED, salobj.State.ENABLED):
            await asyncio.sleep(10)
            await camera.evt_summaryState.set_write(summaryState=state)

    (outage,) = watch(act, after=2 * PERIOD)
    begin = "2025-01-15T18:00:30"
    assert outage.startswith(f"ATCamera was not ENABLED (FAULT, STANDBY, DISABLED) from {begin} to ")
    assert caplog.messages[1:] == [f"ATCamera is ENABLED again: {outage}."]


def test_who_was_never_enabled_is_for_the_preflight(caplog: pytest.LogCaptureFixture) -> None:
    async def act(_: Any) -> None:
        await asyncio.sleep(10)

    assert watch(act, state=salobj.State.STANDBY) == []
    assert caplog.messages == []


@pytest.mark.parametrize("number", [0, 6, 99, -1])
def test_a_state_that_sal_does_not_have_is_named_and_the_watch_goes_on(
    caplog: pytest.LogCaptureFixture, number: int
) -> None:
    async def act(camera: Beating) -> None:
        await camera.evt_summaryState.set_write(summaryState=number)
        await asyncio.sleep(10)
        camera.stop_beating()
        await asyncio.sleep(SOON)

    silence, outage = watch(act)
    assert silence.startswith("ATCamera has sent no heartbeat since 2025-01-15T18:00:")
    words = f"ATCamera has not been ENABLED (in the unknown state {number}) since 2025-01-15T18:00:30 (TAI)"
    assert outage == words
    assert caplog.messages[0].startswith(words)
