"""A run on a terminal: one live block below a log that scrolls."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from lsst.ts.calibrations.domain.calibrations import step_name
from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.domain.text import plain
from lsst.ts.calibrations.journal import facts

from .progress import PlainProgress, Prospect

__all__ = ["TerminalProgress"]

BAR = 20
"""Width of a bar."""

MOST_JOBS = 6
"""Jobs that are shown, the last ones."""

STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "bold red"}


@dataclass
class _Job:
    """A job of the OCPS, with the times at which it began and ended, TAI unix seconds."""

    name: str
    begun: float
    ended: float | None = None
    exit_code: int | None = None

    def row(self, now: float) -> tuple[str, Text]:
        seconds = f"{(now if self.ended is None else self.ended) - self.begun:.0f} s"
        if self.ended is None:
            return self.name, Text(f"running for {seconds}", "cyan")
        if self.exit_code == 0:
            return self.name, Text(f"succeeded after {seconds}", "green")
        return self.name, Text(f"failed after {seconds}", "red")


class _LogLines(logging.Handler):
    """Writes log lines above the live block: time of day and text, which wraps beside the time."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record), STYLES.get(record.levelno, ""))
        except Exception:  # as any handler: what cannot be shown must not end the run
            self.handleError(record)

    def _write(self, text: str, style: str) -> None:
        if text and "Setting final state" not in text:  # the table says it
            clock, _, words = text.partition(" ")
            line = Table.grid(padding=(0, 1))
            line.add_column(width=8, no_wrap=True, style="dim")
            line.add_column(overflow="fold")
            words = words.removeprefix("INFO ").lstrip()  # what is usual needs no name
            clock = clock.partition("T")[2][:8]
            for each in words.splitlines():  # what is indented stays so where it goes on
                indent = (0, 0, 0, len(each) - len(each.lstrip()))
                line.add_row(clock, Padding(Text(each.lstrip(), style), indent))
                clock = ""
            self._console.print(line)


class TerminalProgress(PlainProgress):
    """Shows what is exposed, exposures by type, jobs and the time left, below the log.

    Parameters
    ----------
    console
        The terminal.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live: Live | None = None
        self._prospect: Prospect | None = None
        self._taken: Counter[str] = Counter()
        self._confirmed: Counter[str] = Counter()
        self._types: dict[int, str] = {}
        self._verdicts: dict[str, Text] = {}
        self._jobs: dict[str, _Job] = {}
        self._exposing: facts.ExposureBegun | None = None
        self._still = 0.0, 0.0  # clock of the observatory when it moved last, and that of this machine then

    def handler(self) -> logging.Handler:
        """Handler that prints log lines above the live block."""
        return _LogLines(self._console)

    @contextlib.contextmanager
    def preparing(self) -> Iterator[Callable[[float], None]]:
        """Show how long the preparation lasts already, and how long it will last."""
        begun = time.monotonic()
        last = (0.0, 0.0)

        def tell(share: float) -> None:
            nonlocal last
            last = share, time.monotonic()

        def picture() -> RenderableType:
            now, (share, then) = time.monotonic(), last
            left = (then - begun) * (1.0 / share - 1.0) - (now - then) if share else 0.0
            rest = f", about {_duration(left)} left" if left > 1.0 else ""
            return Text(f"Preparing the simulated observatory: {now - begun:.0f} s{rest}", "cyan")

        with Live(get_renderable=picture, console=self._console, refresh_per_second=4, transient=True):
            yield tell

    def begin(self, prospect: Prospect) -> None:
        """Begin the live block."""
        self._prospect = prospect
        for image_type, n in prospect.held.items():
            self._taken[image_type] = self._confirmed[image_type] = n
        self._live = Live(
            get_renderable=self._picture, console=self._console, refresh_per_second=5, transient=True
        )
        self._live.start()

    def take(self, fact: facts.Fact) -> None:
        """Take a fact into the live block."""
        match fact:
            case facts.ExposureBegun():
                self._exposing = fact
            case facts.ExposureTaken():
                self._exposing = None
                self._taken[fact.image_type] += 1
                self._types[fact.id] = fact.image_type
            case facts.ExposureConfirmed():
                self._confirmed[self._types.get(fact.id, "")] += 1
            case facts.JobSubmitted():
                self._jobs[fact.job_id] = _Job(step_name(fact.kind, fact.calibration), fact.time)
            case facts.JobEnded() if fact.job_id in self._jobs:
                self._jobs[fact.job_id].ended = fact.time
                self._jobs[fact.job_id].exit_code = fact.exit_code
            case facts.VerdictGiven():
                passed = fact.passed and fact.complete
                failed = (
                    f", {fact.n_failed} test{'s' if fact.n_failed > 1 else ''} failed"
                    if fact.n_failed
                    else ""
                )
                words = f"{'passed' if passed else 'failed' if fact.complete else 'incomplete'}{failed}"
                self._verdicts[fact.calibration] = Text(words, "green" if passed else "red")

    def end(self) -> None:
        """Remove the live block."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _picture(self) -> RenderableType:
        prospect = self._prospect
        if prospect is None:
            return Text()
        now = prospect.now()
        types = Table.grid(padding=(0, 1))
        for image_type, n in prospect.images.items():
            taken, confirmed = self._taken[image_type], self._confirmed[image_type]
            types.add_row(
                image_type,
                ProgressBar(
                    total=n, completed=taken, width=BAR, complete_style="cyan", finished_style="green"
                ),
                f"{taken} of {n} taken,",
                f"{confirmed} confirmed",
                self._verdicts.get(image_type, Text()),
            )
        jobs = Table.grid(padding=(0, 1))
        for job in list(self._jobs.values())[-MOST_JOBS:]:
            jobs.add_row(*job.row(now))
        for name, verdict in self._verdicts.items():
            if name not in prospect.images:
                jobs.add_row(name, verdict)
        return Group(Text(self._headline(now), "bold"), types, *([jobs] if jobs.row_count else []))

    def _headline(self, now: float) -> str:
        """What is exposed, and the time left on the clock of the observatory."""
        assert self._prospect is not None
        clock = iso_tai(now)[11:19]
        if now != self._still[0]:
            self._still = now, time.monotonic()
        if self._exposing is None and any(job.ended is None for job in self._jobs.values()):
            seconds = time.monotonic() - self._still[1]
            return f"{clock} Waiting for a job for {seconds:.0f} s, during which this clock stands still"
        if self._exposing is None:
            doing = "No exposure under way"
        else:
            about = self._exposing
            n = self._prospect.images.get(about.image_type, 0)
            doing = f"Exposing {about.image_type} {about.position} of {n}, {about.exp_time:g} s"
        left = max(self._prospect.end - now, 0.0)
        rest = f"about {_duration(left)} left on this clock" if left >= 1.0 else "nearly done"
        return plain(f"{clock} {doing}; {rest}")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
