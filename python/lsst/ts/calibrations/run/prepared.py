"""A run that a script has prepared when it was configured."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lsst.ts.utils import current_tai

from ..components.clients import Clients
from ..config.config import CalibrationConfig
from ..journal.facts import Fact, RunConfigured, RunResumed
from ..journal.journal import FORMAT, JOURNAL, Journal, JournalError
from ..journal.resumption import Resumption
from ..journal.settings import RunSettings, observatory_settings
from ..journal.summary import SUMMARY
from ..workflow.plan import Plan
from .context import RunContext

__all__ = ["PreparedRun"]


@dataclass(frozen=True)
class PreparedRun:
    """All that a run needs but its place.

    Parameters
    ----------
    script, index
        Name of the script, and its SAL index.
    text
        The configuration as the operator gave it.
    config, plan
        What is asked for, and what will be taken.
    clients
        Connections to the components.
    resumption
        The run to go on with; None for a new one.
    """

    script: str
    index: int
    text: str
    config: CalibrationConfig
    plan: Plan
    clients: Clients
    resumption: Resumption | None

    def begin(
        self,
        settings: RunSettings | None,
        log: logging.Logger,
        listeners: Iterable[Callable[[Fact], None]] = (),
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
            The run to resume began elsewhere.
        JournalError
            The disk takes nothing.
        """
        settings = settings or self._settings_on_the_bus(log)
        if self.resumption is not None:
            return self._resume(self.resumption, settings, log, listeners)
        try:
            settings.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(
                f"the run directory {settings.folder} cannot be made: {error.strerror}",
                kept="Nothing was exposed.",
            ) from error
        # A simulated run that a power cut ends can be run again; it would wait for the disk all the time.
        journal = Journal(settings.folder / JOURNAL, durable=not settings.simulated)
        context = RunContext(settings, journal, current_tai, log, listeners)
        log.info("Run directory: %s", settings.folder)
        context.note(
            RunConfigured(
                time=context.now(),
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
        )
        return context

    @staticmethod
    def _resume(
        resumption: Resumption,
        settings: RunSettings,
        log: logging.Logger,
        listeners: Iterable[Callable[[Fact], None]],
    ) -> RunContext:
        resumption.check_place(simulated=settings.simulated, in_process=settings.repository is not None)
        settings = replace(settings, folder=resumption.folder)
        context = RunContext(settings, resumption.journal, current_tai, log, listeners, resumption.record)
        (settings.folder / SUMMARY).unlink(missing_ok=True)  # that of an end which is none any more
        context.note(RunResumed(time=context.now()))
        return context

    def _settings_on_the_bus(self, log: logging.Logger) -> RunSettings:
        """Where the run takes place, and whether what it finds there is the observatory."""
        if names := self.clients.simulated:
            log.warning("SIMULATED: in simulation mode are %s.", ", ".join(names))
        simulated = self.clients.camera_is_simulated
        return observatory_settings(self.script, self.index, current_tai(), simulated=simulated)
