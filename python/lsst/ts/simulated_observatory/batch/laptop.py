"""The site of one machine: workers of Parsl that only this machine can reach."""

from __future__ import annotations

from lsst.ctrl.bps.parsl.configuration import get_bps_config_value
from lsst.ctrl.bps.parsl.sites import Local
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider

__all__ = ["Laptop"]


class Laptop(Local):
    """The local site of ``lsst.ctrl.bps.parsl``, which would listen for workers on all interfaces."""

    def get_executors(self) -> list[HighThroughputExecutor]:
        """Make the one executor, with as many workers as the site has ``cores``.

        Returns
        -------
        executors
            Not yet running.
        """
        cores = get_bps_config_value(self.site, "cores", int, required=True)
        provider = LocalProvider()
        return [
            HighThroughputExecutor(
                "local", provider=provider, max_workers_per_node=cores, address="127.0.0.1"
            )
        ]
