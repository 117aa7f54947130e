"""The real work behind the simulated components, each part replaceable by a stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..detector.exposure import ExposureRequest, write_raw, write_segments

if TYPE_CHECKING:
    from ..pipelines.ocps_job import Job

__all__ = ["Ingest", "JobProcess", "JobRunner", "Machinery", "PixelSource", "RawWriter"]


class PixelSource(Protocol):
    """Makes the pixels of one detector. Called in a worker process, so it must be picklable."""

    def __call__(self, request: ExposureRequest, /) -> None:
        """Write the pixels to ``request.path``."""


class RawWriter(Protocol):
    """Makes a raw file of pixels and header. Called in a worker process, so it must be picklable."""

    def __call__(self, path: str, header: Mapping[str, object], segments: str, /) -> None:
        """Write the raw file to `path`."""


class Ingest(Protocol):
    """Brings raw files into the archive. Always called in the same thread."""

    def __call__(self, path: Path, /) -> None:
        """Ingest one file; raise an exception if that fails."""

    def close(self) -> None:
        """Let go of the archive; called in that thread, after the last file."""


class JobProcess(Protocol):
    """The process of one job."""

    def run(self) -> int:
        """Run it to its end, in a thread; return its exit status."""

    def kill(self) -> None:
        """End it at once, from another thread, also if it has not begun; never blocks."""


class JobRunner(Protocol):
    """Prepares the process of a job."""

    def __call__(self, job: Job, /) -> JobProcess:
        """Return the process, not yet running."""


@dataclass(frozen=True)
class Machinery:
    """What does the real work.

    Parameters
    ----------
    ingest, run_job
        Archive and jobs.
    make_pixels, write_raw
        Images.
    repository
        Butler repository, for faults that act on it; None if there is none.
    processes
        Worker processes for the images; 0: a thread, for stand-ins that do next to nothing.
    """

    ingest: Ingest
    run_job: JobRunner
    make_pixels: PixelSource = write_segments
    write_raw: RawWriter = write_raw
    repository: Path | None = None
    processes: int = 2
