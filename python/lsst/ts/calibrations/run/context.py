"""What every part of a run needs: journal, clock, log, folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .facts import Fact
from .journal import Journal
from .record import RunRecord
from .settings import RunSettings

__all__ = ["RunContext"]

SIMULATED = "SIMULATED: the images of this report were made by the simulated observatory of ts_calibrations."
"""First line of the report of a simulated run."""


@dataclass
class RunContext:
    """Surroundings of a run.

    Parameters
    ----------
    settings
        Where the run takes place.
    journal
        Where facts are written.
    now
        Clock: TAI unix seconds.
    log
        Log of the script: the operator's report.
    """

    settings: RunSettings
    journal: Journal
    now: Callable[[], float]
    log: logging.Logger
    record: RunRecord = field(default_factory=RunRecord)

    @classmethod
    def begin(
        cls,
        settings: RunSettings,
        now: Callable[[], float],
        log: logging.Logger,
        listeners: Iterable[Callable[[Fact], None]] = (),
    ) -> RunContext:
        """Make the run directory and open its journal.

        Parameters
        ----------
        settings, now, log
            As for the class.
        listeners
            Called with every fact, after it is written.
        """
        settings.folder.mkdir(parents=True, exist_ok=True)
        context = cls(settings, Journal(settings.folder / "journal.jsonl"), now, log)
        context.journal.add_listener(context.record.apply)
        for listener in listeners:
            context.journal.add_listener(listener)
        return context

    def note(self, fact: Fact) -> None:
        """Write a fact into the journal; the record follows."""
        self.journal.append(fact)

    def add_to_report(self, text: str) -> Path:
        """Append a section to the report of the run and return its path."""
        path = self.settings.folder / "report.txt"
        if self.settings.simulated and not path.exists():
            text = f"{SIMULATED}\n\n{text}"
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n\n")
        return path
