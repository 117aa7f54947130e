"""A domain: who speaks on the bus, and with which components."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .sal_info import SalInfo

__all__ = ["Domain"]


class Domain:
    """What the `SalInfo` objects of one controller, or of one user, have in common.

    All domains of an event loop hear one another.

    Attributes
    ----------
    origin
        Process id; the ``private_origin`` of samples.
    user_host
        Who sends commands when no controller does; it says that the bus is simulated.
    default_identity
        The ``private_identity`` of samples: `user_host` unless a controller sets its own name.
    """

    def __init__(self) -> None:
        self.isopen = True
        self.origin = os.getpid()
        self.user_host = "simulation@localhost"
        self.default_identity = self.user_host
        self.done_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._salinfos: dict[SalInfo, None] = {}  # a set that keeps its order

    @property
    def salinfo_set(self) -> frozenset[SalInfo]:
        """The open `SalInfo` objects of the domain."""
        return frozenset(self._salinfos)

    def add_salinfo(self, salinfo: SalInfo) -> None:
        """Remember a `SalInfo`, to close it with the domain.

        Raises
        ------
        RuntimeError
            It was added before.
        """
        if salinfo in self._salinfos:
            raise RuntimeError(f"{salinfo} already added")
        self._salinfos[salinfo] = None

    def remove_salinfo(self, salinfo: SalInfo) -> bool:
        """Forget a `SalInfo`; return whether it was known."""
        known = salinfo in self._salinfos
        self._salinfos.pop(salinfo, None)
        return known

    def basic_close(self) -> None:
        """Close without waiting for anything."""
        for salinfo in list(self._salinfos):
            salinfo.basic_close()
        self.isopen = False
        if not self.done_task.done():
            self.done_task.set_result(None)

    async def close(self) -> None:
        """Close all `SalInfo` objects of the domain. May be called more than once."""
        if self.isopen:
            self.isopen = False
            for salinfo in list(self._salinfos):
                await salinfo.close()
            if not self.done_task.done():
                self.done_task.set_result(None)
        else:
            await self.done_task

    async def __aenter__(self) -> Domain:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
