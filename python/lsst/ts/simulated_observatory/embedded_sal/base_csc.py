"""Base class of commandable SAL components (CSCs): summary state, faults, heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from .controller import Controller
from .enums import State
from .errors import ExpectedError
from .messages import BaseMsgType
from .remote import transition_commands

__all__ = ["BaseCsc"]

_HEARTBEAT_INTERVAL = 1.0
"""Time between heartbeats (s)."""


async def _do_nothing(self: BaseCsc, data: BaseMsgType) -> None:
    """Do nothing before or after a change of the summary state; a subclass can."""


class BaseCsc(Controller):
    """A component with a summary state; a subclass adds a ``do_<name>`` method for each of its commands.

    ``begin_<command>`` is called in the old state and ``end_<command>`` in the new one, before the command
    is acknowledged. An exception leaves the component in the old state, or brings it back there; but an
    ExpectedError of ``end_<command>`` leaves it in the new state, unreported, as salobj 8.2 does.

    Parameters
    ----------
    name, index, allow_missing_callbacks, extra_commands
        As `Controller`.
    discard_out_of_order_telemetry, discard_out_of_order_events
        As `SalInfo`.
    check_if_duplicate
        Refuse to start when a component of the same name and index is there?
    initial_state
        State to go to at the start; by default ``default_initial_state``.
    override
        Configuration to start with, if the initial state is DISABLED or ENABLED.
    simulation_mode
        One of ``valid_simulation_modes``; 0 for none.

    Raises
    ------
    RuntimeError, ValueError
        The class has no version; the initial state is FAULT, or the simulation mode not valid.
    """

    version: ClassVar[str]
    """Reported in ``softwareVersions``; each subclass must have it."""
    default_initial_state: ClassVar[State] = State.STANDBY
    valid_simulation_modes: ClassVar[Sequence[int]] = (0,)

    def __init__(
        self,
        name: str,
        index: int | None = None,
        check_if_duplicate: bool = False,
        initial_state: State | int | None = None,
        override: str = "",
        simulation_mode: int = 0,
        allow_missing_callbacks: bool = False,
        extra_commands: set[str] | frozenset[str] = frozenset(),
        discard_out_of_order_telemetry: bool = True,
        discard_out_of_order_events: bool = True,
    ) -> None:
        if not isinstance(getattr(type(self), "version", None), str):
            raise RuntimeError("class variable `version` is required")
        self._initial_state = self.default_initial_state if initial_state is None else State(initial_state)
        if self._initial_state == State.FAULT:
            raise ValueError("initial_state cannot be FAULT")
        if simulation_mode not in self.valid_simulation_modes:
            raise ValueError(f"{simulation_mode=} is not one of {self.valid_simulation_modes}")
        self.check_if_duplicate = check_if_duplicate
        self.simulation_mode = simulation_mode
        self._override = override
        self._summary_state = self.default_initial_state
        self._faulting = False
        super().__init__(
            name,
            index,
            do_callbacks=True,
            allow_missing_callbacks=allow_missing_callbacks,
            extra_commands=extra_commands,
        )
        self.evt_simulationMode.set(mode=simulation_mode)
        self.evt_softwareVersions.set(cscVersion=type(self).version)

    @property
    def summary_state(self) -> State:
        """Summary state."""
        return self._summary_state

    @property
    def disabled_or_enabled(self) -> bool:
        """Whether the summary state is DISABLED or ENABLED."""
        return self._summary_state in (State.DISABLED, State.ENABLED)

    async def start(self) -> None:
        """Start topics and heartbeat, and report mode and versions.

        Raises an ExpectedError if the component is already running, and that is checked.
        """
        if self.check_if_duplicate and self.cmd_start.channel.readers:
            raise ExpectedError(f"{self.salinfo.name_index} is already running")
        await super().start()
        self._beat(_HEARTBEAT_INTERVAL)
        await self.evt_simulationMode.write()
        await self.evt_softwareVersions.write()

    async def start_phase2(self) -> None:
        """Report the summary state and go to the initial state."""
        await super().start_phase2()
        await self.handle_summary_state()
        await self._report_summary_state()
        for command, _ in transition_commands(self.summary_state, self._initial_state):
            data = getattr(self, f"cmd_{command}").DataType()
            if command == "start":
                data.configurationOverride = self._override
            try:
                await getattr(self, f"do_{command}")(data)
            except Exception:
                self.log.exception(f"{command} failed during the start; staying in {self.summary_state!r}")
                return

    def assert_enabled(self, action: str = "") -> None:
        """Check that the component is ENABLED; for the beginning of ``do_`` methods.

        Parameters
        ----------
        action
            What is to be done, for the message.

        Raises
        ------
        ExpectedError
            It is not ENABLED.
        """
        if self.summary_state == State.ENABLED:
            return
        what = f"{action} not allowed" if action else "Not allowed"
        if self.summary_state == State.FAULT:
            error = self.evt_errorCode.data
            raise ExpectedError(
                f"{what} in Fault state: errorCode={error.errorCode}, errorReport={error.errorReport!r}"
            )
        raise ExpectedError(f"{what} in state={self.summary_state!r}")

    async def fault(self, code: int | None, report: str, traceback: str = "") -> None:
        """Go to FAULT and write ``errorCode``, unless that is under way.

        Parameters
        ----------
        code
            Error number; None to write no ``errorCode``.
        report, traceback
            What happened, and where.
        """
        if self._faulting:
            return
        self._faulting = True
        try:
            self._summary_state = State.FAULT
            if code is not None:
                try:
                    await self.evt_errorCode.set_write(
                        errorCode=code, errorReport=report, traceback=traceback, force_output=True
                    )
                except BaseException:
                    self.log.exception(f"errorCode={code}, errorReport={report!r} could not be written")
                self.log.critical(f"Fault! errorCode={code}, errorReport={report!r}")
            await self._report_summary_state()
            await self.handle_summary_state()
        finally:
            self._faulting = False

    async def handle_summary_state(self) -> None:
        """React to a new summary state; for subclasses."""

    begin_start = end_start = begin_enable = end_enable = begin_disable = end_disable = _do_nothing
    begin_standby = end_standby = begin_exitControl = end_exitControl = _do_nothing  # noqa: N815

    async def do_start(self, data: BaseMsgType) -> None:
        """Go from STANDBY to DISABLED."""
        await self._change_state(data, "start", (State.STANDBY,), State.DISABLED)

    async def do_enable(self, data: BaseMsgType) -> None:
        """Go from DISABLED to ENABLED."""
        await self._change_state(data, "enable", (State.DISABLED,), State.ENABLED)

    async def do_disable(self, data: BaseMsgType) -> None:
        """Go from ENABLED to DISABLED."""
        await self._change_state(data, "disable", (State.ENABLED,), State.DISABLED)

    async def do_standby(self, data: BaseMsgType) -> None:
        """Go from DISABLED or FAULT to STANDBY."""
        await self._change_state(data, "standby", (State.DISABLED, State.FAULT), State.STANDBY)

    async def do_exitControl(self, data: BaseMsgType) -> None:  # noqa: N802
        """Go from STANDBY to OFFLINE, and close."""
        await self._change_state(data, "exitControl", (State.STANDBY,), State.OFFLINE)
        self._closing = asyncio.get_running_loop().create_task(self.close())

    async def _change_state(
        self, data: BaseMsgType, command: str, allowed: Sequence[State], new_state: State
    ) -> None:
        """Change the state between ``begin_<command>`` and ``end_<command>``."""
        old_state = self.summary_state
        if old_state not in allowed:
            raise ExpectedError(f"{command} not allowed in state {old_state!r}")
        try:
            await getattr(self, f"begin_{command}")(data)
        except Exception as error:
            self._log_failure(f"begin_{command} failed; remaining in state {old_state!r}", error)
            raise
        self._summary_state = new_state
        try:
            await getattr(self, f"end_{command}")(data)
        except Exception as error:
            if not isinstance(error, ExpectedError):  # salobj 8.2 says that it goes back, but stays
                self._summary_state = old_state
            self._log_failure(f"end_{command} failed; reverting to state {old_state!r}", error)
            raise
        await self.handle_summary_state()
        await self._report_summary_state()

    def _log_failure(self, what: str, error: Exception) -> None:
        if isinstance(error, ExpectedError):
            self.log.error(f"{what}: {error}")
        else:
            self.log.exception(what)

    async def _report_summary_state(self) -> None:
        await self.evt_summaryState.set_write(summaryState=self.summary_state)
        if self.summary_state != State.FAULT:
            await self.evt_errorCode.set_write(errorCode=0, errorReport="", traceback="")
