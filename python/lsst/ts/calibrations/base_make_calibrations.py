"""The script that takes, processes and verifies calibrations; one subclass per instrument."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, ClassVar, NoReturn

import yaml
from lsst.ts.utils import current_tai
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

from .butler.archive import Archive
from .butler.repository import Repository
from .components.camera import camera_class
from .components.clients import Clients
from .components.sal import BoundedEvent, OrderedEvent, bound_lines
from .config.config import CalibrationConfig, Findings, examine
from .config.schema import load_schema
from .domain.errors import ArchiveError, CalibrationError, ConfigurationError, PreflightError
from .domain.instruments import Instrument, day_obs
from .domain.text import counted, on_screen, one_line
from .journal.facts import Fact, RunEnded, VerdictGiven
from .journal.record import RunRecord
from .journal.resumption import Resumption, asked_for, resume_run
from .journal.settings import RunSettings
from .journal.summary import make_summary, write_summary
from .run.calibration_run import CalibrationRun
from .run.context import PreparedRun, RunContext, UnfinishedRun
from .run.page_process import PageProcess
from .workflow.plan import make_plan

__all__ = ["BaseMakeCalibrations"]

_POLL = 0.01  # seconds between two looks at a state that no event announces
_CLOSE_LIMIT = 8.0  # seconds that a run has to settle what is under way when its process is to end
# Seconds that an end waits for its page, so that its log can tell of it; a stop must be quick.
_PAGE_LIMITS = {ScriptState.DONE: 20.0, ScriptState.FAILED: 20.0, ScriptState.STOPPED: 0.0}
# How a script ends that is in one of these states; it fails from any other.
_FINAL_STATES = {ScriptState.ENDING: ScriptState.DONE, ScriptState.STOPPING: ScriptState.STOPPED}


class BaseMakeCalibrations(salobj.BaseScript):
    """Make calibrations: configuration, checkpoints and states; what happens is in `run`.

    Parameters
    ----------
    index
        SAL index of the script.
    settings
        Where the run takes place; None for the observatory's own place.
    listeners
        Called with every fact of the run, after it is in the journal. What one raises is logged and changes
        nothing.
    advise
        Gives what an operator should know of a configuration, as far as it depends on the place of the run.
    on_close
        Called with the exit status when only the connections are left to be closed.
    """

    instrument: ClassVar[Instrument]
    """Instrument whose calibrations are made: named by the subclass."""

    evt_logMessage: OrderedEvent  # noqa: N815, a name of SAL
    evt_state: OrderedEvent

    def __init__(
        self,
        index: int,
        *,
        settings: RunSettings | None = None,
        listeners: Iterable[Callable[[Fact], None]] = (),
        advise: Callable[[CalibrationConfig], Iterable[str]] = lambda _: (),
        on_close: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(index=index, descr=f"Take and verify {self.instrument.name} calibrations.")
        self.evt_logMessage = OrderedEvent(self.evt_logMessage)
        self.evt_state = OrderedEvent(BoundedEvent(self.evt_state))
        bound_lines(self.log)
        camera_class(self.instrument)  # imported now: the queue waits less patiently for `configure`
        self._settings = settings
        self._listeners = tuple(listeners)
        self._advise = advise
        self._on_close = on_close
        self._text, self._daily = "", False
        self._examined: CalibrationConfig | None = None
        self._resumption: Resumption | None = None
        self._prepared: PreparedRun | None = None
        self._context: RunContext | None = None
        self._page: PageProcess | None = None
        self._started = current_tai()
        self._own_task: asyncio.Task[Any] | None = None
        self._cleaned = asyncio.Event()
        self._terminated = False
        self._closing: asyncio.Future[None] | None = None

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """JSON schema of the configuration."""
        return load_schema(cls.instrument.name)

    @property
    def prepared(self) -> PreparedRun:
        """What `configure` has made.

        Raises
        ------
        RuntimeError
            The script is not configured.
        """
        if self._prepared is None:
            raise RuntimeError("the script is not configured")
        return self._prepared

    @property
    def time_needed(self) -> float:
        """Seconds that the run will take, or the rest of one that is resumed; RuntimeError before that."""
        held = [each.taken for each in self.record.exposures.values() if not each.lost]
        spent = sum(each.exp_time + self.instrument.readout_time for each in held)
        return max(self.prepared.plan.duration - spent, 0.0)

    @property
    def record(self) -> RunRecord:
        """What is known of the run."""
        if self._context is not None:
            return self._context.record
        return RunRecord() if self._resumption is None else self._resumption.record

    @property
    def so_far(self) -> UnfinishedRun:
        """What the run has, if it ends now."""
        return UnfinishedRun(self.record, None if self._prepared is None else self._prepared.clients.camera)

    async def do_configure(self, data: salobj.BaseMsgType) -> None:
        """Examine the configuration text itself and name all problems, then configure as every script.

        The base class hands over what YAML made of the text: a key given twice is gone by then, and its
        validation stops at the first problem.
        """
        self.assert_state("configure", [ScriptState.UNCONFIGURED])
        try:
            findings = self._examine(data.config)
        except CalibrationError as error:
            await self._refuse_configuration(error)
        except Exception as error:  # a fault of this program: the queue is to know that nothing will come
            self.log.exception("The configuration could not be examined")
            what = f"it could not be examined ({type(error).__name__}: {one_line(error)})"
            await self._refuse_configuration(ConfigurationError([what]))
        for remark in (*findings.notes, *findings.warnings):
            self.log.warning(remark)
        if findings.errors:
            await self._refuse_configuration(ConfigurationError(findings.errors))
        self._examined, self._daily = findings.config, findings.daily
        data.config = findings.text
        await super().do_configure(data)

    def _examine(self, text: str) -> Findings:
        """Examine a configuration, or that of the run that it asks to resume."""
        self._text = text
        findings = examine(text, self.get_schema(), self.instrument, day_obs(current_tai()))
        folder = asked_for(findings.read, findings.misread)
        if folder is None:
            return findings
        self._resumption = resume_run(folder, type(self).__name__)
        there = counted(len(self.record.exposures), "exposure is", "exposures are")
        self.log.info("The run in %s is resumed: %s there.", folder, there)
        self._text = self._resumption.configured.text
        return examine(self._text, self.get_schema(), self.instrument)

    async def _refuse_configuration(self, error: CalibrationError) -> NoReturn:
        """End the script as CONFIGURE_FAILED; always raises ExpectedError."""
        self.log.error(str(error))
        await self.set_state(ScriptState.CONFIGURE_FAILED, reason=str(error))
        await self._exit()
        raise salobj.ExpectedError(str(error))

    async def configure(self, config: types.SimpleNamespace) -> None:
        """Plan the run and connect to the components; what `do_configure` examined is not checked again."""
        asked = self._examined
        if asked is None or asked.as_dict() != vars(config):
            asked = CalibrationConfig.from_namespace(config, self.instrument, day_obs(current_tai()))
            self._text = yaml.safe_dump(asked.as_dict(), sort_keys=False)  # a resumed run goes by it
        plan = make_plan(asked, self.instrument, advice=self._advise(asked))
        validity = asked.validity_warning(current_tai())
        for warning in (*plan.warnings, *([validity] if validity else [])):
            self.log.warning(warning)
        self._begin_nothing_after_end()
        clients = Clients(self.instrument, self.domain, self.log)
        self._prepared = PreparedRun(
            type(self).__name__, self.salinfo.index, self._text, asked, plan, clients, self._resumption
        )
        await clients.start()

    def _begin_nothing_after_end(self) -> None:
        """Raise CancelledError if the script ends: connections made now would not be closed."""
        if self._terminated:
            raise asyncio.CancelledError("a signal came before anything had begun")

    def set_metadata(self, metadata: salobj.BaseMsgType) -> None:
        """Publish how long the run will take [s], how many images and with what."""
        config, plan = self.prepared.config, self.prepared.plan
        metadata.duration = self.time_needed
        metadata.nimages = plan.n_images - sum(not each.lost for each in self.record.exposures.values())
        metadata.instrument = self.instrument.name
        metadata.filters = "" if config.filter is None else str(config.filter)

    async def run(self) -> None:
        """Run to the verdict; an ExpectedError says that something that was asked for was not done."""
        self._begin_nothing_after_end()
        self._own_task, self._started, prepared = asyncio.current_task(), current_tai(), self.prepared
        try:
            if self._daily:
                prepared = self._prepared = await self._on_present_day(prepared)
            listeners = (*self._listeners, self._draw_after_verdict)
            self._context = prepared.begin(self._settings, self.log, listeners)
            settings = self._context.settings
            self._page = PageProcess(settings.folder) if settings.draw_page else None
            outcome = await CalibrationRun(
                self._context,
                self.instrument,
                prepared.config,
                prepared.plan,
                prepared.clients,
                checkpoint=self.checkpoint,
                group_id=self.next_supplemented_group_id,
            ).run()
        except CalibrationError as error:
            self.log.error(str(error), extra=on_screen(""))  # the end shows the reason
            raise salobj.ExpectedError(str(error)) from error
        await self.set_state(reason=outcome)

    async def _on_present_day(self, prepared: PreparedRun) -> PreparedRun:
        """Fill in what a daily configuration leaves open; ConfigurationError if that fits the rest no more.

        PreflightError if the repository cannot be read.

        The script may have been configured on the day before; a run that is resumed has it in its journal.
        """
        settings, day = self._settings, day_obs(current_tai())
        repository = Repository(prepared.config.repo, None if settings is None else settings.open_butler)
        try:
            names = await Archive(repository, self.instrument).collections()
        except ArchiveError as error:  # without the names there is no run that could be checked
            raise PreflightError([error.happened]) from error
        finally:
            repository.close()
        found = examine(prepared.text, self.get_schema(), self.instrument, day, names)
        if found.config is None:
            raise ConfigurationError(found.errors)
        options = yaml.safe_load(found.text)
        meant = [f"{name}: {value}" for name, value in options.items() if found.read.get(name) != value]
        self.log.info("On observing day %s: %s", day, "; ".join(meant))
        return replace(prepared, text=found.text, config=found.config)

    async def cleanup(self) -> None:
        """Write down how the run ended, in journal and summary; an ExpectedError if that is not possible."""
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
        so_far = self.so_far
        if self._terminated and self.state.state == ScriptState.STOPPING:
            reason = f"the script was terminated by a signal; {so_far.done_and_left}"
            await self.set_state(ScriptState.FAILING, reason=reason)
        state = _FINAL_STATES.get(ScriptState(self.state.state), ScriptState.FAILED)
        if state == ScriptState.STOPPED:
            await self.set_state(reason=f"stopped; {so_far.done_and_left}")
        # In this order: a run that is DONE cannot be resumed any more, so its summary must be there.
        # It can have many results, which takes a thread; the time is that of this one.
        ended = current_tai()
        await asyncio.to_thread(self.write_summary, state.name, self.state.reason, ended=ended)
        context.note(RunEnded(time=context.now(), state=state.name, reason=self.state.reason))
        context.journal.close()
        await self._draw_page(_PAGE_LIMITS[state])
        if state != ScriptState.DONE and so_far.record.has_begun:
            self.log.info(so_far.what_next(context.settings.folder))

    async def _draw_page(self, limit: float) -> None:
        """Draw the page of the run that has ended; whatever becomes of that, the run has ended as it has."""
        if self._page is None:
            return
        try:
            self._page.draw()
            await asyncio.to_thread(self._page.wait, limit)
        except TimeoutError:
            self.log.info("The page is still being drawn: %s", self._page.path)
        except OSError as error:
            self.log.warning("The page could not be drawn, which changes no result: %s.", error)
        else:
            self.log.info("The page: %s", self._page.path)

    def _draw_after_verdict(self, fact: Fact) -> None:
        """Begin to draw the page of the run so far; nothing waits for it."""
        if self._page is not None and isinstance(fact, VerdictGiven):
            self._page.draw_so_far()

    async def do_stop(self, data: salobj.BaseMsgType) -> None:
        """Stop as every script does, but not before `run` has begun, nor when it has ended.

        The base class says RUNNING first; a stop that comes then would end the script, and `run` would begin.
        How a run has ended that needs no stop any more, the base class is about to say.
        """
        while self.state.state == ScriptState.RUNNING and self._own_task is None:  # noqa: ASYNC110, no event tells
            await asyncio.sleep(_POLL)
        if self._own_task is None or not self._own_task.done():
            await super().do_stop(data)

    async def close_tasks(self) -> None:
        """End the run as a stop does, if it is under way: a signal ends the script without any stop."""
        self._terminated = not self._cleaned.is_set()
        if self._terminated and self._own_task is not None:
            self._own_task.cancel()
            if self._page is not None:
                self._page.hurry()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_LIMIT):
                    await self._cleaned.wait()
                    while self.state.state not in _PAGE_LIMITS:  # noqa: ASYNC110, no event tells
                        await asyncio.sleep(_POLL)
        await super().close_tasks()
        self._on_close(int(self.state.state not in _FINAL_STATES.values()))
        if self._prepared is not None:  # meanwhile the base class lets the last messages out
            self._closing = asyncio.ensure_future(self._prepared.clients.close())
        await asyncio.gather(self.evt_logMessage.settle(), self.evt_state.settle())
        if self._resumption is not None:
            self._resumption.journal.close()

    def write_summary(self, state: str, reason: str, *, ended: float | None = None) -> None:
        """Write summary.json into the run directory.

        Parameters
        ----------
        state, reason
            Final state of the script, and why it ended.
        ended
            When it ended, TAI unix seconds; now if absent.

        Raises
        ------
        RuntimeError
            There is no run directory yet.
        OSError
            The file cannot be written.
        """
        settings = self._settings if self._context is None else self._context.settings
        if settings is None:
            raise RuntimeError("there is no run directory yet")
        summary = make_summary(
            self.record,
            settings,
            self.instrument,
            script=type(self).__name__,
            state=state,
            reason=reason,
            config=None if self._prepared is None else self._prepared.config,
            started=self.record.parts[0].begin if self.record.parts else self._started,
            ended=current_tai() if ended is None else ended,
        )
        write_summary(summary, settings.folder)
