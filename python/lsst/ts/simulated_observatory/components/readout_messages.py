"""How the end of a readout is told: once and at once, unless a fault was asked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .. import clock
from ..faults.faults import Faults
from .images import Image

__all__ = ["ReadoutMessages"]


class ReadoutMessages:
    """Publishes endReadout.

    Parameters
    ----------
    publish
        Publishes that of an image with the time at which it was read out (TAI unix seconds).
    keep
        Runs something beside.
    faults
        What goes wrong.
    """

    def __init__(
        self,
        publish: Callable[[Image, float], Awaitable[None]],
        keep: Callable[[Coroutine[Any, Any, None]], object],
        faults: Faults,
    ) -> None:
        self._publish = publish
        self._keep = keep
        self._faults = faults
        self._held: list[tuple[Image, float]] = []

    async def tell(self, image: Image, ended: float) -> None:
        """Tell that an image was read out at a time."""
        strike, number = self._faults.strike, image.count
        if strike("end-readout-lost", image=number):
            return
        if strike("end-readout-reordered", image=number):
            self._held.append((image, ended))
            return
        if (late := strike("end-readout-late", image=number)) is not None:
            self._keep(self._later(late.number("seconds"), image, ended))
            return
        await self._publish(image, ended)
        if strike("end-readout-duplicated", image=number):
            await self._publish(image, ended)
        while self._held:
            await self._publish(*self._held.pop(0))

    async def _later(self, seconds: float, image: Image, ended: float) -> None:
        await clock.sleep(seconds)
        await self._publish(image, ended)
