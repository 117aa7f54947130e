"""Tells of a queue of samples that fills up."""

from __future__ import annotations

import logging

__all__ = ["QueueWatch"]


class QueueWatch:
    """Logs once for each mark that a queue passes, and again after it has emptied to half of that mark.

    Parameters
    ----------
    description
        Of the queue, for the log.
    log
        Where to write.
    length
        How many samples the queue holds: at least 10.
    """

    def __init__(self, description: str, log: logging.Logger, length: int) -> None:
        self._description = description
        self._log = log
        self._length = length
        marks = {min(10, max(5, length // 10)), length * 9 // 10, length}
        self._marks = sorted(marks | ({length // 2} if length >= 20 else set()))
        self._passed = 0

    def look(self, waiting: int) -> None:
        """Take note of how many samples wait: a warning, or an error if the queue is full."""
        while self._passed and waiting <= self._marks[self._passed - 1] // 2:
            self._passed -= 1
        passed = sum(waiting >= mark for mark in self._marks)
        if passed <= self._passed:
            return
        self._passed = passed
        if waiting >= self._length:
            self._log.error(f"{self._description} is full ({self._length} elements); data may be lost")
        else:
            self._log.warning(f"{self._description} is filling: {waiting} of {self._length} elements")
