"""Writes down what passes on the bus, at once and outside of the script's reach."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..clock import SimulatedLoop

__all__ = ["Testimony", "Witness", "read_testimony"]

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
"""Topics that are written down, with the fields that matter."""


@dataclass(frozen=True)
class Testimony:
    """One line of a witness.

    Parameters
    ----------
    life
        Which life of the script, from 0: a run that was killed has a second one.
    time
        Simulated seconds since its begin.
    component, topic
        Of a message; the component is empty for what is no message.
    values
        Fields of the message.
    journal
        Bytes that the journal had on the disk.
    """

    life: int
    time: float
    component: str
    topic: str
    values: dict[str, Any]
    journal: int


class Witness:
    """Listens to a bus.

    Every line is written with one call of the system: a kill loses nothing.

    Parameters
    ----------
    path
        File to append to.
    folder
        Run directory.
    life
        Number of the script's life.
    loop
        Its event loop.
    heard
        Called after every message, also of those that are not written down.
    """

    def __init__(
        self, path: Path, folder: Path, life: int, loop: SimulatedLoop, heard: Callable[[Any], None]
    ) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._journal = folder / "journal.jsonl"
        self._life = life
        self._loop = loop
        self._heard = heard

    def take(self, component: str, topic: str, data: Any) -> None:
        """Write a message down."""
        fields = FIELDS.get(topic)
        if fields is not None and not (topic == "evt_state" and component != "Script"):
            self.write(component, topic, {name: getattr(data, name) for name in fields})
        self._heard(data)

    def write(self, component: str, topic: str, values: dict[str, Any]) -> None:
        """Write a line."""
        try:
            size = os.stat(self._journal).st_size
        except OSError:
            size = 0
        line = [self._life, round(self._loop.time(), 6), component, topic, values, size]
        os.write(self._file, f"{json.dumps(line)}\n".encode())

    def say(self, words: str) -> None:
        """Write down what was done to the script."""
        self.write("", "interruption", {"words": words})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_testimony(path: Path) -> Iterator[Testimony]:
    """Read all lines of a witness."""
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            yield Testimony(*json.loads(line))
