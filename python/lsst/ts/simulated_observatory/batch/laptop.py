"""The site of one machine: workers of Parsl that only this machine can reach."""

from __future__ import annotations

from lsst.ctrl.bps.parsl.configuration import get_bps_config_value
from lsst.ctrl.bps.parsl.sites import Local
from parsl.executors import HighThroughputExecutor
from parsl.jobs.error_handlers import windowed_error_handler
from parsl.providers import LocalProvider

__all__ = ["Laptop"]

HEARTBEAT = 5
"""Seconds between two looks whether workers are still there; the default of Parsl is meant for a cluster."""


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
        return [
            HighThroughputExecutor(
                "local",
                provider=LocalProvider(),
                max_workers_per_node=cores,
                address="127.0.0.1",
                heartbeat_period=HEARTBEAT,
                heartbeat_threshold=6 * HEARTBEAT,
                block_error_handler=windowed_error_handler,  # not the first one that is lost ends the job
            )
        ]
