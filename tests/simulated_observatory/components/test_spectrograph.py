"""The simulated spectrograph changes filter, grating and stage, and the light path with them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.optics import OpticalPath


def test_it_says_at_once_what_is_where(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            remote = here.recorder.spectrograph
            in_beam = remote.evt_reportedFilterPosition.get()
            assert (in_beam.slot, in_beam.name, in_beam.band) == (2, "SDSSr_65mm", "r")
            assert remote.evt_reportedDisperserPosition.get().name == "empty_1"
            assert remote.evt_reportedLinearStagePosition.get().position == 67.0
            mounted = remote.evt_settingsAppliedValues.get()
            assert mounted.filterNames == "empty_1,SDSSg_65mm,SDSSr_65mm,SDSSz_65mm"
            assert mounted.gratingNames == "empty_1,holo4_003,blue300lpmm_qn1,SDSSy_65mm"

    clock.run(body)


@pytest.mark.parametrize("fields", [{"filter": 1}, {"filter": 0, "name": "SDSSg_65mm"}])
def test_filter_by_slot_or_name(observe: Any, fields: dict[str, Any]) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.spectrograph.cmd_changeFilter.set_start(timeout=30, **fields)
            assert here.recorder.now() == 4.0
            assert here.recorder.spectrograph.evt_reportedFilterPosition.get().name == "SDSSg_65mm"
            assert here.observatory.optics.physical_filter == "SDSSg_65mm~empty"
            in_position = [data.inPosition for data in here.recorder.events("filterInPosition")]
            assert in_position == [False, True]

    clock.run(body)


def test_nothing_moves_if_the_filter_is_there_already(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.spectrograph.cmd_changeFilter.set_start(timeout=30, name="SDSSr_65mm")
            assert here.recorder.now() == 0.0

    clock.run(body)


def test_wheels_and_stage_move_at_the_same_time(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            remote = here.recorder.spectrograph
            await asyncio.gather(
                remote.cmd_changeFilter.set_start(timeout=30, name="empty_1"),
                remote.cmd_changeDisperser.set_start(timeout=30, name="SDSSy_65mm"),
                remote.cmd_moveLinearStage.set_start(timeout=30, distanceFromHome=37.0),
            )
            assert here.recorder.now() == 4.0
            assert here.observatory.optics.physical_filter == "empty~SDSSy_65mm"
            assert remote.evt_reportedLinearStagePosition.get().position == 37.0

    clock.run(body)


@pytest.mark.parametrize(
    ("command", "fields", "reason"),
    [
        ("changeFilter", {"filter": 1, "name": "SDSSg_65mm"}, "both slot 1 and name 'SDSSg_65mm'"),
        ("changeFilter", {"name": "SDSSi_65mm"}, "'SDSSi_65mm' is not mounted; mounted are empty_1"),
        ("changeFilter", {"filter": 4}, "slot 4 is not between 0 and 3"),
        ("changeDisperser", {"name": "ronchi90lpmm"}, "not mounted"),
        ("changeDisperser", {"disperser": -1}, "slot -1"),
        ("moveLinearStage", {"distanceFromHome": 76.0}, "not between 0.0 and 75.0 mm"),
    ],
)
def test_what_is_not_there_is_refused(
    observe: Any, command: str, fields: dict[str, Any], reason: str
) -> None:
    async def body() -> None:
        async with observe() as here:
            with pytest.raises(salobj.AckError) as refusal:
                await getattr(here.recorder.spectrograph, f"cmd_{command}").set_start(timeout=30, **fields)
            assert reason in refusal.value.ackcmd.result
            assert here.observatory.optics == OpticalPath("SDSSr_65mm", "empty_1")
            assert not here.recorder.recording

    clock.run(body)


def test_a_wheel_that_turns_refuses_another_change(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            remote = here.recorder.spectrograph
            first = asyncio.create_task(remote.cmd_changeFilter.set_start(timeout=30, filter=1))
            await asyncio.sleep(1)
            with pytest.raises(salobj.AckError, match="filter wheel is moving"):
                await remote.cmd_changeFilter.set_start(timeout=30, filter=3)
            await first
            assert here.observatory.optics.filter == "SDSSg_65mm"

    clock.run(body)


def test_images_and_headers_know_the_new_filter(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.spectrograph.cmd_changeFilter.set_start(timeout=30, name="SDSSz_65mm")
            await here.recorder.take_images(1, 1.0, "FLAT")
            await asyncio.sleep(10)
            assert here.stand_ins.pixels[0].physical_filter == "SDSSz_65mm~empty"
            (header,) = here.stand_ins.raws.values()
            assert (header["FILTER"], header["FILTSLOT"], header["FILTBAND"]) == ("SDSSz_65mm", 3, "z")

    clock.run(body)
