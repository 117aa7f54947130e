"""The connections of a script: camera, OODS, OCPS, and the states of all components."""

from __future__ import annotations

import asyncio
import logging

from lsst.ts import salobj

from ..domain.instruments import Instrument
from .camera import Camera
from .ingest import IngestWatcher
from .ocps import OcpsClient
from .telescope import TelescopeCheck

__all__ = ["Clients"]

HEALTH = ("heartbeat", "simulationMode", "summaryState")
"""Events that say how a component is."""


class Clients:
    """All remotes of a run.

    Parameters
    ----------
    instrument
        Instrument of the script.
    domain
        SAL domain of the script.
    log
        Log of the script.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain, log: logging.Logger) -> None:
        self.instrument = instrument
        before = set(domain.salinfo_set)
        # Detectors are ingested, and jobs end, at the same time: events that were overtaken count, too.
        oods = salobj.Remote(
            domain,
            instrument.oods,
            include=[*HEALTH, "imageInOODS"],
            readonly=True,
            discard_out_of_order_events=False,
        )
        ocps = salobj.Remote(domain, "OCPS", instrument.ocps_index, discard_out_of_order_events=False)
        others = [
            salobj.Remote(domain, name, include=HEALTH, readonly=True)
            for name in instrument.components
            if name != instrument.oods
        ]
        self.remotes: tuple[salobj.Remote, ...] = (*others, oods, ocps)
        """One for every component that must be ENABLED."""
        self.camera = Camera(instrument, domain, log)
        self.ingest = IngestWatcher(oods)
        self.ocps = OcpsClient(ocps)
        self.telescope = TelescopeCheck(instrument, domain)
        self._salinfos = sorted(set(domain.salinfo_set) - before, key=lambda each: each.name_index)

    async def start(self) -> None:
        """Wait until all are connected."""
        await asyncio.gather(
            self.camera.start(), self.telescope.start(), *(remote.start_task for remote in self.remotes)
        )

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

    @property
    def camera_is_simulated(self) -> bool:
        """Whether the camera is in simulation mode: its images then show neither sky nor dome."""
        return self.instrument.camera in self.simulated
