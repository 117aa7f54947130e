"""The bus: carries samples between the components of one event loop, in memory and without delay."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol
from weakref import WeakKeyDictionary

from .messages import BaseMsgType

__all__ = ["Bus", "Channel", "Listener", "Reader", "running_bus"]


class Reader(Protocol):
    """What takes samples from a channel."""

    def receive(self, data: BaseMsgType) -> None:
        """Take a sample; called at the moment at which it is published."""


Listener = Callable[[str, str, BaseMsgType], None]
"""Called with component, topic and sample."""


class Channel:
    """One topic of one component and index.

    Parameters
    ----------
    component, attr_name
        What it carries, e.g. ``OCPS`` and ``evt_job_result``.
    listeners
        Those who hear every sample on the bus.
    every_index
        The channel of the same topic with index 0, whose readers see the samples of every index.

    Attributes
    ----------
    last
        Newest sample published, or None.
    """

    def __init__(
        self, component: str, attr_name: str, listeners: Sequence[Listener], every_index: Channel | None
    ) -> None:
        self._component = component
        self._attr_name = attr_name
        self._listeners = listeners
        self.last: BaseMsgType | None = None
        self.readers: list[Reader] = []
        self._every_index = every_index

    def publish(self, data: BaseMsgType) -> None:
        """Hand a sample to all readers, which share it."""
        self.last = data
        for listener in self._listeners:
            listener(self._component, self._attr_name, data)
        for reader in self.readers:
            reader.receive(data)
        if self._every_index is not None:
            for reader in self._every_index.readers:
                reader.receive(data)


class Bus:
    """All channels of an event loop.

    Attributes
    ----------
    listeners
        Called with every sample at the moment at which it is published, before its readers get it.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._channels: dict[tuple[str, str, int], Channel] = {}
        self._command_numbers = itertools.count(1)

    def channel(self, component: str, attr_name: str, index: int) -> Channel:
        """Return the channel of a topic, e.g. ``("OCPS", "evt_job_result", 1)``."""
        key = (component, attr_name, index)
        channel = self._channels.get(key)
        if channel is None:
            every_index = self.channel(component, attr_name, 0) if index != 0 else None
            channel = self._channels[key] = Channel(component, attr_name, self.listeners, every_index)
        return channel

    def history(self, component: str, attr_name: str, index: int) -> Iterator[BaseMsgType]:
        """Yield the last sample of a topic; with index 0 that of every index, oldest first."""
        channels = (
            channel
            for (name, attr, number), channel in self._channels.items()
            if (name, attr) == (component, attr_name) and index in (0, number)
        )
        samples = [channel.last for channel in channels if channel.last is not None]
        yield from sorted(samples, key=lambda sample: sample.private_sndStamp)

    def next_command_number(self) -> int:
        """Return a sequence number that no other command on this bus has."""
        return next(self._command_numbers)


_buses: WeakKeyDictionary[asyncio.AbstractEventLoop, Bus] = WeakKeyDictionary()


def running_bus() -> Bus:
    """Return the bus of the running event loop.

    Raises
    ------
    RuntimeError
        No event loop is running.
    """
    return _buses.setdefault(asyncio.get_running_loop(), Bus())
