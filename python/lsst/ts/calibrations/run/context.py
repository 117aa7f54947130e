"""What every part of a run needs: journal, clock, log, folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..domain.errors import CalibrationError
from ..journal.facts import ExposureBegun, Fact
from ..journal.journal import JOURNAL, Journal, JournalError
from ..journal.record import RunRecord
from ..journal.settings import RunSettings

__all__ = ["ReportError", "RunContext"]

SIMULATED = "SIMULATED: the images of this report were made by the simulated observatory of ts_calibrations."
"""First line of the report of a simulated run."""


class ReportError(CalibrationError, OSError):
    """The report cannot be written."""


@dataclass
class RunContext:
    """SimulationSetup of a run.

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
    exposed: bool = False
    """Whether anything was exposed, even if the disk did not take the fact."""
    left_alone: ExposureBegun | None = None
    """The exposure that the camera had not ended when nobody waited for it any more."""

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

        Raises
        ------
        JournalError
            The file system refuses the folder or the journal.
        """
        try:
            settings.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"the run directory {settings.folder} cannot be made: {error.strerror}",
                kept="Nothing was exposed.",
            ) from error
        # A simulated run that a power cut ends can be run again; it would wait for the disk all the time.
        journal = Journal(settings.folder / JOURNAL, durable=not settings.simulated)
        return cls._listened(cls(settings, journal, now, log), listeners)

    @classmethod
    def resume(
        cls,
        settings: RunSettings,
        journal: Journal,
        record: RunRecord,
        now: Callable[[], float],
        log: logging.Logger,
        listeners: Iterable[Callable[[Fact], None]] = (),
    ) -> RunContext:
        """Go on with a journal and what it holds; parameters as for `begin`.

        Parameters
        ----------
        journal, record
            Of the earlier parts of the run.
        """
        return cls._listened(cls(settings, journal, now, log, record), listeners)

    @classmethod
    def _listened(cls, context: RunContext, listeners: Iterable[Callable[[Fact], None]]) -> RunContext:
        """Have the record, and then the others, hear of every fact."""
        context.journal.add_listener(context.record.apply)
        for listener in listeners:
            context.journal.add_listener(listener)
        return context

    def note(self, fact: Fact) -> None:
        """Write a fact into the journal; the record follows."""
        self.journal.append(fact)

    def add_to_report(self, text: str) -> Path:
        """Append a section to the report of the run and return its path; one that it has is not repeated.

        Raises
        ------
        ReportError
            The disk did not take it.
        """
        path = self.settings.folder / "report.txt"
        try:
            # Not everything that exists can be read to an end: a disk that is made to look full is a device.
            before = path.read_text(encoding="utf-8") if path.is_file() else ""
            if f"{text}\n\n" in before:
                return path
            if self.settings.simulated and not before:
                text = f"{SIMULATED}\n\n{text}"
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n\n")
        except OSError as error:
            raise ReportError(
                f"the report {path} cannot be written: {error.strerror}",
                kept="The journal has the result.",
                advice="Make room or mend the disk, then resume the run.",
            ) from error
        return path
