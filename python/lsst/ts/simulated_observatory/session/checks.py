"""What can be asked of a simulated run: paths, names of collections, scale and seed."""

from __future__ import annotations

from pathlib import Path

from lsst.ts.calibrations.config.rules import text_problems

__all__ = ["MOST_SCALE", "MOST_SEED", "is_collection", "path_problem"]

MOST_SCALE = 16
"""Largest divisor of the sides of the detectors."""

MOST_SEED = 2**63 - 1
"""Largest seed: the headers of the images hold it."""


def path_problem(path: Path) -> str | None:
    """Find out why nothing can have a path, or it cannot be shown, or nobody may look there.

    Parameters
    ----------
    path
        It need not exist.

    Returns
    -------
    problem
        In words; None if all is well.
    """
    if not str(path).isprintable():
        return "it has characters that cannot be printed"
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return error.strerror or str(error)
    return None


def is_collection(name: str) -> bool:
    """Find out whether the configuration would take a name as that of a collection.

    Parameters
    ----------
    name
        As somebody wrote it.

    Returns
    -------
    is_collection
        Whether a collection can have it.
    """
    return name[:1] != "/" and text_problems({"calib_collection": name}) == {}
