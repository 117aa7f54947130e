"""Records what passes on the bus, at once and outside of the script's reach."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clock import SimulatedLoop

__all__ = ["BusMessage", "BusRecorder", "read_recording"]

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
        Simulated seconds since that part began.
    component, topic
        Of the message; the component is empty, and the topic ``interruption``, for what is no message.
    values
        Fields of the message.
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
    """Listens to a bus, and writes each line with one call of the system: a kill loses nothing.

    Parameters
    ----------
    path
        File to append to.
    folder
        Run directory.
    part
        Number of the part of the run.
    loop
        Event loop of the script.
    listener
        Called with the data of every message, also of those that are not recorded.
    """

    def __init__(
        self, path: Path, folder: Path, part: int, loop: SimulatedLoop, listener: Callable[[Any], None]
    ) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._journal = folder / "journal.jsonl"
        self._part = part
        self._loop = loop
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
            self._write(component, topic, {name: getattr(data, name) for name in fields})
        self._listener(data)

    def record_interruption(self, act: str) -> None:
        """Record what is done to the script.

        Parameters
        ----------
        act
            A value of `Act`.
        """
        self._write("", "interruption", {"act": act})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, component: str, topic: str, values: dict[str, Any]) -> None:
        try:
            size = os.stat(self._journal).st_size
        except OSError:
            size = 0
        line = [self._part, round(self._loop.time(), 6), component, topic, values, size]
        os.write(self._file, f"{json.dumps(line)}\n".encode())


def read_recording(path: Path) -> Iterator[BusMessage]:
    """Read what was recorded.

    Parameters
    ----------
    path
        File of a recorder; it need not be there.

    Yields
    ------
    message
        In the order of the bus, those of all parts of the run.
    """
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield BusMessage(*json.loads(line))
