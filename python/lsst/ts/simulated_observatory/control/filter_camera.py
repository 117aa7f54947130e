"""The cameras of the Simonyi telescope: they change their filters themselves."""

from __future__ import annotations

import abc
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..embedded_sal import BaseMsgType, Domain, Remote
from .base_camera import BaseCamera

__all__ = ["ComCam", "LSSTCam"]


class _FilterCamera(BaseCamera, abc.ABC):
    """A camera with a filter changer, its header service and OODS.

    Parameters
    ----------
    domain, log, intended_usage, tcs_ready_to_take_data
        As `BaseCamera`.

    Attributes
    ----------
    filter_change_timeout
        Longest time that a filter change may take (s).
    """

    prefix: str
    """Two letters that begin the SAL names of the components."""

    def __init__(
        self,
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
        tcs_ready_to_take_data: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(
            components=[f"{self.prefix}{part}" for part in ("Camera", "HeaderService", "OODS")],
            instrument_setup_attributes=["filter"],
            domain=domain,
            log=log,
            intended_usage=intended_usage,
            tcs_ready_to_take_data=tcs_ready_to_take_data,
        )
        self.filter_change_timeout = 60.0

    @property
    def camera(self) -> Remote:
        """Remote of the camera."""
        remote: Remote = getattr(self.rem, f"{self.prefix.lower()}camera")
        return remote

    def parse_sensors(self, sensors: str | None) -> str:
        """Return names of sensors, separated by colons, as they are; an empty string stands for all."""
        return sensors or ""

    async def setup_instrument(self, **kwargs: Any) -> None:
        """Set up the filter.

        Parameters
        ----------
        kwargs
            ``filter`` as `setup_filter`.

        Raises
        ------
        RuntimeError
            There are other arguments.
        AckError
            The camera refused or failed.
        """
        self.check_kwargs(**kwargs)
        asked = kwargs.get("filter")
        if asked is not None and str(asked) != await self.get_current_filter():
            await self.setup_filter(str(asked))

    async def setup_filter(self, filter: str | None) -> BaseMsgType | None:
        """Put a filter into the beam.

        Parameters
        ----------
        filter
            Its name; None to leave what is there.

        Returns
        -------
        data
            The ``endSetFilter`` of the change; None if nothing was asked for.

        Raises
        ------
        AckError
            The camera refused or failed.
        TimeoutError
            No ``endSetFilter`` came.
        """
        if filter is None:
            return None
        async with self.cmd_lock:
            self.camera.evt_endSetFilter.flush()
            await self.camera.cmd_setFilter.set_start(name=filter, timeout=self.filter_change_timeout)
            data: BaseMsgType = await self.camera.evt_endSetFilter.next(
                flush=False, timeout=self.filter_change_timeout
            )
            return data

    async def get_current_filter(self) -> str:
        """Return the name of the filter in the beam.

        Raises
        ------
        RuntimeError
            The camera has not said.
        """
        name: str = (await self._said("endSetFilter", "current filter")).filterName
        return name

    async def get_available_filters(self) -> list[str]:
        """Return the names of the filters that can be put into the beam.

        Raises
        ------
        RuntimeError
            The camera has not said.
        """
        names: str = (await self._said("availableFilters", "available filters")).filterNames
        return names.split(":")

    async def get_available_instrument_setup(self) -> list[str]:
        """Return what can be set up: the filters; raises as `get_available_filters`."""
        return await self.get_available_filters()

    async def _said(self, event: str, what: str) -> BaseMsgType:
        try:
            data: BaseMsgType = await getattr(self.camera, f"evt_{event}").aget(timeout=self.fast_timeout)
        except TimeoutError:
            raise RuntimeError(
                f"Could not determine {what}. Make sure {self.prefix}Camera is running."
            ) from None
        return data


class ComCam(_FilterCamera):
    """LSSTComCam: CCCamera, CCHeaderService and CCOODS."""

    prefix = "CC"


class LSSTCam(_FilterCamera):
    """LSSTCam: MTCamera, MTHeaderService and MTOODS.

    It changes no filter: for that the tracking of the telescope has to stop and its rotator to be at zero,
    and the class of the observatory does it only when it is given the telescope, which is not simulated.

    Parameters
    ----------
    domain, log, intended_usage, tcs_ready_to_take_data
        As `BaseCamera`.
    """

    prefix = "MT"

    def __init__(
        self,
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
        tcs_ready_to_take_data: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        super().__init__(domain, log, intended_usage, tcs_ready_to_take_data)
        self.filter_change_timeout = 120.0
        self._guide_regions = _guide_regions()

    async def setup_instrument(self, **kwargs: Any) -> None:
        """As `ComCam.setup_instrument`; raises as `setup_filter`."""
        self.check_kwargs(**kwargs)
        if kwargs.get("filter") is not None:
            await self.setup_filter(str(kwargs["filter"]))

    async def setup_filter(self, filter: str | None) -> BaseMsgType | None:
        """Make sure that a filter is in the beam; None is whatever is there.

        Raises
        ------
        RuntimeError
            It is another one, or the camera has not said.
        """
        in_beam = await self.get_current_filter()
        if filter is not None and filter != in_beam:
            raise RuntimeError(
                "Cannot change the LSSTCam filter without proper setup. "
                "You might want to use a dedicated operation to change filters."
            )
        if filter is not None:
            self.log.warning(f"The filter {filter} is already in the light path, no change is done.")
        return None


def _guide_regions() -> str:
    """Regions of the guide sensors in the corner rafts, as ``initGuiders`` takes them."""
    regions: dict[str, dict[str, int]] = {"common": {"rows": 400, "cols": 400, "integrationTimeMillis": 200}}
    for raft in ("R00", "R04", "R40", "R44"):
        for sensor, segment in (("SG0", 7), ("SG1", 0)):
            regions[raft + sensor] = {"segment": segment, "startRow": 800, "startCol": 56}
    return json.dumps(regions, separators=(",", ":"))
