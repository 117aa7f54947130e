"""Records what passes on the bus, at once and outside of the script's reach."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["BusMessage", "BusRecorder"]

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


class BusRecorder:
    """Records in the running event loop, each line with one call of the system: a kill loses nothing.

    Parameters
    ----------
    folder
        Folder of the scenario; ``recording.jsonl`` there is appended to.
    part
        Number of the part of the run.
    listener
        Called with the data of every message, also of those that are not recorded.
    """

    def __init__(self, folder: Path, part: int, listener: Callable[[Any], None]) -> None:
        self._file = os.open(folder / "recording.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._journal = folder / "run" / "journal.jsonl"
        self._part = part
        self._loop = asyncio.get_running_loop()
        self._listener = listener

    def take(self, component: str, topic: str, data: Any) -> None:
        """Record a message, as a listener of the bus.

        Parameters
        ----------
        component, topic, data
            As the bus has them.
        """
        fields = FIELDS.get(topic)
        if fields is not None and not (topic == "evt_state" and component != "Script"):
            self.record(component, topic, **{name: getattr(data, name) for name in fields})
        self._listener(data)

    def record(self, component: str, topic: str, **values: object) -> None:
        """Write a line.

        Parameters
        ----------
        component, topic, **values
            As of `BusMessage`.
        """
        try:
            size = os.stat(self._journal).st_size
        except OSError:
            size = 0
        line = [self._part, round(self._loop.time(), 6), component, topic, values, size]
        os.write(self._file, f"{json.dumps(line)}\n".encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
