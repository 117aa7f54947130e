"""The camera as a run uses it: set it up, take one exposure, know when it was read out."""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lsst.ts import salobj

from ..domain.errors import AcquisitionError
from ..domain.instruments import ImageType, Instrument, exposure_id, physical_filter
from ..domain.optics import MountedOptics
from .refusals import words

__all__ = ["Annotations", "Camera", "camera_class"]

_SEPARATOR = re.compile(r"[,:]")

_CLASSES = {
    "LATISS": ("lsst.ts.observatory.control.auxtel.latiss", "LATISS"),
    "LSSTComCam": ("lsst.ts.observatory.control.maintel.comcam", "ComCam"),
    "LSSTCam": ("lsst.ts.observatory.control.maintel.lsstcam", "LSSTCam"),
}
"""Module and name of the class that takes images with each instrument; it takes its time to be imported."""

READOUT_MARGIN = 30.0
"""Seconds that endReadout may come later than the readout time of the instrument."""

TAKE_MARGIN = 300.0
"""Seconds that taking an exposure may last beyond twice its time; the camera classes wait for ever for the
readout of an exposure whose endReadout was lost."""


class _Reticence(logging.Filter):
    """Lets what a camera class says of each step through only if the script is to say everything."""

    def __init__(self, log: logging.Logger) -> None:
        super().__init__()
        self._log = log

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or self._log.isEnabledFor(logging.DEBUG)


@dataclass(frozen=True)
class Annotations:
    """What the header of every exposure says about why it was taken.

    Parameters
    ----------
    program, reason, note
        As configured; None leaves the keyword out.
    test_type
        Test type of the images; None stands for the image type.
    """

    program: str | None = None
    reason: str | None = None
    note: str | None = None
    test_type: str | None = None


