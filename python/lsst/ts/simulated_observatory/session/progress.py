"""Live progress of a run on a terminal; plain lines anywhere else."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.domain.text import plain
from lsst.ts.calibrations.journal import facts

__all__ = ["PlainProgress", "TerminalProgress", "make_view"]


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
        n_images
            How many images are to be taken.
        now
            Clock, TAI unix seconds.
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


class TerminalProgress(PlainProgress):
    """Shows a bar for the exposures, the jobs that run and the clock; log lines scroll above.

    Parameters
    ----------
    console
        A terminal.
    """

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
        """Handler that writes above the bars."""
        return _SayingHandler(self)

    def begin(self, n_images: int, now: Callable[[], float]) -> None:
        """Draw the bars.

        Parameters
        ----------
        n_images
            How many images are to be taken.
        now
            Clock, TAI unix seconds.
        """
        self._now = now
        self._exposures = self._bars.add_task("exposures", total=n_images)
        self._live = Live(
            get_renderable=self._picture, console=self._console, refresh_per_second=5, transient=True
        )
        self._live.start()

    def take(self, fact: facts.Fact) -> None:
        """Advance the bar or the list of jobs.

        Parameters
        ----------
        fact
            As the journal has it.
        """
        match fact:
            case facts.ExposureTaken() if self._exposures is not None:
                self._bars.advance(self._exposures)
            case facts.JobSubmitted():
                self._jobs[fact.job_id] = f"{fact.kind} {fact.calibration}"
            case facts.JobEnded():
                self._jobs.pop(fact.job_id, None)

    def end(self) -> None:
        """Take the bars away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> Table:
        table = Table.grid()
        table.add_row(self._bars)
        jobs = ", ".join(self._jobs.values()) or "none"
        table.add_row(f"jobs running: {jobs}")
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
    return TerminalProgress(console) if console.is_terminal else PlainProgress(console)
