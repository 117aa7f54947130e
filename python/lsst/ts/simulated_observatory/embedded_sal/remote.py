"""A remote: commands and listens to another component."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Any

from .domain import Domain
from .sal_info import SalInfo
from .topics import RemoteCommand, RemoteEvent

__all__ = ["Remote"]


class Remote:
    """Commands and listens to another component, with attributes ``cmd_<name>`` and ``evt_<name>``.

    Parameters
    ----------
    domain
        Domain that the remote belongs to and is closed with.
    name, index
        SAL component name, and its index if it has one.
    readonly
        Have no commands?
    include, exclude
        Names of the only events to have, or of those to leave out; not both.
    evt_max_history
        Begin with the last sample of each event (1) or not (0)?
    start
        Start at once?
    num_messages, consume_messages_timeout, discard_out_of_order_telemetry, discard_out_of_order_events
        As `SalInfo`.

    Attributes
    ----------
    salinfo
        The component.
    start_task
        Done when the remote has started.

    Raises
    ------
    ValueError
        Both include and exclude are given; or as `SalInfo`.
    """

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int | None = None,
        *,
        readonly: bool = False,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        evt_max_history: int = 1,
        start: bool = True,
        num_messages: int = 1,
        consume_messages_timeout: float = 0.1,
        discard_out_of_order_telemetry: bool = True,
        discard_out_of_order_events: bool = True,
    ) -> None:
        if include is not None and exclude is not None:
            raise ValueError("cannot specify both include and exclude")
        self.salinfo = SalInfo(domain, name, index)
        names = set(self.salinfo.event_names)
        if include is not None:
            names &= set(include)
        elif exclude is not None:
            names -= set(exclude)
        if not readonly:
            for command in self.salinfo.command_names:
                self.__dict__[f"cmd_{command}"] = RemoteCommand(self.salinfo, command)
        for event in sorted(names):
            self.__dict__[f"evt_{event}"] = RemoteEvent(self.salinfo, event, max_history=evt_max_history)
        self.start_called = start
        if start:
            self.start_task = asyncio.get_running_loop().create_task(self.start())

    def __getattr__(self, name: str) -> Any:
        salinfo = self.__dict__.get("salinfo", "nothing")  # not there yet while __init__ is under way
        raise AttributeError(f"the remote of {salinfo} has no attribute {name!r}")

    async def start(self) -> None:
        """Begin to read, unless the remote has been closed meanwhile."""
        if self.salinfo.isopen:
            await self.salinfo.start()

    async def close(self) -> None:
        """Close the remote, not its domain."""
        await self.salinfo.close()

    def __repr__(self) -> str:
        return f"Remote(name={self.salinfo.name}, index={self.salinfo.index})"

    async def __aenter__(self) -> Remote:
        if self.start_called:
            await self.start_task
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
