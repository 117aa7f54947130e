"""Where the log lines of a script go on the command line: a file and the screen, in the script's own time."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.domain.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from .progress import PlainProgress

__all__ = ["log_to"]


class _ClockFormatter(logging.Formatter):
    """Formats with the time of a given clock (TAI unix seconds) instead of the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._now = now

    def format(self, record: logging.LogRecord) -> str:
        """One line, or several, without anything that a terminal would obey."""
        return plain(super().format(record))

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return iso_tai(self._now())


class _LogFile(logging.FileHandler):
    """The log file; a disk that is full costs the log and nothing else."""

    def __init__(self, path: Path, mode: str, view: PlainProgress) -> None:
        super().__init__(path, mode=mode, encoding="utf-8")
        self._view = view
        self._failed = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say once that the file cannot be written."""
        if not self._failed:
            self._failed = True
            self._view.say(f"The log file {self.baseFilename} cannot be written: {sys.exc_info()[1]}")

    def close(self) -> None:
        """Close the file; what it could not take is lost."""
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def log_to(
    log: logging.Logger, path: Path, view: PlainProgress, now: Callable[[], float], *, append: bool = False
) -> Iterator[None]:
    """Send a log to a file and to the view.

    Parameters
    ----------
    log
        The script's.
    path
        File.
    view
        What shows the run.
    now
        Clock, TAI unix seconds.
    append
        Go on with the file, if there is one; else it is made new.

    Yields
    ------
    None
        While the log goes there.
    """
    handlers = (_LogFile(path, "a" if append else "w", view), view.handler())
    for handler in handlers:
        handler.setFormatter(_ClockFormatter(now))
        log.addHandler(handler)
    propagates, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.propagate = propagates
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
