"""Commands and events: what a remote sends and reads, and what a controller obeys and writes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any

from ..enums import SalRetCode
from ..errors import AckError, AckTimeoutError, ExpectedError
from ..messages import AckCmdDataType, BaseMsgType
from ..sal_info import ACK_TOPIC, SalInfo
from .read_topic import ReadTopic
from .write_topic import WriteTopic

__all__ = ["ControllerCommand", "ControllerEvent", "RemoteCommand", "RemoteEvent"]

_DEFAULT_TIMEOUT = 3600.0
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

    def __init__(self, salinfo: SalInfo, name: str, max_history: int = 1, queue_len: int = 100) -> None:
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
        self, timeout: float = _DEFAULT_TIMEOUT, wait_done: bool = True, **kwargs: Any
    ) -> AckCmdDataType:
        """Set fields of a new sample, send the command and wait for its acknowledgement.

        Parameters
        ----------
        timeout, wait_done, kwargs
            As `start` and `set`, whose exceptions it raises.

        Returns
        -------
        ackcmd : AckCmdDataType
        """
        self.set(**kwargs)
        return await self.start(timeout=timeout, wait_done=wait_done)

    async def start(
        self, data: BaseMsgType | None = None, timeout: float = _DEFAULT_TIMEOUT, wait_done: bool = True
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
        AckError, AckTimeoutError
            The command failed, or no acknowledgement came in time.
        RuntimeError, TypeError
            Not running, or the data are not a sample of this command.
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
        self, ackcmd: AckCmdDataType, timeout: float = _DEFAULT_TIMEOUT, wait_done: bool = True
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


class ControllerEvent(WriteTopic):
    """An event of this component.

    Parameters
    ----------
    salinfo, name
        The component, and the name of the event without prefix.
    """

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo=salinfo, attr_name=f"evt_{name}")


class ControllerCommand(ReadTopic):
    """A command to this component.

    A callback's outcome is acknowledged by itself: what it returns if that is an acknowledgement,
    CMD_COMPLETE if it returns None, CMD_ABORTED if it is cancelled, CMD_TIMEOUT if it raises `TimeoutError`,
    else CMD_FAILED with the text of the exception. Nothing is acknowledged on receipt.

    Parameters
    ----------
    salinfo, name, queue_len
        The component, the name of the command without prefix, and as `ReadTopic`.
    """

    def __init__(self, salinfo: SalInfo, name: str, queue_len: int = 100) -> None:
        super().__init__(salinfo=salinfo, attr_name=f"cmd_{name}", max_history=0, queue_len=queue_len)
        self._acks = salinfo.bus.channel(salinfo.name, ACK_TOPIC, salinfo.index)

    async def ack(self, data: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        """Acknowledge a command; a RuntimeError if not running.

        Parameters
        ----------
        data, ackcmd
            The command, and its acknowledgement, whose sender and number are set here.
        """
        self.salinfo.assert_running()
        self._publish_ack(data, ackcmd)
        await asyncio.sleep(0)

    async def ack_in_progress(self, data: BaseMsgType, timeout: float, result: str = "") -> None:
        """Acknowledge a command with CMD_INPROGRESS; raises as `ack`.

        Parameters
        ----------
        data, timeout, result
            The command, how much longer it may take (s), and an explanation.
        """
        code = SalRetCode.CMD_INPROGRESS
        await self.ack(
            data, self.salinfo.make_ackcmd(data.private_seqNum, code, result=result, timeout=timeout)
        )

    async def next(self, *, timeout: float | None = None) -> BaseMsgType:  # type: ignore[override]  # as salobj
        """Pop the oldest command from the queue, or wait for one, as `ReadTopic.next` without `flush`."""
        return await super().next(flush=False, timeout=timeout)

    async def _run_callback(self, data: BaseMsgType) -> None:
        """Call the callback and acknowledge the command; what cannot be acknowledged ends all callbacks."""
        try:
            ackcmd = await self._call(data)
            self._end(data, self._make(data, SalRetCode.CMD_COMPLETE, "Done") if ackcmd is None else ackcmd)
        except asyncio.CancelledError:
            if self.salinfo.running:  # else the process ends, and its user would see a warning
                self._end(data, self._make(data, SalRetCode.CMD_ABORTED, "Aborted"))
        except TimeoutError:
            self._end(data, self._make(data, SalRetCode.CMD_TIMEOUT, "Timeout"))
        except Exception as error:
            self._end(data, self._make(data, SalRetCode.CMD_FAILED, f"Failed: {error}"))
            if not isinstance(error, ExpectedError):
                self.log.exception(f"callback {self._callback} failed with {data}")

    def _end(self, data: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        """Acknowledge a command finally, if that is still possible."""
        if self.salinfo.running:
            self._publish_ack(data, ackcmd)
        else:
            self.log.warning(f"cannot acknowledge {self.name} with {ackcmd}: closed")

    def _publish_ack(self, command: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        acknowledgement = self.salinfo.make_ackcmd(
            command.private_seqNum, ackcmd.ack, ackcmd.error, ackcmd.result, ackcmd.timeout
        )
        acknowledgement.identity = command.private_identity
        acknowledgement.origin = command.private_origin
        self._acks.publish(self._sent(acknowledgement))

    def _make(self, data: BaseMsgType, code: SalRetCode, result: str) -> AckCmdDataType:
        error = 0 if code == SalRetCode.CMD_COMPLETE else 1
        return self.salinfo.make_ackcmd(data.private_seqNum, code, error=error, result=result)


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
            async with asyncio.timeout(timeout + 0.0) as limit:  # None is an error, as in salobj
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
