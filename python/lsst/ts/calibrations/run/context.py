"""How a run begins, what every part of it needs (journal, record, clock, log), and what its end leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field, replace
from functools import partial
from pathlib import Path

from lsst.ts.utils import current_tai

from ..components.camera import Camera
from ..components.clients import Clients
from ..config.config import CalibrationConfig
from ..domain.calibrations import StepKind, step_name
from ..domain.errors import CalibrationError
from ..domain.text import counted
from ..journal.facts import ExposureBegun, Fact, FaultsInjected, RunConfigured, RunResumed
from ..journal.journal import FORMAT, JOURNAL, Journal, JournalError
from ..journal.record import RunRecord
from ..journal.resumption import Resumption, ResumptionError
from ..journal.settings import REPORT, RunSettings, observatory_settings
from ..journal.summary import SUMMARY
from ..journal.time_limits import limits_too_short
from ..workflow.plan import Plan

__all__ = ["STOP_LIMIT", "PreparedRun", "ReportError", "RunContext", "UnfinishedRun"]

STOP_LIMIT = 2.0
"""Seconds that a stopped run waits for what is under way. The ScriptQueue gives 11 s in all, and the process
of the script needs some of them to end."""

# First line of the report of a simulated run.
SIMULATED = "SIMULATED: the images of this report were made by the simulated observatory of ts_calibrations."
MOST_NAMED = 4
"""Steps that are named to the operator, who reads the reason in a few lines; the summary names all."""


class ReportError(CalibrationError, OSError):
    """The report cannot be written."""


@dataclass
class RunContext:
    """What a run writes to, and what is known of it."""

    settings: RunSettings
    """Where the run takes place."""
    journal: Journal
    """Where its facts are written."""
    now: Callable[[], float]
    """Clock: TAI unix seconds."""
    log: logging.Logger
    """Log of the script."""
    listeners: InitVar[Iterable[Callable[[Fact], None]]] = ()
    """Called with every fact, after journal and record; what one raises is logged and changes nothing."""
    record: RunRecord = field(default_factory=RunRecord)
    """All that is known of the run. It follows the journal."""

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
        """Write a fact into the journal, which the record follows; raises what `Journal.append` raises.

        Parameters
        ----------
        fact
            What happened.
        """
        self.journal.append(fact)
        self.log.debug("%s is in the journal.", type(fact).__name__)

    def note_faults(self) -> None:
        """Note what goes wrong on purpose in a simulation."""
        if self.settings.faults:
            self.note(FaultsInjected(time=self.now(), faults=self.settings.faults))

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
        path = self.settings.folder / REPORT
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


@dataclass(frozen=True)
class PreparedRun:
    """A run that a script has prepared when it was configured: all that it needs but its place."""

    script: str
    """Name of the script."""
    index: int
    """Its SAL index."""
    text: str
    """The configuration as the operator gave it."""
    config: CalibrationConfig
    """What is asked for."""
    plan: Plan
    """What will be taken."""
    clients: Clients
    """Connections to the components."""
    resumption: Resumption | None
    """The run to go on with; None for a new one."""

    def begin(
        self, settings: RunSettings | None, log: logging.Logger, listeners: Iterable[Callable[[Fact], None]]
    ) -> RunContext:
        """Begin the journal, or go on with that of the run to resume.

        Parameters
        ----------
        settings
            Where the run takes place; None for the observatory's own place.
        log, listeners
            As for `RunContext`.

        Returns
        -------
        context
            Of the run, whose journal says how it was configured.

        Raises
        ------
        ResumptionError
            The run to resume began elsewhere, or its directory cannot be written to.
        JournalError
            The disk takes nothing.
        """
        settings = settings or self._settings_on_the_bus(log)
        if self.resumption is None:
            context = RunContext(settings, _new_journal(settings), current_tai, log, listeners)
            log.info("Run directory: %s", settings.folder)
            context.note(self._configured(settings, context.now()))
            context.note_faults()
            return context
        in_process = settings.repository is not None
        self.resumption.check_place(simulated=settings.simulated, in_process=in_process)
        settings = replace(settings, folder=self.resumption.folder)
        journal, record = self.resumption.journal, self.resumption.record
        context = RunContext(settings, journal, current_tai, log, listeners, record)
        try:
            (settings.folder / SUMMARY).unlink(missing_ok=True)  # that of an end which is none any more
        except OSError as error:
            raise ResumptionError(
                f"{settings.folder / SUMMARY} of the end before cannot be removed: {error.strerror}",
                f"Make {settings.folder} and all in it writeable for this user, then resume the run.",
            ) from error
        context.note(RunResumed(time=context.now()))
        context.note_faults()
        return context

    def _configured(self, settings: RunSettings, now: float) -> RunConfigured:
        return RunConfigured(
            time=now,
            format=FORMAT,
            script=self.script,
            instrument=self.clients.instrument.name,
            text=self.text,
            config=self.config.as_dict(),
            simulated=settings.simulated,
            repository=None if settings.repository is None else str(settings.repository),
            seed=settings.seed,
            scale=settings.scale,
            date=settings.date,
            collections=settings.collections,
        )

    def _settings_on_the_bus(self, log: logging.Logger) -> RunSettings:
        """Where the run takes place, and whether what it finds there is the observatory."""
        if names := self.clients.simulated:
            log.warning("SIMULATED: in simulation mode are %s.", ", ".join(names))
        simulated = self.clients.instrument.camera in names  # its images show neither sky nor dome
        return observatory_settings(self.script, self.index, current_tai(), simulated=simulated)


def _new_journal(settings: RunSettings) -> Journal:
    """Make the run directory and the journal in it."""
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(
            f"the run directory {settings.folder} cannot be made: {error.strerror}",
            kept="Nothing was exposed.",
        ) from error
    # A simulated run that a power cut ends can be run again; it would wait for the disk all the time.
    return Journal(settings.folder / JOURNAL, durable=not settings.simulated)


@dataclass(frozen=True)
class UnfinishedRun:
    """What is known of a run, and what an operator reads of it, if it does not end DONE."""

    record: RunRecord
    """Its facts."""
    camera: Camera | None
    """The client of the camera; None before there is one."""

    @property
    def under_way(self) -> ExposureBegun | None:
        """The exposure that the camera was asked for and of whose end no fact tells.

        This is all that is known of a run beside its facts. That the exposure was about to begin is a fact;
        whether the camera was then asked for it, and did not refuse, its client knows. The camera still
        exposes, or the disk did not take the fact that it has ended; a resumed run looks for the exposure.
        """
        return None if self.camera is None or self.camera.asked is None else self.record.begun

    @property
    def rejected(self) -> list[str]:
        """Types that a resumed run would not accept either, since it judges the same images."""
        not_done = {each.step for each in self.record.not_done}
        decisive = (StepKind.VERIFY, StepKind.CERTIFY)
        return [
            name
            for name, verdict in self.record.verdicts.items()
            if not verdict.passed and any(step_name(kind, name) in not_done for kind in decisive)
        ]

    @property
    def done_and_left(self) -> str:
        """What the run has, and what it has not done, in few words."""
        taken = len(self.record.exposures)
        words = [counted(taken, "exposure was taken and is kept", "exposures were taken and are kept")]
        if (begun := self.under_way) is not None:
            name = f" ({self.camera.integrating})" if self.camera and self.camera.integrating else ""
            what = f"a {begun.image_type} of {begun.exp_time:g} s was under way"
            words.append(f"{what}{name}: the run looks for it when it is resumed, in case the camera ends it")
        if names := [each.step for each in self.record.not_done]:
            few = len(names) <= MOST_NAMED
            words.append(f"not done: {', '.join(names) if few else f'{len(names)} steps, see {SUMMARY}'}")
        return "; ".join(words)

    def what_next(self, folder: Path) -> str:
        """Say what can be done with the run.

        Parameters
        ----------
        folder
            Its directory.

        Returns
        -------
        sentence
            For the operator.
        """
        if self.rejected:
            verdicts = self.record.verdicts
            if not any(verdicts[name].complete for name in self.rejected):
                return (
                    f"Results of {', '.join(self.rejected)} are missing. Unless images have gone from the"
                    f" Butler, which are taken again, resuming {folder} cannot change that; start a new run."
                )
            names = [name for name in self.rejected if verdicts[name].complete]
            was = "was" if len(names) == 1 else "were"
            return (
                f"{', '.join(names)} {was} rejected. Resuming {folder} cannot change that; start a new run."
            )
        if lasting := dict.fromkeys(each for step in self.record.not_done for each in step.lasting):
            return (
                f"Resuming {folder} cannot change that {', and that '.join(lasting)}; start a new run. What"
                " this run made and verification accepted can be certified by hand."
            )
        if too_short := limits_too_short(self.record):
            return (
                "A time limit of the configuration was over that is shorter than by default"
                f" ({'; '.join(too_short)}). Unless a component was at fault and works again,"
                f" resuming {folder} cannot change that; start a new run."
            )
        return f"The run can be resumed; its directory is {folder}"
