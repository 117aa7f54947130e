"""The topics of a remote: commands that it sends, events that it reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any

from ..enums import SalRetCode
from ..errors import AckError, AckTimeoutError
from ..messages import AckCmdDataType, BaseMsgType
from ..sal_info import SalInfo
from .read_topic import DEFAULT_QUEUE_LEN, ReadTopic
from .write_topic import WriteTopic

__all__ = ["DEFAULT_TIMEOUT", "RemoteCommand", "RemoteEvent"]

DEFAULT_TIMEOUT = 3600.0
"""How long to wait for a command that comes without a time limit (s)."""

_DONE = frozenset(SalRetCode) - {SalRetCode.CMD_ACK, SalRetCode.CMD_INPROGRESS}
_FAILED = _DONE - {SalRetCode.CMD_COMPLETE}


class RemoteEvent(ReadTopic):
    """An event of another component.

    Parameters
    ----------
    salinfo, name
        The component, and the name of the event without prefix.
    max_history, queue_len
        As `ReadTopic`.
    """

    def __init__(
        self, salinfo: SalInfo, name: str, max_history: int = 1, queue_len: int = DEFAULT_QUEUE_LEN
    ) -> None:
        super().__init__(
            salinfo=salinfo, attr_name=f"evt_{name}", max_history=max_history, queue_len=queue_len
        )


class RemoteCommand(WriteTopic):
    """A command to another component.

    Parameters
    ----------
    salinfo, name
        The component, and the name of the command without prefix.
    """

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo=salinfo, attr_name=f"cmd_{name}", min_seq_num=None)

    def set(self, **kwargs: Any) -> bool:
        """Set fields of a new sample; the others, and those that are None, hold their zero value again."""
        self.data = self.DataType()
        return super().set(**kwargs)

    async def set_start(
        self, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True, **kwargs: Any
    ) -> AckCmdDataType:
        """Set fields of a new sample, send the command and wait for its acknowledgement.

        Parameters
        ----------
        timeout, wait_done
            As `start`.
        kwargs
            As `set`.

        Returns
        -------
        ackcmd
            As `start`; it raises as `start` and `set`.
        """
        self.set(**kwargs)
        return await self.start(timeout=timeout, wait_done=wait_done)

    async def start(
        self, data: BaseMsgType | None = None, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True
    ) -> AckCmdDataType:
        """Send the command and wait for its acknowledgement.

        Parameters
        ----------
        data
            What to send; by default the sample as it was set.
        timeout
            Time limit (s). A CMD_INPROGRESS extends it by the time that it carries.
        wait_done
            Wait for the final acknowledgement? Else for the first one.

        Returns
        -------
        ackcmd : AckCmdDataType

        Raises
        ------
        AckError
            The command failed.
        AckTimeoutError
            No acknowledgement came in time.
        RuntimeError
            Not running.
        TypeError
            The data are not a sample of this command.
        """
        self.salinfo.assert_running()
        if data is not None:
            self.data = data
        number = next(self.salinfo.bus.command_numbers)
        no_ack = self.salinfo.make_ackcmd(
            number, SalRetCode.CMD_NOACK, result="No command acknowledgement seen"
        )
        command = self.salinfo.running_commands[number] = _CommandInfo(no_ack)
        self._data.private_seqNum = number
        await super().write()
        return await self._while_running(number, command.next_ackcmd(timeout, wait_done))

    async def next_ackcmd(
        self, ackcmd: AckCmdDataType, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True
    ) -> AckCmdDataType:
        """Wait for a further acknowledgement of a command.

        Parameters
        ----------
        ackcmd
            The acknowledgement that `set_start`, `start` or `next_ackcmd` returned before.
        timeout, wait_done
            As `start`, whose exceptions it raises, too.

        Returns
        -------
        ackcmd : AckCmdDataType

        Raises
        ------
        RuntimeError
            The command is not known, or its final acknowledgement has already come.
        """
        number = ackcmd.private_seqNum
        command = self.salinfo.running_commands.get(number)
        if command is None:
            raise RuntimeError(f"command private_seqNum={number} is unknown or finished")
        return await self._while_running(number, command.next_ackcmd(timeout, wait_done))

    async def write(self) -> BaseMsgType:
        """Raise NotImplementedError, as does `set_write`: commands are sent with `start`."""
        raise NotImplementedError("call start instead")

    async def _while_running(self, number: int, ackcmd: Awaitable[AckCmdDataType]) -> AckCmdDataType:
        """Wait for an acknowledgement; a command that got none in time does not count as running any more."""
        try:
            return await ackcmd
        except AckTimeoutError:
            self.salinfo.running_commands.pop(number, None)
            raise


class _CommandInfo:
    """A command under way, with the acknowledgement to report when none comes."""

    def __init__(self, no_ack: AckCmdDataType) -> None:
        self._last = no_ack
        self._acks: deque[AckCmdDataType] = deque()
        self._arrival: asyncio.Future[None] | None = None

    def add_ackcmd(self, ackcmd: AckCmdDataType) -> bool:
        """Take an acknowledgement; return whether it is the final one."""
        self._acks.append(ackcmd)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
        return ackcmd.ack in _DONE

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> AckCmdDataType:
        """Wait for the next acknowledgement, or for the final one if `wait_done`; raise if it is a failure.

        Each CMD_INPROGRESS adds the time that it carries to the `timeout` (s).
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                ackcmd = await self._next()
                while wait_done and ackcmd.ack not in _DONE:
                    when = limit.when()
                    if ackcmd.ack == SalRetCode.CMD_INPROGRESS and when is not None:
                        limit.reschedule(when + ackcmd.timeout)
                    ackcmd = await self._next()
        except TimeoutError:
            raise AckTimeoutError("Timed out waiting for command acknowledgement", self._last) from None
        if ackcmd.ack in _FAILED:
            raise AckError("Command failed", ackcmd)
        return ackcmd

    def close(self) -> None:
        """Cancel the tasks that wait for an acknowledgement."""
        if self._arrival is not None:
            self._arrival.cancel()

    async def _next(self) -> AckCmdDataType:
        while not self._acks:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        self._last = self._acks.popleft()
        return self._last
