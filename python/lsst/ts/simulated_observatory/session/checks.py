"""What can be asked of a simulated run: its folder, paths, names of collections, scale and seed."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import click

from lsst.ts.calibrations.config.rules import text_problems
from lsst.ts.calibrations.journal.facts import ExposureBegun
from lsst.ts.calibrations.journal.journal import JOURNAL, Journal, JournalError, read_journal
from lsst.ts.calibrations.journal.summary import SUMMARY
from lsst.ts.calibrations.run.page_process import PAGE, PAGE_LOG

__all__ = [
    "MOST_SCALE",
    "MOST_SEED",
    "SCRIPT_LOG",
    "is_collection",
    "new_folder",
    "path_problem",
    "reserve",
    "run_folder",
]

SCRIPT_LOG = "script.log"
"""Name of the file with the log of a run."""

LEFT = {
    *(SUMMARY, JOURNAL, SCRIPT_LOG, "report.txt", PAGE, PAGE_LOG),
    *("repo", "uws", "truth.json", "butler-index.yaml"),
}
"""What a run can leave that was refused before its first exposure."""

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


def run_folder(out: Path | None, script: str) -> Path:
    """Decide on the folder of a run, without making it.

    Parameters
    ----------
    out, script
        As asked for, or None for the next free one below ``runs/``, which the name of the script begins.

    Returns
    -------
    folder
        Absolute path.

    Raises
    ------
    click.UsageError
        It cannot be used: not empty, not a folder, not writable.
    """
    if out is None:
        return _next_free(Path("runs").absolute(), script)
    out = out.absolute()
    if out.is_dir():
        if not os.access(out, os.W_OK | os.X_OK):
            raise click.UsageError(f"--out {out}: it is not writable. Nothing was touched.")
        if any(out.iterdir()) and not _was_refused(out):
            raise click.UsageError(f"--out {out}: it is not empty. Nothing was touched; name a new folder.")
        return out
    if out.exists() or out.is_symlink():
        raise click.UsageError(f"--out {out}: it is there and is no folder. Nothing was touched.")
    above = next(folder for folder in out.parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise click.UsageError(
            f"--out {out}: {above} is not a folder that can be written to. Nothing was touched."
        )
    return out


def _was_refused(folder: Path) -> bool:
    """Whether a folder holds only what is left of a simulated run that has ended and exposed nothing."""
    names = {each.name for each in folder.iterdir()}
    if not names <= LEFT:
        return False
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        if JOURNAL in names:
            Journal(folder / JOURNAL, durable=False).close()  # refused if the run goes on
            if any(isinstance(each, ExposureBegun) for each in read_journal(folder / JOURNAL)):
                return False
        states = ["CONFIGURE_FAILED", "FAILED", *(["STOPPED"] if JOURNAL not in names else [])]
        return bool(summary["simulated"] and summary["state"] in states and summary["exposures"] == [])
    except (OSError, ValueError, TypeError, LookupError, JournalError):
        return False


def new_folder(folder: Path) -> None:
    """Make the folder of a run, without what a refused run may have left there.

    Parameters
    ----------
    folder
        As `run_folder` has decided, which takes nothing else that is not empty.

    Raises
    ------
    click.UsageError
        The file system refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in folder.iterdir() if _was_refused(folder) else ():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    except OSError as error:
        raise click.UsageError(f"--out {folder}: it cannot be made: {error.strerror}") from None


def reserve(folder: Path) -> None:
    """Begin the log of a run, in a folder that no other run has then.

    Parameters
    ----------
    folder
        As `new_folder` has made it.

    Raises
    ------
    click.UsageError
        The file system refused, or another run has just begun there.
    """
    try:
        (folder / SCRIPT_LOG).touch(exist_ok=False)
    except FileExistsError:
        raise click.UsageError(
            f"{folder}: another run has just begun there. Nothing was touched; begin this one again, in"
            " another folder."
        ) from None
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be written to: {error.strerror}") from None


def _next_free(runs: Path, script: str) -> Path:
    taken = {entry.name for entry in runs.iterdir()} if runs.is_dir() else set()
    numbers = (number for number in range(1, len(taken) + 2) if f"{script}-{number:03d}" not in taken)
    return runs / f"{script}-{next(numbers):03d}"
