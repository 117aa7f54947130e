"""The topics of a controller: commands that it obeys, events that it writes."""

from __future__ import annotations

import asyncio

from ..enums import SalRetCode
from ..errors import ExpectedError
from ..messages import AckCmdDataType, BaseMsgType
from ..sal_info import ACK_TOPIC, SalInfo
from .read_topic import DEFAULT_QUEUE_LEN, ReadTopic
from .write_topic import WriteTopic

__all__ = ["ControllerCommand", "ControllerEvent"]


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
    salinfo, name
        The component, and the name of the command without prefix.
    queue_len
        As `ReadTopic`.
    """

    def __init__(self, salinfo: SalInfo, name: str, queue_len: int = DEFAULT_QUEUE_LEN) -> None:
        super().__init__(salinfo=salinfo, attr_name=f"cmd_{name}", max_history=0, queue_len=queue_len)
        self._acks = salinfo.bus.channel(salinfo.name, ACK_TOPIC, salinfo.index)

    async def ack(self, data: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        """Acknowledge a command.

        Parameters
        ----------
        data, ackcmd
            The command, and its acknowledgement, whose sender and number are set here.

        Raises
        ------
        RuntimeError
            Not running.
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
        try:
            ackcmd = await self._call(data)
            if ackcmd is None:
                ackcmd = self._make(data, SalRetCode.CMD_COMPLETE, "Done")
        except asyncio.CancelledError:
            ackcmd = self._make(data, SalRetCode.CMD_ABORTED, "Aborted")
        except TimeoutError:
            ackcmd = self._make(data, SalRetCode.CMD_TIMEOUT, "Timeout")
        except Exception as error:
            ackcmd = self._make(data, SalRetCode.CMD_FAILED, f"Failed: {error}")
            if not isinstance(error, ExpectedError):
                self.log.exception(f"callback {self._callback} failed with {data}")
        if self.salinfo.running:
            self._publish_ack(data, ackcmd)
        else:
            self.log.warning(f"cannot acknowledge {self.name} with {ackcmd}: closed")

    def _publish_ack(self, command: BaseMsgType, ackcmd: AckCmdDataType) -> None:
        ackcmd.identity = command.private_identity
        ackcmd.origin = command.private_origin
        ackcmd.private_seqNum = command.private_seqNum
        self._acks.publish(ackcmd)

    def _make(self, data: BaseMsgType, code: SalRetCode, result: str) -> AckCmdDataType:
        error = 0 if code == SalRetCode.CMD_COMPLETE else 1
        return self.salinfo.make_ackcmd(data.private_seqNum, code, error=error, result=result)
