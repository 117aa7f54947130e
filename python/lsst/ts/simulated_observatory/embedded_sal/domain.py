"""A domain: what the remotes of one user, or of one controller, have in common."""

from __future__ import annotations

import asyncio
import os
from types import TracebackType
from typing import Protocol, Self

__all__ = ["Domain", "DomainMember"]


class DomainMember(Protocol):
    """What a domain needs to know of a `SalInfo`."""

    @property
    def name(self) -> str:
        """SAL component name."""

    @property
    def name_index(self) -> str:
        """``name:index`` if the component is indexed, else its name."""

    @property
    def index(self) -> int:
        """Index of the component, or 0."""

    @property
    def started(self) -> bool:
        """Whether it has started."""

    def basic_close(self) -> None:
        """Close at once."""

    async def close(self) -> None:
        """Close."""


class Domain:
    """What the `SalInfo` objects of one controller, or of one user, have in common.

    The domains of an event loop share one bus.

    Attributes
    ----------
    origin
        Process id; the ``private_origin`` of samples.
    user_host
        Sender of commands where there is no controller; it says that the bus is simulated.
    default_identity
        The ``private_identity`` of samples: `user_host` unless a controller sets its own name.
    """

    def __init__(self) -> None:
        self.isopen = True
        self.origin = os.getpid()
        self.user_host = "simulation@localhost"
        self.default_identity = self.user_host
        self.done_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._salinfos: dict[DomainMember, None] = {}  # a set that keeps its order

    @property
    def salinfo_set(self) -> frozenset[DomainMember]:
        """The open `SalInfo` objects of the domain."""
        return frozenset(self._salinfos)

    def add_salinfo(self, salinfo: DomainMember) -> None:
        """Add a `SalInfo`, to be closed with the domain.

        Parameters
        ----------
        salinfo
            The object to add.

        Raises
        ------
        RuntimeError
            It was added before.
        """
        if salinfo in self._salinfos:
            raise RuntimeError(f"{salinfo} already added")
        self._salinfos[salinfo] = None

    def remove_salinfo(self, salinfo: DomainMember) -> bool:
        """Remove a `SalInfo`.

        Parameters
        ----------
        salinfo
            The object to remove.

        Returns
        -------
        known
            Whether it was there.
        """
        known = salinfo in self._salinfos
        self._salinfos.pop(salinfo, None)
        return known

    def basic_close(self) -> None:
        """Close the domain and its `SalInfo` objects, without waiting for anything."""
        for salinfo in list(self._salinfos):
            salinfo.basic_close()
        self.isopen = False
        if not self.done_task.done():
            self.done_task.set_result(None)

    async def close(self) -> None:
        """Close the domain and its `SalInfo` objects. May be called more than once."""
        self.basic_close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
