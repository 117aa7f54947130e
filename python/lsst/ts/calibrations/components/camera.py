"""The camera as a run uses it: it is set up, takes one exposure at a time, and reads it out."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any

from lsst.ts import salobj

from ..domain.errors import AcquisitionError
from ..domain.instruments import ImageType, Instrument, exposure_id, physical_filter
from ..domain.optics import MountedOptics
from .sal import Composed, explain

__all__ = ["Camera", "camera_class"]

_SEPARATOR = re.compile(r"[,:]")
READOUT_MARGIN = 30.0  # seconds that endReadout may come later than the readout time of the instrument
# Seconds that taking an exposure may last beyond twice its time; the camera classes wait for ever for the
# readout of an exposure whose endReadout was lost.
TAKE_MARGIN = 300.0

# Events that the camera class or the run reads: a reader of all that cameras publish costs seconds.
TOPICS = (
    *("heartbeat", "simulationMode", "summaryState"),
    *("availableFilters", "ccsCommandState", "endReadout", "endSetFilter", "startIntegration"),
    *("reportedDisperserPosition", "reportedFilterPosition", "reportedLinearStagePosition"),
    *("imageInOODS", "settingsAppliedValues"),
)

NAME_MARGIN = 5.0  # seconds that startIntegration may come later here than to the camera class


class Camera:
    """Takes exposures one at a time.

    Parameters
    ----------
    instrument
        Instrument whose camera it is.
    domain, log
        SAL domain of the script, and where the camera class writes.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain, log: logging.Logger) -> None:
        self.instrument = instrument
        self.asked: float | None = None
        """When the camera was asked for the last exposure, on the clock of the loop (s): None until all that
        the camera class waits for has come, and None again if the exposure fails."""
        self.integrating: str | None = None
        """Name of the exposure that the camera was asked for last, once its integration has begun."""
        self._control = _watched(instrument, self._note_asked)(domain=domain, log=log)
        # What the class logs of each step is for a log of level DEBUG alone.
        self._control.log.addFilter(
            lambda record: record.levelno >= logging.WARNING or log.isEnabledFor(logging.DEBUG)
        )
        # BaseCamera reads these by `next`, so this needs readers of its own.
        self._events = salobj.Remote(
            domain, instrument.camera, include=["startIntegration", "endReadout"], readonly=True
        )
        self._events.evt_startIntegration.callback = self._take_begin
        self._events.evt_endReadout.callback = self._take_readout
        self._group = ""
        self._named = asyncio.Event()
        self._names: dict[int, str] = {}
        self._last_begun = ""
        self._last_ended = ""
        """Names of the last image that began, and of the last that was read out, whoever asked for them."""
        self._readout_ended: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @property
    def remotes(self) -> dict[str, salobj.Remote]:
        """Remotes of the camera class by SAL name: others read from them, too, but not by ``next``."""
        return {each.salinfo.name: each for each in vars(self._control.rem).values()}

    async def start(self) -> None:
        """Wait until every remote is ready."""
        await asyncio.gather(self._control.start_task, self._events.start_task)

    async def setup(self, filter_: str | int | None, grating: str | int | None) -> None:
        """Put filter and grating into the light path.

        Parameters
        ----------
        filter_, grating
            Name or position; None leaves what is there.

        Raises
        ------
        AcquisitionError
            Spectrograph or camera refused or did not answer; or the instrument has no gratings.
        """
        if grating is not None and self.instrument.spectrograph is None:
            raise AcquisitionError(f"{self.instrument.name} has no gratings; {grating!r} was asked for")
        options = {"filter": filter_, "grating": grating}
        wanted = {name: value for name, value in options.items() if value is not None}
        if not wanted:
            return
        try:
            await self._control.setup_instrument(**wanted)
        except (salobj.AckError, RuntimeError, TimeoutError) as error:
            raise AcquisitionError(
                f"the instrument could not be set up with {wanted}: {explain(error)}"
            ) from error

    async def mounted(self) -> MountedOptics | None:
        """Filters and gratings that can be put into the light path; None if the instrument does not say."""
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

    async def find_filter(
        self, filter_: str | int | None = None, grating: str | int | None = None
    ) -> str | None:
        """Find the physical filter of the exposures to come.

        Parameters
        ----------
        filter_, grating
            Name or position of what is going to be put into the light path; None: what is there now.

        Returns
        -------
        physical_filter
            As the Butler will name it; None if the instrument does not say, or has not what is asked for.
        """
        names = await self._present()
        if names is not None and (filter_ is not None or grating is not None):
            mounted = await self.mounted()
            names = None if mounted is None else mounted.set_up(names, filter_, grating)
        return None if names is None else physical_filter(*names)

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
        self,
        image_type: ImageType,
        exposure_time: float,
        group_id: str,
        annotations: Mapping[str, str | None],
    ) -> int:
        """Take one exposure, until its integration has ended.

        Parameters
        ----------
        image_type, exposure_time
            Type of the image, and its exposure time [s].
        group_id, annotations
            Group of the exposure, which no other has, and texts for the header by keyword: program...

        Returns
        -------
        exposure
            Its id.

        Raises
        ------
        AcquisitionError
            The camera refused, timed out or went to fault.
        """
        self.asked = self.integrating = None
        self._group, self._named = group_id, asyncio.Event()
        try:
            async with asyncio.timeout(2 * exposure_time + TAKE_MARGIN):
                (taken,) = await self._control.take_imgtype(
                    imgtype=image_type.value,
                    exptime=exposure_time,
                    n=1,
                    group_id=group_id,
                    **annotations,
                )
        except (salobj.AckError, RuntimeError, TimeoutError) as error:
            what = f"{self.instrument.camera} did not take the {image_type} of {exposure_time:g} s: "
            if self.asked is not None and not self.integrating and not isinstance(error, salobj.AckError):
                what += "it accepted it, and its startIntegration has not come; a resumed run looks for it"
            else:
                self.asked = None
                what += explain(error) or f"it was not ready in time{self._not_ready}"
            raise AcquisitionError(what) from error
        await self._learn_name(int(taken))
        return int(taken)

    @property
    def _not_ready(self) -> str:
        """Why the camera class waited in vain before it asked for an exposure, where that is known."""
        begun, ended = self._last_begun, self._last_ended
        if begun == ended or not begun:
            return ""
        lost = ("startIntegration", ended) if ended[5:] > begun[5:] else ("endReadout", begun)
        return ", since the {} of {} has not come".format(*lost)

    async def _learn_name(self, exposure: int) -> None:
        """Note the name of an exposure, of which the camera class has only the id."""
        with contextlib.suppress(TimeoutError, ValueError):
            async with asyncio.timeout(NAME_MARGIN):
                await self._named.wait()
            if self.integrating is not None and exposure_id(self.integrating) == exposure:
                self._names[exposure] = self.integrating

    def _note_asked(self) -> None:
        self.asked = asyncio.get_running_loop().time()

    def name(self, exposure: int) -> str:
        """Image name of an exposure.

        Parameters
        ----------
        exposure
            Its id.

        Returns
        -------
        name
            As its startIntegration gave it, or, where none is known, as the camera makes it for the OCS
            controller. An image of another controller may have the same id.
        """
        day, sequence = divmod(exposure, 100_000)
        return self._names.get(exposure, f"{self.instrument.code}_O_{day}_{sequence:06d}")

    async def read_out(self, exposure: int) -> bool:
        """Wait for the endReadout of an exposure.

        Parameters
        ----------
        exposure
            Its id.

        Returns
        -------
        came
            Whether it came in time.
        """
        try:
            async with asyncio.timeout(self.instrument.readout_time + READOUT_MARGIN):
                await self._readout_ended[self.name(exposure)].wait()
        except TimeoutError:
            return False
        return True

    async def _take_begin(self, data: salobj.BaseMsgType) -> None:
        self._last_begun = data.imageName
        if self.asked is None:
            return  # of the past, or of somebody else
        # Its group tells the exposure of the script, where the camera repeats what it was given.
        if self.integrating is None or self._group in data.additionalValues.replace("\\", ""):
            self.integrating = data.imageName
            self._named.set()

    async def _take_readout(self, data: salobj.BaseMsgType) -> None:
        self._last_ended = data.imageName
        self._readout_ended[data.imageName].set()


