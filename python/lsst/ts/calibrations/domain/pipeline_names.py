"""Labels of the tasks of a pipeline: the documented ones and those of the present cp_pipe."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["signal_removal_label", "with_label", "without_labels"]

_DOCUMENTED = "isr"
_OPTION = re.compile(rf"^{_DOCUMENTED}:")


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
    options
        Words separated by blanks, e.g. ``-c isr:doDefect=False``.
    labels
        Labels of these tasks.

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
        if not _OPTION.match(word):
            words.append(word)
        elif label is None:
            flag = words.pop() if words and words[-1] in ("-c", "--config") else ""
            notes.append(f"{flag} {word} is left out: this pipeline has no task isr".strip())
        else:
            words.append(_OPTION.sub(f"{label}:", word))
            notes.append(f"{word} is written {words[-1]}, as this pipeline names its task")
    return " ".join(words), notes
