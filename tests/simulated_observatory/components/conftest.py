"""Stand-ins for pixels, Butler and pipetask, and a recorder of what the components publish."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import LATISS, Instrument
from lsst.ts.simulated_observatory.components.machinery import Machinery
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory


class StandInProcess:
    """A process that ends at once with a given status, or only when it is killed."""

    def __init__(self, status: int | None) -> None:
        self.status = status
        self.killed = threading.Event()

    def run(self) -> int:
        if self.status is None:
            self.killed.wait(20)
            return -9
        return self.status

    def kill(self) -> None:
        self.killed.set()


@dataclass
class StandIns:
    """What would make pixels, ingest files and run jobs, and a record of what it was asked to do."""

    pixels: list[Any] = field(default_factory=list)
    raws: dict[str, Mapping[str, object]] = field(default_factory=dict)
    ingested: list[Path] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    processes: list[StandInProcess] = field(default_factory=list)
    job_status: int | None = 0
    pixel_error: Exception | None = None
    ingest_error: Exception | None = None
    closed: bool = False

    def make_pixels(self, request: Any, /) -> None:
        if self.pixel_error:
            raise self.pixel_error
        self.pixels.append(request)

    def write_raw(self, path: str, header: Mapping[str, object], segments: str, /) -> None:
        self.raws[Path(path).name] = header

    def __call__(self, path: Path, /) -> None:
        if self.ingest_error:
            raise self.ingest_error
        self.ingested.append(path)

    def close(self) -> None:
        self.closed = True

    def run_job(self, job: Job, /) -> StandInProcess:
        self.jobs.append(job)
        self.processes.append(StandInProcess(self.job_status))
        return self.processes[-1]

    def machinery(self) -> Machinery:
        return Machinery(
            ingest=self,
            run_job=self.run_job,
            make_pixels=self.make_pixels,
            write_raw=self.write_raw,
            processes=0,
        )


class Recorder:
    """Remotes of all components, and all their events in the order in which they came."""

    def __init__(self, domain: salobj.Domain, instrument: Instrument) -> None:
        self.recording: list[tuple[float, str, str, Any]] = []
        self.camera = self._remote(domain, instrument.camera)
        self.spectrograph = instrument.spectrograph and self._remote(domain, instrument.spectrograph)
        self.header_service = self._remote(domain, instrument.header_service)
        self.oods = self._remote(domain, instrument.oods)
        self.ocps = self._remote(domain, "OCPS", instrument.ocps_index)
        self.begin = asyncio.get_running_loop().time()

    def _remote(self, domain: salobj.Domain, name: str, index: int | None = None) -> salobj.Remote:
        remote = salobj.Remote(domain, name, index)
        for event in remote.salinfo.event_names:
            if event not in ("heartbeat", "logMessage", "logLevel"):
                getattr(remote, f"evt_{event}").callback = self._note(name, event)
        return remote

    def _note(self, component: str, event: str) -> Any:
        async def note(data: Any) -> None:
            self.recording.append((self.now(), component, event, data))

        return note

    def now(self) -> float:
        """Simulated seconds since the observatory was ready."""
        return round(asyncio.get_running_loop().time() - self.begin, 6)

    async def ready(self) -> None:
        for remote in (self.camera, self.spectrograph, self.header_service, self.oods, self.ocps):
            if remote:
                await remote.start_task
        self.begin = asyncio.get_running_loop().time()
        self.recording.clear()

    def events(self, event: str) -> list[Any]:
        """All samples of an event."""
        return [data for _, _, name, data in self.recording if name == event]

    def times(self, event: str) -> list[float]:
        """When the samples of an event came."""
        return [when for when, _, name, _ in self.recording if name == event]

    async def take_images(
        self, n: int = 1, exposure: float = 0.0, image_type: str = "BIAS", **kwargs: Any
    ) -> Any:
        fields = {
            "numImages": n,
            "expTime": exposure,
            "shutter": image_type not in ("BIAS", "DARK"),
            "keyValueMap": (
                f"imageType: {image_type}, groupId: 2025-01-15T18:00:00.000, testType: {image_type}"
            ),
        }
        return await self.camera.cmd_takeImages.set_start(timeout=60, **(fields | kwargs))


@dataclass
class RunningObservatory:
    """A simulated observatory with stand-ins, and a recording of its events."""

    stand_ins: StandIns
    recorder: Recorder
    observatory: SimulatedObservatory


@pytest.fixture
def observe(tmp_path: Path) -> Any:
    """Context manager that starts an observatory with stand-ins."""

    @contextlib.asynccontextmanager
    async def start(*faults: str, seed: int = 1, **kwargs: Any) -> AsyncIterator[RunningObservatory]:
        stand_ins = kwargs.pop("stand_ins", None) or StandIns()
        instrument = kwargs.pop("instrument", LATISS)
        observatory = SimulatedObservatory(
            instrument,
            stand_ins.machinery(),
            images=kwargs.pop("images", tmp_path / "raw"),
            jobs=tmp_path / "uws",
            scale=16,
            seed=seed,
            faults=Faults(faults),
            **kwargs,
        )
        async with observatory, salobj.Domain() as domain:
            recorder = Recorder(domain, instrument)
            await recorder.ready()
            yield RunningObservatory(stand_ins, recorder, observatory)

    return start


@pytest.fixture
def stand_ins() -> StandIns:
    return StandIns()
