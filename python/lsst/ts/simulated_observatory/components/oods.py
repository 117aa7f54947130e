"""A simulated OODS: ingests the files of the camera into the Butler and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument, image_name

from .. import clock
from ..faults.faults import Fault, Faults
from .csc import SimulatedCsc
from .durations import Durations
from .image_folder import ImageFolder
from .images import Image
from .machinery import Ingest

__all__ = ["Oods"]

INGESTED = "file ingested"
FAILED = 1
"""statusCode of a file that could not be ingested."""


class Oods(SimulatedCsc):
    """ATOODS, CCOODS or MTOODS.

    Pixels are made only for the detectors that a run uses; ``imageInOODS`` comes for every detector of the
    instrument, as with the real one.

    Parameters
    ----------
    instrument, folder
        Whose images, and where they appear.
    ingest
        Brings a file into the Butler.
    durations, rng
        How long that takes, in simulated time.
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
        ingest: Ingest,
        durations: Durations,
        rng: numpy.random.Generator,
        faults: Faults,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        super().__init__(instrument.oods, None, initial_state)
        self.instrument = instrument
        self._ingest = ingest
        self._durations = durations
        self._rng = rng
        self._faults = faults
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=instrument.oods)
        folder.listeners.append(self._take)

    async def close_tasks(self) -> None:
        """Finish the file in hand, drop the others and let go of the Butler."""
        await super().close_tasks()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._ingest.close)
        self._thread.shutdown()

    def _take(self, image: Image, files: Mapping[int, Path]) -> None:
        """Begin with a new image, one task per detector."""
        if not self.isopen:
            return
        if not self.disabled_or_enabled:
            self.log.warning("%s is not ingested: the OODS is %s", image.name, self.summary_state.name)
            return
        for detector in self.instrument.detectors:
            duration = self._durations.ingest(self._rng)
            self._keep(self._handle(image, detector, files.get(detector), duration))

    async def _handle(self, image: Image, detector: int, path: Path | None, duration: float) -> None:
        name = self.instrument.detectors[detector]
        if (refused := self._strike("oods-status", image, name)) is not None:
            await clock.sleep(duration)
            code = int(refused["code"] or FAILED)
            await self._publish(image.name, name, code, "ingest failed (fault oods-status)")
            return
        code, description = await self._ingested(path, duration)
        if self._strike("oods-lost", image, name):
            return
        first = detector == next(iter(self.instrument.detectors))
        if not first and self._strike("oods-one-detector", image, name):
            return
        if self._strike("oods-foreign", image, name):
            # An image of the same number that was taken under local control.
            foreign = image_name(self.instrument.code, image.day_obs, image.number, controller="C")
            await self._publish(foreign, name, code, description)
            return
        if (late := self._strike("oods-late", image, name)) is not None:
            await clock.sleep(late.number("seconds"))
        await self._publish(image.name, name, code, description)
        if self._strike("oods-duplicated", image, name):
            await self._publish(image.name, name, code, description)

    def _strike(self, fault: str, image: Image, detector: str) -> Fault | None:
        return self._faults.strike(fault, image=image.count, detector=detector)

    async def _ingested(self, path: Path | None, duration: float) -> tuple[int, str]:
        if path is None:
            await clock.sleep(duration)
            return 0, INGESTED
        try:
            await clock.work(duration, self._ingest, path, executor=self._thread)
        except Exception as error:
            self.log.exception("%s could not be ingested", path)
            words, _, _ = str(error).partition("\n")  # a database adds its statement
            return FAILED, f"ingest failed: {words}"
        ImageFolder.ingested(path)
        return 0, INGESTED

    async def _publish(self, obsid: str, detector: str, code: int, description: str) -> None:
        raft, _, sensor = detector.rpartition("_")
        if raft in ("", "RXX"):
            raft, sensor = "undef", detector
        await self.evt_imageInOODS.set_write(
            camera=self.instrument.name,
            obsid=obsid,
            raft=raft,
            sensor=sensor,
            statusCode=code,
            description=description,
            force_output=True,
        )
