"""The connections of a script: camera, OODS, OCPS, and what says their states."""

from __future__ import annotations

import asyncio
import logging

from lsst.ts import salobj

from ..domain.instruments import Instrument
from .camera import Camera
from .event_order import hear_overtaken
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
        What is to be used.
    domain
        SAL domain of the script.
    log
        Log of the script.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain, log: logging.Logger) -> None:
        self._instrument = instrument
        from lsst.ts.observatory.control import RemoteGroup  # the real one takes its time to be imported

        before = set(domain.salinfo_set)
        oods = salobj.Remote(domain, instrument.oods, include=[*HEALTH, "imageInOODS"], readonly=True)
        processing = RemoteGroup([f"OCPS:{instrument.ocps_index}"], domain=domain, log=log)
        ocps = getattr(processing.rem, f"ocps_{instrument.ocps_index}")
        others = [
            salobj.Remote(domain, name, include=HEALTH, readonly=True)
            for name in instrument.components
            if name != instrument.oods
        ]
        self.remotes: tuple[salobj.Remote, ...] = (*others, oods, ocps)
        """One for every component that must be ENABLED."""
        for remote in (oods, ocps):  # detectors are ingested, and jobs end, at the same time
            hear_overtaken(remote)
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
        """Names of the components that say that they are in simulation mode."""
        said = {remote.salinfo.name_index: remote.evt_simulationMode.get() for remote in self.remotes}
        return [name for name, data in said.items() if data is not None and data.mode != 0]

    @property
    def camera_is_simulated(self) -> bool:
        """Whether the camera is: the images of a run are then no images of the sky or of the dome."""
        return self._instrument.camera in self.simulated
