"""The connections of a script: camera, OODS, OCPS, and the states of all components."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from lsst.ts import salobj

from ..domain.instruments import Instrument
from .camera import Camera
from .ingest import IngestWatcher
from .ocps import OcpsClient
from .sal import state_name

__all__ = ["Clients"]

# Events of the OCPS that a run needs.
OF_THE_OCPS = ("heartbeat", "simulationMode", "summaryState", "configurationApplied", "job_result")
STATE_TIMEOUT = 5.0
"""Seconds within which a component that is on the bus has published its state."""


class Clients:
    """All remotes of a run.

    Parameters
    ----------
    instrument
        Instrument of the script.
    domain, log
        SAL domain and log of the script.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain, log: logging.Logger) -> None:
        self.instrument = instrument
        before = set(domain.salinfo_set)
        ocps = salobj.Remote(domain, "OCPS", instrument.ocps_index, include=OF_THE_OCPS)
        self.camera = Camera(instrument, domain, log)
        oods = self.camera.remotes[instrument.oods]
        # Detectors are ingested, and jobs end, at the same time: events that were overtaken count, too.
        oods.salinfo.discard_out_of_order_events = ocps.salinfo.discard_out_of_order_events = False
        others = [self.camera.remotes[name] for name in instrument.components]
        self.remotes: tuple[salobj.Remote, ...] = (*others, ocps)
        """One for every component that must be ENABLED."""
        self.ingest = IngestWatcher(oods, instrument.detectors, log)
        self.ocps = OcpsClient(ocps)
        self._domain = domain
        self._salinfos = sorted(set(domain.salinfo_set) - before, key=lambda each: each.name_index)

    async def start(self) -> None:
        """Wait until all are connected."""
        await asyncio.gather(self.camera.start(), *(remote.start_task for remote in self.remotes))

    async def close(self) -> None:
        """Close all connections at once.

        Their domain would close them one after another, half a second each; the ScriptQueue waits two seconds
        for a script that it terminates.
        """
        await asyncio.gather(*(salinfo.close() for salinfo in self._salinfos))

    @property
    def simulated(self) -> list[str]:
        """Names of the components that publish that they are in simulation mode."""
        modes = {remote.salinfo.name_index: remote.evt_simulationMode.get() for remote in self.remotes}
        return [name for name, data in modes.items() if data is not None and data.mode != 0]

    async def telescope_problems(self, ignore: Collection[str] = ()) -> list[str]:
        """Connect to the components of the telescope, and find those that are not as flats need them.

        Parameters
        ----------
        ignore
            Components not to look at, by their SAL names in upper or lower case.

        Returns
        -------
        problems
            One sentence for each component; those that are not on the bus are passed over.
        """
        ignored = {name.lower() for name in ignore}
        names = [name for name in self.instrument.states_for_flats if name.lower() not in ignored]
        found = await asyncio.gather(*(self._telescope_problem(name) for name in names))
        return [problem for problem in found if problem is not None]

    async def _telescope_problem(self, name: str) -> str | None:
        try:
            async with salobj.Remote(self._domain, name, include=["summaryState"], readonly=True) as remote:
                data = await remote.evt_summaryState.aget(timeout=STATE_TIMEOUT)
        except TimeoutError:
            return None
        state, allowed = state_name(data.summaryState), self.instrument.states_for_flats[name]
        if state in allowed:
            return None
        return (
            f"{name} is {state}; flats need it {' or '.join(allowed)}: change its state, or name"
            f" {name.lower()} in the option ignore"
        )
