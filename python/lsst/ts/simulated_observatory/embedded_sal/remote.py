"""A remote, which commands and listens to another component, and what brings that to a summary state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from .enums import State
from .sal_info import ClosedOnExit, Domain, SalInfo
from .topics import RemoteCommand, RemoteEvent

__all__ = ["Remote", "set_summary_state", "transition_commands"]

_IN_ORDER = (State.OFFLINE, State.STANDBY, State.DISABLED, State.ENABLED)
_FORWARD = ("enterControl", "start", "enable")
_BACK = ("exitControl", "standby", "disable")


class Remote(ClosedOnExit):
    """Commands and listens to another component, with attributes ``cmd_<name>`` and ``evt_<name>``.

    Parameters
    ----------
    domain, name, index
        As `SalInfo`.
    readonly
        Have no commands?
    include, exclude
        Names of the only events to have, or of those to leave out; not both.
    evt_max_history
        Begin with the last sample of each event (1) or not (0)?
    start
        Start at once?
    num_messages, consume_messages_timeout, discard_out_of_order_telemetry, discard_out_of_order_events
        As `SalInfo`.

    Attributes
    ----------
    salinfo, start_task
        The component; done when the remote has started.

    Raises
    ------
    ValueError
        Both include and exclude are given; or as `SalInfo`.
    """

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int | None = None,
        *,
        readonly: bool = False,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        evt_max_history: int = 1,
        start: bool = True,
        num_messages: int = 1,
        consume_messages_timeout: float = 0.1,
        discard_out_of_order_telemetry: bool = True,
        discard_out_of_order_events: bool = True,
    ) -> None:
        if include is not None and exclude is not None:
            raise ValueError("cannot specify both include and exclude")
        self.salinfo = SalInfo(domain, name, index)
        names = set(self.salinfo.event_names)
        if include is not None:
            names &= set(include)
        elif exclude is not None:
            names -= set(exclude)
        if not readonly:
            for command in self.salinfo.command_names:
                self.__dict__[f"cmd_{command}"] = RemoteCommand(self.salinfo, command)
        for event in sorted(names):
            self.__dict__[f"evt_{event}"] = RemoteEvent(self.salinfo, event, max_history=evt_max_history)
        if start:
            self.start_task = asyncio.get_running_loop().create_task(self.start())

    def __getattr__(self, name: str) -> Any:
        salinfo = self.__dict__.get("salinfo", "nothing")  # not there yet while __init__ is under way
        raise AttributeError(f"the remote of {salinfo} has no attribute {name!r}")

    async def start(self) -> None:
        """Begin to read, unless the remote has been closed meanwhile."""
        if self.salinfo.isopen:
            await self.salinfo.start()

    async def close(self) -> None:
        """Close the remote, not its domain."""
        await self.salinfo.close()

    def __repr__(self) -> str:
        return f"Remote(name={self.salinfo.name}, index={self.salinfo.index})"


def transition_commands(begin: State, end: State) -> list[tuple[str, State]]:
    """Return the commands that lead from one state to another.

    Parameters
    ----------
    begin, end : State

    Returns
    -------
    commands
        Names of commands, each with the state that it leads to.

    Raises
    ------
    ValueError
        No command leads to FAULT.
    """
    if end == State.FAULT:
        raise ValueError("no command leads to FAULT")
    if begin == State.FAULT:
        return [("standby", State.STANDBY), *transition_commands(State.STANDBY, end)]
    first, last = _IN_ORDER.index(begin), _IN_ORDER.index(end)
    if first <= last:
        return [(_FORWARD[step], _IN_ORDER[step + 1]) for step in range(first, last)]
    return [(_BACK[step - 1], _IN_ORDER[step - 1]) for step in range(first, last, -1)]


async def set_summary_state(
    remote: Remote, state: State | int, override: str | None = "", timeout: float = 30
) -> list[State]:
    """Bring a component to a summary state.

    Parameters
    ----------
    remote, state
        The component, and where to bring it.
    override, timeout
        Configuration to start it with, and time limit of each step (s).

    Returns
    -------
    states
        All states on the way, the first and the last included.

    Raises
    ------
    RuntimeError
        The present state is not known, or a command failed.
    ValueError
        The state is FAULT.
    """
    try:
        current = State((await remote.evt_summaryState.aget(timeout=timeout)).summaryState)
    except TimeoutError:
        raise RuntimeError(f"cannot get summaryState of {remote.salinfo.name_index}") from None
    states = [current]
    for command, reached in transition_commands(current, State(state)):
        fields = {"configurationOverride": override or ""} if command == "start" else {}
        try:
            await getattr(remote, f"cmd_{command}").set_start(**fields, timeout=timeout)
        except Exception as error:
            raise RuntimeError(
                f"{command} of {remote.salinfo.name_index} in {states[-1]!r} failed: {error}"
            ) from error
        states.append(reached)
    return states
