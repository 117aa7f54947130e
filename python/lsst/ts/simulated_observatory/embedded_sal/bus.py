"""The bus: carries samples between the components of one event loop, in memory and without delay."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from .messages import BaseMsgType

__all__ = ["Bus", "Listener", "running_bus"]

Listener = Callable[[str, str, BaseMsgType], None]
"""Called with component, topic and sample."""


class _Channel:
    """One topic of one component and index; those with index 0 get the samples of every index, too."""

    def __init__(
        self, key: tuple[str, str, int], listeners: Sequence[Listener], every_index: _Channel | None
    ) -> None:
        self.readers: list[Callable[[BaseMsgType], None]] = []  # called when a sample is published
        self._component, self._attr_name, self._index = key
        self._listeners = listeners
        self._channels = [self] if every_index is None else [self, every_index]
        self._last: dict[int, BaseMsgType] = {}

    def publish(self, data: BaseMsgType) -> None:
        """Hand a sample to all readers, which share it."""
        for channel in self._channels:
            channel._last[self._index] = data
        for listener in self._listeners:
            listener(self._component, self._attr_name, data)
        for channel in self._channels:
            for read in channel.readers:
                read(data)

    def history(self) -> list[BaseMsgType]:
        """Return the last sample, if there is one; with index 0 the last of every index, oldest first."""
        return sorted(self._last.values(), key=lambda sample: sample.private_sndStamp)


class Bus:
    """All channels of an event loop.

    Attributes
    ----------
    listeners
        Called with every sample at the moment at which it is published, before its readers get it.
    command_numbers
        Sequence numbers for commands: each is given once on this bus.
    """

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._channels: dict[tuple[str, str, int], _Channel] = {}
        self.command_numbers = itertools.count(1)

    def channel(self, component: str, attr_name: str, index: int) -> _Channel:
        """Return the channel of a topic.

        Parameters
        ----------
        component, attr_name, index
            E.g. ``OCPS``, ``evt_job_result`` and 1.

        Returns
        -------
        channel
            Always the same one for the same topic.
        """
        key = (component, attr_name, index)
        channel = self._channels.get(key)
        if channel is None:
            every_index = self.channel(component, attr_name, 0) if index != 0 else None
            channel = self._channels[key] = _Channel(key, self.listeners, every_index)
        return channel


_buses: WeakKeyDictionary[asyncio.AbstractEventLoop, Bus] = WeakKeyDictionary()


def running_bus() -> Bus:
    """Return the bus of the running event loop; a RuntimeError if there is none."""
    return _buses.setdefault(asyncio.get_running_loop(), Bus())
