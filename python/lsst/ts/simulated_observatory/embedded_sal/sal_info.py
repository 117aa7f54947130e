"""One SAL component as a remote or a controller uses it: definition, topics, commands under way."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from .bus import Channel, running_bus
from .component_info import component_info
from .domain import Domain
from .enums import SalRetCode
from .messages import AckCmdDataType, BaseMsgType, ackcmd_class

__all__ = ["SalInfo"]


class _Topic(Protocol):
    """A topic as its `SalInfo` closes it."""

    attr_name: str

    def basic_close(self) -> None: ...


class _ReadTopic(_Topic, Protocol):
    """A topic as its `SalInfo` connects it to the bus."""

    channel: Channel

    @property
    def max_history(self) -> int: ...

    def receive(self, data: BaseMsgType) -> None: ...


class _Command(Protocol):
    """A command under way."""

    def add_ackcmd(self, ackcmd: AckCmdDataType) -> bool: ...

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> AckCmdDataType: ...

    def close(self) -> None: ...


class SalInfo:
    """The topics that a remote or a controller has of one component.

    Parameters
    ----------
    domain
        Domain that the object belongs to and is closed with.
    name
        SAL component name.
    index
        Index of the component: 0 to hear every index, 0 or None if the component has none.
    write_only
        Read no topics?
    num_messages, consume_messages_timeout, discard_out_of_order_telemetry, discard_out_of_order_events
        Accepted for scripts that set them; a bus in memory delivers each sample at once and in order.

    Attributes
    ----------
    identity
        The ``private_identity`` of samples that are written.
    log
        Logger named after the component; those that differ in their index share it.
    start_task, done_task
        Done when `start` and `close` are done.

    Raises
    ------
    TypeError
        The domain is not a `Domain`, or the index not an integer.
    ValueError
        There is no such component, or it has no index.
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
        self.index = int(index or 0)
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
        loop = asyncio.get_running_loop()
        self.start_called = False
        self.start_task: asyncio.Future[None] = loop.create_future()
        self.done_task: asyncio.Future[None] = loop.create_future()
        self.running_commands: dict[int, _Command] = {}
        self._readers: dict[str, _ReadTopic] = {}
        self._writers: dict[str, _Topic] = {}
        self._acks = self.bus.channel(name, "ack_ackcmd", self.index)
        self.isopen = True
        domain.add_salinfo(self)

    def _names(self, prefix: str) -> tuple[str, ...]:
        attrs = self.component_info.topics
        return tuple(sorted(attr.removeprefix(prefix) for attr in attrs if attr.startswith(prefix)))

    @property
    def name(self) -> str:
        """SAL component name."""
        return self.component_info.name

    @property
    def indexed(self) -> bool:
        """Whether the component is indexed."""
        return self.component_info.indexed

    @property
    def name_index(self) -> str:
        """``name:index`` if the component is indexed, else its name."""
        return f"{self.name}:{self.index}" if self.indexed else self.name

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
        """Class of the acknowledgements of this component's commands.

        Raises
        ------
        RuntimeError
            The component has no commands.
        """
        if not self.command_names:
            raise RuntimeError(f"{self.name} has no commands, so no acknowledgements")
        return ackcmd_class(self.name, self.indexed)

    def assert_started(self) -> None:
        """Check that `start` has succeeded.

        Raises
        ------
        RuntimeError
            Not started.
        """
        if not self.started:
            raise RuntimeError(f"{self.name_index} not started")

    def assert_running(self) -> None:
        """Check that the object is in use.

        Raises
        ------
        RuntimeError
            Not started, or closed.
        """
        if not self.running:
            raise RuntimeError(f"{self.name_index} {'no longer open' if self.started else 'not started'}")

    def make_ackcmd(
        self,
        private_seqNum: int,  # noqa: N803
        ack: SalRetCode,
        error: int = 0,
        result: str = "",
        timeout: float = 0,
    ) -> AckCmdDataType:
        """Return an acknowledgement of a command.

        Parameters
        ----------
        private_seqNum
            Sequence number of the command.
        ack, error, result, timeout
            Fields of `AckCmdDataType`.

        Returns
        -------
        ackcmd
            The acknowledgement, which is not sent.
        """
        return self.AckCmdType(
            private_seqNum=private_seqNum, ack=ack, error=error, result=result, timeout=timeout
        )

    def add_reader(self, topic: _ReadTopic) -> None:
        """Add a topic that is read.

        Parameters
        ----------
        topic
            The topic.

        Raises
        ------
        RuntimeError
            `start` was called, or the object is for writing only.
        ValueError
            The topic is there already.
        """
        if self.start_called:
            raise RuntimeError("topics cannot be added after start was called")
        if self.write_only:
            raise RuntimeError("a write-only SalInfo reads no topics")
        if topic.attr_name in self._readers:
            raise ValueError(f"topic {topic.attr_name} already read")
        self._readers[topic.attr_name] = topic

    def add_writer(self, topic: _Topic) -> None:
        """Add a topic that is written.

        Parameters
        ----------
        topic
            The topic.

        Raises
        ------
        RuntimeError
            `start` was called.
        ValueError
            The topic is there already.
        """
        if self.start_called:
            raise RuntimeError("topics cannot be added after start was called")
        if topic.attr_name in self._writers:
            raise ValueError(f"topic {topic.attr_name} already written")
        self._writers[topic.attr_name] = topic

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
        for topic in self._readers.values():
            if topic.max_history > 0:
                for sample in topic.channel.history():
                    topic.receive(sample)
            topic.channel.readers.append(topic.receive)
        self._acks.readers.append(self._receive)
        await asyncio.sleep(0)
        if not self.start_task.done():
            self.start_task.set_result(None)

    def _receive(self, data: BaseMsgType) -> None:
        """Take an acknowledgement; those of other senders' commands have other numbers and are ignored."""
        command = self.running_commands.get(data.private_seqNum)
        if command is not None and isinstance(data, AckCmdDataType) and command.add_ackcmd(data):
            del self.running_commands[data.private_seqNum]

    def acknowledge(self, command: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        """Publish an acknowledgement.

        Parameters
        ----------
        command
            The command.
        ackcmd
            Its acknowledgement; its sender and number are set here.
        """
        ackcmd.identity = command.private_identity
        ackcmd.origin = command.private_origin
        ackcmd.private_seqNum = command.private_seqNum
        self._acks.publish(ackcmd)

    def basic_close(self) -> None:
        """Close all topics and give up the commands that are under way."""
        if not self.isopen:
            return
        self.isopen = False
        if self._receive in self._acks.readers:
            self._acks.readers.remove(self._receive)
        for reader in self._readers.values():
            reader.basic_close()
        for writer in self._writers.values():
            writer.basic_close()
        for command in self.running_commands.values():
            command.close()
        self.running_commands.clear()
        self.domain.remove_salinfo(self)
        if not self.start_task.done():
            self.start_task.cancel()
        if not self.done_task.done():
            self.done_task.set_result(None)

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
