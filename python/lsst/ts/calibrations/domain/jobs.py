"""What the OCPS is asked to run, as text fields of its execute command, and where it leaves the results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .calibrations import StepKind, step_name
from .instruments import Instrument

__all__ = [
    "DOCUMENTED_LABEL",
    "JOB_COLLECTION",
    "JOB_ID",
    "RUN_COLLECTION",
    "JobRequest",
    "data_query",
    "pipetask_flags",
    "pipetask_options",
]

DOCUMENTED_LABEL = "isr"
"""Label that the documented options have for the task that removes the instrument's signature."""

JOB_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
"""What the whole id of a job is like: it becomes a part of a path and of a collection's name."""

JOB_COLLECTION = "u/ocps/{}"
"""Collection of the job that has an id: a chain of its RUN collection and of its inputs."""

RUN_COLLECTION = "{}/run"
"""RUN collection that belongs to the collection of a job: it holds what the job made and nothing else."""


@dataclass(frozen=True)
class JobRequest:
    """One job."""

    kind: StepKind
    """Kind of the job."""
    calibration: str
    """Name of the calibration that it is for."""
    pipeline: str
    """Address of the pipeline."""
    config: str
    """Options of pipetask, separated by blanks."""
    data_query: str
    """Which images."""

    @property
    def name(self) -> str:
        """The job in words, e.g. ``verify BIAS``."""
        return step_name(self.kind, self.calibration)


def data_query(instrument: Instrument, detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Select detectors and exposures in the words of the Butler.

    Parameters
    ----------
    instrument, detectors, exposures
        Whose images, and their ids; integers only, so that nothing else can reach the query.

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


def pipetask_flags(options: str) -> Iterator[tuple[str, str]]:
    """Take options of pipetask apart.

    Parameters
    ----------
    options
        Separated by blanks, the flags also joined to their values: ``-c a:b=1 -ca:b=1 --config=a:b=1``.

    Yields
    ------
    flag, value
        E.g. ``-c`` and ``isr:doDefect=False``; a word that is no flag has a value of its own, which is
        empty at the end.
    """
    words = iter(options.split())
    for word in words:
        flag, joined, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if not word.startswith("-"):
            flag, joined = word, ""
        yield flag, value if joined else next(words, "")


def pipetask_options(inputs: Sequence[str], processes: int, options: str) -> str:
    """Put the options of pipetask together.

    Parameters
    ----------
    inputs, processes
        Input collections, to which the OCPS adds the raw images, and how many processes may be used.
    options
        Further ones, separated by blanks.

    Returns
    -------
    config
        Separated by blanks, at which the OCPS splits them: it honours no quotes.
    """
    words = [f"-j {processes}", f"-i {','.join(inputs)}", "--register-dataset-types", *options.split()]
    return " ".join(words)
