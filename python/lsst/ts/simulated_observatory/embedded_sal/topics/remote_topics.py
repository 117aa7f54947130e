"""The topics of a remote: commands that it sends, events that it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..messages import AckCmdDataType, BaseMsgType
from .command_info import DEFAULT_TIMEOUT, CommandInfo
from .read_topic import DEFAULT_QUEUE_LEN, ReadTopic
from .write_topic import SetWriteResult, WriteTopic

if TYPE_CHECKING:
    from ..sal_info import SalInfo

__all__ = ["RemoteCommand", "RemoteEvent"]


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
        """Set fields of a new sample; the others hold their zero value again."""
        self.data = self.DataType()
        return super().set(**kwargs)

    async def set_start(
        self, timeout: float = DEFAULT_TIMEOUT, wait_done: bool = True, **kwargs: Any
    ) -> AckCmdDataType:
        """Set fields of a new sample, send the command and wait for its acknowledgement, as `start`."""
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
        seq_num = self.salinfo.bus.next_command_number()
        command = CommandInfo(self.salinfo, seq_num)
        self.salinfo.running_commands[seq_num] = command
        self._data.private_seqNum = seq_num
        await super().write()
        return await command.next_ackcmd(timeout, wait_done)

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

        Raises
        ------
        RuntimeError
            The command is not known, or its final acknowledgement has already come.
        AckError, AckTimeoutError
            As `start`.
        """
        command = self.salinfo.running_commands.get(ackcmd.private_seqNum)
        if command is None:
            raise RuntimeError(f"command private_seqNum={ackcmd.private_seqNum} is unknown or finished")
        return await command.next_ackcmd(timeout, wait_done)

    async def set_write(self, *, force_output: bool | None = None, **kwargs: Any) -> SetWriteResult:
        """Not for commands: call `set_start`."""
        raise NotImplementedError("call set_start instead")

    async def write(self) -> BaseMsgType:
        """Not for commands: call `start`."""
        raise NotImplementedError("call start instead")
