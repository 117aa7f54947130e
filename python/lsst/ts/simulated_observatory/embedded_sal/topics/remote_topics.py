"""The topics of a remote: commands that it sends, events that it reads."""

from __future__ import annotations

from typing import Any

from ..command_info import CommandInfo
from ..enums import SalRetCode
from ..errors import AckTimeoutError
from ..messages import AckCmdDataType, BaseMsgType
from ..sal_info import SalInfo
from .read_topic import DEFAULT_QUEUE_LEN, ReadTopic
from .write_topic import SetWriteResult, WriteTopic

__all__ = ["DEFAULT_TIMEOUT", "RemoteCommand", "RemoteEvent"]

DEFAULT_TIMEOUT = 3600.0
"""How long to wait for a command that comes without a time limit (s)."""


class RemoteEvent(ReadTopic):
    """An event of another component.

    Parameters
    ----------
    salinfo
        The component.
    name
        Event name without prefix.
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
    salinfo
        The component.
    name
        Command name without prefix.
    """

    def __init__(self, salinfo: SalInfo, name: str) -> None:
        super().__init__(salinfo=salinfo, attr_name=f"cmd_{name}", min_seq_num=None)

    def set(self, **kwargs: Any) -> bool:
        """Set fields of a new sample; the others hold their zero value again.

        Parameters
        ----------
        kwargs
            Values by field name; None leaves a field at its zero value.

        Returns
        -------
        did_change
            Whether a field differs from its zero value.
        """
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
            As `start`, whose exceptions it raises, too.
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
        ackcmd
            The acknowledgement.

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
        number = self.salinfo.bus.next_command_number()
        no_ack = self.salinfo.make_ackcmd(
            number, SalRetCode.CMD_NOACK, result="No command acknowledgement seen"
        )
        command = self.salinfo.running_commands[number] = CommandInfo(no_ack)
        self._data.private_seqNum = number
        await super().write()
        return await self._next_ackcmd(command, number, timeout, wait_done)

    async def next_ackcmd(
        self, ackcmd: AckCmdDataType, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True
    ) -> AckCmdDataType:
        """Wait for a further acknowledgement of a command.

        Parameters
        ----------
        ackcmd
            The acknowledgement that `set_start`, `start` or `next_ackcmd` returned before.
        timeout, wait_done
            As `start`.

        Returns
        -------
        ackcmd
            The acknowledgement.

        Raises
        ------
        RuntimeError
            The command is not known, or its final acknowledgement has already come.
        AckError, AckTimeoutError
            As `start`.
        """
        number = ackcmd.private_seqNum
        command = self.salinfo.running_commands.get(number)
        if command is None:
            raise RuntimeError(f"command private_seqNum={number} is unknown or finished")
        return await self._next_ackcmd(command, number, timeout, wait_done)

    async def set_write(self, *, force_output: bool | None = None, **kwargs: Any) -> SetWriteResult:
        """Not for commands: call `set_start`.

        Parameters
        ----------
        force_output, kwargs
            As `WriteTopic.set_write`.

        Returns
        -------
        result
            Never: it raises `NotImplementedError`.
        """
        raise NotImplementedError("call set_start instead")

    async def write(self) -> BaseMsgType:
        """Not for commands: call `start`."""
        raise NotImplementedError("call start instead")

    async def _next_ackcmd(
        self, command: CommandInfo, number: int, timeout: float, wait_done: bool
    ) -> AckCmdDataType:
        """Wait for an acknowledgement; a command that got none in time is not waited for any longer."""
        try:
            return await command.next_ackcmd(timeout, wait_done)
        except AckTimeoutError:
            self.salinfo.running_commands.pop(number, None)
            raise
