"""A simulated camera that changes its filters itself: CCCamera and MTCamera."""

from __future__ import annotations

import json
from typing import Any

from lsst.ts import salobj

from .. import clock
from ..cameras import CAMERAS
from ..cameras.camera_data import MountedFilter
from .camera import CameraCsc

__all__ = ["FilterCameraCsc"]

MOST_FILTERS = 6
"""Filters for which availableFilters has a change time."""


class FilterCameraCsc(CameraCsc):
    """A camera with a filter changer.

    Parameters
    ----------
    args, kwargs
        As `CameraCsc`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mounted = CAMERAS[self.instrument.name]

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
