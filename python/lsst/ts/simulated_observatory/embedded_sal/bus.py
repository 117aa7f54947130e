"""The bus: carries samples between the components of one event loop, in memory and without delay."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

from .messages import BaseMsgType

__all__ = ["Bus", "Channel", "Listener", "running_bus"]

Listener = Callable[[str, str, BaseMsgType], None]
"""Called with component, topic and sample."""


class Channel:
    """One topic of one component and index.

    Parameters
    ----------
    component, attr_name
        What it carries, e.g. ``OCPS`` and ``evt_job_result``.
    listeners
        Called with every sample on the bus.
    every_index
        The channel of the same topic with index 0, whose readers get the samples of every index.

    Attributes
    ----------
    last
        Newest sample published, or None.
    readers
        Called with each sample at the moment at which it is published.
    """

    def __init__(
        self, component: str, attr_name: str, listeners: Sequence[Listener], every_index: Channel | None
    ) -> None:
        self._component = component
        self._attr_name = attr_name
        self._listeners = listeners
        self._every_index = every_index
        self.last: BaseMsgType | None = None
        self.readers: list[Callable[[BaseMsgType], None]] = []

    def publish(self, data: BaseMsgType) -> None:
        """Hand a sample to all readers.

        Parameters
        ----------
        data
            The sample, which the readers share.
        """
        self.last = data
        for listener in self._listeners:
            listener(self._component, self._attr_name, data)
        for read in self.readers:
            read(data)
        if self._every_index is not None:
            for read in self._every_index.readers:
                read(data)


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
            channel = self._channels[key] = Channel(component, attr_name, self.listeners, every_index)
        return channel

    def history(self, component: str, attr_name: str, index: int) -> list[BaseMsgType]:
        """Return the last sample of a topic, if there is one.

        Parameters
        ----------
        component, attr_name, index
            As `channel`.

        Returns
        -------
        samples
            At most one; with index 0 at most one of every index, oldest first.
        """
        samples = [
            channel.last
            for (name, attr, number), channel in self._channels.items()
            if (name, attr) == (component, attr_name) and index in (0, number) and channel.last is not None
        ]
        return sorted(samples, key=lambda sample: sample.private_sndStamp)

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
