"""What a simulated camera publishes of its images and states, numbered as its SAL interface numbers them."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from .. import clock
from .csc import SimulatedCsc
from .images import Image, join_escaped

__all__ = ["CameraEvents", "CommandState", "RaftsState", "ReadinessState", "ShutterState"]


class CommandState(IntEnum):
    """Substates of ccsCommandState."""

    IDLE = 1
    BUSY = 2


class RaftsState(IntEnum):
    """Substates of raftsDetailedState."""

    INTEGRATING = 3
    READING_OUT = 4
    QUIESCENT = 5


class ReadinessState(IntEnum):
    """Substates of imageReadinessDetailedState."""

    READY = 1
    NOT_READY = 2


class ShutterState(IntEnum):
    """Substates of shutterDetailedState."""

    CLOSED = 1
    OPEN = 2
    CLOSING = 3
    OPENING = 4


class CameraEvents(SimulatedCsc):
    """The part of a camera that publishes its events."""

    async def _publish_state_at_rest(self, last: Image) -> None:
        """Publish the states of a camera at rest, and the image that it took last.

        Clients wait long for a camera that has never taken an image.
        """
        await self._transition("ccsCommandState", CommandState.IDLE)
        await self._transition("raftsDetailedState", RaftsState.QUIESCENT)
        await self._transition("imageReadinessDetailedState", ReadinessState.READY)
        await self._publish_shutter(ShutterState.CLOSED)
        await self._publish_start_integration(last)
        await self._publish_end_readout(last, last.started)

    async def _publish_shutter(self, state: ShutterState) -> None:
        """Publish what the shutter does, by its state and by the event of that moment."""
        await self._transition("shutterDetailedState", state)
        moments = {
            ShutterState.OPENING: "startShutterOpen",
            ShutterState.OPEN: "endShutterOpen",
            ShutterState.CLOSING: "startShutterClose",
            ShutterState.CLOSED: "endShutterClose",
        }
        await self._transition(moments[state])

    async def _publish_start_integration(self, image: Image) -> None:
        """Publish that an image begins."""
        await self.evt_startIntegration.set_write(
            **_identity(image), exposureTime=image.exposure_time, mode="TIMED", timeout=0.0
        )

    async def _publish_start_readout(self, image: Image) -> None:
        """Publish that the readout begins."""
        await self.evt_startReadout.set_write(
            **_identity(image),
            exposureTime=image.exposure_time,
            timestampStartOfReadout=clock.current_tai(),
        )

    async def _publish_end_readout(self, image: Image, ended: float) -> None:
        """Publish that an image has been read out at a time (TAI unix seconds)."""
        await self.evt_endReadout.set_write(
            **_identity(image), requestedExposureTime=image.exposure_time, timestampEndOfReadout=ended
        )

    async def _publish_telemetry(self, image: Image) -> None:
        """Publish what became of an image."""
        await self.evt_endOfImageTelemetry.set_write(
            **_identity(image),
            exposureTime=image.exposure_time,
            imageTag=f"{image.exposure:016x}",
            timestampDateObs=image.started,
            timestampDateEnd=image.started + image.integration,
            measuredShutterOpenTime=image.exposure_time if image.shutter else 0.0,
            darkTime=image.dark_time,
        )

    async def _transition(self, event: str, substate: int | None = None) -> None:
        """Publish an event with a time stamp and, if it is one of a state, a substate."""
        fields = {} if substate is None else {"substate": int(substate)}
        write = getattr(self, f"evt_{event}").set_write
        await write(timestampTransition=clock.current_tai(), **fields, force_output=True)


def _identity(image: Image) -> dict[str, Any]:
    """Fields that identify an image, the same in all its events."""
    return {
        "additionalKeys": join_escaped(image.key_values.keys()),
        "additionalValues": join_escaped(image.key_values.values()),
        "imagesInSequence": image.in_sequence,
        "imageName": image.name,
        "imageIndex": image.index,
        "imageSource": image.code,
        "imageController": image.controller,
        "imageDate": f"{image.day_obs}",
        "imageNumber": image.number,
        "timestampAcquisitionStart": image.started,
    }
