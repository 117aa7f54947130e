"""A simulated camera: takes images, publishes what the real one publishes, and has the files made."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from ...adapters.sal import salobj
from ...domain.instruments import Instrument
from .. import clock
from ..faults import Faults
from ..image_folder import ImageFolder
from ..images import Image, day_obs, parse_key_values
from ..imaging import Imaging
from ..optical_path import OpticalPath
from .camera_states import CommandState, RaftsState, ReadinessState, ShutterState
from .header_reader import HeaderReader
from .key_values import join_escaped

__all__ = ["Camera"]

LEAST_OPEN_TIME = 0.1
"""Seconds; the shutter cannot do a shorter exposure."""

MOST_IMAGES = 1000
"""Images that one takeImages may ask for."""

PIXELS_TIME = 2.0
"""Seconds from endReadout until the pixels are on disk; two images can so be under way at a time."""

STORE_TIME = 0.5
"""Seconds that joining header and pixels takes."""

HEADER_WAIT = 10.0
"""Seconds from endReadout that a header may take; an image without one is written without one."""

PIXELS_FAILED = 1
"""Error code: the pixels of an image could not be made."""


class Camera(salobj.BaseCsc):
    """ATCamera and its sisters.

    takeImages completes at the end of the integration, after the shutter has closed; readout, header and
    files follow while the next image is prepared.

    Parameters
    ----------
    instrument
        Which camera.
    folder
        Where the images go: it gives the sequence numbers.
    imaging
        Makes the files.
    optics
        What is in the beam.
    faults
        What goes wrong.
    initial_state
        Summary state at the beginning.
    """

    valid_simulation_modes = (1,)
    version = "simulated"

    def __init__(
        self,
        instrument: Instrument,
        *,
        folder: ImageFolder,
        imaging: Imaging,
        optics: OpticalPath,
        faults: Faults,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        super().__init__(
            name=instrument.camera,
            index=None,
            initial_state=initial_state,
            simulation_mode=1,
            allow_missing_callbacks=True,
        )
        self.cmd_takeImages.allow_multiple_callbacks = True  # a second one is refused, not queued
        self.instrument = instrument
        self._folder = folder
        self._imaging = imaging
        self._optics = optics
        self._faults = faults
        self._headers = HeaderReader(self.domain, instrument, imaging.models)
        self._busy = False
        self._readout: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = 0

    async def start(self) -> None:
        """Start, and publish the states of a camera at rest."""
        await self._headers.start()
        await super().start()
        await self._publish(self.evt_ccsCommandState, CommandState.IDLE)
        await self._publish(self.evt_raftsDetailedState, RaftsState.QUIESCENT)
        await self._publish(self.evt_imageReadinessDetailedState, ReadinessState.READY)
        await self._publish(self.evt_shutterDetailedState, ShutterState.CLOSED)

    async def close_tasks(self) -> None:
        """Drop the images that are not complete."""
        await super().close_tasks()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def do_takeImages(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Take images, one after the other."""
        self.assert_enabled("takeImages")
        if self._busy or (self._readout is not None and not self._readout.done()):
            doing = "another command is running" if self._busy else "an image is being read out"
            raise salobj.ExpectedError(f"takeImages rejected: {doing}")
        key_values = _check(data)
        if self._faults.strike("take-images-refused", image=self._count + 1):
            self._count += 1
            raise salobj.ExpectedError("takeImages rejected: fault take-images-refused was asked for")
        self._busy = True
        try:
            await self._publish(self.evt_ccsCommandState, CommandState.BUSY)
            for index in range(1, data.numImages + 1):
                if self._readout is not None:
                    await self._readout
                await self._take(data, key_values, index)
        finally:
            self._busy = False
            await self._publish(self.evt_ccsCommandState, CommandState.IDLE)

    async def _take(self, data: Any, key_values: Mapping[str, str], index: int) -> None:
        """Integrate one image and leave its readout running."""
        image = self._begin(data, key_values, index)
        integration = image.integration
        pixels = self._keep(
            self._imaging.expose(image, integration + self.instrument.readout_time + PIXELS_TIME)
        )
        await self._publish(self.evt_imageReadinessDetailedState, ReadinessState.NOT_READY)
        await self._publish(self.evt_raftsDetailedState, RaftsState.INTEGRATING)
        await self.evt_startIntegration.set_write(
            **_identity(image), exposureTime=image.exposure_time, mode="TIMED", timeout=0.0
        )
        if image.shutter:
            await self._expose(image)
        else:
            await asyncio.sleep(integration)
        await self._publish(self.evt_endTakeImage)
        self._readout = self._keep(self._read_out(image))
        self._keep(self._store(image, pixels))

    def _begin(self, data: Any, key_values: Mapping[str, str], index: int) -> Image:
        now = clock.current_tai()
        day = day_obs(now)
        self._count += 1
        return Image(
            code=self.instrument.code,
            day_obs=day,
            number=self._folder.reserve(day),
            count=self._count,
            index=index,
            in_sequence=data.numImages,
            exposure_time=data.expTime,
            shutter=data.shutter,
            shutter_time=self.instrument.shutter_time,
            started=now,
            physical_filter=self._optics.physical_filter,
            key_values=key_values,
        )

    async def _expose(self, image: Image) -> None:
        """Open the shutter, expose, close it."""
        half = image.shutter_time / 2
        await self._publish(self.evt_shutterDetailedState, ShutterState.OPENING)
        await self._publish(self.evt_startShutterOpen)
        await asyncio.sleep(half)
        await self._publish(self.evt_shutterDetailedState, ShutterState.OPEN)
        await self._publish(self.evt_endShutterOpen)
        await asyncio.sleep(image.exposure_time)
        await self._publish(self.evt_shutterDetailedState, ShutterState.CLOSING)
        await self._publish(self.evt_startShutterClose)
        await asyncio.sleep(half)
        await self._publish(self.evt_shutterDetailedState, ShutterState.CLOSED)
        await self._publish(self.evt_endShutterClose)

    async def _read_out(self, image: Image) -> None:
        identity = _identity(image)
        began = clock.current_tai()
        await self._publish(self.evt_raftsDetailedState, RaftsState.READING_OUT)
        await self.evt_startReadout.set_write(
            **identity, exposureTime=image.exposure_time, timestampStartOfReadout=began
        )
        await asyncio.sleep(self.instrument.readout_time)
        await self._publish(self.evt_raftsDetailedState, RaftsState.QUIESCENT)
        await self._publish(self.evt_imageReadinessDetailedState, ReadinessState.READY)
        await self.evt_endReadout.set_write(
            **identity,
            requestedExposureTime=image.exposure_time,
            timestampEndOfReadout=clock.current_tai(),
        )
        await self.evt_endOfImageTelemetry.set_write(
            **identity,
            exposureTime=image.exposure_time,
            imageTag=f"{image.exposure:016x}",
            timestampDateObs=image.started,
            timestampDateEnd=began,
            measuredShutterOpenTime=image.exposure_time if image.shutter else 0.0,
            darkTime=image.dark_time,
            emulatedImage="",
        )

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

    async def _publish(self, event: Any, substate: int | None = None) -> None:
        """Publish an event that has a time stamp and, if it is one of a state, a substate."""
        fields = {} if substate is None else {"substate": int(substate)}
        await event.set_write(timestampTransition=clock.current_tai(), **fields, force_output=True)

    def _keep(self, work: Any) -> asyncio.Task[None]:
        """Run something beside the command, until it ends or the camera closes."""
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


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


def _identity(image: Image) -> dict[str, Any]:
    """Fields that tell an image, the same in all its events."""
    return {
        "additionalKeys": join_escaped(image.key_values.keys()),
        "additionalValues": join_escaped(image.key_values.values()),
        "imagesInSequence": image.in_sequence,
        "imageName": image.name,
        "imageIndex": image.index,
        "imageSource": image.code,
        "imageController": "O",
        "imageDate": f"{image.day_obs}",
        "imageNumber": image.number,
        "timestampAcquisitionStart": image.started,
    }
