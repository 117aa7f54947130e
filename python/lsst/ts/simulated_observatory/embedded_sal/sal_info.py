"""Domains, in them the SAL components that a remote or a controller uses, and what their topics share."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import ClassVar, Protocol, Self

from .bus import running_bus
from .component_info import component_info
from .messages import AckCmdDataType, BaseMsgType, message_class

__all__ = ["ACK_TOPIC", "BaseTopic", "ClosedOnExit", "Domain", "SalInfo"]

ACK_TOPIC = "ack_ackcmd"
"""Topic on the bus of the acknowledgements of a component's commands."""


class _Command(Protocol):
    """A command under way."""

    def add_ackcmd(self, ackcmd: AckCmdDataType) -> bool: ...

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> AckCmdDataType: ...

    def close(self) -> None: ...


class ClosedOnExit:
    """Awaits its ``start_task``, if it has one, where an ``async with`` begins, and is closed at its end."""

    async def close(self) -> None:
        """Close what is open. May be called more than once."""

    async def __aenter__(self) -> Self:
        start_task = getattr(self, "start_task", None)
        if start_task is not None:
            await start_task
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


class Domain(ClosedOnExit):
    """What the `SalInfo` objects of one controller, or of one user, have in common.

    The domains of an event loop share one bus.

    Attributes
    ----------
    origin
        Process id; the ``private_origin`` of samples.
    default_identity
        The ``private_identity`` of samples: a simulated bus, unless a controller sets its own name.
    """

    def __init__(self) -> None:
        self.isopen = True
        self.origin = os.getpid()
        self.default_identity = "simulation@localhost"
        self._salinfos: dict[SalInfo, None] = {}  # a set that keeps its order

    @property
    def salinfo_set(self) -> frozenset[SalInfo]:
        """The open `SalInfo` objects of the domain."""
        return frozenset(self._salinfos)

    def basic_close(self) -> None:
        """Close the domain and its `SalInfo` objects, without waiting for anything."""
        for salinfo in list(self._salinfos):
            salinfo.basic_close()
        self.isopen = False

    async def close(self) -> None:
        """Close the domain and its `SalInfo` objects."""
        self.basic_close()