def _names(published: Sequence[str]) -> tuple[str, ...]:
    """Names without the spaces around them; none if nothing was published.

    Cameras publish their filters with commas between them, and the classes of some split at colons.
    """
    names = tuple(name.strip() for name in _SEPARATOR.split(",".join(published)))
    return names if any(names) else ()


def camera_class(instrument: Instrument) -> Any:
    """Import the camera class of an instrument, which takes a while.

    Parameters
    ----------
    instrument
        The instrument.

    Returns
    -------
    camera_class
        Subclass of ``BaseCamera`` of ts_observatory_control.
    """
    module, _, name = instrument.camera_class.rpartition(".")
    return getattr(importlib.import_module(f"lsst.ts.observatory.control.{module}"), name)


def _watched(instrument: Instrument, on_sent: Callable[[], None]) -> Any:
    """Subclass of a camera class that calls a function when it sends ``self.camera.cmd_takeImages``.

    It reads no more events than are needed, and commands camera and spectrograph alone.
    """
    watched = camera_class(instrument)
    commanded = {each.lower() for each in (instrument.camera, instrument.spectrograph) if each}

    class WatchedCamera(watched):  # type: ignore[misc, valid-type]  # a class that is known at run time alone
        def get_required_resources(self, component: str, intended_usage: int | None) -> SimpleNamespace:
            return SimpleNamespace(add_this=True, readonly=component not in commanded, include=TOPICS)

        @cached_property
        def camera(self) -> Composed:
            remote = super().camera

            async def start(*args: Any, **kwargs: Any) -> Any:
                on_sent()
                return await remote.cmd_takeImages.start(*args, **kwargs)

            return Composed(remote, cmd_takeImages=Composed(remote.cmd_takeImages, start=start))

    WatchedCamera.__name__ = watched.__name__  # names its logger
    return WatchedCamera
