"""The camera as a run uses it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.camera import READOUT_MARGIN, TAKE_MARGIN, Camera
from lsst.ts.calibrations.domain.errors import AcquisitionError
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.machinery import Machinery
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory

GROUP = "2025-01-15T18:00:00.000"
FIRST = 2025011500001


def now() -> float:
    return asyncio.get_running_loop().time()


@contextlib.asynccontextmanager
async def camera() -> AsyncIterator[tuple[Camera, salobj.Domain]]:
    async with salobj.Domain() as domain:
        adapter = Camera(LATISS, domain, logging.getLogger("test"))
        await adapter.start()
        yield adapter, domain


async def take(
    adapter: Camera, kind: ImageType = ImageType.BIAS, seconds: float = 0.0, **annotations: str
) -> int:
    return await adapter.take(kind, seconds, GROUP, annotations)


def test_an_exposure_is_taken_and_then_read_out(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            begin = now()
            assert await take(adapter, ImageType.DARK, 30.0) == FIRST
            assert now() - begin == pytest.approx(30, abs=0.1)
            assert await adapter.read_out(FIRST)
            assert now() - begin == pytest.approx(32, abs=0.1)
            assert adapter.name(FIRST) == "AT_O_20250115_000001"

    clock.run(story)


def test_a_flat_lasts_longer_by_the_shutter(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            begin = now()
            await take(adapter, ImageType.FLAT, 5.0)
            assert now() - begin == pytest.approx(5 + LATISS.shutter_time, abs=0.1)

    clock.run(story)


def test_the_readout_of_any_exposure_can_be_asked_for_afterwards(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            taken = [await take(adapter) for _ in range(3)]
            await asyncio.sleep(10)
            assert taken == [FIRST, FIRST + 1, FIRST + 2]
            assert all([await adapter.read_out(each) for each in reversed(taken)])

    clock.run(story)


def test_the_header_is_told_what_the_image_is_for(observatory: Any) -> None:
    async def story() -> str:
        async with observatory(), camera() as (adapter, domain), salobj.Remote(domain, "ATCamera") as remote:
            await take(adapter, program="BLOCK-T1", reason="daily", note="quiet night")
            sample = remote.evt_startIntegration.get()
            assert sample.additionalValues.split(":")
            return ",".join([sample.additionalKeys, sample.additionalValues])

    header = clock.run(story)
    for word in ("BIAS", "BLOCK-T1", "daily", "quiet night"):
        assert word in header


def test_what_is_not_annotated_is_left_out(observatory: Any) -> None:
    async def story() -> str:
        async with observatory(), camera() as (adapter, domain), salobj.Remote(domain, "ATCamera") as remote:
            await take(adapter)
            return str(remote.evt_startIntegration.get().additionalValues)

    assert "None" not in clock.run(story)


def test_a_refused_exposure_is_an_error_that_names_camera_image_and_reason(observatory: Any) -> None:
    async def story() -> None:
        async with observatory("take-images-refused:image=2"), camera() as (adapter, _):
            await take(adapter)
            with pytest.raises(AcquisitionError, match=r"ATCamera did not take the DARK of 5 s: .*rejected"):
                await take(adapter, ImageType.DARK, 5.0)

    clock.run(story)


def test_it_is_known_when_the_camera_was_asked_for_an_exposure(observatory: Any) -> None:
    async def story() -> None:
        async with observatory("take-images-refused:image=3"), camera() as (adapter, _):
            assert adapter.asked is None
            begin = now()
            await take(adapter)
            assert adapter.asked == begin
            taking = asyncio.ensure_future(take(adapter, ImageType.DARK, 5.0))
            await asyncio.sleep(0.5)
            assert adapter.asked is None, "the first image is still read out, and takeImages not sent"
            await taking
            assert adapter.asked == begin + LATISS.readout_time
            await adapter.read_out(FIRST + 1)
            with pytest.raises(AcquisitionError):
                await take(adapter)
            assert adapter.asked is None, "what is refused is not under way"

    clock.run(story)


def test_an_exposure_that_nobody_waits_for_was_asked_for_all_the_same(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            taking = asyncio.ensure_future(take(adapter, ImageType.DARK, 60.0))
            await asyncio.sleep(1)
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)
            assert adapter.asked is not None

    clock.run(story)


def test_nothing_is_put_into_the_remote_of_the_camera_class(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            await take(adapter)
            remote = adapter._control.rem.atcamera
            assert "start" not in vars(remote.cmd_takeImages)
            assert adapter._control.camera.evt_endReadout is remote.evt_endReadout

    clock.run(story)


def test_a_camera_that_is_not_there_is_an_error_and_no_endless_wait() -> None:
    async def story() -> None:
        async with camera() as (adapter, _):
            with pytest.raises(AcquisitionError, match="ATCamera did not take the BIAS of 0 s"):
                await take(adapter)
            assert now() < 600

    clock.run(story)


def test_filter_and_grating_are_put_into_the_beam(observatory: Any) -> None:
    async def story() -> tuple[str, str]:
        async with (
            observatory(),
            camera() as (adapter, domain),
            salobj.Remote(domain, "ATSpectrograph") as remote,
        ):
            await adapter.setup("SDSSg_65mm", 2)
            filter_, grating = (
                event.get().name
                for event in (remote.evt_reportedFilterPosition, remote.evt_reportedDisperserPosition)
            )
            return filter_, grating

    assert clock.run(story) == ("SDSSg_65mm", "blue300lpmm_qn1")


def test_nothing_is_moved_when_nothing_is_asked_for(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            begin = now()
            await adapter.setup(None, None)
            assert now() == begin

    clock.run(story)


def test_a_filter_that_is_not_there_is_an_error_that_names_it(observatory: Any) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            with pytest.raises(AcquisitionError, match=r"set up with .*'filter': 'SDSSx_65mm'"):
                await adapter.setup("SDSSx_65mm", None)

    clock.run(story)


def test_what_is_mounted_and_what_will_be_in_the_beam_is_known_before_anything_moves(
    observatory: Any,
) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            begin = now()
            mounted = await adapter.mounted()
            assert mounted is not None
            assert mounted.holder == "ATSpectrograph"
            assert mounted.filters == ("empty_1", "SDSSg_65mm", "SDSSr_65mm", "SDSSz_65mm")
            assert mounted.gratings == ("empty_1", "holo4_003", "blue300lpmm_qn1", "SDSSy_65mm")
            assert await adapter.find_filter() == "SDSSr_65mm~empty"
            assert await adapter.find_filter("SDSSg_65mm", None) == "SDSSg_65mm~empty"
            assert await adapter.find_filter(None, 1) == "SDSSr_65mm~holo4_003"
            assert await adapter.find_filter("SDSSx_65mm") is None
            assert now() == begin

    clock.run(story)


@pytest.mark.parametrize("published", ["i_06,r_03,g_01", "i_06:r_03:g_01", "i_06, r_03 ,g_01"])
@pytest.mark.parametrize("split_at", [",", ":"])
def test_filters_are_known_however_they_are_listed(published: str, split_at: str) -> None:
    """The camera lists them with commas, and the observatory's class for LSSTComCam splits at colons."""

    async def story() -> None:
        async with salobj.Domain() as domain:
            adapter = Camera(LSSTCOMCAM, domain, logging.getLogger("test"))

            async def get_available_filters() -> list[str]:
                return published.split(split_at)

            adapter._control.get_available_filters = get_available_filters
            mounted = await adapter.mounted()
            assert mounted is not None
            assert mounted.filters == ("i_06", "r_03", "g_01")

    clock.run(story)


