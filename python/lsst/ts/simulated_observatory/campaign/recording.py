"""Records what passes on the bus, at once and outside of the script's reach, and interrupts the script."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

from .scenario import Act, Interruption

__all__ = ["INDEX", "BusMessage", "Recorder"]

INDEX = 1
"""SAL index of the script in every scenario."""

FIELDS: dict[str, tuple[str, ...]] = {
    "cmd_takeImages": ("private_seqNum", "expTime", "keyValueMap"),
    "evt_startIntegration": ("imageName", "additionalKeys", "additionalValues", "exposureTime"),
    "evt_endReadout": ("imageName",),
    "evt_imageInOODS": ("obsid", "raft", "sensor", "statusCode"),
    "evt_summaryState": ("summaryState",),
    "cmd_execute": ("private_seqNum", "pipeline", "config", "data_query"),
    "cmd_abort_job": ("private_seqNum", "job_id"),
    "evt_job_result": ("job_id", "exit_code"),
    "evt_state": ("state", "reason"),
    "ack_ackcmd": ("private_seqNum", "ack", "result"),
}
"""Topics that are recorded, with the fields that matter."""


@dataclass(frozen=True)
class BusMessage:
    """One recorded message, or an interruption of the script, which is recorded among them.

    Parameters
    ----------
    part
        Part of the run in which it was sent, from 0: a run that was killed and resumed has two.
    time
        Since that part began [simulated s].
    component, topic
        Of the message; the component is empty, and the topic ``interruption``, for what is no message.
    values
        Fields of the message; of an interruption its ``act``.
    journal_size
        Bytes that the journal had on the disk.
    """

    part: int
    time: float
    component: str
    topic: str
    values: dict[str, Any]
    journal_size: int


class Recorder:
    """Records what passes on the bus, in the running event loop, and interrupts the script in its place.

    Each line is written with one call of the system: a kill loses nothing.

    Parameters
    ----------
    folder
        Folder of the scenario; ``recording.jsonl`` there is appended to.
    part
        Number of the part of the run.
    interruption
        What is done to the script, and where; None: nothing.
    """

    def __init__(self, folder: Path, part: int, interruption: Interruption | None) -> None:
        self._file = os.open(folder / "recording.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._journal = folder / "run" / "journal.jsonl"
        self._part = part
        self._loop = asyncio.get_running_loop()
        self._interruption = interruption
        self._left = interruption.turn if interruption else 0
        self._messages = 0
        self._checkpoints = 0
        self._states = {""}
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, component: str, topic: str, data: Any) -> None:
        """Record a message, as a listener of the bus.

        Parameters
        ----------
        component, topic, data
            As the bus has them.
        """
        self._messages += 1
        if hasattr(data, "numCheckpoints"):  # a state of the script
            self._checkpoints = max(self._checkpoints, data.numCheckpoints)
            self._states.add(ScriptState(data.state).name)
        fields = FIELDS.get(topic)
        if fields is not None and not (topic == "evt_state" and component != "Script"):
            self._write(component, topic, {name: getattr(data, name) for name in fields})

    def _write(self, component: str, topic: str, values: dict[str, Any]) -> None:
        try:
            size = os.stat(self._journal).st_size
        except OSError:
            size = 0
        line = [self._part, round(self._loop.time(), 6), component, topic, values, size]
        os.write(self._file, f"{json.dumps(line)}\n".encode())

    def turned(self, _turn: int) -> None:
        """Interrupt the script when this turn of the event loop is the one for it."""
        place = self._interruption
        if place is None or not self._is_reached(place):
            return
        if self._left > 0:
            self._left -= 1
            return
        self._interruption = None
        self._write("", "interruption", {"act": place.act})
        if place.act is Act.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        elif place.act is Act.TERM:
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            # From within the selector: this wakes the loop up before its clock goes on.
            self._loop.call_soon_threadsafe(self._begin, place)

    def _is_reached(self, place: Interruption) -> bool:
        """Whether the place of the interruption has been reached."""
        if self._messages < place.message or self._checkpoints < place.checkpoint:
            return False
        if place.state not in self._states:
            return False
        return not place.entry or (
            self._journal.exists() and self._journal.read_bytes().count(b"\n") >= place.entry
        )

    async def close(self) -> None:
        """Close the file, and give up what is not done, or about to begin."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        os.close(self._file)

    def _begin(self, what: Interruption) -> None:
        if not self._closed:
            self._tasks.add(self._loop.create_task(self._operate(what)))

    @staticmethod
    async def _operate(what: Interruption) -> None:
        async with salobj.Domain() as domain:
            script = salobj.Remote(domain, "Script", index=INDEX)
            await script.start_task
            try:
                if what.act is not Act.STOP:
                    await script.cmd_setCheckpoints.set_start(pause=".*", stop="")
                    while (await script.evt_state.next(flush=False)).state != ScriptState.PAUSED:
                        pass
                    await asyncio.sleep(what.wait)
                if what.act is Act.PAUSE:
                    await script.cmd_setCheckpoints.set_start(pause="", stop="")
                    await script.cmd_resume.set_start()
                else:
                    await script.cmd_stop.set_start()
            except salobj.AckError:
                pass  # the script has ended meanwhile
