"""All processes of a session, which is how those are found that a batch system has started."""

from __future__ import annotations

import contextlib
import os
import signal
import time

__all__ = ["kill_session", "kill_session_afterwards"]

PERIOD = 1.0
"""Seconds between two looks whether the first process of a session has ended."""


def kill_session_afterwards() -> None:
    """Start a process that kills the session of this one as soon as this one has ended, however it did.

    It is a fork: it must be started before any thread.
    """
    session = os.getpid()
    if os.fork() == 0:
        while os.getppid() == session:
            time.sleep(PERIOD)
        kill_session(session)
        os._exit(0)


def kill_session(session: int) -> None:
    """Kill all processes of a session but this one, and those that they start meanwhile.

    Parsl puts its workers into process groups of their own; of the session they stay members.

    Parameters
    ----------
    session
        Process id of its first process, which may have ended.
    """
    while members := [number for number in _processes() if _is_member(number, session)]:
        for number in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def _processes() -> list[int]:
    numbers = (int(name) for name in os.listdir("/proc") if name.isdecimal())
    return [number for number in numbers if number != os.getpid()]


def _is_member(number: int, session: int) -> bool:
    """Whether a process is of a session, and has not ended."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as file:
            state, _, _, its_session, *_ = file.read().rpartition(")")[2].split()
    except OSError:
        return False
    return int(its_session) == session and state not in "ZX"
