"""Cameras that change their filters themselves, such as those of the Simonyi telescope."""

from __future__ import annotations

import abc
import json
from typing import Any

from lsst.ts.calibrations.domain.instruments import Instrument

from ..embedded_sal import BaseMsgType
from .base_camera import InstrumentCamera

__all__ = ["ComCam", "LSSTCam", "filter_camera"]


class _FilterCamera(InstrumentCamera, abc.ABC):
    """A camera with a filter changer, its header service and OODS."""

    setup_attributes = ("filter",)
    filter_change_timeout = 60.0
    """Longest time that a filter change may take (s)."""

    async def setup_instrument(self, **kwargs: Any) -> None:
        """Set up the ``filter`` as `setup_filter`."""
        self.check_kwargs(**kwargs)
        wanted = kwargs.get("filter")
        if wanted is not None and str(wanted) != await self.get_current_filter():
            await self.setup_filter(str(wanted))

    async def setup_filter(self, filter: str | None) -> BaseMsgType | None:
        """Move a filter into the light path.

        Parameters
        ----------
        filter
            Its name; None to leave what is there.

        Returns
        -------
        data
            The ``endSetFilter`` of the change; None if nothing was asked for. Raises an AckError if the
            camera refused or failed, a TimeoutError if no ``endSetFilter`` came.
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
        """Return the name of the filter in the light path; a RuntimeError if it is not published."""
        name: str = (await self._published("endSetFilter", "current filter")).filterName
        return name

    async def get_available_filters(self) -> list[str]:
        """Return the names of the filters that there are; a RuntimeError if they are not published."""
        names: str = (await self._published("availableFilters", "available filters")).filterNames
        return names.split(":")

    async def get_available_instrument_setup(self) -> list[str]:
        """Return what can be set up, as `get_available_filters`."""
        return await self.get_available_filters()

    async def _published(self, event: str, what: str) -> BaseMsgType:
        try:
            data: BaseMsgType = await getattr(self.camera, f"evt_{event}").aget(timeout=self.fast_timeout)
        except TimeoutError:
            raise RuntimeError(
                f"Could not determine {what}. Make sure {self.components[0]} is running."
            ) from None
        return data


def filter_camera(instrument: Instrument) -> type[InstrumentCamera]:
    """Make the class of an instrument for which none is written here.

    Parameters
    ----------
    instrument
        It has no spectrograph.

    Returns
    -------
    made
        Called as ``instrument.camera_class`` says.
    """

    class Made(_FilterCamera):
        component_names = instrument.components

    Made.__name__ = Made.__qualname__ = instrument.camera_class.rpartition(".")[2]
    return Made


class ComCam(_FilterCamera):
    """LSSTComCam: CCCamera, CCHeaderService and CCOODS."""

    component_names = ("CCCamera", "CCHeaderService", "CCOODS")


def _regions() -> str:
    """Regions of the guide sensors in the corner rafts, as ``initGuiders`` takes them."""
    regions: dict[str, dict[str, int]] = {"common": {"rows": 400, "cols": 400, "integrationTimeMillis": 200}}
    for raft in ("R00", "R04", "R40", "R44"):
        for sensor, segment in (("SG0", 7), ("SG1", 0)):
            regions[raft + sensor] = {"segment": segment, "startRow": 800, "startCol": 56}
    return json.dumps(regions, separators=(",", ":"))


class LSSTCam(_FilterCamera):
    """LSSTCam: MTCamera, MTHeaderService and MTOODS.

    It changes no filter: for that the tracking of the telescope has to stop and its rotator to be at zero,
    and the class of the observatory does it only when it is given the telescope, which is not simulated.
    """

    component_names = ("MTCamera", "MTHeaderService", "MTOODS")
    filter_change_timeout = 120.0
    _guide_regions = _regions()

    async def setup_instrument(self, **kwargs: Any) -> None:
        """Make sure that the ``filter`` is the one that is asked for, as `setup_filter`."""
        self.check_kwargs(**kwargs)
        if kwargs.get("filter") is not None:
            await self.setup_filter(str(kwargs["filter"]))

    async def setup_filter(self, filter: str | None) -> BaseMsgType | None:
        """Raise a RuntimeError if the filter in the light path is not the one that is asked for."""
        present = await self.get_current_filter()
        if filter is not None and filter != present:
            raise RuntimeError(
                "Cannot change the LSSTCam filter without proper setup. "
                "You might want to use a dedicated operation to change filters."
            )
        if filter is not None:
            self.log.warning(f"The filter {filter} is already in the light path, no change is done.")
        return None
