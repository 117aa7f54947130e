"""What happens to a script from outside: an operator pauses, resumes or stops it; a signal ends it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

__all__ = ["AT_ONCE", "INDEX", "Act", "Interrupter", "Interruption"]

INDEX = 1
"""SAL index of the script in every scenario."""


class Act(StrEnum):
    """What is done."""

    PAUSE = "paused at a checkpoint and resumed"
    STOP = "stopped"
    STOP_PAUSED = "stopped while paused at a checkpoint"
    TERM = "ended by SIGTERM"
    KILL = "ended by SIGKILL"


AT_ONCE = (Act.STOP, Act.TERM)
"""What ends a script at once; one that is to pause at a checkpoint first ends later."""


@dataclass(frozen=True)
class Interruption:
    """Something that is done to a script.

    Parameters
    ----------
    act
        What is done.
    message, entry, checkpoint
        After how many messages on the bus, entries of the journal and checkpoints.
    state
        After which state of the script; empty: after any.
    turn
        After how many more turns of the event loop.
    wait
        How long a pause lasts [simulated s].
    """

    act: Act
    message: int = 0
    turn: int = 0
    wait: float = 20.0
    entry: int = 0
    checkpoint: int = 0
    state: str = ""

    @property
    def ends(self) -> bool:
        """Whether it ends the script."""
        return self.act is not Act.PAUSE


class Interrupter:
    """Interrupts a script in the running event loop, when the place of the interruption has come.

    Parameters
    ----------
    interruption
        What is done, and where.
    journal
        File of the script's journal.
    record
        Called with what is done, immediately before.
    """

    def __init__(self, interruption: Interruption, journal: Path, record: Callable[[str], None]) -> None:
        self._journal = journal
        self._interruption = interruption
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._messages = 0
        self._checkpoints = 0
        self._states = {""}
        self._left = interruption.turn
        self._done = False
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def count(self, data: Any) -> None:
        """Count a message on the bus.

        Parameters
        ----------
        data
            Of the message.
        """
        self._messages += 1
        if hasattr(data, "numCheckpoints"):  # a state of the script
            self._checkpoints = max(self._checkpoints, data.numCheckpoints)
            self._states.add(ScriptState(data.state).name)

    def turned(self, _turn: int) -> None:
        """Act when its turn of the event loop has come."""
        if self._done or not self._is_there():
            return
        if self._left > 0:
            self._left -= 1
            return
        self._done = True
        act = self._interruption.act
        self._record(act)
        if act is Act.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif act is Act.TERM:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            # From within the selector: this wakes the loop up before its clock goes on.
            self._loop.call_soon_threadsafe(self._begin, act)

    def _is_there(self) -> bool:
        """Whether the place of the interruption has been reached."""
        place = self._interruption
        if self._messages < place.message or self._checkpoints < place.checkpoint:
            return False
        if place.state not in self._states:
            return False
        return not place.entry or (
            self._journal.exists() and self._journal.read_bytes().count(b"\n") >= place.entry
        )

    async def close(self) -> None:
        """Give up what is not done, and what is about to begin."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, act: Act) -> None:
        if not self._closed:
            self._tasks.add(self._loop.create_task(self._operate(act)))

    async def _operate(self, act: Act) -> None:
        async with salobj.Domain() as domain:
            script = salobj.Remote(domain, "Script", index=INDEX)
            await script.start_task
            try:
                if act is not Act.STOP:
                    await script.cmd_setCheckpoints.set_start(pause=".*", stop="")
                    while (await script.evt_state.next(flush=False)).state != ScriptState.PAUSED:
                        pass
                    await asyncio.sleep(self._interruption.wait)
                if act is Act.PAUSE:
                    await script.cmd_setCheckpoints.set_start(pause="", stop="")
                    await script.cmd_resume.set_start()
                else:
                    await script.cmd_stop.set_start()
            except salobj.AckError:
                pass  # the script has ended meanwhile
