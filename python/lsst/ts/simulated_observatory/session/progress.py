"""How a run is shown on a terminal, or anywhere else, and where its log lines go."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.domain.text import plain
from lsst.ts.calibrations.journal import facts

__all__ = ["PlainProgress", "log_to", "make_view"]


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
        return logging.StreamHandler(self._console.file)

    def begin(self, n_images: int, now: Callable[[], float]) -> None:
        """Begin to show a run.

        Parameters
        ----------
        n_images, now
            How many images are to be taken, and the clock (TAI unix seconds).
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

    def end(self) -> None:
        """Leave the terminal as it was."""


class _SayingHandler(logging.Handler):
    """Writes log lines above the bars, as they are."""

    def __init__(self, view: PlainProgress) -> None:
        super().__init__()
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        self._view.say(self.format(record))


class _TerminalProgress(PlainProgress):
    """Shows a bar for the exposures, the jobs that run and the clock; log lines scroll above."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console
        )
        self._jobs: dict[str, str] = {}
        self._exposures: TaskID | None = None
        self._now: Callable[[], float] | None = None
        self._live: Live | None = None

    def handler(self) -> logging.Handler:
        return _SayingHandler(self)

    def begin(self, n_images: int, now: Callable[[], float]) -> None:
        self._now = now
        self._exposures = self._bars.add_task("exposures", total=n_images)
        self._live = Live(
            get_renderable=self._picture, console=self._console, refresh_per_second=5, transient=True
        )
        self._live.start()

    def take(self, fact: facts.Fact) -> None:
        match fact:
            case facts.ExposureTaken() if self._exposures is not None:
                self._bars.advance(self._exposures)
            case facts.JobSubmitted():
                self._jobs[fact.job_id] = f"{fact.kind} {fact.calibration}"
            case facts.JobEnded():
                self._jobs.pop(fact.job_id, None)

    def end(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> Table:
        table = Table.grid()
        table.add_row(self._bars)
        table.add_row(f"jobs running: {', '.join(self._jobs.values()) or 'none'}")
        if self._now is not None:
            table.add_row(f"clock: {iso_tai(self._now())} TAI")
        return table


def make_view(console: Console) -> PlainProgress:
    """Choose how a run is shown.

    Parameters
    ----------
    console
        Where to.

    Returns
    -------
    view
        Bars if the console is a terminal, plain lines anywhere else.
    """
    return _TerminalProgress(console) if console.is_terminal else PlainProgress(console)


class _ClockFormatter(logging.Formatter):
    """Formats with the time of a given clock (TAI unix seconds) instead of the machine's."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s")
        self._now = now

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))  # without anything that a terminal would obey

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
    log, path, view
        The script's log, the file, and what shows the run.
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
