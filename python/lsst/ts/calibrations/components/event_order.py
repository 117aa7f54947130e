"""Events in their order, and events whatever their order, on a bus that drops those which were overtaken.

salobj writes each event in a thread of its own, so that of two which are written at the same time the later
one can come first. Whoever reads them drops the other one then, with a warning: a line of the log or the end
of a job would be missed.
"""

from __future__ import annotations

import asyncio
from typing import Any

from lsst.ts import salobj

__all__ = ["EventOrder", "hear_overtaken"]


SETTLE_LIMIT = 5.0
"""Seconds within which what was asked for is written, on a bus that takes anything at all."""


class EventOrder:
    """Lets an event of ours be written only when all that was written before is on the bus.

    Parameters
    ----------
    event
        Event of a controller; its ``set_write`` is replaced.
    """

    def __init__(self, event: Any) -> None:
        self._turn = asyncio.Lock()  # first come, first served
        self._set_write = event.set_write
        event.set_write = self._write

    async def _write(self, **fields: Any) -> Any:
        async with self._turn:
            return await self._set_write(**fields)

    async def settle(self) -> None:
        """Wait until what has been asked for is written, but no longer than `SETTLE_LIMIT`."""
        await asyncio.sleep(0)  # who is just about to ask does
        try:
            async with asyncio.timeout(SETTLE_LIMIT), self._turn:
                pass
        except TimeoutError:
            return  # the bus takes nothing any more


def hear_overtaken(remote: salobj.Remote) -> None:
    """Have a remote hear also of events that later ones have overtaken: its readers look at what they say."""
    remote.salinfo.discard_out_of_order_events = False
