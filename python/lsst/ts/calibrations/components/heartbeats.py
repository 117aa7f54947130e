"""Heartbeats during a run: who of the components is silent, and since when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from lsst.ts import salobj

from ..domain.tai import iso_tai

__all__ = ["HeartbeatWatch"]

PERIOD = 2.0  # seconds between two looks
# Seconds without a heartbeat after which a component is silent for certain: it sends one each second.
CERTAIN = 10.0


@dataclass
class _Silence:
    """A time without heartbeats, TAI unix seconds; the end is None while it lasts."""

    name: str
    begin: float
    end: float | None = None

    def __str__(self) -> str:
        begin = iso_tai(self.begin).partition(".")[0]
        if self.end is None:
            return f"{self.name} has sent no heartbeat since {begin} (TAI)"
        return f"{self.name} sent no heartbeat from {begin} to {iso_tai(self.end).partition('.')[0]} (TAI)"


@dataclass(frozen=True)
class HeartbeatWatch:
    """Watches the heartbeats of components; a silence is logged, and ends nothing: it may be over soon."""

    remotes: Collection[salobj.Remote]
    """A remote with the event heartbeat for each component."""
    now: Callable[[], float]
    """Clock, TAI unix seconds."""
    log: logging.Logger
    """Log of the script."""
    _stamps: dict[str, float] = field(default_factory=dict)
    _quiet: dict[str, float] = field(default_factory=dict)
    _silences: dict[str, _Silence] = field(default_factory=dict)

    @property
    def silences(self) -> list[str]:
        """One clause for each component that is silent, or was, about the last time."""
        return [str(each) for each in self._silences.values()]

    async def watch(self) -> None:
        """Look at the heartbeats until it is cancelled."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(PERIOD)
            # While this process is held up it hears nobody: that is not the silence of the others.
            passed, before = min(loop.time() - before, 2 * PERIOD), loop.time()
            for remote in self.remotes:
                beat = remote.evt_heartbeat.get()
                self._look(remote.salinfo.name_index, beat and beat.private_sndStamp, passed)

    def _look(self, name: str, stamp: float | None, passed: float) -> None:
        """Count the seconds that passed without a new heartbeat."""
        silence = self._silences.get(name)
        silent = silence is not None and silence.end is None
        if stamp is not None and stamp != self._stamps.get(name):
            self._stamps[name], self._quiet[name] = stamp, 0.0
            if silence is not None and silent:
                silence.end = self.now()
                self.log.warning("%s sends heartbeats again: %s.", name, silence)
            return
        self._quiet[name] = self._quiet.get(name, 0.0) + passed
        if not silent and self._quiet[name] >= CERTAIN:
            self._silences[name] = _Silence(name, self.now() - self._quiet[name])
            self.log.warning(
                "%s: is it running, and its network in order? If it has ended, what it was doing is lost:"
                " stop the run, and resume it when the component works again.",
                self._silences[name],
            )
