"""Real time for the simulated observatory, at a pace and on a date of choice."""

from __future__ import annotations

import asyncio

__all__ = ["PacedLoop"]


class PacedLoop(asyncio.SelectorEventLoop):
    """An ordinary event loop that also keeps the time of the simulated observatory.

    What is simulated (exposures, readouts, jobs) takes `speed` times less than it says, and the images are
    dated as if it had not; everything else that runs on the loop, e.g. heartbeats and the time limits of SAL,
    goes by the wall clock.

    Parameters
    ----------
    start_tai
        TAI of the simulated observatory now, in seconds since 1970-01-01T00:00:00 TAI.
    speed
        Simulated seconds in one second; more than 0.
    """

    def __init__(self, start_tai: float, speed: float = 1.0) -> None:
        super().__init__()
        self.speed = speed
        self._start_tai = start_tai
        self._began = self.time()

    def tai(self) -> float:
        """Return the TAI of the simulated observatory, in seconds since 1970-01-01T00:00:00 TAI."""
        return self._start_tai + (self.time() - self._began) * self.speed