def test_a_spectrograph_that_says_nothing_is_not_known(observatory: Any) -> None:
    async def story() -> None:
        async with observatory("component-absent:component=ATSpectrograph"), camera() as (adapter, _):
            assert await adapter.mounted() is None
            assert await adapter.find_filter("SDSSg_65mm") is None
            assert now() < 60

    clock.run(story)


def test_a_readout_that_is_never_announced_is_not_waited_for_without_end() -> None:
    class Forgetful(salobj.BaseCsc):
        version = "1"

        async def do_takeImages(self, data: Any) -> None:  # noqa: N802
            await self.evt_startIntegration.set_write(
                imageName="AT_O_20250115_000001", exposureTime=data.expTime
            )

    async def story() -> None:
        csc = Forgetful("ATCamera", initial_state=salobj.State.ENABLED, allow_missing_callbacks=True)
        async with csc, camera() as (adapter, _):
            taken = await take(adapter)
            begin = now()
            assert not await adapter.read_out(taken)
            assert now() - begin == pytest.approx(LATISS.readout_time + READOUT_MARGIN)
            assert adapter.name(taken) == "AT_O_20250115_000001"

    clock.run(story)


@pytest.mark.parametrize("keys", ["groupId:imageType", ""], ids=["with its group", "without keys"])
def test_the_name_of_an_image_is_the_one_with_which_it_began(keys: str) -> None:
    async def story() -> None:
        async with _SpeakingCamera("P", keys) as csc, camera() as (adapter, _):
            await csc.evt_endReadout.set_write(imageName="not an image")
            assert await take(adapter) == FIRST
            assert adapter.name(FIRST) == adapter.integrating == "AT_P_20250115_000001"
            assert adapter.name(FIRST + 1) == "AT_O_20250115_000002"
            assert await adapter.read_out(FIRST)

    clock.run(story)


