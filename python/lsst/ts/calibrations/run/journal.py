"""The journal: every fact of a run on disk before the next step."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from .facts import Fact, fact_from_dict

__all__ = ["Journal", "read_journal"]


class Journal:
    """Facts of one run, as lines of JSON.

    A fact has left the process when `append` returns (a kill cannot lose it any more); only then do the
    listeners hear of it.

    Parameters
    ----------
    path
        File to append to; made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: list[Callable[[Fact], None]] = []
        self._file = path.open("a", encoding="utf-8")

    def add_listener(self, listener: Callable[[Fact], None]) -> None:
        """Call `listener` with every fact from now on."""
        self._listeners.append(listener)

    def append(self, fact: Fact) -> None:
        """Write a fact down, then tell the listeners.

        Raises
        ------
        OSError
            The disk did not take it; the listeners were not told.
        """
        self._file.write(json.dumps(fact.as_dict()) + "\n")
        self._file.flush()
        for listener in self._listeners:
            listener(fact)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_journal(path: Path) -> Iterator[Fact]:
    """Read the facts of a journal.

    A last line that was cut short by a kill is left out: its step had not begun.

    Raises
    ------
    ValueError
        A line before the last is no fact.
    """
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            yield fact_from_dict(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
