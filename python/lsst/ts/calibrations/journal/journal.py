"""The journal: every fact of a run on disk before the next step."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..domain.errors import CalibrationError
from .facts import Fact, fact_from_dict

__all__ = ["FORMAT", "JOURNAL", "Journal", "JournalError", "JournalInUse", "read_journal"]

JOURNAL = "journal.jsonl"
"""Name of the journal in the run directory."""

FORMAT = 2
"""Of the facts and their fields; the first fact says it. Format 1 could not be resumed."""


class JournalError(CalibrationError, OSError):
    """The journal cannot be written."""


class JournalInUse(JournalError):
    """Another process writes the journal."""


class Journal:
    """Facts of one run, as lines of JSON; JournalError if the file cannot be opened.

    A fact has left the process when `append` returns (a kill cannot lose it any more); only then are the
    listeners called. As long as the journal is open no other process can open it (JournalInUse), and the
    system unlocks it however this process ends.

    Parameters
    ----------
    path
        File to append to; made if it does not exist. A last line that was cut short by a kill is removed: its
        step had not begun.
    durable
        Have every fact on the disk itself, so that not even a power cut can lose it; that takes milliseconds.
    """

    def __init__(self, path: Path, *, durable: bool = False) -> None:
        self.path = path
        self._durable = durable
        self._listeners: list[Callable[[Fact], None]] = []
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise JournalInUse(
                f"a run is going on in {path.parent}, or a script waits to resume it: its journal is in use",
                kept="It was not touched.",
            ) from None
        except OSError:  # a file system without locks: the images are worth more than the protection
            pass
        try:
            self._size = path.read_bytes().rfind(b"\n") + 1  # whole lines alone
            self._file.truncate(self._size)
        except OSError as error:
            self._file.close()
            raise JournalError(f"the journal {path} cannot be opened: {error.strerror}") from error

    def add_listener(self, listener: Callable[[Fact], None]) -> None:
        """Have a function called with every fact from now on, after it is written.

        Parameters
        ----------
        listener
            The function.
        """
        self._listeners.append(listener)

    def append(self, fact: Fact) -> None:
        """Write a fact, then call the listeners.

        Parameters
        ----------
        fact
            What happened.

        Raises
        ------
        JournalError
            The disk did not take it; the journal is as before and no listener was called.
        """
        line = json.dumps(fact.as_dict()).encode() + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(0, "only a part of a line could be written")
            if self._durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # half a line would spoil all that follows
                self._file.truncate(self._size)
            raise JournalError(
                f"the journal {self.path} cannot be written: {error.strerror}",
                kept="What it held is kept.",
                advice="Make room or mend the disk, then resume the run.",
            ) from error
        self._size += len(line)
        for listener in self._listeners:
            listener(fact)

    def close(self) -> None:
        """Close the file; another process may now have it."""
        self._file.close()


def read_journal(path: Path) -> Iterator[Fact]:
    """Read the facts of a journal.

    Parameters
    ----------
    path
        The journal. A last line that was cut short by a kill is left out: its step had not begun.

    Yields
    ------
    fact
        The facts in their order.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        A line before the last is no fact, or the journal has another format; it names the line.
    """
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            values = json.loads(line.decode("utf-8"))
            if number == 1:
                _check_format(values)
            yield fact_from_dict(values)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}, line {number}: {error}") from error


def _check_format(values: object) -> None:
    """Look at the format before anything else, since facts of another format have other fields."""
    if not isinstance(values, dict) or values.get("fact") != "RunConfigured":
        return
    found = values.get("format", 1)
    if found != FORMAT:
        age = "a newer" if isinstance(found, int) and found > FORMAT else "another"
        raise ValueError(f"the journal has the format {found} of {age} version; this version reads {FORMAT}")