def test_an_image_of_another_controller_is_not_taken_for_ours() -> None:
    """Its number may be that of the first image of the script, and its events are on the bus before."""

    async def story() -> None:
        async with _SpeakingCamera("O", "groupId:imageType") as csc:
            other = "AT_C_20250115_000001"
            await csc.evt_startIntegration.set_write(imageName=other)
            await csc.evt_endReadout.set_write(imageName=other)
            async with camera() as (adapter, _):
                csc.reads_out = False
                assert await take(adapter) == FIRST
                await csc.evt_startIntegration.set_write(
                    imageName=other, additionalKeys="", additionalValues=""
                )
                await csc.evt_endReadout.set_write(imageName=other, force_output=True)
                await asyncio.sleep(0.1)
                assert adapter.name(FIRST) == adapter.integrating == "AT_O_20250115_000001"
                assert not await adapter.read_out(FIRST)

    clock.run(story)


class _SpeakingCamera(salobj.BaseCsc):
    """Takes one bias for a controller."""

    version = "1"
    reads_out = True

    def __init__(self, controller: str, keys: str) -> None:
        super().__init__("ATCamera", initial_state=salobj.State.ENABLED, allow_missing_callbacks=True)
        self.controller, self.keys = controller, keys

    async def do_takeImages(self, data: Any) -> None:  # noqa: N802
        name = f"AT_{self.controller}_20250115_000001"
        values = f"{GROUP}:BIAS" if self.keys else ""
        await self.evt_startIntegration.set_write(
            imageName=name, additionalKeys=self.keys, additionalValues=values
        )
        if self.reads_out:
            await self.evt_endReadout.set_write(imageName=name)


def test_a_camera_without_spectrograph_has_its_own_filters_and_no_grating(tmp_path: Any) -> None:
    async def story() -> None:
        unused: Any = None  # no image is taken
        machinery = Machinery(unused, unused, make_pixels=unused, write_raw=unused, processes=0)
        sister = SimulatedObservatory(
            LSSTCOMCAM, machinery, images=tmp_path / "images", jobs=tmp_path / "uws", scale=16, detectors=[]
        )
        async with sister, salobj.Domain() as domain:
            adapter = Camera(LSSTCOMCAM, domain, logging.getLogger("test"))
            await adapter.start()
            mounted = await adapter.mounted()
            assert mounted is not None
            assert (mounted.holder, mounted.filters) == ("CCCamera", ("i_06", "r_03", "g_01"))
            assert await adapter.find_filter("g_01") == "g_01"
            await adapter.setup("g_01", None)
            assert sister.optics.physical_filter == "g_01"
            with pytest.raises(AcquisitionError, match="LSSTComCam has no gratings; 'empty_1' was asked for"):
                await adapter.setup(None, "empty_1")
            with pytest.raises(AcquisitionError, match="'r_57' is not mounted"):
                await adapter.setup("r_57", None)

    clock.run(story)


def test_a_camera_that_never_ends_its_last_readout_is_an_error_and_no_endless_wait(observatory: Any) -> None:
    async def story() -> None:
        async with observatory() as there, camera() as (adapter, _):
            await there.components["ATCamera"].evt_startIntegration.set_write(
                imageName="AT_O_20250115_000099"
            )
            begin = now()
            lost = "it was not ready in time, since the endReadout of AT_O_20250115_000099 has not come"
            with pytest.raises(AcquisitionError, match=f"DARK of 30 s: {lost}"):
                await take(adapter, ImageType.DARK, 30.0)
            assert now() - begin == 2 * 30 + TAKE_MARGIN

    clock.run(story)


def test_a_begin_that_is_lost_is_named_and_not_the_event_that_the_camera_class_names(
    observatory: Any,
) -> None:
    async def story() -> None:
        async with observatory("start-integration-lost:image=2"), camera() as (adapter, _):
            await take(adapter)
            with pytest.raises(
                AcquisitionError, match=r"it accepted it, and its startIntegration has not come"
            ):
                await take(adapter)
            assert adapter.asked is not None, "the camera has taken it"
            with pytest.raises(
                AcquisitionError, match=r"ready.* startIntegration of AT_O_20250115_000002 has not"
            ):
                await take(adapter)

    clock.run(story)


@pytest.mark.parametrize(("level", "logged"), [(logging.INFO, False), (logging.DEBUG, True)])
def test_what_the_camera_class_says_of_each_step_is_for_those_who_want_everything(
    observatory: Any, caplog: pytest.LogCaptureFixture, level: int, logged: bool
) -> None:
    async def story() -> None:
        async with observatory(), camera() as (adapter, _):
            await take(adapter)
            await take(adapter)

    with caplog.at_level(level, logger="test"):
        clock.run(story)
    assert any("Waiting for the readout" in message for message in caplog.messages) == logged
