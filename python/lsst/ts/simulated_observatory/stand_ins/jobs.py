"""A stand-in for the process of pipetask: it puts into the Butler what the pipelines would have made."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsst.ts.calibrations.domain.instruments import Instrument

from ..pipelines.ocps_job import Job
from .measurements import StandInCamera

if TYPE_CHECKING:
    from .outcomes import Outcomes

__all__ = ["StandInJob", "StandInJobs"]

SIMULATED = (
    "SIMULATED: this job ran in the simulated OCPS of ts_calibrations, without pixels and pipelines.\n"
)
"""First line of every log."""

FAILED = 1
KILLED = 255
"""Exit statuses."""


class StandInJobs:
    """Prepares jobs that need no pixels; see `~lsst.ts.simulated_observatory.components.machinery.JobRunner`.

    Parameters
    ----------
    repository
        Butler repository.
    instrument
        Whose images.
    camera
        What is measured on them.
    scale
        Of the camera model.
    """

    def __init__(self, repository: Path, instrument: Instrument, camera: StandInCamera, scale: int) -> None:
        self._repository = repository
        self._instrument = instrument
        self._camera = camera
        self._scale = scale
        self._lock = threading.Lock()
        self._outcomes: Outcomes | None = None

    def __call__(self, job: Job, /) -> StandInJob:
        """Prepare a job."""
        return StandInJob(self, job)

    def store(self, job: Job) -> None:
        """Put the outcome of a job into the repository, one job at a time.

        Raises
        ------
        ValueError
            The job asks for what is not there, as an input collection.
        """
        from .outcomes import Outcomes

        with self._lock:
            if self._outcomes is None:
                self._outcomes = Outcomes(self._repository, self._instrument, self._camera, self._scale)
            self._outcomes.store(job)


@dataclass
class StandInJob:
    """One job; see `~lsst.ts.simulated_observatory.components.machinery.JobProcess`."""

    jobs: StandInJobs
    job: Job
    killed: bool = False

    def run(self) -> int:
        """Store the outcome and write the log; return 0, or 1 if the pipelines could not have run."""
        if self.killed:
            return KILLED
        self.job.log.parent.mkdir(parents=True, exist_ok=True)
        status, words = 0, "done"
        try:
            self.jobs.store(self.job)
        except Exception as error:  # pipetask ends with 1, whatever it is that stops it
            status, words = FAILED, f"{type(error).__name__}: {error}"
        self.job.log.write_text(f"{SIMULATED}{self.job.pipeline} {self.job.data_query}\n{words}\n")
        return status

    def kill(self) -> None:
        """It begins no more; one that has begun is at its end."""
        self.killed = True
