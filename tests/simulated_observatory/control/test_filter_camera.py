"""ComCam and LSSTCam: the classes that command cameras with a filter changer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LSSTCOMCAM
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.control import ComCam, LSSTCam, filter_camera
from lsst.ts.simulated_observatory.testing import MockCsc, run_in_simulated_time


class Camera(MockCsc):
    """Changes its filter in 10 s, writes the event of it, and takes images in no time."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked: list[str] = []
        self.sensors: list[str] = []

    async def do_takeImages(self, data: Any) -> None:  # noqa: N802
        self.sensors.append(data.sensors)
        name = f"CC_O_20250115_{len(self.sensors):06d}"
        await self.evt_startIntegration.set_write(imageName=name)
        await self.evt_endReadout.set_write(imageName=name)

    async def do_setFilter(self, data: Any) -> None:  # noqa: N802
        self.asked.append(data.name)
        await asyncio.sleep(10)
        if data.name == "mirror":
            raise salobj.ExpectedError("no filter mirror")
        await self.evt_endSetFilter.set_write(filterName=data.name, force_output=True)


def run_check(check: Any, control: type[ComCam] | type[LSSTCam]) -> None:
    run_in_simulated_time(check, partial(Camera, control.component_names[0]), control)


def test_the_class_of_another_instrument_is_made_from_its_description() -> None:
    made = filter_camera(replace(LSSTCOMCAM, camera_class="auxtel.example.Example", camera="EXCamera"))
    assert made.__name__ == "Example"
    assert made.component_names == ("EXCamera", "CCHeaderService", "CCOODS")
    assert made.setup_attributes == ComCam.setup_attributes


def test_the_filter_is_what_can_be_set_up() -> None:
    async def check(camera: Camera, commander: Any) -> None:
        await camera.evt_endSetFilter.set_write(filterName="r_57")
        await camera.evt_availableFilters.set_write(filterNames="r_57:i_39")
        assert await commander.get_available_instrument_setup() == ["r_57", "i_39"]
        begin = clock.current_tai()
        await commander.setup_instrument(filter="i_39")
        assert clock.current_tai() - begin == 10
        assert await commander.get_current_filter() == "i_39"
        await commander.setup_instrument(filter=None)
        assert camera.asked == ["i_39"]
        with pytest.raises(RuntimeError, match="Invalid argument grating"):
            await commander.setup_instrument(grating="empty_1")

    run_check(check, ComCam)


def test_lsstcam_leaves_a_filter_that_is_there_and_changes_none() -> None:
    async def check(camera: Camera, commander: LSSTCam) -> None:
        await camera.evt_endSetFilter.set_write(filterName="r_57")
        assert await commander.setup_filter("r_57") is None
        with pytest.raises(RuntimeError, match="Cannot change the LSSTCam filter"):
            await commander.setup_instrument(filter="i_39")
        assert camera.asked == []

    run_check(check, LSSTCam)


def test_comcam_is_asked_again_for_a_filter_that_is_there() -> None:
    async def check(camera: Camera, commander: ComCam) -> None:
        await camera.evt_endSetFilter.set_write(filterName="r_03")
        data = await commander.setup_filter("r_03")
        assert data is not None
        assert data.filterName == "r_03"
        assert camera.asked == ["r_03"]

    run_check(check, ComCam)


def test_a_filter_that_is_not_there_is_an_error_with_the_reason() -> None:
    async def check(camera: Camera, commander: ComCam) -> None:
        await camera.evt_endSetFilter.set_write(filterName="r_03")
        with pytest.raises(salobj.AckError, match="no filter mirror"):
            await commander.setup_instrument(filter="mirror")

    run_check(check, ComCam)


def test_a_camera_that_has_published_nothing_is_an_error() -> None:
    async def check(camera: Camera, commander: ComCam) -> None:
        with pytest.raises(RuntimeError, match=r"Could not determine current filter.*CCCamera"):
            await commander.get_current_filter()
        with pytest.raises(RuntimeError, match="Could not determine available filters"):
            await commander.get_available_filters()

    run_check(check, ComCam)


def test_sensors_are_passed_on() -> None:
    async def check(camera: Camera, commander: ComCam) -> None:
        assert await commander.take_bias(1) == [2025011500001]
        assert await commander.take_bias(1, sensors="R22:R21_S11") == [2025011500002]
        assert camera.sensors == ["", "R22:R21_S11"]
        assert commander.camera.salinfo.name == "CCCamera"

    run_check(check, ComCam)
