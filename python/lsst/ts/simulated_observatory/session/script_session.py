"""Drives a script: configures it, starts the simulated observatory, runs it and reports how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml
from lsst.ts.utils import current_tai
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.journal.resumption import OPTION
from lsst.ts.calibrations.journal.summary import SUMMARY

from ..clock import SimulatedLoop
from .checks import SCRIPT_LOG
from .flat_light import light_warnings
from .interrupts import ending_signals, ignore_signals
from .progress import PlainProgress, Prospect, log_to
from .setup import SetupError, SetupStopped, SimulationSetup

if TYPE_CHECKING:
    from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations

__all__ = ["ScriptSession"]

LONGEST_RUN = 10 * 86_400.0
"""Simulated seconds after which a run is given up."""

_FINAL = (ScriptState.DONE, ScriptState.STOPPED, ScriptState.FAILED)

_STATUS = {ScriptState.DONE: 0, ScriptState.STOPPED: 0, ScriptState.CONFIGURE_FAILED: 2}
"""Exit status of the command; in any other state 1, or 2 if nothing was exposed."""


@dataclass
class ScriptSession:
    """One script, from configure to its final state.

    Parameters
    ----------
    script_class, text
        The script and its configuration text.
    setup, view
        Setup of the simulated observatory, and what shows the run.
    index, log_level
        SAL index of the script, and lowest level of the log lines that are shown; the log file has INFO at
        least.
    obstacle
        Why the simulated observatory cannot be had, if it cannot; the script is then not run.
    """

    script_class: type[BaseMakeCalibrations]
    text: str
    setup: SimulationSetup
    index: int
    log_level: int
    view: PlainProgress
    obstacle: SetupError | None = None
    _interrupted: bool = field(default=False, init=False)
    _stop: asyncio.Future[object] | None = field(default=None, init=False)

    async def run(self) -> int:
        """Run the script and return the exit status: 0, 1 or 2, as for the command."""
        settings = self.setup.settings
        async with salobj.Domain() as domain:
            script = self.script_class(
                index=self.index,
                settings=settings,
                listeners=[self.view.take],
                advise=partial(light_warnings, instrument=self.setup.instrument),
            )
            remote = salobj.Remote(domain, "Script", index=self.index)
            await asyncio.gather(script.start_task, remote.start_task)
            self._handle_signals(script, remote)
            log, resumed = settings.folder / SCRIPT_LOG, bool(self.setup.part)
            with log_to(script.log, log, self.view, current_tai, append=resumed, level=self.log_level):
                script.log.info(
                    "SIMULATED run: seed %s, scale %s, night of %s.",
                    settings.seed,
                    settings.scale,
                    settings.date or "today",
                )
                if settings.faults:
                    script.log.warning("SIMULATED faults: %s.", "; ".join(settings.faults))
                await self._drive(script, remote)
            ignore_signals(asyncio.get_running_loop())
        otherwise = 0 if self._was_stopped else 1 if script.record.has_begun else 2
        return _STATUS.get(ScriptState(script.state.state), otherwise)

    @property
    def _was_stopped(self) -> bool:
        """Whether somebody stopped the preparation."""
        return isinstance(self.obstacle, SetupStopped)

    async def _drive(self, script: BaseMakeCalibrations, remote: salobj.Remote) -> None:
        resumed, text = bool(self.setup.part), self.text
        if resumed:  # as in the queue: the script reads in the journal with what it began
            text = yaml.safe_dump({OPTION: str(self.setup.settings.folder)})
        try:
            await remote.cmd_configure.set_start(config=text, logLevel=min(self.log_level, logging.INFO))
        except salobj.AckError:  # the script has logged why
            if not resumed:  # the summary there is that of the run, which may be going on
                script.write_summary(ScriptState(script.state.state).name, script.state.reason)
            self.view.say("CONFIGURE_FAILED: see the problems above")
            self.view.say(f"Run directory    {self.setup.settings.folder}")
            await script.done_task
            return
        if self.obstacle is not None:
            ended = ScriptState.STOPPED if self._was_stopped else ScriptState.FAILED
            level = logging.WARNING if self._was_stopped else logging.ERROR
            script.log.log(level, str(self.obstacle))
            script.write_summary(ended.name, str(self.obstacle))
            self._show_end(f"{ended.name}: {self.obstacle}")
            await script.close()
            return
        await self._observe(script, remote)
        state, reason = ScriptState(script.state.state), script.state.reason
        if state not in _FINAL:
            state, reason = ScriptState.FAILED, "the script was terminated by a signal"
        if not (self.setup.settings.folder / SUMMARY).exists():  # it never ran, or could not write
            self._summarise(script, state.name, reason)
        self._show_end(f"{state.name}: {reason}")

    def _show_end(self, words: str) -> None:
        """Show the end of a run by its summary; the words are the last resort."""
        folder = self.setup.settings.folder
        try:
            summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self.view.say(words)
            return
        self.view.show_end(summary, folder)

    def _summarise(self, script: BaseMakeCalibrations, state: str, reason: str) -> None:
        """Write the summary for a script that has not."""
        try:
            script.write_summary(state, reason)
        except OSError as error:
            self.view.say(f"There is no summary: {error}")

    async def _observe(self, script: BaseMakeCalibrations, remote: salobj.Remote) -> None:
        """Run a configured script in its observatory."""
        os.environ["DAF_BUTLER_REPOSITORY_INDEX"] = str(self.setup.index)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        plan = script.prepared.plan
        self.view.begin(
            Prospect(
                images={each.image_type.value: each.n_images for each in plan.sets},
                held={
                    each.image_type.value: len(script.record.held(each.image_type.value))
                    for each in plan.sets
                },
                end=loop.tai() + script.time_needed,
                now=loop.tai,
            )
        )
        async with self.setup.observatory() as observatory:
            try:
                running = asyncio.ensure_future(self._start(remote))
                if self._interrupted and self._stop is None:
                    self._stop = asyncio.ensure_future(remote.cmd_stop.set_start())
                with contextlib.suppress(salobj.ExpectedError):  # its cleanup failed, and its state says so
                    await script.done_task
                await script.close()  # which a script that was killed by a signal has not done
                commands: list[asyncio.Future[Any]] = [running, *([self._stop] if self._stop else [])]
                for command in commands:
                    command.cancel()  # it never acknowledges them
                await asyncio.gather(*commands, return_exceptions=True)
            finally:
                ignore_signals(loop)
                self.view.end()
        for fault in observatory.faults.unstruck:
            self.view.say(
                f"WARNING The fault {fault} did not strike: nothing of the kind happened in this run."
            )

    @staticmethod
    async def _start(remote: salobj.Remote) -> None:
        """Let the script run; one that was stopped meanwhile refuses that."""
        await remote.cmd_setGroupId.set_start(groupId=iso_tai(current_tai()))
        await remote.cmd_run.set_start(timeout=LONGEST_RUN)

    def _handle_signals(self, script: BaseMakeCalibrations, remote: salobj.Remote) -> None:
        """Have SIGINT stop the script, and SIGHUP do what SIGTERM does."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, partial(self._interrupt, script, remote))
        if signal.SIGHUP in ending_signals():
            loop.add_signal_handler(signal.SIGHUP, script.signal_handler)

    def _interrupt(self, script: BaseMakeCalibrations, remote: salobj.Remote) -> None:
        """Stop the script as the queue's stop button does; pressing again does not hurry it."""
        state = ScriptState(script.state.state)
        if self._interrupted or script.done_task.done() or state in _FINAL:
            return
        self._interrupted = True
        script.log.warning("Interrupted: the script is asked to stop.")
        if state != ScriptState.UNCONFIGURED:  # else as soon as it is configured
            self._stop = asyncio.ensure_future(remote.cmd_stop.set_start())
