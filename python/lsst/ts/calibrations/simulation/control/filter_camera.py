"""The cameras of the Simonyi telescope: they change their filters themselves."""

from __future__ import annotations

import abc
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..sal import BaseMsgType, Domain, Remote
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
        await self.setup_filter(kwargs.get("filter"))

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
        return names.split(",")

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

    The class of the observatory changes a filter only when it is given the telescope, whose tracking has to
    stop and whose rotator has to be at zero; the simulated observatory has no telescope.

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

    async def setup_filter(self, filter: str | None) -> BaseMsgType | None:
        """As `ComCam.setup_filter`; a filter that is in the beam already is left there, with a warning."""
        if filter is not None and filter == await self.get_current_filter():
            self.log.warning("The filter %s is in the beam already.", filter)
            return None
        return await super().setup_filter(filter)
