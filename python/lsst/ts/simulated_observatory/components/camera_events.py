"""What a simulated camera publishes of its images and states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import clock
from .camera_states import CommandState, RaftsState, ReadinessState, ShutterState
from .images import Image
from .key_values import join_escaped

if TYPE_CHECKING:
    from .camera import Camera

__all__ = ["CameraEvents"]


class CameraEvents:
    """Publishes the events of a camera.

    Parameters
    ----------
    camera
        Whose events.
    """

    def __init__(self, camera: Camera) -> None:
        self._camera = camera

    async def rest(self, last: Image) -> None:
        """Publish the states of a camera at rest, and the image that it took last.

        Clients wait long for a camera that has never taken an image.
        """
        await self.command(CommandState.IDLE)
        await self.rafts(RaftsState.QUIESCENT)
        await self.readiness(ReadinessState.READY)
        await self.shutter(ShutterState.CLOSED)
        await self.start_integration(last)
        await self.end_readout(last, last.started)

    async def command(self, state: CommandState) -> None:
        """Publish whether a command runs."""
        await self._transition(self._camera.evt_ccsCommandState, state)

    async def rafts(self, state: RaftsState) -> None:
        """Publish what the detectors do."""
        await self._transition(self._camera.evt_raftsDetailedState, state)

    async def readiness(self, state: ReadinessState) -> None:
        """Publish whether an image can be taken."""
        await self._transition(self._camera.evt_imageReadinessDetailedState, state)

    async def shutter(self, state: ShutterState) -> None:
        """Publish what the shutter does, by its state and by the event of that moment."""
        camera = self._camera
        await self._transition(camera.evt_shutterDetailedState, state)
        moment = {
            ShutterState.OPENING: camera.evt_startShutterOpen,
            ShutterState.OPEN: camera.evt_endShutterOpen,
            ShutterState.CLOSING: camera.evt_startShutterClose,
            ShutterState.CLOSED: camera.evt_endShutterClose,
        }[state]
        await self._transition(moment)

    async def start_integration(self, image: Image) -> None:
        """Publish that an image begins."""
        await self._camera.evt_startIntegration.set_write(
            **_identity(image), exposureTime=image.exposure_time, mode="TIMED", timeout=0.0
        )

    async def end_take_image(self) -> None:
        """Publish that the integration has ended and the shutter is closed."""
        await self._transition(self._camera.evt_endTakeImage)

    async def start_readout(self, image: Image) -> None:
        """Publish that the readout begins."""
        await self._camera.evt_startReadout.set_write(
            **_identity(image),
            exposureTime=image.exposure_time,
            timestampStartOfReadout=clock.current_tai(),
        )

    async def end_readout(self, image: Image, ended: float) -> None:
        """Publish that an image has been read out.

        Parameters
        ----------
        image
            Which.
        ended
            When, TAI unix seconds.
        """
        await self._camera.evt_endReadout.set_write(
            **_identity(image), requestedExposureTime=image.exposure_time, timestampEndOfReadout=ended
        )

    async def telemetry(self, image: Image) -> None:
        """Publish what became of an image."""
        await self._camera.evt_endOfImageTelemetry.set_write(
            **_identity(image),
            exposureTime=image.exposure_time,
            imageTag=f"{image.exposure:016x}",
            timestampDateObs=image.started,
            timestampDateEnd=image.started + image.integration,
            measuredShutterOpenTime=image.exposure_time if image.shutter else 0.0,
            darkTime=image.dark_time,
        )

    async def _transition(self, event: Any, substate: int | None = None) -> None:
        """Publish an event with a time stamp and, if it is one of a state, a substate."""
        fields = {} if substate is None else {"substate": int(substate)}
        await event.set_write(timestampTransition=clock.current_tai(), **fields, force_output=True)


def _identity(image: Image) -> dict[str, Any]:
    """Fields that tell an image, the same in all its events."""
    return {
        "additionalKeys": join_escaped(image.key_values.keys()),
        "additionalValues": join_escaped(image.key_values.values()),
        "imagesInSequence": image.in_sequence,
        "imageName": image.name,
        "imageIndex": image.index,
        "imageSource": image.code,
        "imageController": "O",
        "imageDate": f"{image.day_obs}",
        "imageNumber": image.number,
        "timestampAcquisitionStart": image.started,
    }
