"""A simulated spectrograph: filter wheel, grating wheel and linear stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Wheel:
    """A wheel: the part of `OpticalPath` that it changes, its name in commands, its places, its events."""

    part: str
    name: str
    slots: Sequence[MountedFilter]
    reported: Any
    in_position: Any

    @property
    def names(self) -> list[str]:
        """Names of what is in its places."""
        return [slot.name for slot in self.slots]

    def find_slot(self, number: int, name: str) -> int:
        """Find the slot that a command means by its number or, with number 0, by the name of its content."""
        if name and number:
            problem = f"both slot {number} and name {name!r} are given; give one"
        elif name and name not in self.names:
            problem = f"{name!r} is not mounted; mounted are {', '.join(self.names)}"
        elif name:
            return self.names.index(name)
        elif not 0 <= number < len(self.slots):
            problem = f"slot {number} is not between 0 and {len(self.slots) - 1}"
        else:
            return number
        raise salobj.ExpectedError(f"{self.name}: {problem}")


class Spectrograph(SimulatedCsc):
    """ATSpectrograph.

    Parameters
    ----------
    name
        SAL name.
    optics, mounted
        What it changes, and the instrument's data: what is in its wheels.
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
        self._filters = _Wheel(
            "filter", "filter", mounted.filters, self.evt_reportedFilterPosition, self.evt_filterInPosition
        )
        self._gratings = _Wheel(
            "grating",
            "disperser",
            mounted.gratings,
            self.evt_reportedDisperserPosition,
            self.evt_disperserInPosition,
        )
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
            filterNames=",".join(self._filters.names),
            filterCentralWavelengths=",".join(f"{slot.wavelength}" for slot in self._filters.slots),
            gratingNames=",".join(self._gratings.names),
        )
        await self._report(self._filters)
        await self._report(self._gratings)
        await self._report_stage()

    async def do_changeFilter(self, data: salobj.BaseMsgType) -> None:  # noqa: N802 (named by its command)
        """Turn the filter wheel."""
        self.assert_enabled("changeFilter")
        await self._turn(self._filters, self._filters.find_slot(data.filter, data.name))

    async def do_changeDisperser(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        """Turn the grating wheel."""
        self.assert_enabled("changeDisperser")
        await self._turn(self._gratings, self._gratings.find_slot(data.disperser, data.name))

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
            await self._move("linear stage", distance / STAGE_SPEED, self.evt_linearStageInPosition)
            self._position = data.distanceFromHome
        await self._report_stage()

    async def _turn(self, wheel: _Wheel, slot: int) -> None:
        if wheel.names[slot] != getattr(self._optics, wheel.part):
            await self._move(f"{wheel.part} wheel", self._change_time, wheel.in_position)
            setattr(self._optics, wheel.part, wheel.names[slot])
        await self._report(wheel)

    async def _move(self, axis: str, duration: float, in_position: Any) -> None:
        if axis in self._moving:
            raise salobj.ExpectedError(f"the {axis} is moving")
        self._moving.add(axis)
        try:
            await in_position.set_write(inPosition=False)
            await clock.sleep(duration)
        finally:
            self._moving.remove(axis)

    async def _report(self, wheel: _Wheel) -> None:
        slot = wheel.names.index(getattr(self._optics, wheel.part) or wheel.names[0])
        mounted = wheel.slots[slot]
        more = {"centralWavelength": mounted.wavelength} if wheel is self._filters else {}
        await wheel.reported.set_write(slot=slot, name=mounted.name, band=mounted.band, **more)
        await wheel.in_position.set_write(inPosition=True)

    async def _report_stage(self) -> None:
        await self.evt_reportedLinearStagePosition.set_write(position=self._position)
        await self.evt_linearStageInPosition.set_write(inPosition=True)
