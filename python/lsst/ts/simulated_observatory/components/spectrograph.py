"""A simulated spectrograph: filter wheel, grating wheel and linear stage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsst.ts import salobj

from .. import clock
from .optical_path import OpticalPath
from .wheels import FILTERS, GRATINGS, Slot, find_slot

__all__ = ["Spectrograph"]

WHEEL_TIME = 4.0
"""Seconds that a wheel takes to another slot."""

STAGE_SPEED = 10.0
"""Of the linear stage, mm/s."""

STAGE_LIMITS = (0.0, 75.0)
"""Of the linear stage, mm."""

STAGE_HOME = 67.0
"""Position of the linear stage at the beginning, mm."""


class Spectrograph(salobj.BaseCsc):
    """ATSpectrograph.

    Parameters
    ----------
    name
        SAL name.
    optics
        What it changes.
    initial_state
        Summary state at the beginning.
    """

    valid_simulation_modes = (1,)
    version = "simulated"

    def __init__(
        self, name: str, *, optics: OpticalPath, initial_state: salobj.State = salobj.State.STANDBY
    ) -> None:
        super().__init__(
            name=name,
            index=None,
            initial_state=initial_state,
            simulation_mode=1,
            allow_missing_callbacks=True,
        )
        for command in (self.cmd_changeFilter, self.cmd_changeDisperser, self.cmd_moveLinearStage):
            command.allow_multiple_callbacks = True  # a second one is refused, not queued
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
            filterNames=_listed(FILTERS),
            filterCentralWavelengths=",".join(f"{slot.wavelength}" for slot in FILTERS),
            gratingNames=_listed(GRATINGS),
        )
        await self._report_filter(_slot_of(FILTERS, self._optics.filter))
        await self._report_grating(_slot_of(GRATINGS, self._optics.grating))
        await self._report_stage()

    async def do_changeFilter(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Turn the filter wheel."""
        self.assert_enabled("changeFilter")
        slot = _wanted(FILTERS, data.filter, data.name, "filter")
        if FILTERS[slot].name != self._optics.filter:
            await self._move("filter wheel", WHEEL_TIME, self.evt_filterInPosition)
            self._optics.filter = FILTERS[slot].name
        await self._report_filter(slot)

    async def do_changeDisperser(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        """Turn the grating wheel."""
        self.assert_enabled("changeDisperser")
        slot = _wanted(GRATINGS, data.disperser, data.name, "disperser")
        if GRATINGS[slot].name != self._optics.grating:
            await self._move("grating wheel", WHEEL_TIME, self.evt_disperserInPosition)
            self._optics.grating = GRATINGS[slot].name
        await self._report_grating(slot)

    async def do_moveLinearStage(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        """Move the linear stage."""
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
        mounted = FILTERS[slot]
        await self.evt_reportedFilterPosition.set_write(
            slot=slot, name=mounted.name, band=mounted.band, centralWavelength=mounted.wavelength
        )
        await self.evt_filterInPosition.set_write(inPosition=True)

    async def _report_grating(self, slot: int) -> None:
        mounted = GRATINGS[slot]
        await self.evt_reportedDisperserPosition.set_write(slot=slot, name=mounted.name, band=mounted.band)
        await self.evt_disperserInPosition.set_write(inPosition=True)

    async def _report_stage(self) -> None:
        await self.evt_reportedLinearStagePosition.set_write(position=self._position)
        await self.evt_linearStageInPosition.set_write(inPosition=True)


def _wanted(slots: Sequence[Slot], number: int, name: str, what: str) -> int:
    try:
        return find_slot(slots, number, name)
    except ValueError as error:
        raise salobj.ExpectedError(f"{what}: {error}") from None


def _slot_of(slots: Sequence[Slot], name: str | None) -> int:
    return [slot.name for slot in slots].index(name or slots[0].name)


def _listed(slots: Sequence[Slot]) -> str:
    return ",".join(slot.name for slot in slots)
