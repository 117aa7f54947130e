"""The simulated camera beside others: another controller, a header service that is late, and a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.camera import camera_class
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import clock


def test_the_camera_class_of_the_scripts_loses_no_time(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here, salobj.Domain() as domain:
            latiss = camera_class(LATISS)(domain=domain)
            await latiss.start_task
            here.recorder.begin = asyncio.get_running_loop().time()
            taken = await latiss.take_imgtype("BIAS", 0.0, 3, group_id="2025-01-15T18:00:00.000")
            taken += await latiss.take_imgtype(
                "FLAT", 5.0, 2, group_id="2025-01-15T18:00:20.000", filter="SDSSg_65mm"
            )
            assert taken == [2025011500001 + number for number in range(5)]
            assert here.recorder.times("startIntegration") == [0.0, 2.0, 4.0, 8.0, 16.0], (
                "readout 2 s, shutter 1 s; the filter takes 4 s while the last bias is read out"
            )

    clock.run(body)


def test_the_last_image_before_the_run_may_be_of_another_controller(observe: Any) -> None:
    async def body() -> None:
        async with observe("local-image-before") as here, salobj.Domain() as domain:
            async with salobj.Remote(domain, "ATCamera") as late:
                last = [getattr(late, f"evt_{name}").get() for name in ("startIntegration", "endReadout")]
                for data in last:
                    assert (data.imageName, data.imageController) == ("AT_C_20250115_000001", "C")
            await here.recorder.take_images()
            (begun,) = here.recorder.events("startIntegration")
            assert (begun.imageName, begun.imageController) == ("AT_O_20250115_000001", "O")

    clock.run(body)


def test_an_image_of_another_controller_has_the_number_of_the_next_one_and_no_file(observe: Any) -> None:
    async def body() -> None:
        async with observe("local-image-between:image=1") as here:
            await here.recorder.take_images()
            await asyncio.sleep(3)
            with pytest.raises(salobj.AckError, match="an image is being read out"):
                await here.recorder.take_images()
            await asyncio.sleep(3)
            await here.recorder.take_images()
            await asyncio.sleep(20)
            names = ["AT_O_20250115_000001", "AT_C_20250115_000002", "AT_O_20250115_000002"]
            for event in ("startIntegration", "endReadout"):
                assert [data.imageName for data in here.recorder.events(event)] == names
            assert [data.obsid for data in here.recorder.events("imageInOODS")] == [names[0], names[2]]

    clock.run(body)


@pytest.mark.parametrize(
    ("fault", "comes"),
    [("header-late:image=2,seconds=9", True), ("header-late:image=2,seconds=11", False),
     ("header-lost:image=2", False)],
)  # fmt: skip
def test_a_header_that_comes_too_late_is_missing_in_its_file_alone(
    observe: Any, fault: str, comes: bool
) -> None:
    async def body() -> None:
        async with observe(fault) as here:
            for _ in range(2):
                await here.recorder.take_images()
                await asyncio.sleep(20)
            first, second = here.stand_ins.raws.values()
            assert len(first) > 20
            if comes:
                assert second.keys() == first.keys()
            else:
                assert second == {"OBSID": "AT_O_20250115_000002"}

    clock.run(body)
