"""A simulated header service: listens to camera and spectrograph and makes the headers of the raw files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..cameras.models import DetectorModel
from ..detector.header import HeaderValue, primary_header
from ..faults.faults import Faults
from .csc import SimulatedCsc
from .image_folder import ImageFolder
from .images import split_escaped

__all__ = ["HeaderService"]

HEADER_TIME = 0.3
"""Seconds from the last event of an image to its header."""

POSITIONS = ("reportedFilterPosition", "reportedDisperserPosition", "reportedLinearStagePosition")


class HeaderService(SimulatedCsc):
    """ATHeaderService, CCHeaderService or MTHeaderService.

    Parameters
    ----------
    instrument, folder
        Whose images, and where the header files go: one for each image, JSON (which is YAML), with a section
        per detector.
    models, seed
        The detectors for which there are files, by Butler id, and the seed that the headers hold.
    faults
        What goes wrong.
    initial_state
        Summary state at the beginning.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        folder: ImageFolder,
        models: Mapping[int, DetectorModel],
        seed: int,
        faults: Faults,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        super().__init__(instrument.header_service, None, initial_state)
        self._folder = folder
        self._models = models
        self._seed = seed
        self._faults = faults
        self._count = 0
        self._started: dict[str, tuple[int, dict[str, HeaderValue]]] = {}
        events = ["startIntegration", "endOfImageTelemetry"]
        if not instrument.spectrograph:
            events.append("endSetFilter")
        self._camera = salobj.Remote(self.domain, instrument.camera, include=events, readonly=True)
        self._spectrograph = instrument.spectrograph and salobj.Remote(
            self.domain, instrument.spectrograph, include=POSITIONS, readonly=True
        )

    async def start(self) -> None:
        """Start, and listen."""
        self._camera.evt_startIntegration.callback = self._take_start
        self._camera.evt_endOfImageTelemetry.callback = self._take_end
        await self._camera.start_task
        if self._spectrograph:
            await self._spectrograph.start_task
        await super().start()

    async def _take_start(self, data: salobj.BaseMsgType) -> None:
        """Remember the state of the instrument at the start of an image."""
        self._count += bool(data.additionalKeys)  # others are at rest, or of another controller
        if self.disabled_or_enabled:
            self._started[data.imageName] = self._count, self._instrument_state()

    async def _take_end(self, data: salobj.BaseMsgType) -> None:
        """Make the header when everything of an image is known."""
        if data.imageName in self._started:
            number, state = self._started.pop(data.imageName)
            if not self._faults.strike("header-lost", image=number):
                late = self._faults.strike("header-late", image=number)
                self._keep(self._make(data, state, late.number("seconds") if late else HEADER_TIME))

    async def _make(self, data: Any, state: Mapping[str, HeaderValue], duration: float) -> None:
        await clock.sleep(duration)
        sections = {
            f"{model.data.bay}{model.data.slot}_PRIMARY": _header(data, state, model, self._seed)
            for model in self._models.values()
        }
        content = json.dumps(sections, indent=1).encode()
        path = self._folder.header(data.imageName)
        path.write_bytes(content)
        await self.evt_largeFileObjectAvailable.set_write(
            url=path.absolute().as_uri(),
            generator="headerService",
            version=1.0,
            byteSize=len(content),
            checkSum=hashlib.sha256(content).hexdigest(),
            mimeType="text/plain",
            id=data.imageName,
            force_output=True,
        )

    def _instrument_state(self) -> dict[str, HeaderValue]:
        """Filter, grating and stage as last reported; nothing of what was never reported."""
        state: dict[str, HeaderValue] = {}
        if not self._spectrograph:
            if (in_use := self._camera.evt_endSetFilter.get()) is not None:
                state |= {"FILTER": in_use.filterName, "FILTBAND": in_use.filterType}
                state |= {"FILTSLOT": in_use.filterSlot, "FILTPOS": in_use.filterPosition}
            return state
        if (in_use := self._spectrograph.evt_reportedFilterPosition.get()) is not None:
            state |= {"FILTER": in_use.name, "FILTBAND": in_use.band, "FILTSLOT": in_use.slot}
        if (in_use := self._spectrograph.evt_reportedDisperserPosition.get()) is not None:
            state |= {"GRATING": in_use.name, "GRATBAND": in_use.band, "GRATSLOT": in_use.slot}
        if (stage := self._spectrograph.evt_reportedLinearStagePosition.get()) is not None:
            state["LINSPOS"] = stage.position
        return state


def _header(
    data: Any, state: Mapping[str, HeaderValue], model: DetectorModel, seed: int
) -> dict[str, HeaderValue]:
    """Primary header of one detector from endOfImageTelemetry and the state of the instrument."""
    keys, texts = split_escaped(data.additionalKeys), split_escaped(data.additionalValues)
    values = dict(zip(keys, texts, strict=True))
    image_type = values.get("imageType", "UNKNOWN")
    return primary_header(
        model=model,
        image_name=data.imageName,
        image_type=image_type,
        exposure_time=data.exposureTime,
        dark_time=data.darkTime,
        begin_tai=data.timestampDateObs,
        end_tai=data.timestampDateEnd,
        shutter_time=data.measuredShutterOpenTime,
        seed=seed,
        keywords={
            "TESTTYPE": values.get("testType") or image_type,
            "GROUPID": values.get("groupId", ""),
            "PROGRAM": values.get("program", ""),
            "REASON": values.get("reason", ""),
            "OBSANNOT": values.get("obsNote", ""),
            "IMAGETAG": data.imageTag,
            "CURINDEX": data.imageIndex,
            "MAXINDEX": data.imagesInSequence,
            **state,
        },
    )
