"""Stand-ins for pixels, Butler and pipelines, which record what they were asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..components.machinery import Machinery
    from ..detector.exposure import ExposureRequest
    from ..pipelines.ocps_job import Job

__all__ = ["StandIns"]


@dataclass
class StandIns:
    """Images without pixels, an archive without Butler, jobs without pipelines.

    Parameters
    ----------
    exit_code
        Exit code of the jobs of the OCPS.

    Attributes
    ----------
    exposures
        One for each detector and image, in the order in which they began.
    ingested
        Raw files that the OODS would have ingested.
    jobs
        Jobs of the OCPS.
    """

    exit_code: int = 0
    exposures: list[ExposureRequest] = field(default_factory=list)
    ingested: list[Path] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def machinery(self) -> Machinery:
        """Return what the simulated components do their work with."""
        from ..components.machinery import Machinery

        return Machinery(
            ingest=_Archive(self.ingested),
            run_job=self._run_job,
            make_pixels=self.exposures.append,
            write_raw=_write_nothing,
            processes=0,
        )

    def _run_job(self, job: Job, /) -> _JobProcess:
        self.jobs.append(job)
        return _JobProcess(self.exit_code)


def _write_nothing(path: str, header: Mapping[str, object], segments: str, /) -> None:
    """Leave the raw file unwritten."""


@dataclass
class _Archive:
    """Records the files that it is to ingest."""

    files: list[Path]

    def __call__(self, path: Path, /) -> None:
        self.files.append(path)

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class _JobProcess:
    """Ends at once; how long the job takes in simulated time is up to the OCPS."""

    exit_code: int

    def run(self) -> int:
        return self.exit_code

    def kill(self) -> None:
        """It has ended."""
