"""A simulated OODS: ingests the files of the camera into the Butler and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..cameras.image_names import image_name
from ..faults.faults import Fault, Faults
from .csc import SimulatedCsc
from .durations import Durations
from .image_folder import ImageFolder
from .images import Image
from .machinery import Ingest

__all__ = ["Oods"]

INGESTED = "file ingested"
REFUSED = 1
UNREADABLE = 2
"""statusCode of a file that the Butler refused, and of one whose header cannot be used."""


class _Refused(RuntimeError):
    """The Butler refuses a file, since that was asked for.

    Parameters
    ----------
    code
        statusCode that is to be published.
    """

    def __init__(self, code: int) -> None:
        super().__init__("the disk of the archive is full (fault oods-status)")
        self.code = code


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
        try:
            await self._bring_in(image, name, path, duration)
        except Exception as error:
            self.log.exception("%s could not be ingested", path)
            if path is not None:
                ImageFolder.settled(path)  # the real one puts it away, and never tries again
            await self._publish_failure(image, detector, error)
        else:
            await self._publish_success(image, name)

    async def _bring_in(self, image: Image, name: str, path: Path | None, duration: float) -> None:
        """Bring a file into the Butler, or raise what is to be published; there is none without pixels."""
        trouble = self._trouble(image, name)
        if path is None or trouble is not None:
            await clock.sleep(duration)
        else:
            await clock.work(duration, self._ingest, path, executor=self._thread)
        if trouble is not None:
            raise trouble
        if self._strike("oods-overtaken", image, name):
            raise RuntimeError("a dataset of type raw with this data ID is in the collection already")
        if path is not None:
            ImageFolder.settled(path)

    def _trouble(self, image: Image, name: str) -> Exception | None:
        """What hinders the ingest of a file, if that was asked for."""
        if (refused := self._strike("oods-status", image, name)) is not None:
            return _Refused(int(refused["code"] or REFUSED))
        if self._strike("oods-metadata", image, name):
            return ValueError("no translator knows this header (fault oods-metadata)")
        return None

    async def _publish_success(self, image: Image, name: str) -> None:
        """Publish that a file is ingested, once and at once unless a fault was asked for."""
        if self._strike("oods-lost", image, name):
            return
        first = name == next(iter(self.instrument.detectors.values()))
        if not first and self._strike("oods-one-detector", image, name):
            return
        if self._strike("oods-nameless", image, name):
            await self._publish("", "", "", 0, INGESTED, camera="")
            return
        raft, _, sensor = name.rpartition("_")
        if raft in ("", "RXX"):
            raft, sensor = "undef", name
        if self._strike("oods-foreign", image, name):
            # An image of the same number that was taken under local control.
            foreign = image_name(self.instrument.code, image.day_obs, image.number, controller="C")
            await self._publish(foreign, raft, sensor, 0, INGESTED)
            return
        if (late := self._strike("oods-late", image, name)) is not None:
            await clock.sleep(late.number("seconds"))
        await self._publish(image.name, raft, sensor, 0, INGESTED)
        if self._strike("oods-duplicated", image, name):
            await self._publish(image.name, raft, sensor, 0, INGESTED)

    async def _publish_failure(self, image: Image, detector: int, error: Exception) -> None:
        """Publish that a file is not ingested, as the real OODS does: it then knows no names.

        It has the numbers of exposure and detector of a file that the Butler refused, and nothing of one
        whose header cannot be used.
        """
        if isinstance(error, ValueError):
            code, words = UNREADABLE, f"metadata failure: {_cause(error)}"
            await self._publish("??", "R??", "S??", code, words, camera="UNDEF")
            return
        code = error.code if isinstance(error, _Refused) else REFUSED
        words = f"ingest failure: {_cause(error)}"
        await self._publish(f"{image.exposure}", "R??", f"S{detector:02d}", code, words)

    def _strike(self, fault: str, image: Image, detector: str) -> Fault | None:
        return self._faults.strike(fault, image=image.count, detector=detector)

    async def _publish(
        self, obsid: str, raft: str, sensor: str, code: int, description: str, camera: str | None = None
    ) -> None:
        await self.evt_imageInOODS.set_write(
            camera=self.instrument.name if camera is None else camera,
            obsid=obsid,
            raft=raft,
            sensor=sensor,
            statusCode=code,
            description=description,
            force_output=True,
        )


def _cause(error: BaseException) -> str:
    """What the real OODS writes of an exception: not itself where it has a cause, and the last one twice."""
    cause = error.__cause__
    return f"{error}" if cause is None else f"{cause};  {_cause(cause)}"
