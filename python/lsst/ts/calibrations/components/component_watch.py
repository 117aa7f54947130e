"""Components during a run: which of them is silent or no longer ENABLED, and since when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from lsst.ts import salobj

from ..domain.tai import iso_tai
from .sal import state_name

__all__ = ["ComponentWatch"]

PERIOD = 2.0  # seconds between two looks
# Seconds without a heartbeat after which a component is silent for certain: it sends one each second.
CERTAIN = 10.0


@dataclass
class _Outage:
    """A time without heartbeats, or in other states than ENABLED; TAI unix seconds, no end while it lasts."""

    name: str
    begin: float
    states: list[str] = field(default_factory=list)
    """Those that it was in; none of a component that is silent."""
    end: float | None = None

    def __str__(self) -> str:
        begin = iso_tai(self.begin).partition(".")[0]
        states = ", ".join(self.states)
        if self.end is None:
            lasting = f"has not been ENABLED ({states})" if states else "has sent no heartbeat"
            return f"{self.name} {lasting} since {begin} (TAI)"
        ended = f"was not ENABLED ({states})" if states else "sent no heartbeat"
        return f"{self.name} {ended} from {begin} to {iso_tai(self.end).partition('.')[0]} (TAI)"


def _lasting(outages: Mapping[str, _Outage], name: str) -> _Outage | None:
    """The outage in which a component is."""
    last = outages.get(name)
    return last if last is not None and last.end is None else None


@dataclass(frozen=True)
class ComponentWatch:
    """Watches heartbeats and states of components; an outage is logged, and ends nothing."""

    remotes: Collection[salobj.Remote]
    """A remote with the events heartbeat and summaryState for each component."""
    now: Callable[[], float]
    """Clock, TAI unix seconds."""
    log: logging.Logger
    """Log of the script."""
    _stamps: dict[str, float] = field(default_factory=dict)
    _quiet: dict[str, float] = field(default_factory=dict)
    _silences: dict[str, _Outage] = field(default_factory=dict)
    _enabled: set[str] = field(default_factory=set)
    _not_enabled: dict[str, _Outage] = field(default_factory=dict)

    @property
    def outages(self) -> list[str]:
        """One clause for each component that is silent or not ENABLED, or was, about the last time."""
        return [str(each) for each in (*self._silences.values(), *self._not_enabled.values())]

    async def watch(self) -> None:
        """Look at heartbeats and states until it is cancelled."""
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(PERIOD)
            # While this process is held up it hears nobody: that is not the silence of the others.
            passed, before = min(loop.time() - before, 2 * PERIOD), loop.time()
            for remote in self.remotes:
                name, beat = remote.salinfo.name_index, remote.evt_heartbeat.get()
                self._listen(name, beat and beat.private_sndStamp, passed)
                if (event := remote.evt_summaryState.get()) is not None:
                    self._look(name, event.summaryState, event.private_rcvStamp)

    def _listen(self, name: str, stamp: float | None, passed: float) -> None:
        """Count the seconds that passed without a new heartbeat."""
        silence = _lasting(self._silences, name)
        if stamp is not None and stamp != self._stamps.get(name):
            self._stamps[name], self._quiet[name] = stamp, 0.0
            if silence is not None:
                silence.end = self.now()
                self.log.warning("%s sends heartbeats again: %s.", name, silence)
            return
        self._quiet[name] = self._quiet.get(name, 0.0) + passed
        if silence is None and self._quiet[name] >= CERTAIN:
            self._silences[name] = _Outage(name, self.now() - self._quiet[name])
            self.log.warning(
                "%s: is it running, and its network in order? If it has ended, what it was doing is lost:"
                " stop the run, and resume it when the component works again.",
                self._silences[name],
            )

    def _look(self, name: str, state: int, stamp: float) -> None:
        """Note that a component leaves ENABLED, or comes back; one that never was it is for the preflight."""
        outage = _lasting(self._not_enabled, name)
        if state == salobj.State.ENABLED:
            self._enabled.add(name)
            if outage is not None:
                outage.end = stamp
                self.log.warning("%s is ENABLED again: %s.", name, outage)
        elif outage is not None:
            if state_name(state) not in outage.states:
                outage.states.append(state_name(state))
        elif name in self._enabled:
            self._not_enabled[name] = _Outage(name, stamp, [state_name(state)])
            self.log.warning(
                "%s: until it is ENABLED again what the run asks of it fails.", self._not_enabled[name]
            )
