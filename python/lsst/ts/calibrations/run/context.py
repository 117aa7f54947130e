"""What every part of a run needs: journal, record, clock, log, folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from functools import partial
from pathlib import Path

from ..domain.errors import CalibrationError
from ..journal.facts import Fact
from ..journal.journal import Journal
from ..journal.record import RunRecord
from ..journal.settings import RunSettings

__all__ = ["ReportError", "RunContext"]

SIMULATED = "SIMULATED: the images of this report were made by the simulated observatory of ts_calibrations."
"""First line of the report of a simulated run."""


class ReportError(CalibrationError, OSError):
    """The report cannot be written."""


@dataclass
class RunContext:
    """What a run writes to, and what is known of it.

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
    listeners
        Called with every fact, after it is in journal and record. What one raises is logged and changes
        nothing.
    record
        All that is known of the run. It follows the journal.
    """

    settings: RunSettings
    journal: Journal
    now: Callable[[], float]
    log: logging.Logger
    listeners: InitVar[Iterable[Callable[[Fact], None]]] = ()
    record: RunRecord = field(default_factory=RunRecord)

    def __post_init__(self, listeners: Iterable[Callable[[Fact], None]]) -> None:
        self.journal.add_listener(self.record.apply)
        for listener in listeners:
            self.journal.add_listener(partial(self._inform, listener))

    def _inform(self, listener: Callable[[Fact], None], fact: Fact) -> None:
        try:
            listener(fact)
        except Exception:
            self.log.exception("A listener of the run failed at %s.", type(fact).__name__)

    def note(self, fact: Fact) -> None:
        """Write a fact into the journal; the record follows.

        Parameters
        ----------
        fact
            The fact.

        Raises
        ------
        JournalError
            The disk did not take it.
        ValueError
            It is about something of which no earlier fact tells.
        """
        self.journal.append(fact)

    def add_to_report(self, text: str) -> Path:
        """Append a section to the report of the run, unless the report has it.

        Parameters
        ----------
        text
            The section.

        Returns
        -------
        path
            The report.

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
