"""What the OCPS is asked to run, as the text fields of its execute command."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .calibrations import JobKind, step_name
from .instruments import Instrument

__all__ = ["JobRequest", "data_query", "is_job_id", "make_job"]

_JOB_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def is_job_id(text: str) -> bool:
    """Look whether a text can be the id of a job: it becomes a part of a path and of a collection's name.

    Parameters
    ----------
    text
        What an OCPS, or a journal, gave as an id.

    Returns
    -------
    is_id
        Whether it can.
    """
    return _JOB_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class JobRequest:
    """One job.

    Parameters
    ----------
    kind
        Kind of the job.
    calibration
        Name of the calibration that it is for.
    pipeline
        Address of the pipeline.
    config
        Options of pipetask, separated by blanks.
    data_query
        Which images.
    """

    kind: JobKind
    calibration: str
    pipeline: str
    config: str
    data_query: str

    @property
    def name(self) -> str:
        """The job in words, e.g. ``verify BIAS``."""
        return step_name(self.kind, self.calibration)


def data_query(instrument: Instrument, detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Select detectors and exposures in the words of the Butler.

    Parameters
    ----------
    instrument
        Whose images.
    detectors, exposures
        Ids; integers only, so that nothing else can reach the query.

    Returns
    -------
    query
        As the OCPS hands it to pipetask.

    Raises
    ------
    ValueError
        There are no detectors or no exposures: an empty ``IN ()`` would select everything or nothing.
    """
    if not detectors or not exposures:
        raise ValueError("a data query needs at least one detector and one exposure")
    return (
        f"instrument='{instrument.name}'"
        f" AND detector IN ({', '.join(str(int(number)) for number in detectors)})"
        f" AND exposure IN ({', '.join(str(int(number)) for number in exposures)})"
    )


def make_job(
    kind: JobKind,
    calibration: str,
    *,
    pipeline: str,
    inputs: Sequence[str],
    processes: int,
    options: str,
    query: str,
) -> JobRequest:
    """Put a job together.

    Parameters
    ----------
    kind, calibration, pipeline
        As `JobRequest`.
    inputs
        Input collections; the OCPS adds the raw images.
    processes
        How many processes pipetask may use.
    options
        Further options of pipetask, separated by blanks.
    query
        Which images: see `data_query`.

    Returns
    -------
    job
        What is sent to the OCPS.
    """
    # The OCPS splits the text at blanks and honours no quotes.
    words = [f"-j {processes}", f"-i {','.join(inputs)}", "--register-dataset-types", *options.split()]
    return JobRequest(kind, calibration, pipeline, " ".join(words), query)
