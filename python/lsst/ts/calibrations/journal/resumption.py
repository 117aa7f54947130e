"""Resuming a run that was killed, stopped or failed: what its journal says, and whether it can go on."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..domain.errors import CalibrationError
from .facts import RunConfigured
from .journal import JOURNAL, Journal, JournalError, JournalInUse, read_journal
from .record import RunRecord
from .settings import REPORT

__all__ = ["OPTION", "Resumption", "ResumptionError", "asked_for", "configured_run", "resume_run"]

OPTION = "resume"
"""Name of the option of the configuration."""


class ResumptionError(CalibrationError, ValueError):
    """A run cannot be resumed.

    Parameters
    ----------
    happened, advice
        Why, and what to do instead.
    """

    def __init__(self, happened: str, advice: str = "Start a new run instead.") -> None:
        super().__init__(happened, kept="Nothing was exposed and nothing was changed.", advice=advice)


@dataclass(frozen=True)
class Resumption:
    """A run that goes on."""

    folder: Path
    """Its run directory."""
    journal: Journal
    """Its journal, open: no other process can resume the run."""
    configured: RunConfigured
    """With what the run began."""
    record: RunRecord
    """What the journal holds."""

    def check_place(self, *, simulated: bool, in_process: bool) -> None:
        """See whether the run began where it is to go on.

        Parameters
        ----------
        simulated, in_process
            Whether the observatory is simulated, and in this process.

        Raises
        ------
        ResumptionError
            It began elsewhere.
        """
        began = self.configured
        if (began.simulated, began.repository is not None) == (simulated, in_process):
            return
        if began.repository:
            where = "the simulated observatory of the command line"
        else:
            where = f"the {'simulated ' if began.simulated else ''}observatory on the bus"
        raise ResumptionError(f"{self.folder} is a run in {where}", "Resume it there.")


def asked_for(options: Mapping[str, Any], problems: Sequence[str]) -> Path | None:
    """Look whether a configuration asks to resume a run.

    Parameters
    ----------
    options, problems
        What a configuration text says, and what is wrong with the text.

    Returns
    -------
    folder
        The run directory; None if it is a usual configuration.

    Raises
    ------
    ResumptionError
        The option does not name a folder by its absolute path, or there are other options beside it; it
        stands alone and names nothing.
    """
    folder = options.get(OPTION)
    if folder is None and list(options) != [OPTION]:  # a form may send all options, with null for this one
        return None
    if not isinstance(folder, str) or not Path(folder).is_absolute() or not folder.isprintable():
        given = "nothing" if folder is None else f"{folder!r:.80}"
        raise ResumptionError(
            f"{OPTION}: {given} is not the absolute path of a run directory",
            "The log of the run to resume names it.",
        )
    if len(options) > 1 or problems:
        others = f": {', '.join(each for each in options if each != OPTION)}" if len(options) > 1 else ""
        raise ResumptionError(
            f"{OPTION} stands alone, and the configuration has more{others:.200}",
            f"A resumed run has the configuration with which it began: leave only {OPTION}.",
        )
    return Path(folder)


def resume_run(folder: Path, script: str) -> Resumption:
    """Resume a run: from now on its journal is this process's alone.

    Parameters
    ----------
    folder, script
        Run directory, and name of the script that shall go on with it.

    Returns
    -------
    resumption
        The run, with its journal open.

    Raises
    ------
    ResumptionError
        There is no run, it is one of another script, DONE or still going on, or its journal is damaged or of
        another format, or this process may not write there; nothing is touched.
    """
    configured, _ = _read_run(folder, script)
    writeable = f"Make {folder} and all in it writeable for this user, then resume the run."
    for each, mode in ((folder, os.W_OK | os.X_OK), (folder / REPORT, os.W_OK)):
        if each.exists() and not os.access(each, mode):
            raise ResumptionError(f"this user may not write to {each}", writeable)
    try:
        journal = Journal(folder / JOURNAL, durable=not configured.simulated)
    except JournalInUse as error:
        raise ResumptionError(error.happened, "Wait until it has ended, or stop that script.") from None
    except JournalError as error:
        raise ResumptionError(error.happened, writeable) from None
    return Resumption(folder, journal, *_read_run(folder, script))


def configured_run(folder: Path) -> RunConfigured:
    """Read with what a run began.

    Parameters
    ----------
    folder
        Run directory.

    Returns
    -------
    configured
        The first fact of its journal.

    Raises
    ------
    ResumptionError
        There is no run, or its journal cannot be used.
    """
    return _configured(folder, _read_record(folder))


def _configured(folder: Path, record: RunRecord) -> RunConfigured:
    if record.configured is None:
        raise ResumptionError(f"the journal {folder / JOURNAL} holds no fact: the run had not begun")
    return record.configured


def _read_run(folder: Path, script: str) -> tuple[RunConfigured, RunRecord]:
    """With what a run began, and what it did, if it can go on; else ResumptionError."""
    record = _read_record(folder)
    configured = _configured(folder, record)
    if configured.script != script:
        raise ResumptionError(
            f"{folder} is a run of {configured.script}, not of {script}", "Resume it with its own script."
        )
    if record.ended is not None and record.ended.state == "DONE":
        raise ResumptionError(f"the run in {folder} is DONE: there is nothing left to do")
    return configured, record


def _read_record(folder: Path) -> RunRecord:
    """What a run did; else ResumptionError."""
    path, record = folder / JOURNAL, RunRecord()
    try:
        _check_there(folder, path)
        for number, fact in enumerate(read_journal(path), 1):
            try:
                if isinstance(fact, RunConfigured) != (number == 1):
                    raise ValueError(f"{type(fact).__name__} does not belong here")
                record.apply(fact)
            except ValueError as error:
                raise ValueError(f"{path}, line {number}: {error}") from error
    except OSError as error:  # one of the checks, too: a folder that this process may not look into
        raise ResumptionError(
            f"the journal of a run in {folder} cannot be read: {error.strerror}",
            "Name a run directory, readable for this user with all in it, or start a new run.",
        ) from None
    except ResumptionError:  # which is a ValueError as well
        raise
    except ValueError as error:
        raise ResumptionError(f"the journal cannot be used: {error}") from None
    return record


def _check_there(folder: Path, path: Path) -> None:
    """Raise ResumptionError if there is no journal in a folder; OSError if that cannot be looked at."""
    if not folder.is_dir():
        raise ResumptionError(f"{folder} holds no run: there is no such folder", "Name a run directory.")
    if not path.exists():
        raise ResumptionError(
            f"{folder} holds no run: there is nothing to resume, no journal", "Name a run directory."
        )
    if not path.is_file():  # reading a pipe or a device may never end
        raise ResumptionError(f"{folder} holds no run: {path.name} is no file")
