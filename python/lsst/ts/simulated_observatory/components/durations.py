"""How long simulated things take that have no exposure time of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy

__all__ = ["Durations"]


@dataclass(frozen=True)
class Durations:
    """Model of the durations of jobs and ingests, in simulated seconds.

    No figures of the real services are published; these are of the size that its users see.
    """

    job_startup: float = 20.0
    """From the submission of a job to its first image: container, environment, quantum graph."""
    job_startup_spread: float = 3.0
    """Greatest deviation from that, either way; uniform."""
    job_per_image: float = 1.0
    """For one exposure of one detector."""
    ingest_least: float = 2.0
    """From the file to its ``imageInOODS`` at the least; uniform."""
    ingest_most: float = 5.0
    """From the file to its ``imageInOODS`` at the most."""

    def job(self, rng: numpy.random.Generator, exposures: int, detectors: int) -> float:
        """Draw the duration of a job.

        Parameters
        ----------
        rng, exposures, detectors
            What draws, and how many exposures and detectors there are.

        Returns
        -------
        duration
            Simulated seconds.
        """
        spread = rng.uniform(-self.job_startup_spread, self.job_startup_spread)
        return self.job_startup + float(spread) + self.job_per_image * exposures * detectors

    def ingest(self, rng: numpy.random.Generator) -> float:
        """Draw the duration of the ingest of one file.

        Parameters
        ----------
        rng
            What draws.

        Returns
        -------
        duration
            Simulated seconds.
        """
        return float(rng.uniform(self.ingest_least, self.ingest_most))
