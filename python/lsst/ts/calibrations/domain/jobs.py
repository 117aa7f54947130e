"""What the OCPS is asked to run, as text fields of its execute command, and where it leaves the results."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .calibrations import StepKind, step_name
from .instruments import Instrument

__all__ = [
    "JOB_COLLECTION",
    "JOB_ID",
    "RUN_COLLECTION",
    "JobRequest",
    "data_query",
    "pipetask_options",
    "signal_removal_label",
    "with_label",
    "without_labels",
]

_DOCUMENTED = "isr"  # the label that the documented options have for the task that removes the signature

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


def signal_removal_label(labels: Collection[str]) -> str | None:
    """Find the task that removes the instrument's signature.

    Parameters
    ----------
    labels
        Labels of the tasks of a pipeline.

    Returns
    -------
    label
        ``isr``, or the one that ends in ``Isr``; None if the pipeline has no such task, or several.
    """
    if _DOCUMENTED in labels:
        return _DOCUMENTED
    found = [label for label in labels if label.endswith("Isr")]
    return found[0] if len(found) == 1 else None


def without_labels(options: str, labels: Collection[str]) -> str:
    """Leave out the options of pipetask that are for certain tasks, as when these are not run.

    Parameters
    ----------
    options, labels
        Words separated by blanks, e.g. ``-c isr:doDefect=False``, and labels of these tasks.

    Returns
    -------
    options
        The others.
    """
    kept: list[str] = []
    for word in options.split():
        if word.partition(":")[0] not in labels:
            kept.append(word)
        elif kept and kept[-1].startswith("-"):
            kept.pop()
    return " ".join(kept)


def with_label(options: str, label: str | None) -> tuple[str, list[str]]:
    """Write ``isr:`` options of pipetask with the label that a pipeline has for that task.

    Parameters
    ----------
    options
        Words separated by blanks, e.g. ``-c isr:doDefect=False``.
    label
        The pipeline's own label; None if it has no such task: the options are then left out.

    Returns
    -------
    options, notes
        The options to use, and what was changed, in words.
    """
    if label == _DOCUMENTED:
        return options, []
    words: list[str] = []
    notes: list[str] = []
    for word in options.split():
        if not word.startswith(f"{_DOCUMENTED}:"):
            words.append(word)
        elif label is None:
            flag = words.pop() if words and words[-1] in ("-c", "--config") else ""
            notes.append(f"{flag} {word} is left out: this pipeline has no task isr".strip())
        else:
            words.append(f"{label}{word.removeprefix(_DOCUMENTED)}")
            notes.append(f"{word} is written {words[-1]}, as this pipeline names its task")
    return " ".join(words), notes
