"""The real work behind the simulated components, each part replaceable by a stand-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..detector.exposure import ExposureRequest, write_raw, write_segments
from ..pipelines.ocps_job import Job

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Ingest", "JobProcess", "JobRunner", "Machinery", "PixelSource", "RawWriter"]

PixelSource = Callable[[ExposureRequest], None]
"""Writes the pixels of one detector to the path of the request, in a worker process: it must be picklable."""

RawWriter = Callable[[str, Mapping[str, object], str], None]
"""Makes a raw file (path) of header and pixels (path), in a worker process: it must be picklable."""


class Ingest(Protocol):
    """Brings raw files into the archive. Always called in the same thread."""

    def __call__(self, path: Path, /) -> None:
        """Ingest one file; raise ValueError if its header cannot be used, else another exception."""

    def close(self) -> None:
        """Let go of the archive; called in that thread, after the last file."""


class JobProcess(Protocol):
    """The process of one job."""

    def run(self) -> int:
        """Run it to its end, in a thread; return its exit status."""

    def kill(self) -> None:
        """End it at once, from another thread, also if it has not begun; never blocks."""


JobRunner = Callable[[Job], JobProcess]
"""Prepares the process of a job, not yet running."""


@dataclass(frozen=True)
class Machinery:
    """What does the real work."""

    ingest: Ingest
    """Brings raw files into the archive."""
    run_job: JobRunner
    """Prepares the process of a job."""
    make_pixels: PixelSource = write_segments
    """Makes the pixels of one detector."""
    write_raw: RawWriter = write_raw
    """Makes a raw file of pixels and header."""
    repository: Path | None = None
    """Butler repository, for faults that act on it; None if there is none."""
    open_butler: Callable[[str, bool], Butler] | None = None
    """Opens it for them, given its path and whether to write; None: ``Butler.from_config``."""
    processes: int = 2
    """Worker processes for the images; 0: a thread, for stand-ins that do next to nothing."""