class SalInfo:
    """The topics that a remote or a controller has of one component.

    Parameters
    ----------
    domain, name
        Domain that the object belongs to and is closed with, and SAL component name.
    index
        Index of the component: 0 to hear every index, 0 or None if the component has none.
    write_only
        Read no topics?
    num_messages, consume_messages_timeout, discard_out_of_order_telemetry, discard_out_of_order_events
        Accepted for scripts that set them; a bus in memory delivers each sample at once and in order.

    Attributes
    ----------
    name_index
        ``name:index`` if the component is indexed, else its name.
    identity
        The ``private_identity`` of samples that are written.
    log
        Logger named after the component; those that differ in their index share it.
    start_task
        Done when `start` is.

    Raises
    ------
    TypeError, ValueError
        Domain or index are of another type; there is no such component, or it has no index.
    """

    def __init__(
        self,
        domain: Domain,
        name: str,
        index: int | None = 0,
        write_only: bool = False,
        num_messages: int = 1,
        consume_messages_timeout: float = 0.1,
        discard_out_of_order_telemetry: bool = True,
        discard_out_of_order_events: bool = True,
    ) -> None:
        if not isinstance(domain, Domain):
            raise TypeError(f"domain {domain!r} must be a Domain")
        if index is not None and not isinstance(index, int):
            raise TypeError(f"index {index!r} must be an integer or None")
        self.domain = domain
        self.component_info = component_info(name)
        self.name = name
        self.index = int(index or 0)
        self.indexed = self.component_info.indexed
        self.name_index = f"{name}:{self.index}" if self.indexed else name
        if self.index != 0 and not self.indexed:
            raise ValueError(f"index={index!r} must be 0 or None: {name} is not an indexed SAL component")
        self.write_only = write_only
        self.discard_out_of_order_events = discard_out_of_order_events
        self.identity = domain.default_identity
        self.bus = running_bus()
        self.command_names = self._names("cmd_")
        self.event_names = self._names("evt_")
        self.log = logging.getLogger(name)
        if self.log.getEffectiveLevel() > logging.INFO:
            self.log.setLevel(logging.INFO)
        self.start_called = False
        self.start_task: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running_commands: dict[int, _Command] = {}
        self._topics: dict[tuple[bool, str], BaseTopic] = {}
        self._acks = self.bus.channel(name, ACK_TOPIC, self.index)
        self.isopen = True
        domain._salinfos[self] = None

    def _names(self, prefix: str) -> tuple[str, ...]:
        attrs = self.component_info.topics
        return tuple(sorted(attr.removeprefix(prefix) for attr in attrs if attr.startswith(prefix)))

    @property
    def started(self) -> bool:
        """Whether `start` has succeeded."""
        return self.start_task.done() and not self.start_task.cancelled()

    @property
    def running(self) -> bool:
        """Whether started and not closed."""
        return self.isopen and self.started

    @property
    def AckCmdType(self) -> type[AckCmdDataType]:  # noqa: N802  # name of salobj
        """Class of the acknowledgements of this component's commands."""
        return message_class(self.component_info.ackcmd)

    def assert_started(self) -> None:
        """Raise if `start` has not succeeded.

        Raises
        ------
        RuntimeError
        """
        if not self.started:
            raise RuntimeError(f"{self.name_index} not started")

    def assert_running(self) -> None:
        """Raise if not started, or closed.

        Raises
        ------
        RuntimeError
        """
        if not self.running:
            raise RuntimeError(f"{self.name_index} {'no longer open' if self.started else 'not started'}")

    def make_ackcmd(
        self,
        private_seqNum: int,  # noqa: N803
        ack: int,
        error: int = 0,
        result: str = "",
        timeout: float = 0,
    ) -> AckCmdDataType:
        """Return an acknowledgement of a command, without sending it.

        Parameters
        ----------
        private_seqNum
            Sequence number of the command.
        ack, error, result, timeout
            Fields of `AckCmdDataType`.

        Returns
        -------
        ackcmd : AckCmdDataType
        """
        return self.AckCmdType(
            private_seqNum=private_seqNum, ack=ack, error=error, result=result, timeout=timeout
        )

    def _add(self, topic: BaseTopic) -> None:
        """Add a topic, to be started and closed with this object."""
        if self.start_called:
            raise RuntimeError("topics cannot be added after start was called")
        key = (topic.reads, topic.attr_name)  # one may read what another one here writes
        if key in self._topics:
            raise ValueError(f"topic {topic.attr_name} already added")
        self._topics[key] = topic

    async def start(self) -> None:
        """Begin to read, with the last sample of each topic that has history.

        Raises
        ------
        RuntimeError
            Called before, or closed.
        """
        if self.start_called:
            raise RuntimeError("start already called")
        if not self.isopen:
            raise RuntimeError("already closed")
        self.start_called = True
        for topic in self._topics.values():
            topic.begin()
        self._acks.readers.append(self._receive)
        await asyncio.sleep(0)
        if not self.start_task.done():
            self.start_task.set_result(None)

    def _receive(self, data: BaseMsgType) -> None:
        """Take an acknowledgement; those of other senders' commands have other numbers and are ignored."""
        command = self.running_commands.get(data.private_seqNum)
        if command is not None and isinstance(data, AckCmdDataType) and command.add_ackcmd(data):
            del self.running_commands[data.private_seqNum]

    def basic_close(self) -> None:
        """Close all topics and give up the commands that are under way."""
        if not self.isopen:
            return
        self.isopen = False
        if self._receive in self._acks.readers:
            self._acks.readers.remove(self._receive)
        for topic in self._topics.values():
            topic.basic_close()
        for command in self.running_commands.values():
            command.close()
        self.running_commands.clear()
        self.domain._salinfos.pop(self)
        if not self.start_task.done():
            self.start_task.cancel()

    async def close(self, cancel_run_kafka_task: bool = True) -> None:
        """Close all topics. May be called more than once.

        Parameters
        ----------
        cancel_run_kafka_task
            Accepted for scripts that give it; there is no such task.
        """
        self.basic_close()

    def __repr__(self) -> str:
        return f"SalInfo({self.name_index})"


class BaseTopic:
    """One topic of a component.

    Parameters
    ----------
    salinfo, attr_name
        The component, and the attribute name with its prefix, e.g. ``evt_summaryState``.

    Attributes
    ----------
    DataType, channel
        Class of the topic's samples, and where they travel.

    Raises
    ------
    AttributeError
        The component has no such topic.
    RuntimeError, ValueError
        The component has started, or has this topic already.
    """

    reads: ClassVar[bool] = False
    """Whether samples are read, and not written."""

    def __init__(self, *, salinfo: SalInfo, attr_name: str) -> None:
        try:
            self.topic_info = salinfo.component_info.topics[attr_name]
        except KeyError:
            raise AttributeError(f"{salinfo.name} has no topic {attr_name}") from None
        self.salinfo = salinfo
        self.attr_name = attr_name
        self.name = attr_name.partition("_")[2]
        self.DataType: type[BaseMsgType] = message_class(self.topic_info)
        self.channel = salinfo.bus.channel(salinfo.name, attr_name, salinfo.index)
        self.isopen = True
        salinfo._add(self)

    @property
    def log(self) -> logging.Logger:
        """Logger named after component and topic."""
        return self.salinfo.log.getChild(self.topic_info.sal_name)

    def _sent(self, data: BaseMsgType) -> BaseMsgType:
        """Return a sample as its readers get it; log why, and raise, if it cannot be sent."""
        try:
            return data.sent()
        except Exception as error:
            # salobj sends in a task of its own, in which nothing else is handled. Here the traceback of a
            # line of the log would have that of the line before, could not be sent either, and so on.
            context, error.__context__ = error.__context__, None
            self.salinfo.log.exception(f"write_data for {self.attr_name} failed.")
            error.__context__ = context
            raise

    def begin(self) -> None:
        """Do what there is to do when the component starts: nothing, if the topic is not read."""

    def basic_close(self) -> None:
        """Close the topic."""
        self.isopen = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.salinfo.name_index}, {self.name})"
