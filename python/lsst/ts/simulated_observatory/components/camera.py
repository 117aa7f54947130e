"""Simulated cameras: they take images, publish what the real ones publish, and have the files made."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument, day_obs

from .. import clock
from ..cameras import CAMERAS
from ..cameras.camera_data import MountedFilter
from ..faults.faults import Faults
from .camera_events import CameraEvents, CommandState, RaftsState, ReadinessState, ShutterState
from .header_reader import HeaderReader
from .image_folder import ImageFolder
from .images import Image, parse_key_values
from .imaging import Imaging
from .optics import OpticalPath

__all__ = ["CameraCsc", "FilterCameraCsc"]

LEAST_OPEN_TIME = 0.1
"""Seconds; the shutter cannot do a shorter exposure."""

MOST_FILTERS = 6
"""Filters for which availableFilters has a change time."""

MOST_IMAGES = 1000
"""Images that one takeImages may ask for."""

PIXELS_TIME = 2.0
"""Seconds from endReadout until the pixels are on disk; two images can so be under way at a time."""

STORE_TIME = 0.5
"""Seconds that joining header and pixels takes."""

IDLE_BEFORE = 3600.0
"""Seconds that the camera has not read out when a night begins."""

HEADER_WAIT = 10.0
"""Seconds from endReadout that a header may take; an image without one is written without one."""

PIXELS_FAILED = 1
"""Error code: the pixels of an image could not be made."""

FAULT_ASKED_FOR = 99
"""Error code: the fault camera-fault was asked for."""


class CameraCsc(CameraEvents):
    """A camera without filter changer: ATCamera.

    takeImages completes at the end of the integration, after the shutter has closed; readout, header and
    files follow while the next image is prepared.

    Parameters
    ----------
    instrument, optics
        Which camera, and filter and grating that are in use.
    folder, imaging
        Where the images go, which gives the sequence numbers, and what makes the files.
    faults
        What goes wrong.
    begin_image
        Called with the number of each image at its begin.
    initial_state
        Summary state at the beginning.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        folder: ImageFolder,
        imaging: Imaging,
        optics: OpticalPath,
        faults: Faults,
        begin_image: Callable[[int], object] = lambda _: None,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        concurrent = ("takeImages", *(() if instrument.spectrograph else ("setFilter",)))
        super().__init__(instrument.camera, None, initial_state, concurrent=concurrent)
        self.instrument = instrument
        self._mounted = CAMERAS[instrument.name]
        self._folder = folder
        self._imaging = imaging
        self._optics = optics
        self._faults = faults
        self._headers = HeaderReader(self.domain, instrument, imaging.models)
        self._begin_image = begin_image
        self._held: list[tuple[Image, float]] = []
        self._busy = False
        self._reading_out = False
        self._readout: asyncio.Task[None] | None = None
        self._count = 0
        self._idle_since = clock.current_tai()
        if not folder.count():  # else this simulation goes on with the night of an earlier one
            self._idle_since -= IDLE_BEFORE

    async def start(self) -> None:
        """Start, and publish what clients that come later find of a camera at rest."""
        await self._headers.start()
        await super().start()
        now = clock.current_tai()
        local = self._faults.strike("local-image-before") is not None
        await self._publish_state_at_rest(self._local_image(now) if local else self._image(now - 86400.0, 1))

    def _image(self, started: float, number: int, controller: str = "O") -> Image:
        """An image that has nothing to do with any command."""
        return Image(
            code=self.instrument.code,
            day_obs=day_obs(started),
            number=number,
            count=0,
            started=started,
            physical_filter=self._optics.physical_filter,
            controller=controller,
        )

    def _local_image(self, started: float) -> Image:
        """An image under local control, which counts for itself: it has the number of the next image."""
        return self._image(started, self._folder.next_number(day_obs(started)), controller="C")

    async def do_takeImages(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Take images, one after the other."""
        self.assert_enabled("takeImages")
        self._assert_free("takeImages")
        key_values = _check(data)
        if self._faults.strike("take-images-refused", image=self._count + 1):
            self._count += 1
            raise salobj.ExpectedError("takeImages rejected: fault take-images-refused was asked for")
        self._busy = True
        if self._faults.strike("take-images-silent", image=self._count + 1):
            self._count += 1
            await asyncio.Event().wait()
        try:
            await self._transition("ccsCommandState", CommandState.BUSY)
            for index in range(1, data.numImages + 1):
                if self._readout is not None:
                    await self._readout
                await self._take(data, key_values, index)
        finally:
            self._busy = False
            if self.isopen:
                await self._transition("ccsCommandState", CommandState.IDLE)

    async def finish(self, image: Image) -> None:
        """Read out an image that an earlier simulation has begun, and have its files made.

        Parameters
        ----------
        image
            As its note in the folder has it.
        """
        pixels = self._keep(self._imaging.expose(image, self.instrument.readout_time + PIXELS_TIME))
        await self._publish_start_integration(image)
        await self._begin_readout(image, pixels)

    def _assert_free(self, command: str) -> None:
        """Refuse a command while the camera does something else."""
        if self._busy or self._reading_out:
            doing = "another command is running" if self._busy else "an image is being read out"
            raise salobj.ExpectedError(f"{command} rejected: {doing}")

    async def _take(self, data: Any, key_values: Mapping[str, str], index: int) -> None:
        """Integrate one image and leave its readout running."""
        image = self._begin(data, key_values, index)
        integration = image.integration
        pixels = self._keep(
            self._imaging.expose(image, integration + self.instrument.readout_time + PIXELS_TIME)
        )
        await self._transition("imageReadinessDetailedState", ReadinessState.NOT_READY)
        await self._transition("raftsDetailedState", RaftsState.INTEGRATING)
        if not self._faults.strike("start-integration-lost", image=image.count):
            await self._publish_start_integration(image)
        if image.shutter:
            await self._expose(image)
        else:
            await clock.sleep(integration)
        await self._transition("endTakeImage")
        self._begin_readout(image, pixels)

    def _begin_readout(self, image: Image, pixels: asyncio.Task[None]) -> asyncio.Task[None]:
        self._reading_out = True
        self._readout = self._keep(self._read_out(image))
        self._keep(self._store(image, pixels))
        return self._readout

    def _begin(self, data: Any, key_values: Mapping[str, str], index: int) -> Image:
        now = clock.current_tai()
        day = day_obs(now)
        self._count += 1
        self._begin_image(self._count)
        image = Image(
            code=self.instrument.code,
            day_obs=day,
            number=self._folder.reserve(day),
            count=self._count,
            index=index,
            in_sequence=data.numImages,
            exposure_time=data.expTime,
            shutter=data.shutter,
            shutter_time=self.instrument.shutter_time,
            idle=now - self._idle_since,
            started=now,
            physical_filter=self._optics.physical_filter,
            key_values=key_values,
        )
        # At once: a later simulation ends what has a number, should this one be killed.
        self._folder.begin(image, (self.instrument.detectors[each] for each in self._imaging.models))
        return image

    async def _expose(self, image: Image) -> None:
        """Open the shutter, expose, close it."""
        half = image.shutter_time / 2
        await self._publish_shutter(ShutterState.OPENING)
        await clock.sleep(half)
        await self._publish_shutter(ShutterState.OPEN)
        await clock.sleep(image.exposure_time)
        await self._publish_shutter(ShutterState.CLOSING)
        await clock.sleep(half)
        await self._publish_shutter(ShutterState.CLOSED)

    async def _read_out(self, image: Image) -> None:
        """Read an image out; after its end is published the next one may begin."""
        await self._transition("raftsDetailedState", RaftsState.READING_OUT)
        await self._publish_start_readout(image)
        await clock.sleep(self.instrument.readout_time)
        self._idle_since = clock.current_tai()
        self._reading_out = False
        await self._transition("raftsDetailedState", RaftsState.QUIESCENT)
        await self._transition("imageReadinessDetailedState", ReadinessState.READY)
        await self._announce_end(image, clock.current_tai())
        await self._publish_telemetry(image)
        if self._faults.strike("local-image-between", image=image.count):
            await self._take_locally()
        if self._faults.strike("camera-fault", image=image.count):
            await self.fault(FAULT_ASKED_FOR, "fault camera-fault was asked for")

    async def _take_locally(self) -> None:
        """Take an image of no length under local control, which leaves no file here."""
        image, self._reading_out = self._local_image(clock.current_tai()), True
        await self._publish_start_integration(image)
        await clock.sleep(self.instrument.readout_time)
        self._reading_out = False
        await self._publish_end_readout(image, clock.current_tai())

    async def _announce_end(self, image: Image, ended: float) -> None:
        """Publish the end of a readout, once and at once unless a fault was asked for."""
        strike, number = self._faults.strike, image.count
        if strike("end-readout-lost", image=number):
            return
        if strike("end-readout-reordered", image=number):
            self._held.append((image, ended))
            return
        if (late := strike("end-readout-late", image=number)) is not None:
            self._keep(self._announce_later(late.number("seconds"), image, ended))
            return
        await self._publish_end_readout(image, ended)
        if strike("end-readout-duplicated", image=number):
            await self._publish_end_readout(image, ended)
        while self._held:
            await self._publish_end_readout(*self._held.pop(0))

    async def _announce_later(self, seconds: float, image: Image, ended: float) -> None:
        await clock.sleep(seconds)
        await self._publish_end_readout(image, ended)

    async def _store(self, image: Image, pixels: asyncio.Task[None]) -> None:
        """Write the raw files when pixels and header are there."""
        try:
            wait = self.instrument.readout_time + HEADER_WAIT
            headers = await self._headers.headers(image, wait)
            await pixels
            await self._imaging.store(image, headers, STORE_TIME)
        except Exception as error:
            self.log.exception("image %s could not be made", image.name)
            await self.fault(PIXELS_FAILED, f"the simulated image {image.name} could not be made: {error}")


class FilterCameraCsc(CameraCsc):
    """A camera with a filter changer: CCCamera and MTCamera."""

    async def start(self) -> None:
        """Start, and publish what is mounted and what is in use."""
        await super().start()
        mounted = self._mounted.filters
        times = [self._mounted.change_time] * len(mounted) + [0.0] * (MOST_FILTERS - len(mounted))
        await self.evt_availableFilters.set_write(
            filterNames=",".join(each.name for each in mounted),
            filterTypes=",".join(each.band for each in mounted),
            maxSlowChangeTime=times,
            maxFastChangeTime=times,
        )
        await self._report(self._mounted.find_filter(self._optics.filter))

    async def do_initGuiders(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Check the regions of the guide sensors, of which no pixels are made."""
        self.assert_enabled("initGuiders")
        try:
            json.loads(data.roiSpec)
        except ValueError as error:
            raise salobj.ExpectedError(f"initGuiders: roiSpec is no JSON: {error}") from None

    async def do_setFilter(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Change the filter."""
        self.assert_enabled("setFilter")
        self._assert_free("setFilter")
        try:
            asked = self._mounted.find_filter(data.name)
        except ValueError as error:
            raise salobj.ExpectedError(f"setFilter: {error}") from None
        self._busy = True
        try:
            await self.evt_startSetFilter.set_write(
                filterName=asked.name, filterType=asked.band, force_output=True
            )
            if asked.name != self._optics.filter:
                await clock.sleep(self._mounted.change_time)
                self._optics.filter = asked.name
            await self._report(asked)
        finally:
            self._busy = False

    async def _report(self, in_use: MountedFilter) -> None:
        await self.evt_endSetFilter.set_write(
            filterName=in_use.name,
            filterType=in_use.band,
            filterSlot=in_use.slot,
            filterPosition=in_use.position,
            force_output=True,
        )


def _check(data: Any) -> dict[str, str]:
    """Refuse what the camera cannot do; return the keys and values of the command."""
    if not 1 <= data.numImages <= MOST_IMAGES:
        raise salobj.ExpectedError(f"numImages={data.numImages} is not between 1 and {MOST_IMAGES}")
    if not math.isfinite(data.expTime) or data.expTime < 0:
        raise salobj.ExpectedError(f"expTime={data.expTime} is not a time")
    if data.shutter and data.expTime < LEAST_OPEN_TIME:
        raise salobj.ExpectedError(f"expTime={data.expTime}: the shutter needs at least {LEAST_OPEN_TIME} s")
    try:
        key_values = parse_key_values(data.keyValueMap)
    except ValueError as error:
        raise salobj.ExpectedError(str(error)) from None
    return key_values | ({"obsNote": data.obsNote} if data.obsNote else {})
