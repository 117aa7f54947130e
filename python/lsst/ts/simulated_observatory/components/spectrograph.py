"""A simulated spectrograph: filter wheel, grating wheel and linear stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsst.ts import salobj

from .. import clock
from ..cameras.camera_data import CameraData, MountedFilter
from .csc import SimulatedCsc
from .optics import OpticalPath

__all__ = ["Spectrograph"]

STAGE_SPEED = 10.0
"""Of the linear stage, mm/s."""

STAGE_LIMITS = (0.0, 75.0)
"""Of the linear stage, mm."""

STAGE_HOME = 67.0
"""Position of the linear stage at the beginning, mm."""


class Spectrograph(SimulatedCsc):
    """ATSpectrograph.

    Parameters
    ----------
    name
        SAL name.
    optics
        What it changes.
    mounted
        The instrument's data: what is in its wheels.
    initial_state
        Summary state at the beginning.
    """

    def __init__(
        self,
        name: str,
        *,
        optics: OpticalPath,
        mounted: CameraData,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        concurrent = ("changeFilter", "changeDisperser", "moveLinearStage")
        super().__init__(name, None, initial_state, concurrent=concurrent)
        self._filters, self._gratings = mounted.filters, mounted.gratings
        self._change_time = mounted.change_time
        self._optics = optics
        self._moving: set[str] = set()
        self._position = STAGE_HOME

    async def start(self) -> None:
        """Start, and publish what is where."""
        await super().start()
        await self.evt_settingsAppliedValues.set_write(
            linearStageMinPos=STAGE_LIMITS[0],
            linearStageMaxPos=STAGE_LIMITS[1],
            linearStageSpeed=STAGE_SPEED,
            filterNames=_listed(self._filters),
            filterCentralWavelengths=",".join(f"{slot.wavelength}" for slot in self._filters),
            gratingNames=_listed(self._gratings),
        )
        await self._report_filter(_slot_of(self._filters, self._optics.filter))
        await self._report_grating(_slot_of(self._gratings, self._optics.grating))
        await self._report_stage()

    async def do_changeFilter(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Turn the filter wheel.

        Parameters
        ----------
        data
            The command.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            There is no such place, the wheel is moving already, or not ENABLED.
        """
        self.assert_enabled("changeFilter")
        slot = _wanted(self._filters, data.filter, data.name, "filter")
        if self._filters[slot].name != self._optics.filter:
            await self._move("filter wheel", self._change_time, self.evt_filterInPosition)
            self._optics.filter = self._filters[slot].name
        await self._report_filter(slot)

    async def do_changeDisperser(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        """Turn the grating wheel.

        Parameters
        ----------
        data
            The command.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            There is no such place, the wheel is moving already, or not ENABLED.
        """
        self.assert_enabled("changeDisperser")
        slot = _wanted(self._gratings, data.disperser, data.name, "disperser")
        if self._gratings[slot].name != self._optics.grating:
            await self._move("grating wheel", self._change_time, self.evt_disperserInPosition)
            self._optics.grating = self._gratings[slot].name
        await self._report_grating(slot)

    async def do_moveLinearStage(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        """Move the linear stage.

        Parameters
        ----------
        data
            The command.

        Raises
        ------
        lsst.ts.salobj.ExpectedError
            Out of its limits, moving already, or not ENABLED.
        """
        self.assert_enabled("moveLinearStage")
        least, most = STAGE_LIMITS
        if not least <= data.distanceFromHome <= most:
            raise salobj.ExpectedError(
                f"moveLinearStage: {data.distanceFromHome} mm is not between {least} and {most} mm"
            )
        distance = abs(data.distanceFromHome - self._position)
        if distance > 0:
            duration = distance / STAGE_SPEED
            await self._move("linear stage", duration, self.evt_linearStageInPosition)
            self._position = data.distanceFromHome
        await self._report_stage()

    async def _move(self, axis: str, duration: float, in_position: Any) -> None:
        if axis in self._moving:
            raise salobj.ExpectedError(f"the {axis} is moving")
        self._moving.add(axis)
        try:
            await in_position.set_write(inPosition=False)
            await clock.sleep(duration)
        finally:
            self._moving.remove(axis)

    async def _report_filter(self, slot: int) -> None:
        mounted = self._filters[slot]
        await self.evt_reportedFilterPosition.set_write(
            slot=slot, name=mounted.name, band=mounted.band, centralWavelength=mounted.wavelength
        )
        await self.evt_filterInPosition.set_write(inPosition=True)

    async def _report_grating(self, slot: int) -> None:
        mounted = self._gratings[slot]
        await self.evt_reportedDisperserPosition.set_write(slot=slot, name=mounted.name, band=mounted.band)
        await self.evt_disperserInPosition.set_write(inPosition=True)

    async def _report_stage(self) -> None:
        await self.evt_reportedLinearStagePosition.set_write(position=self._position)
        await self.evt_linearStageInPosition.set_write(inPosition=True)


def _find_slot(slots: Sequence[MountedFilter], number: int, name: str) -> int:
    """Find the slot that a command means by its number or, with number 0, by the name of what is in it."""
    if name and number:
        raise ValueError(f"both slot {number} and name {name!r} are given; give one")
    names = [slot.name for slot in slots]
    if name:
        if name not in names:
            raise ValueError(f"{name!r} is not mounted; mounted are {', '.join(names)}")
        return names.index(name)
    if not 0 <= number < len(slots):
        raise ValueError(f"slot {number} is not between 0 and {len(slots) - 1}")
    return number


def _wanted(slots: Sequence[MountedFilter], number: int, name: str, what: str) -> int:
    try:
        return _find_slot(slots, number, name)
    except ValueError as error:
        raise salobj.ExpectedError(f"{what}: {error}") from None


def _slot_of(slots: Sequence[MountedFilter], name: str | None) -> int:
    return [slot.name for slot in slots].index(name or slots[0].name)


def _listed(slots: Sequence[MountedFilter]) -> str:
    return ",".join(slot.name for slot in slots)
