"""LSSTComCam and LSSTCam: cameras that change their filters themselves, with many detectors."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import LSSTCAM, LSSTCOMCAM, Instrument
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.cameras import CAMERAS
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.detector.illumination import throughput


def test_it_says_at_once_what_is_mounted_and_what_is_in_the_beam(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCAM) as here:
            mounted = here.recorder.camera.evt_availableFilters.get()
            assert mounted.filterNames == "z_20,i_39,g_6,y_10,r_57"
            assert mounted.filterTypes == "z,i,g,y,r"
            assert mounted.maxFastChangeTime == [CAMERAS["LSSTCam"].change_time] * 5 + [0.0]
            in_beam = here.recorder.camera.evt_endSetFilter.get()
            assert (in_beam.filterName, in_beam.filterType, in_beam.filterSlot) == ("r_57", "r", 5)

    clock.run(body)


def test_a_filter_change_takes_its_time_and_the_light_path_follows(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCOMCAM) as here:
            assert here.observatory.optics.physical_filter == "r_03"
            await here.recorder.camera.cmd_setFilter.set_start(name="g_01", timeout=60)
            assert here.recorder.now() == CAMERAS["LSSTComCam"].change_time
            assert [data.filterName for data in here.recorder.events("startSetFilter")] == ["g_01"]
            (in_beam,) = here.recorder.events("endSetFilter")
            assert (in_beam.filterName, in_beam.filterSlot, in_beam.filterPosition) == ("g_01", 3, 4423.07)
            assert here.observatory.optics.physical_filter == "g_01"

    clock.run(body)


def test_the_filter_that_is_there_is_confirmed_at_once(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCOMCAM) as here:
            await here.recorder.camera.cmd_setFilter.set_start(name="r_03", timeout=60)
            assert here.recorder.now() == 0.0
            assert here.recorder.events("endSetFilter")[0].filterName == "r_03"

    clock.run(body)


def test_what_is_not_mounted_is_refused_and_so_is_a_change_during_an_exposure(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCOMCAM, detectors=[0]) as here:
            camera = here.recorder.camera
            with pytest.raises(salobj.AckError, match="'u_24' is not mounted; mounted are i_06, r_03, g_01"):
                await camera.cmd_setFilter.set_start(name="u_24", timeout=60)
            exposing = asyncio.create_task(here.recorder.take_images(exposure=5.0, image_type="DARK"))
            await asyncio.sleep(1)
            with pytest.raises(salobj.AckError, match="setFilter rejected: another command is running"):
                await camera.cmd_setFilter.set_start(name="g_01", timeout=60)
            await exposing
            await asyncio.sleep(10)
            changing = asyncio.create_task(camera.cmd_setFilter.set_start(name="g_01", timeout=60))
            await asyncio.sleep(1)
            with pytest.raises(salobj.AckError, match="takeImages rejected: another command is running"):
                await here.recorder.take_images()
            await changing

    clock.run(body)


def test_headers_have_the_filter_and_no_grating(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCOMCAM, detectors=[0, 4]) as here:
            await here.recorder.camera.cmd_setFilter.set_start(name="g_01", timeout=60)
            await here.recorder.take_images(exposure=1.0, image_type="FLAT")
            await asyncio.sleep(30)
            headers = here.stand_ins.raws
            assert sorted(headers) == [
                "CC_O_20250115_000001_R22_S00.fits",
                "CC_O_20250115_000001_R22_S11.fits",
            ]
            header = headers["CC_O_20250115_000001_R22_S11.fits"]
            beam = ("FILTER", "FILTBAND", "FILTSLOT", "FILTPOS", "RAFTBAY", "CCDSLOT", "INSTRUME")
            assert [header[key] for key in beam] == ["g_01", "g", 3, 4423.07, "R22", "S11", "ComCam"]
            assert not {"GRATING", "GRATBAND", "LINSPOS"} & set(header)
            assert [request.physical_filter for request in here.stand_ins.pixels] == ["g_01"] * 2

    clock.run(body)


def test_the_oods_tells_of_all_detectors_though_two_have_pixels(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=LSSTCAM, detectors=[0, 94]) as here:
            await here.recorder.take_images()
            await asyncio.sleep(30)
            events = here.recorder.events("imageInOODS")
            assert len(events) == 189
            assert {f"{data.raft}_{data.sensor}" for data in events} == set(LSSTCAM.detectors.values())
            assert {data.obsid for data in events} == {"MC_O_20250115_000001"}
            assert len(here.stand_ins.ingested) == 2

    clock.run(body)


@pytest.mark.parametrize("instrument", [LSSTCOMCAM, LSSTCAM], ids=["ComCam", "LSSTCam"])
def test_the_beam_begins_with_the_r_filter_and_every_mounted_filter_has_a_throughput(
    instrument: Instrument,
) -> None:
    usual = usual_optics(instrument)
    assert CAMERAS[instrument.name].find_filter(usual.filter).band == "r"
    assert throughput(usual.physical_filter) == 1.0
    assert all(throughput(each.name) > 0.0 for each in CAMERAS[instrument.name].filters)
    with pytest.raises(ValueError, match="'SDSSr_65mm' is not mounted; mounted are "):
        CAMERAS[instrument.name].find_filter("SDSSr_65mm")
