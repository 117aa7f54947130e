"""The connections of a script: camera, OODS, OCPS, and what says their states."""

from __future__ import annotations

import asyncio
import logging

from ..adapters.camera import Camera
from ..adapters.ingest import IngestWatcher
from ..adapters.ocps import OcpsClient
from ..adapters.sal import salobj
from ..adapters.telescope import TelescopeCheck
from ..domain.instruments import Instrument

__all__ = ["Clients"]


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
        oods = salobj.Remote(domain, instrument.oods, include=["summaryState", "imageInOODS"], readonly=True)
        ocps = salobj.Remote(
            domain,
            "OCPS",
            index=instrument.ocps_index,
            include=["summaryState", "configurationApplied", "job_result"],
        )
        others = [
            salobj.Remote(domain, name, include=["summaryState"], readonly=True)
            for name in instrument.components
            if name != instrument.oods
        ]
        self.remotes: tuple[salobj.Remote, ...] = (*others, oods, ocps)
        """One for every component that must be ENABLED."""
        self.camera = Camera(instrument, domain, log)
        self.ingest = IngestWatcher(oods)
        self.ocps = OcpsClient(ocps)
        self.telescope = TelescopeCheck(instrument, domain)

    async def start(self) -> None:
        """Wait until all are connected."""
        await asyncio.gather(
            self.camera.start(), self.telescope.start(), *(remote.start_task for remote in self.remotes)
        )
