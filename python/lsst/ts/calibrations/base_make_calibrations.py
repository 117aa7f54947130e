"""The script that takes, processes and verifies calibrations; one subclass per instrument."""

from __future__ import annotations

import asyncio
import contextlib
import types
from abc import abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NoReturn

from lsst.ts.utils import current_tai
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

from .components.clients import Clients
from .components.event_order import EventOrder
from .config.config import CalibrationConfig, Findings, examine
from .config.schema import load_schema
from .domain.errors import CalibrationError, ConfigurationError
from .domain.instruments import Instrument
from .journal.facts import Fact, RunConfigured, RunEnded, RunResumed
from .journal.journal import FORMAT
from .journal.record import RunRecord
from .journal.resumption import Resumption, asked_for, take_up
from .journal.settings import RunSettings, observatory_settings
from .journal.summary import SUMMARY, make_summary, write_summary
from .run.calibration_run import CalibrationRun
from .run.context import RunContext
from .run.ending import what_is_left, what_next
from .workflow.plan import Plan, make_plan

__all__ = ["BaseMakeCalibrations"]

_MOMENT = 0.01
"""Seconds between two looks at something that is about to happen."""

CLOSE_LIMIT = 60.0
"""Seconds that a run has to settle what is under way when its process is told to end."""


