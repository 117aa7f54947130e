"""Where the log lines of a script go on the command line: a file and the screen, in the script's own time."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..run.tai import iso_tai

if TYPE_CHECKING:
    from collections.abc import Callable

    from .progress import ProgressView

__all__ = ["log_to"]


class _ClockFormatter(logging.Formatter):
    """Formats with the time of a given clock (TAI unix seconds) instead of the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._now = now

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return iso_tai(self._now())


@contextlib.contextmanager
def log_to(log: logging.Logger, path: Path, view: ProgressView, now: Callable[[], float]) -> Iterator[None]:
    """Send a log to a file and to the view.

    Parameters
    ----------
    log
        The script's.
    path
        File; made new.
    view
        What shows the run.
    now
        Clock, TAI unix seconds.
    """
    handlers = (logging.FileHandler(path, mode="w", encoding="utf-8"), view.handler())
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
