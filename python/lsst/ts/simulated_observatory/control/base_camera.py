"""A camera and the components around it: takes biases, darks and flats."""

from __future__ import annotations

import abc
import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from ..clock import current_tai
from ..embedded_sal import AckError, Domain, Remote
from .camera_exposure import CameraExposure
from .remote_group import RemoteGroup

__all__ = ["BaseCamera", "InstrumentCamera"]

_IDLE = 1
"""Value of ``ccsCommandState.substate`` while the camera runs no command."""


class BaseCamera(RemoteGroup, abc.ABC):
    """A camera, with the components that set up its instrument and look after its images.

    Parameters
    ----------
    components, domain, log, intended_usage
        As `RemoteGroup`; the camera is the first component.
    instrument_setup_attributes
        Names of the keyword arguments of `setup_instrument`.
    tcs_ready_to_take_data
        Accepted for images of the sky; calibration images do not wait for the telescope.

    Attributes
    ----------
    read_out_time, min_exptime
        Time to read out an image, and shortest exposure with an open shutter (s).
    cmd_lock
        Held while a command to the camera or its instrument is under way.
    """

    _guide_regions: str | None = None
    """Regions of the guide sensors, as ``initGuiders`` takes them; None if there are none."""

    def __init__(
        self,
        components: Sequence[str],
        instrument_setup_attributes: Sequence[str],
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
        tcs_ready_to_take_data: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(components, domain=domain, log=log, intended_usage=intended_usage)
        self.instrument_setup_attributes = set(instrument_setup_attributes)
        self.read_out_time = 2.0
        self.min_exptime = 0.1
        self.cmd_lock = asyncio.Lock()

    @property
    def camera(self) -> Remote:
        """Remote of the camera."""
        remote: Remote = getattr(self.rem, self.components_attr[0])
        return remote

    def parse_sensors(self, sensors: str | None) -> str:
        """Return sensors as ``takeImages`` takes them.

        Parameters
        ----------
        sensors
            Names, separated by colons; None for all.

        Returns
        -------
        sensors : str
            An empty text stands for all.
        """
        return sensors or ""

    @abc.abstractmethod
    async def setup_instrument(self, **kwargs: Any) -> None:
        """Move filter, grating and so on into the light path.

        Parameters
        ----------
        kwargs
            What to move where: see the cameras.
        """

    @classmethod
    def get_image_types(cls) -> list[str]:
        """Return the image types that can be taken."""
        return ["BIAS", "DARK", "FLAT"]

    def check_kwargs(self, **kwargs: Any) -> None:
        """Check the keywords of `setup_instrument`.

        Parameters
        ----------
        kwargs
            The keywords.

        Raises
        ------
        RuntimeError
            One is unknown.
        """
        for key in kwargs:
            if key not in self.instrument_setup_attributes:
                raise RuntimeError(
                    f"Invalid argument {key}. Must be one of {sorted(self.instrument_setup_attributes)}."
                )

    async def take_bias(self, nbias: int, **kwargs: Any) -> list[int]:
        """Take biases.

        Parameters
        ----------
        nbias, kwargs
            How many; the others as for `take_imgtype`.

        Returns
        -------
        exposures : list of int
        """
        return await self.take_imgtype("BIAS", 0.0, nbias, **kwargs)

    async def take_darks(self, exptime: float, ndarks: int, **kwargs: Any) -> list[int]:
        """Take darks.

        Parameters
        ----------
        exptime, ndarks, kwargs
            Exposure time (s), and how many; the others as for `take_imgtype`.

        Returns
        -------
        exposures : list of int
        """
        return await self.take_imgtype("DARK", exptime, ndarks, **kwargs)

    async def take_flats(self, exptime: float, nflats: int, **kwargs: Any) -> list[int]:
        """Take flats.

        Parameters
        ----------
        exptime, nflats, kwargs
            Exposure time (s), and how many; the others as for `take_imgtype`.

        Returns
        -------
        exposures : list of int
        """
        return await self.take_imgtype("FLAT", exptime, nflats, **kwargs)

    async def take_imgtype(
        self,
        imgtype: str,
        exptime: float,
        n: int,
        n_snaps: int = 1,
        n_shift: int | None = None,
        row_shift: int | None = None,
        group_id: str | None = None,
        test_type: str | None = None,
        reason: str | None = None,
        program: str | None = None,
        sensors: str | None = None,
        note: str | None = None,
        checkpoint: Callable[[str], Awaitable[Any]] | None = None,
        **kwargs: Any,
    ) -> list[int]:
        """Take images of one type; with an open shutter the instrument is set up first.

        Parameters
        ----------
        imgtype
            BIAS, DARK or FLAT.
        exptime
            Exposure time (s); 0 for a BIAS, whatever is given.
        n, n_snaps
            Number of commands, and of the images of each.
        n_shift, row_shift
            Of stuttered images only, which cannot be taken here.
        group_id
            Group of the images; by default the present TAI in ISO format, with milliseconds.
        test_type, reason, program, sensors, note
            As `CameraExposure`.
        checkpoint
            Called with a text before the images are taken.
        kwargs
            Arguments of `setup_instrument`.

        Returns
        -------
        exposures
            Exposure ids, known when the integration has ended; readout goes on.

        Raises
        ------
        RuntimeError
            The type, a keyword or the exposure time is not valid, or no startIntegration came.
        AckError
            The camera or the instrument refused or failed.
        """
        self.check_kwargs(**kwargs)
        if imgtype not in self.get_image_types():
            raise RuntimeError(f"Invalid imgtype:{imgtype}. Must be one of {self.get_image_types()!r}")
        if group_id is None:
            tai = datetime.fromtimestamp(current_tai(), UTC).replace(tzinfo=None)
            group_id = tai.isoformat(timespec="milliseconds")
        shutter = imgtype not in ("BIAS", "DARK")
        if shutter:
            await self.setup_instrument(**kwargs)
        if checkpoint is not None:
            await checkpoint(f"Expose {n} {imgtype}")
        exposure = CameraExposure(
            exp_time=0.0 if imgtype == "BIAS" else exptime,
            shutter=shutter,
            image_type=imgtype,
            group_id=group_id,
            n=n,
            n_snaps=n_snaps,
            test_type=test_type,
            reason=reason,
            program=program,
            sensors=sensors,
            note=note,
        )
        return await self.expose(exposure)

    async def expose(self, camera_exposure: CameraExposure) -> list[int]:
        """Take images without setting up the instrument.

        Parameters
        ----------
        camera_exposure : CameraExposure

        Returns
        -------
        exposures
            As `take_imgtype`, whose exceptions it raises, too.

        Raises
        ------
        RuntimeError
            The exposure time is too short.
        """
        exposure = camera_exposure
        async with self.cmd_lock:
            if exposure.image_type == "BIAS" and exposure.exp_time > 0.0:
                self.log.warning("Image type is BIAS, ignoring exptime.")
                exposure.exp_time = 0.0
            elif exposure.shutter and exposure.exp_time < self.min_exptime:
                raise RuntimeError(
                    f"Minimum allowed open-shutter exposure time is {self.min_exptime}. "
                    f"Got {exposure.exp_time}."
                )
            ids = []
            for _ in range(exposure.n):
                if self._guide_regions is not None and exposure.exp_time > 0:
                    await self._init_guiders(self._guide_regions)
                ids += await self._take_images(exposure)
            return ids

    async def _init_guiders(self, regions: str) -> None:
        """Set the regions of the guide sensors; a camera that refuses takes its images without guiding."""
        await self._wait_until_idle()
        try:
            await self.camera.cmd_initGuiders.set_start(roiSpec=regions, timeout=self.long_timeout)
        except AckError as error:
            if "not configured as a guider" in error.ackcmd.result:
                self.log.warning("Ignoring init guider failure; detectors not configured as guider.")

    async def _take_images(self, exposure: CameraExposure) -> list[int]:
        """Send one ``takeImages`` and return the ids of its images."""
        self.camera.cmd_takeImages.set(
            numImages=exposure.n_snaps,
            expTime=float(exposure.exp_time),
            shutter=bool(exposure.shutter),
            keyValueMap=exposure.get_key_value_map(),
            sensors=self.parse_sensors(exposure.sensors),
            obsNote="" if exposure.note is None else exposure.note,
        )
        timeout = (float(exposure.exp_time) + self.read_out_time) * exposure.n + self.long_long_timeout
        await self._wait_for_camera_readiness()
        await self._wait_until_idle()
        await self.camera.cmd_takeImages.start(timeout=timeout)
        ids: list[int] = []
        for _ in range(exposure.n_snaps):
            try:
                ids.append(await self.next_exposure_id())
            except TimeoutError:
                raise RuntimeError(  # ts_observatory_control names the other event, too
                    f"Timeout waiting for endReadout event. Expected {exposure.n_snaps} got {len(ids)}."
                ) from None
        return ids

    async def next_exposure_id(self) -> int:
        """Return the id of the next exposure that begins: its day and last five digits of its number."""
        begins = self.camera.evt_startIntegration
        begun = await begins.next(flush=False, timeout=self.long_long_timeout)
        _, _, day, sequence = begun.imageName.split("_")
        return int(day + sequence[1:])

    async def _wait_for_camera_readiness(self) -> None:
        """Wait until the last image that was begun has been read out.

        A camera that has never taken an image counts as ready after the long time limit. An endReadout that
        is lost is waited for without end, with a warning now and then: callers set a time limit of their own.
        """
        begins, ends = self.camera.evt_startIntegration, self.camera.evt_endReadout
        try:
            ends.flush()
            begun, ended = await asyncio.gather(
                begins.aget(timeout=self.long_timeout), ends.aget(timeout=self.long_timeout)
            )
        except TimeoutError:
            self.log.info("No image has been taken with this camera yet; taking it for ready.")
            return
        timeout = self.long_timeout + 2.0 * begun.exposureTime + self.read_out_time
        while ended.imageName != begun.imageName:
            self.log.info(f"Waiting for the readout of {begun.imageName}.")
            try:
                ended = await ends.next(flush=False, timeout=timeout)
            except TimeoutError:
                self.log.warning(f"No endReadout of {begun.imageName} in {timeout} s; waiting on.")
        begins.flush()

    async def _wait_until_idle(self) -> None:
        """Wait until the camera runs no command; where that is not known, go on with a warning."""
        event = self.camera.evt_ccsCommandState
        try:
            data = await event.aget(timeout=self.fast_timeout)
            event.flush()
            while data.substate != _IDLE:
                data = await event.next(flush=False, timeout=self.fast_timeout)
        except TimeoutError:
            self.log.warning("Could not determine CCS Command State; ignoring.")


class InstrumentCamera(BaseCamera, abc.ABC):
    """A camera whose class says what belongs to it.

    Parameters
    ----------
    domain, log, intended_usage, tcs_ready_to_take_data
        As `BaseCamera`.

    Attributes
    ----------
    component_names, setup_attributes
        SAL names of the components; names of the keyword arguments of `setup_instrument`.
    """

    component_names: ClassVar[Sequence[str]]
    setup_attributes: ClassVar[Sequence[str]]

    def __init__(
        self,
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
        tcs_ready_to_take_data: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(
            self.component_names, self.setup_attributes, domain, log, intended_usage, tcs_ready_to_take_data
        )
