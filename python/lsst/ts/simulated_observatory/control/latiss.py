"""LATISS: ATCamera with its spectrograph, header service and OODS."""

from __future__ import annotations

import asyncio
from typing import Any

from .base_camera import InstrumentCamera

__all__ = ["LATISS"]


class LATISS(InstrumentCamera):
    """The imager and slitless spectrograph of the Auxiliary Telescope."""

    component_names = ("ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS")
    setup_attributes = ("filter", "grating", "linear_stage")

    def parse_sensors(self, sensors: str | None) -> str:
        """Return an empty string: LATISS has one sensor."""
        return ""

    async def setup_instrument(self, **kwargs: Any) -> None:
        """Set up ``filter``, ``grating`` and ``linear_stage`` as `setup_atspec`; "1" is a name, 1 a slot."""
        self.check_kwargs(**kwargs)
        await self.setup_atspec(**kwargs)

    async def setup_atspec(
        self,
        filter: int | str | None = None,
        grating: int | str | None = None,
        linear_stage: float | None = None,
    ) -> None:
        """Move the wheels and the stage of the spectrograph, all at the same time.

        Parameters
        ----------
        filter, grating
            Slot number or name; None to leave it as it is.
        linear_stage
            Distance from home (mm); None to leave it as it is.

        Raises
        ------
        RuntimeError
            A filter or grating is neither a number nor a name.
        AckError
            The spectrograph refused or failed.
        """
        spectrograph = self.rem.atspectrograph
        moves = []
        if filter is not None:
            slot, name = _slot_and_name("Filter", filter)
            moves.append((spectrograph.cmd_changeFilter, {"filter": slot, "name": name}))
        if grating is not None:
            slot, name = _slot_and_name("Grating", grating)
            moves.append((spectrograph.cmd_changeDisperser, {"disperser": slot, "name": name}))
        if linear_stage is not None:
            moves.append((spectrograph.cmd_moveLinearStage, {"distanceFromHome": float(linear_stage)}))
        if moves:
            async with self.cmd_lock:
                await asyncio.gather(
                    *(command.set_start(**fields, timeout=self.long_timeout) for command, fields in moves)
                )

    async def get_setup(self) -> tuple[str, str, float]:
        """Return the filter and the grating in the light path, and the position of the linear stage (mm).

        Raises a TimeoutError if the spectrograph has not published them.
        """
        spectrograph = self.rem.atspectrograph
        filter_ = await spectrograph.evt_reportedFilterPosition.aget(timeout=self.fast_timeout)
        grating = await spectrograph.evt_reportedDisperserPosition.aget(timeout=self.fast_timeout)
        stage = await spectrograph.evt_reportedLinearStagePosition.aget(timeout=self.fast_timeout)
        return filter_.name, grating.name, stage.position

    async def get_available_instrument_setup(self) -> tuple[list[str], list[str], list[float]]:
        """Return the filters, the gratings and the limits of the linear stage (mm).

        Raises
        ------
        RuntimeError
            The spectrograph has not published them.
        """
        event = self.rem.atspectrograph.evt_settingsAppliedValues
        try:
            settings = await event.aget(timeout=self.fast_timeout)
        except TimeoutError:
            raise RuntimeError(
                "Could not determine instrument setup. "
                "Make sure ATSpectrograph is running, enabled and configured."
            ) from None
        return (
            settings.filterNames.split(","),
            settings.gratingNames.split(","),
            [settings.linearStageMinPos, settings.linearStageMaxPos],
        )


def _slot_and_name(what: str, value: int | str) -> tuple[int, str]:
    """Return slot and name as the commands take them: giving both is refused."""
    if isinstance(value, int):
        return value, ""
    if isinstance(value, str):
        return 0, value
    raise RuntimeError(f"{what} must be a string or an int, got {type(value)}:{value}")
