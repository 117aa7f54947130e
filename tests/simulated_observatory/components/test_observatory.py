"""The simulated observatory as a whole: starts, works, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.faults.faults import FaultError

COMPONENTS = ("camera", "spectrograph", "header_service", "oods", "ocps")


def states(recorder: Any) -> dict[str, salobj.State]:
    return {name: getattr(recorder, name).evt_summaryState.get().summaryState for name in COMPONENTS}


def test_all_components_are_enabled_and_say_that_they_are_simulated(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            assert set(states(here.recorder).values()) == {salobj.State.ENABLED}
            assert all(getattr(here.recorder, name).evt_simulationMode.get().mode == 1 for name in COMPONENTS)

    clock.run(body)


@pytest.mark.parametrize("state", ["STANDBY", "DISABLED", "FAULT"])
@pytest.mark.parametrize("component", ["OCPS", "OCPS:1"])
def test_a_component_can_begin_in_another_state(observe: Any, component: str, state: str) -> None:
    async def body() -> None:
        async with observe(f"component-state:component={component},state={state}") as here:
            found = states(here.recorder)
            assert found.pop("ocps") == salobj.State[state]
            assert set(found.values()) == {salobj.State.ENABLED}

    clock.run(body)


def test_an_absent_component_is_silent(observe: Any) -> None:
    async def body() -> None:
        async with observe("component-absent:component=ATOODS") as here:
            await asyncio.sleep(5)
            assert here.recorder.oods.evt_summaryState.get() is None
            assert here.recorder.camera.evt_summaryState.get().summaryState == salobj.State.ENABLED

    clock.run(body)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("component-absent:component=ATDome", "there is no 'ATDome'; there are ATCamera"),
        ("component-state:component=OCPS:2,state=STANDBY", "there is no 'OCPS:2'"),
        ("hot-column:column=4000", "column 4000 is beyond the last column"),
    ],
)
def test_a_fault_of_what_there_is_not_is_refused(observe: Any, fault: str, reason: str) -> None:
    async def body() -> None:
        with pytest.raises(FaultError, match=reason):
            async with observe(fault):
                pytest.fail("it must not start")

    clock.run(body)


def test_the_events_of_a_night_depend_on_the_seed_alone(observe: Any, tmp_path: Any) -> None:
    def night(seed: int, folder: str) -> list[tuple[float, str, str, str]]:
        async def body() -> list[tuple[float, str, str, str]]:
            async with observe(seed=seed, images=tmp_path / folder) as here:
                for number in range(10):
                    if number % 3 == 0:
                        await here.recorder.ocps.cmd_execute.set_start(
                            timeout=60, wait_done=False, pipeline="verifyBias.yaml"
                        )
                    await here.recorder.take_images(1, 5.0, "FLAT" if number % 2 else "DARK")
                    await asyncio.sleep(2.5)
                await asyncio.sleep(60)
                return [
                    (when, component, event, _text_of(data))
                    for when, component, event, data in here.recorder.recording
                ]

        return clock.run(body)

    first = night(1, "a")
    assert first == night(1, "b")
    assert first != night(2, "c")
    assert len(first) > 150


def test_closing_in_the_middle_of_everything_leaves_nothing_running(
    observe: Any, stand_ins: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stand_ins.job_status = None

    async def body() -> None:
        before = asyncio.all_tasks()
        async with observe(stand_ins=stand_ins) as here:
            await here.recorder.ocps.cmd_execute.set_start(
                timeout=60, wait_done=False, pipeline="cpBias.yaml"
            )
            await here.recorder.take_images(1, 1.0, "DARK")
            await asyncio.sleep(2.1)
            exposing = asyncio.create_task(here.recorder.take_images(1, 100.0, "DARK"))
            await asyncio.sleep(3.0)
            exposing.cancel()
        await asyncio.sleep(1.0)
        assert {task for task in asyncio.all_tasks() - before if task is not exposing} == set()
        assert stand_ins.processes[0].killed.is_set()
        assert stand_ins.closed

    threads = threading.enumerate()  # other tests may have left theirs
    clock.run(body)
    assert [thread.name for thread in threading.enumerate() if thread not in threads] == []
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def _text_of(data: Any) -> str:
    """Fields of an event, without paths, which hold the folder of the test."""
    fields = {key: value for key, value in vars(data).items() if not key.startswith("private_")}
    return f"{ {**fields, 'url': ''} }"


def test_what_is_under_way_when_it_closes_is_no_warning(
    observe: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that is stopped during an exposure would show it on the terminal, below its own last line."""

    async def body() -> None:
        async with observe() as here:
            exposing = asyncio.ensure_future(here.recorder.take_images(1, 300.0, "DARK"))
            await asyncio.sleep(10)
            camera = here.observatory.components["ATCamera"]
            camera.log.warning("as long as it runs")
        exposing.cancel()

    clock.run(body)
    assert [each.message for each in caplog.records if each.levelno == logging.WARNING] == [
        "as long as it runs"
    ]
