"""Machinery of a simulated observatory without pixels."""

from __future__ import annotations

from pathlib import Path

from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.machinery import Machinery
from ..repository.ingest import ButlerIngest
from .jobs import StandInJobs
from .measurements import StandInCamera
from .raws import no_pixels, write_header

__all__ = ["standin_machinery"]


def standin_machinery(
    instrument: Instrument, repository: Path, camera: StandInCamera, *, scale: int
) -> Machinery:
    """Machinery that writes raw files without pixels, ingests them, and stores the outcomes of jobs.

    Parameters
    ----------
    instrument
        Whose images.
    repository
        Butler repository, with the instrument registered.
    camera
        What is measured on its images.
    scale
        Of the camera model.
    """
    return Machinery(
        ingest=ButlerIngest(repository),
        run_job=StandInJobs(repository, instrument, camera, scale),
        make_pixels=no_pixels,
        write_raw=write_header,
        repository=repository,
        processes=0,
    )
