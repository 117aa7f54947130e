"""From one summary state to another: which commands it takes."""

from __future__ import annotations

from .enums import State
from .remote import Remote

__all__ = ["set_summary_state", "transition_commands"]

_LADDER = (State.OFFLINE, State.STANDBY, State.DISABLED, State.ENABLED)
_UP = ("enterControl", "start", "enable")
_DOWN = ("exitControl", "standby", "disable")


def transition_commands(begin: State, end: State) -> list[tuple[str, State]]:
    """Return the commands that lead from one state to another, each with the state that it leads to.

    Raises
    ------
    ValueError
        No command leads to FAULT.
    """
    if end == State.FAULT:
        raise ValueError("no command leads to FAULT")
    if begin == State.FAULT:
        return [("standby", State.STANDBY), *transition_commands(State.STANDBY, end)]
    first, last = _LADDER.index(begin), _LADDER.index(end)
    if first <= last:
        return [(_UP[step], _LADDER[step + 1]) for step in range(first, last)]
    return [(_DOWN[step - 1], _LADDER[step - 1]) for step in range(first, last, -1)]


async def set_summary_state(
    remote: Remote, state: State | int, override: str | None = "", timeout: float = 30
) -> list[State]:
    """Bring a component to a summary state.

    Parameters
    ----------
    remote
        The component.
    state
        Where to bring it.
    override
        Configuration to start it with.
    timeout
        Time limit of each step (s).

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
