"""How a run is shown, on a terminal or anywhere else, and where its log lines go."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.domain.text import ON_SCREEN, plain
from lsst.ts.calibrations.journal import facts

from .overview import for_command_line, show_overview

__all__ = ["PlainProgress", "Prospect", "log_to", "make_view"]


@dataclass(frozen=True)
class Prospect:
    """What is to come in a run.

    Parameters
    ----------
    images, held
        How many images are taken, and how many of them are there already, by image type.
    end
        When the run will have ended, TAI unix seconds: an estimate.
    now
        Clock, TAI unix seconds.
    """

    images: Mapping[str, int]
    held: Mapping[str, int]
    end: float
    now: Callable[[], float]


class PlainProgress:
    """Shows a run by its log lines only, in files, pipes and dumb terminals.

    Parameters
    ----------
    console
        Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def handler(self) -> logging.Handler:
        """Handler that shows log lines without disturbing what else is shown."""
        return _Lines(self._console.file)

    @contextlib.contextmanager
    def preparing(self) -> Iterator[Callable[[float], None]]:
        """Show that the simulated observatory is prepared, which may take minutes.

        Yields
        ------
        tell
            To be called with the share of it that is done, where that is known.
        """
        yield lambda _: None

    def begin(self, prospect: Prospect) -> None:
        """Begin to show a run.

        Parameters
        ----------
        prospect
            What is to come.
        """

    def take(self, fact: facts.Fact) -> None:
        """Show a fact of the run that no log line has.

        Parameters
        ----------
        fact
            As the journal has it.
        """

    def say(self, text: str) -> None:
        """Print a line.

        Parameters
        ----------
        text
            Characters that a terminal would obey are taken out.
        """
        self._console.print(plain(text), markup=False, highlight=False, soft_wrap=True)

    def show_end(self, summary: Mapping[str, Any], folder: Path) -> None:
        """Show how a run ended.

        Parameters
        ----------
        summary, folder
            Its summary and directory.
        """
        show_overview(summary, folder, self._console)

    def end(self) -> None:
        """Leave the terminal as it was."""


def make_view(console: Console) -> PlainProgress:
    """Choose how a run is shown.

    Parameters
    ----------
    console
        Where to.

    Returns
    -------
    view
        A live block if the console is a terminal, plain lines anywhere else.
    """
    from .terminal import TerminalProgress

    return TerminalProgress(console) if console.is_terminal else PlainProgress(console)


class _Lines(logging.StreamHandler[Any]):
    """Writes log lines but for those of which nothing is to be shown."""

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, ON_SCREEN, None) != "":
            super().emit(record)


class _ClockFormatter(logging.Formatter):
    """Formats with the time of a given clock (TAI unix seconds) instead of the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._now = now

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))  # without anything that a terminal would obey

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return iso_tai(self._now())


class _ScreenFormatter(_ClockFormatter):
    """Formats what a terminal shows, where that is less than the message."""

    def format(self, record: logging.LogRecord) -> str:
        short: str | None = getattr(record, ON_SCREEN, None)
        if short is None:
            return for_command_line(super().format(record))
        if not short:
            return ""
        shown = logging.makeLogRecord({**record.__dict__, "msg": short, "args": ()})
        return for_command_line(super().format(shown))


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
    log: logging.Logger,
    path: Path,
    view: PlainProgress,
    now: Callable[[], float],
    *,
    append: bool = False,
    level: int = logging.NOTSET,
) -> Iterator[None]:
    """Send a log to a file and to the view.

    Parameters
    ----------
    log, path, view
        The script's log, the file, and what shows the run.
    now
        Clock, TAI unix seconds.
    append
        Go on with the file, if there is one; else it is made new.
    level
        Lowest level of what is shown; the file gets everything.

    Yields
    ------
    None
        While the log goes there.
    """
    shown = view.handler()
    shown.setLevel(level)
    handlers = (_LogFile(path, "a" if append else "w", view), shown)
    for handler, formatter in zip(handlers, (_ClockFormatter(now), _ScreenFormatter(now)), strict=True):
        handler.setFormatter(formatter)
        log.addHandler(handler)
    propagates, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.propagate = propagates
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()