class BaseMakeCalibrations(salobj.BaseScript):
    """Make calibrations: configuration, checkpoints and states; what happens is in `run`.

    Parameters
    ----------
    index
        SAL index of the script.
    settings
        Where the run takes place; None for the observatory's own place.
    listeners
        Called with every fact of the run.
    advise
        Says what an operator should know of a configuration that only the place of the run can tell.
    """

    def __init__(
        self,
        index: int,
        *,
        settings: RunSettings | None = None,
        listeners: Iterable[Callable[[Fact], None]] = (),
        advise: Callable[[CalibrationConfig], Iterable[str]] = lambda _: (),
    ) -> None:
        super().__init__(index=index, descr=f"Take and verify {self.instrument().name} calibrations.")
        self._log_order = EventOrder(self.evt_logMessage)
        self.settings = settings
        self.listeners = list(listeners)
        self._advise = advise
        self.config: CalibrationConfig | None = None
        self.plan: Plan | None = None
        self._clients: Clients | None = None
        self._context: RunContext | None = None
        self._resumption: Resumption | None = None
        self._own_task: asyncio.Task[Any] | None = None
        self._cleaned = asyncio.Event()
        self._terminated = False
        self._text = ""
        self._examined: CalibrationConfig | None = None
        self._started = current_tai()

    @classmethod
    @abstractmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """JSON schema of the configuration."""
        return load_schema(cls.instrument().name)

    async def do_configure(self, data: salobj.BaseMsgType) -> None:
        """Examine the configuration text itself, then configure as every script.

        The base class hands over what YAML made of the text: a key given twice is gone by then, and its
        validation stops at the first problem.

        Raises
        ------
        ExpectedError
            The configuration has problems; all of them are named.
        """
        self.assert_state("configure", [ScriptState.UNCONFIGURED])
        try:
            findings = self._examine(data.config)
        except CalibrationError as error:
            await self._refuse_configuration(error)
        for remark in (*findings.notes, *findings.warnings):
            self.log.warning(remark)
        if findings.errors:
            await self._refuse_configuration(ConfigurationError(findings.errors))
        self._examined = findings.config
        data.config = findings.text
        await super().do_configure(data)

    def _examine(self, text: str) -> Findings:
        """Examine a configuration; if it asks to resume a run, take the run up and examine what it has.

        Raises
        ------
        ResumptionError
            The run cannot go on.
        """
        self._text = text
        findings = examine(text, self.get_schema(), self.instrument())
        folder = asked_for(findings.read, findings.misread)
        if folder is None:
            return findings
        self._resumption = take_up(folder, type(self).__name__)
        self.log.info("The run in %s is resumed: %d exposures are there.", folder, self.n_exposures)
        self._text = self._resumption.configured.text
        return examine(self._text, self.get_schema(), self.instrument())

    async def _refuse_configuration(self, error: CalibrationError) -> NoReturn:
        """End the script as CONFIGURE_FAILED; always raises ExpectedError."""
        self.log.error(str(error))
        await self.set_state(ScriptState.CONFIGURE_FAILED, reason=str(error))
        await self._exit()
        raise salobj.ExpectedError(str(error))

    async def configure(self, config: types.SimpleNamespace) -> None:
        """Take up the validated configuration and connect to the components.

        Parameters
        ----------
        config
            Options that comply with the schema, defaults filled in. Usually what `do_configure` has examined:
            then nothing is checked or made again.

        Raises
        ------
        ConfigurationError
            The options do not go together.
        """
        examined = self._examined
        if examined is None or examined.as_dict() != vars(config):
            examined = CalibrationConfig.from_namespace(config, self.instrument())
        self.config = examined
        self.plan = make_plan(self.config, self.instrument(), advice=self._advise(self.config))
        validity = self.config.validity_warning(current_tai())
        for warning in (*self.plan.warnings, *([validity] if validity else [])):
            self.log.warning(warning)
        self._clients = Clients(self.instrument(), self.domain, self.log)
        await self._clients.start()

    def set_metadata(self, metadata: salobj.BaseMsgType) -> None:
        """Say how long the run will take, how many images and with what."""
        assert self.config is not None
        assert self.plan is not None
        held = [each.taken for each in self.record.exposures.values() if not each.lost]
        spent = sum(each.exp_time + self.instrument().readout_time for each in held)
        metadata.duration = max(self.plan.duration - spent, 0.0)
        metadata.nimages = self.plan.n_images - len(held)
        metadata.instrument = self.instrument().name
        metadata.filters = "" if self.config.filter is None else str(self.config.filter)

    async def run(self) -> None:
        """Run to the verdict.

        Raises
        ------
        ExpectedError
            Something that was asked for was not done.
        """
        assert self.config is not None
        assert self.plan is not None
        assert self._clients is not None
        if self._terminated:
            raise asyncio.CancelledError("a signal came before anything had begun")
        self._own_task = asyncio.current_task()
        try:
            self._context = self._begin(self.config)
            run = CalibrationRun(
                self._context,
                self.instrument(),
                self.config,
                self.plan,
                self._clients,
                checkpoint=self.checkpoint,
                group_id=self.next_supplemented_group_id,
            )
            outcome = await run.run()
        except CalibrationError as error:
            self.log.error(str(error))
            raise salobj.ExpectedError(str(error)) from error
        await self.set_state(reason=outcome)

    def _settings_on_the_bus(self, clients: Clients) -> RunSettings:
        """Where the run takes place, and whether what it finds there is the observatory."""
        if clients.simulated:
            self.log.warning("SIMULATED: in simulation mode are %s.", ", ".join(clients.simulated))
        return observatory_settings(
            type(self).__name__, self.salinfo.index, self._started, simulated=clients.camera_is_simulated
        )

    def _begin(self, config: CalibrationConfig) -> RunContext:
        """Begin the journal, or go on with the one of the run that is resumed."""
        assert self._clients is not None
        self._started = current_tai()
        self.settings = settings = self.settings or self._settings_on_the_bus(self._clients)
        if (resumption := self._resumption) is not None:
            resumption.check_place(simulated=settings.simulated, in_process=settings.repository is not None)
            self.settings = settings = replace(settings, folder=resumption.folder)
            context = RunContext.resume(
                settings, resumption.journal, resumption.record, current_tai, self.log, self.listeners
            )
            (settings.folder / SUMMARY).unlink(missing_ok=True)  # it tells of an end that is none
            context.note(RunResumed(time=context.now()))
            return context
        context = RunContext.begin(settings, current_tai, self.log, self.listeners)
        self.log.info("Run directory: %s", settings.folder)
        context.note(
            RunConfigured(
                time=context.now(),
                format=FORMAT,
                script=type(self).__name__,
                instrument=self.instrument().name,
                text=self._text,
                config=config.as_dict(),
                simulated=settings.simulated,
                repository=None if settings.repository is None else str(settings.repository),
                seed=settings.seed,
                scale=settings.scale,
                date=settings.date,
                collections=settings.collections,
            )
        )
        return context

    async def cleanup(self) -> None:
        """Write down how the run ended: journal and summary.

        Raises
        ------
        ExpectedError
            They could not be written.
        """
        try:
            if self._context is not None:
                await self._write_end(self._context)
        except OSError as error:
            reason = f"how the run ended could not be written down: {error}"
            with contextlib.suppress(OSError):  # what was to be written may say DONE, and be there
                self.write_summary(ScriptState.FAILED.name, reason)
            raise salobj.ExpectedError(reason) from error
        finally:
            self._cleaned.set()

    async def _write_end(self, context: RunContext) -> None:
        ends = {
            ScriptState.ENDING: ScriptState.DONE,
            ScriptState.STOPPING: ScriptState.STOPPED,
            ScriptState.FAILING: ScriptState.FAILED,
        }
        if self._terminated and self.state.state == ScriptState.STOPPING:
            reason = f"the script was terminated by a signal; {what_is_left(context)}"
            await self.set_state(ScriptState.FAILING, reason=reason)
        state = ends.get(ScriptState(self.state.state), ScriptState.FAILED).name
        if state == ScriptState.STOPPED.name:
            await self.set_state(reason=f"stopped; {what_is_left(context)}")
        # In this order: a run that is DONE cannot be resumed any more, so its summary must be there.
        self.write_summary(state, self.state.reason)
        context.note(RunEnded(time=context.now(), state=state, reason=self.state.reason))
        context.journal.close()
        if state != ScriptState.DONE.name and self.exposed:
            self.log.info(what_next(context))

    async def do_stop(self, data: salobj.BaseMsgType) -> None:
        """Stop as every script does, but not before `run` has begun.

        The base class says RUNNING first; a stop that comes then would end the script, and `run` would begin.
        """
        while self.state.state == ScriptState.RUNNING and self._own_task is None:  # noqa: ASYNC110, no event tells
            await asyncio.sleep(_MOMENT)
        await super().do_stop(data)

    async def close_tasks(self) -> None:
        """End the run as a stop does, if it is under way: a signal ends the script without any stop."""
        self._terminated = not self._cleaned.is_set()
        if self._terminated and self._own_task is not None:
            self._own_task.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT):
                    await self._cleaned.wait()
        await super().close_tasks()
        if self._clients is not None:  # meanwhile the base class lets the last words out
            self._closing = asyncio.ensure_future(self._clients.close())
        await self._log_order.settle()
        if self._resumption is not None:
            self._resumption.journal.close()

    def write_summary(self, state: str, reason: str) -> None:
        """Write summary.json into the run directory."""
        assert self.settings is not None
        summary = make_summary(
            self.record,
            self.settings,
            self.instrument(),
            script=type(self).__name__,
            state=state,
            reason=reason,
            config=self.config.as_dict() if self.config else {},
            started=self.record.parts[0].begin if self.record.parts else self._started,
            ended=current_tai(),
        )
        write_summary(summary, self.settings.folder)

    @property
    def record(self) -> RunRecord:
        """What is known of the run."""
        if self._context is not None:
            return self._context.record
        return RunRecord() if self._resumption is None else self._resumption.record

    @property
    def exposed(self) -> bool:
        """Whether anything was exposed."""
        context = self._context
        begun = context is not None and (context.exposed or context.left_alone is not None)
        return begun or self.n_exposures > 0

    @property
    def n_exposures(self) -> int:
        """How many exposures were taken so far."""
        return len(self.record.exposures)
