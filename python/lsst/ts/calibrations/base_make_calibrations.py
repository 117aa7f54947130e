"""The script that takes, processes and verifies calibrations; one subclass per instrument."""

from __future__ import annotations

import types
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from .adapters.sal import ScriptState, current_tai, salobj
from .domain.config import CalibrationConfig
from .domain.config_text import examine
from .domain.errors import CalibrationError, ConfigurationError
from .domain.instruments import Instrument
from .domain.plan import Plan, make_plan
from .domain.schema import load_schema
from .run.calibration_run import CalibrationRun
from .run.clients import Clients
from .run.context import RunContext
from .run.facts import Fact, RunConfigured, RunEnded
from .run.record import RunRecord
from .run.settings import RunSettings, observatory_settings
from .run.summary import make_summary, write_summary

__all__ = ["BaseMakeCalibrations"]


class BaseMakeCalibrations(salobj.BaseScript):
    """Make calibrations: configuration, checkpoints and states; what happens is in `run`.

    Parameters
    ----------
    index
        SAL index of the script.
    """

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr=f"Take and verify {self.instrument().name} calibrations.")
        self.settings: RunSettings | None = None
        """Where the run takes place; None for the observatory's own place."""
        self.listeners: list[Callable[[Fact], None]] = []
        """Called with every fact of the run."""
        self.config: CalibrationConfig | None = None
        self.plan: Plan | None = None
        self._clients: Clients | None = None
        self._context: RunContext | None = None
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
        findings = examine(data.config, self.get_schema(), self.instrument())
        for remark in (*findings.notes, *findings.warnings):
            self.log.warning(remark)
        if findings.errors:
            error = ConfigurationError(findings.errors)
            self.log.error(str(error))
            await self.set_state(ScriptState.CONFIGURE_FAILED, reason=str(error))
            await self._exit()
            raise salobj.ExpectedError(str(error))
        data.config = findings.text
        await super().do_configure(data)

    async def configure(self, config: types.SimpleNamespace) -> None:
        """Take up the validated configuration and connect to the components."""
        self.config = CalibrationConfig.from_namespace(config, self.instrument())
        self.plan = make_plan(self.config, self.instrument())
        validity = self.config.validity_warning(current_tai())
        for warning in (*self.plan.warnings, *([validity] if validity else [])):
            self.log.warning(warning)
        self._clients = Clients(self.instrument(), self.domain, self.log)
        await self._clients.start()

    def set_metadata(self, metadata: salobj.BaseMsgType) -> None:
        """Say how long the run will take, how many images and with what."""
        assert self.config is not None
        assert self.plan is not None
        metadata.duration = self.plan.duration
        metadata.nimages = self.plan.n_images
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
        settings = self.settings or self._settings_on_the_bus(self._clients)
        self.settings = settings
        self._started = current_tai()
        self._context = context = RunContext.begin(settings, current_tai, self.log, self.listeners)
        context.note(
            RunConfigured(
                time=context.now(),
                script=type(self).__name__,
                instrument=self.instrument().name,
                config=self.config.as_dict(),
            )
        )
        run = CalibrationRun(
            context,
            self.instrument(),
            self.config,
            self.plan,
            self._clients,
            checkpoint=self.checkpoint,
            group_id=self.next_supplemented_group_id,
        )
        try:
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
            type(self).__name__, self.salinfo.index, current_tai(), simulated=clients.camera_is_simulated
        )

    async def cleanup(self) -> None:
        """Write down how the run ended: journal and summary."""
        if self._context is None:
            return
        ends = {
            ScriptState.ENDING: ScriptState.DONE,
            ScriptState.STOPPING: ScriptState.STOPPED,
            ScriptState.FAILING: ScriptState.FAILED,
        }
        state = ends.get(ScriptState(self.state.state), ScriptState.FAILED).name
        if state == ScriptState.STOPPED.name:
            await self.set_state(reason=f"stopped; {self.n_exposures} exposures were taken and are kept")
        self._context.note(RunEnded(time=self._context.now(), state=state, reason=self.state.reason))
        self._context.journal.close()
        self.write_summary(state, self.state.reason)

    def write_summary(self, state: str, reason: str) -> None:
        """Write summary.json into the run directory."""
        assert self.settings is not None
        summary = make_summary(
            self._context.record if self._context else RunRecord(),
            self.settings,
            self.instrument(),
            script=type(self).__name__,
            state=state,
            reason=reason,
            config=self.config.as_dict() if self.config else {},
            started=self._started,
            ended=current_tai(),
        )
        write_summary(summary, self.settings.folder)

    @property
    def n_exposures(self) -> int:
        """How many exposures were taken so far."""
        return 0 if self._context is None else len(self._context.record.exposures)
