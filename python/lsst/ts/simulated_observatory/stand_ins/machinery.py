"""Machinery of a simulated observatory without pixels: raw files without any, jobs without pipelines."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import fits

from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.machinery import Machinery
from ..detector.exposure import ExposureRequest
from ..pipelines.ocps_job import Job
from ..repository.ingest import ButlerIngest
from .measurements import StandInCamera

if TYPE_CHECKING:
    from .outcomes import Outcomes

__all__ = ["standin_machinery"]

SIMULATED = (
    "SIMULATED: this job ran in the simulated OCPS of ts_calibrations, without pixels and pipelines.\n"
)
"""First line of every log."""

FAILED = 1
KILLED = 255
"""Exit statuses."""

_BLOCK = 2880
"""Bytes of a FITS block."""

_STRUCTURE = ("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)


def standin_machinery(
    instrument: Instrument, repository: Path, camera: StandInCamera, *, scale: int
) -> Machinery:
    """Machinery that writes raw files without pixels, ingests them, and stores the outcomes of jobs.

    Parameters
    ----------
    instrument, repository
        Whose images, and the Butler repository in which it is registered.
    camera, scale
        What is measured on the images, and the scale of the camera model.

    Returns
    -------
    machinery
        Its files and jobs are made by stand-ins.
    """
    return Machinery(
        ingest=ButlerIngest(repository),
        run_job=_Jobs(repository, instrument, camera, scale),
        make_pixels=_no_pixels,
        write_raw=_write_header,
        repository=repository,
        processes=0,
    )


def _no_pixels(request: ExposureRequest, /) -> None:
    """Make no pixels of an exposure."""


def _write_header(path: str, header: Mapping[str, object], segments: str, /) -> None:
    """Write a raw file that has a primary header and no segments; a keyword that is None has no value."""
    cards = "".join([*(_card(*each) for each in _STRUCTURE), *(_card(*each) for each in header.items())])
    text = f"{cards}{'END':<80}"
    incomplete = f"{path}.part"
    with open(incomplete, "wb") as file:
        file.write(text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii"))
    os.replace(incomplete, path)


@lru_cache(maxsize=4096, typed=True)
def _card(key: str, value: object) -> str:
    """One keyword as FITS has it; most are the same in every image."""
    standard = len(key) <= 8 and " " not in key
    return str(fits.Card(key if standard else f"HIERARCH {key}", value))


class _Jobs:
    """Prepares jobs that need no pixels."""

    def __init__(self, repository: Path, instrument: Instrument, camera: StandInCamera, scale: int) -> None:
        self._about = repository, instrument, camera, scale
        self._lock = threading.Lock()
        self._outcomes: Outcomes | None = None

    def __call__(self, job: Job, /) -> _Job:
        return _Job(job, self._store)

    def _store(self, job: Job) -> None:
        """Put the outcome of a job into the repository, one job at a time."""
        from .outcomes import Outcomes

        with self._lock:
            if self._outcomes is None:
                self._outcomes = Outcomes(*self._about)
            self._outcomes.store(job)


@dataclass
class _Job:
    """One job."""

    job: Job
    store: Callable[[Job], None]
    killed: bool = False

    def run(self) -> int:
        """Store the outcome and write the log; return 0, or 1 if the pipelines could not have run."""
        if self.killed:
            return KILLED
        self.job.log.parent.mkdir(parents=True, exist_ok=True)
        status, words = 0, "done"
        try:
            self.store(self.job)
        except Exception as error:  # pipetask ends with 1, whatever it is that stops it
            status, words = FAILED, f"{type(error).__name__}: {error}"
        self.job.log.write_text(f"{SIMULATED}{self.job.pipeline} {self.job.data_query}\n{words}\n")
        return status

    def kill(self) -> None:
        """Keep it from beginning; one that has begun is nearly at its end."""
        self.killed = True
