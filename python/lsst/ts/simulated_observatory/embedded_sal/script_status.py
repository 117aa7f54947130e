"""What a SAL script reports of itself: state, description, heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..clock import current_tai
from .controller import Controller
from .enums import ScriptState
from .errors import ExpectedError
from .messages import BaseMsgType

__all__ = ["HEARTBEAT_INTERVAL", "ScriptStatus"]

HEARTBEAT_INTERVAL = 5.0
"""Time between heartbeats (s)."""


class ScriptStatus(Controller):
    """The part of a script that reports.

    Parameters
    ----------
    index, descr, help
        As `BaseScript`, whose exceptions it raises.

    Attributes
    ----------
    num_checkpoints, last_checkpoint
        How many checkpoints were passed, and the name of the last.
    timestamps
        TAI at which each state was entered (s).
    """

    def __init__(self, index: int, descr: str, help: str = "") -> None:
        if index == 0:
            raise ValueError("index must be nonzero")
        self.num_checkpoints = 0
        self.last_checkpoint = ""
        self.timestamps: dict[ScriptState, float] = {}
        self._sub_group_id = 0
        self._is_exiting = False
        self._heartbeat: asyncio.TimerHandle | None = None
        super().__init__("Script", index, do_callbacks=True)
        self.evt_description.set(classname=type(self).__name__, description=descr, help=help)

    @property
    def checkpoints(self) -> BaseMsgType:
        """Regular expressions ``pause`` and ``stop``."""
        data: BaseMsgType = self.evt_checkpoints.data
        return data

    @property
    def group_id(self) -> str:
        """Group ID, or an empty string."""
        return str(self.evt_state.data.groupId)

    @property
    def obs_id(self) -> str:
        """Block ID, or an empty string."""
        return str(self.evt_state.data.blockId)

    @property
    def state(self) -> BaseMsgType:
        """The ``state`` event: ``state``, ``reason``, ``lastCheckpoint``, ``numCheckpoints`` and so on."""
        data: BaseMsgType = self.evt_state.data
        return data

    @property
    def state_name(self) -> str:
        """Name of the state."""
        return ScriptState(self.state.state).name

    def next_supplemented_group_id(self) -> str:
        """Return the group ID with a number that grows at each call.

        Raises
        ------
        RuntimeError
            There is no group ID.
        """
        if not self.group_id:
            raise RuntimeError("No group ID")
        self._sub_group_id += 1
        return f"{self.group_id}#{self._sub_group_id}"

    def assert_state(self, action: str, states: Sequence[ScriptState]) -> None:
        """Check that the script is in one of some states and not exiting.

        Parameters
        ----------
        action
            What is to be done, for the message.
        states
            States in which it can be done.

        Raises
        ------
        ExpectedError
            It is not.
        """
        if self._is_exiting:
            raise ExpectedError(f"Cannot {action}: script is exiting")
        if self.state.state not in states:
            names = ", ".join(state.name for state in states)
            raise ExpectedError(f"Cannot {action}: state={self.state_name} instead of {names}")

    async def start(self) -> None:
        """Start the topics and the heartbeat; report state and description."""
        await super().start()
        self._set_heartbeat()
        remotes = (info for info in self.domain.salinfo_set if info is not self.salinfo)
        await self.set_state(ScriptState.UNCONFIGURED)
        await self.evt_description.set_write(
            remotes=",".join(sorted({f"{info.name}:{info.index}" for info in remotes})), force_output=True
        )

    async def close_tasks(self) -> None:
        """Stop the heartbeat."""
        self._is_exiting = True
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        await super().close_tasks()

    async def set_state(
        self,
        state: ScriptState | int | None = None,
        reason: str | None = None,
        keep_old_reason: bool = False,
        force_output: bool = False,
    ) -> None:
        """Report a state.

        Parameters
        ----------
        state
            New state; None for the present one.
        reason
            Reason for it; None for the present one.
        keep_old_reason
            Append the reason to the present one?
        force_output
            Write the event even if nothing changed?
        """
        if state is not None:
            state = ScriptState(state)
            self.timestamps[state] = current_tai()
        if keep_old_reason and reason is not None and self.state.reason:
            reason = f"{self.state.reason}; {reason}"
        await self.evt_state.set_write(
            state=state,
            reason=reason,
            lastCheckpoint=self.last_checkpoint,
            numCheckpoints=self.num_checkpoints,
            force_output=force_output,
        )

    def _set_heartbeat(self) -> None:
        self._heartbeat = asyncio.get_running_loop().call_later(HEARTBEAT_INTERVAL, self._beat)

    def _beat(self) -> None:
        if self.salinfo.running:
            self.evt_heartbeat.publish()
            self._set_heartbeat()