class Camera:
    """Takes exposures one at a time.

    Parameters
    ----------
    instrument
        Which camera.
    domain
        SAL domain of the script.
    log
        Where the camera class writes.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain, log: logging.Logger) -> None:
        self.instrument = instrument
        make: Any = camera_class(instrument.name)  # its arguments are fewer than those of its base
        self._control = make(domain=domain, log=log)
        self._control.log.addFilter(_Reticence(log))
        self.asked: float | None = None
        """When the camera was asked for the present exposure, on the clock of the loop; None until then."""
        command = self._control.camera.cmd_takeImages
        self._start, command.start = command.start, self._ask
        # BaseCamera reads endReadout by `next`, so this needs a reader of its own.
        self._events = salobj.Remote(domain, instrument.camera, include=["endReadout"], readonly=True)
        self._events.evt_endReadout.callback = self._take_readout
        self._names: dict[int, str] = {}
        self._read_out: dict[int, asyncio.Event] = {}

    async def start(self) -> None:
        """Wait until every remote is ready."""
        await asyncio.gather(self._control.start_task, self._events.start_task)

    async def setup(self, filter_: str | int | None, grating: str | int | None) -> None:
        """Put filter and grating into the beam; None leaves what is there.

        Raises
        ------
        AcquisitionError
            The spectrograph, or the camera that has the filters itself, refused or did not answer; or there
            is no spectrograph that could have a grating.
        """
        if grating is not None and self.instrument.spectrograph is None:
            raise AcquisitionError(f"{self.instrument.name} has no gratings; {grating!r} was asked for")
        wanted = {"filter": filter_, "grating": grating}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        if not wanted:
            return
        try:
            await self._control.setup_instrument(**wanted)
        except (salobj.AckError, RuntimeError, TimeoutError) as error:
            raise AcquisitionError(
                f"the instrument could not be set up with {wanted}: {words(error)}"
            ) from error

    async def mounted(self) -> MountedOptics | None:
        """Filters and gratings that can be put into the beam; None if the instrument does not say."""
        spectrograph = self.instrument.spectrograph
        try:
            if spectrograph is None:
                filters = _names(await self._control.get_available_filters())
                return MountedOptics(self.instrument.camera, filters) if filters else None
            filters, gratings, _ = await self._control.get_available_instrument_setup()
        except (RuntimeError, TimeoutError):
            return None
        found = MountedOptics(spectrograph, _names(filters), _names(gratings))
        return found if found.filters and found.gratings else None

    async def in_beam(self, filter_: str | int | None = None, grating: str | int | None = None) -> str | None:
        """Physical filter, as the Butler will name it; None if the instrument does not say.

        Parameters
        ----------
        filter_, grating
            Name or position of what is going to be put into the beam; None: what is there now.
        """
        beam = await self._present()
        if beam is not None and (filter_ is not None or grating is not None):
            mounted = await self.mounted()
            beam = None if mounted is None else mounted.set_up(beam, filter_, grating)
        return None if beam is None else physical_filter(*beam)

    async def _present(self) -> tuple[str, str | None] | None:
        """Names of filter and grating, the latter None without spectrograph; None if they are not known."""
        try:
            if self.instrument.spectrograph is None:
                return str(await self._control.get_current_filter()), None
            filter_, grating, _ = await self._control.get_setup()
        except (RuntimeError, TimeoutError):
            return None
        return str(filter_), str(grating)

    async def take(
        self, image_type: ImageType, exposure_time: float, group_id: str, annotations: Annotations
    ) -> int:
        """Take one exposure; return its id when the integration has ended.

        Raises
        ------
        AcquisitionError
            The camera refused, timed out or went to fault.
        """
        self.asked = None
        try:
            async with asyncio.timeout(2 * exposure_time + TAKE_MARGIN):
                (taken,) = await self._control.take_imgtype(
                    imgtype=image_type.value,
                    exptime=exposure_time,
                    n=1,
                    group_id=group_id,
                    test_type=annotations.test_type,
                    reason=annotations.reason,
                    program=annotations.program,
                    note=annotations.note,
                )
        except (salobj.AckError, RuntimeError, TimeoutError) as error:
            raise AcquisitionError(
                f"{self.instrument.camera} did not take the {image_type} of {exposure_time:g} s:"
                f" {words(error) or 'it was not ready in time'}"
            ) from error
        return int(taken)

    async def _ask(self, *args: Any, **kwargs: Any) -> Any:
        """Send takeImages, which the camera class does when all that it waits for has come."""
        self.asked = asyncio.get_running_loop().time()
        return await self._start(*args, **kwargs)

    def name(self, taken: int) -> str:
        """Image name of an exposure.

        Notes
        -----
        The image name is the one that endReadout gave, or, before that, the one that the camera makes for the
        OCS controller.
        """
        day, sequence = divmod(taken, 100_000)
        return self._names.get(taken, f"{self.instrument.code}_O_{day}_{sequence:06d}")

    async def read_out(self, taken: int) -> bool:
        """Wait for the endReadout of an exposure; return whether it came in time."""
        try:
            async with asyncio.timeout(self.instrument.readout_time + READOUT_MARGIN):
                await self._event(taken).wait()
        except TimeoutError:
            return False
        return True

    def _event(self, taken: int) -> asyncio.Event:
        return self._read_out.setdefault(taken, asyncio.Event())

    async def _take_readout(self, data: salobj.BaseMsgType) -> None:
        try:
            taken = exposure_id(data.imageName)
        except ValueError:
            return  # an image of another controller or a test name: not ours
        self._names[taken] = data.imageName
        self._event(taken).set()


def _names(said: Sequence[str]) -> tuple[str, ...]:
    """Names without the spaces around them; none if nothing was said.

    Cameras publish their filters with commas between them, and the classes of some split at colons.
    """
    names = tuple(name.strip() for name in _SEPARATOR.split(",".join(said)))
    return names if any(names) else ()


def camera_class(instrument_name: str) -> Any:
    """Class that takes images with an instrument.

    Parameters
    ----------
    instrument_name
        Name in the Butler, e.g. ``LSSTComCam``.

    Returns
    -------
    camera_class
        Of ts_observatory_control, a subclass of ``BaseCamera``.

    Raises
    ------
    ValueError
        There is none for this instrument.
    """
    if instrument_name not in _CLASSES:
        raise ValueError(f"no camera class for {instrument_name!r}; there are {sorted(_CLASSES)}")
    module, name = _CLASSES[instrument_name]
    return getattr(importlib.import_module(module), name)
