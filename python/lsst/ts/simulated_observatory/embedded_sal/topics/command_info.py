"""A command that was sent, and its acknowledgements."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from ..enums import SalRetCode
from ..errors import AckError, AckTimeoutError
from ..messages import AckCmdDataType

if TYPE_CHECKING:
    from ..sal_info import SalInfo

__all__ = ["DEFAULT_TIMEOUT", "CommandInfo"]

DEFAULT_TIMEOUT = 3600.0
"""How long to wait for a command that comes without a time limit (s)."""

FAILED = frozenset(
    {
        SalRetCode.CMD_ABORTED,
        SalRetCode.CMD_FAILED,
        SalRetCode.CMD_NOACK,
        SalRetCode.CMD_NOPERM,
        SalRetCode.CMD_STALLED,
        SalRetCode.CMD_TIMEOUT,
    }
)
DONE = FAILED | {SalRetCode.CMD_COMPLETE}


class CommandInfo:
    """A command under way.

    Parameters
    ----------
    salinfo
        The component that it was sent to.
    seq_num
        Its sequence number.
    """

    def __init__(self, salinfo: SalInfo, seq_num: int) -> None:
        self._salinfo = salinfo
        self._seq_num = seq_num
        self._acks: deque[AckCmdDataType] = deque()
        self._last: AckCmdDataType | None = None
        self._arrival: asyncio.Future[None] | None = None

    def add_ackcmd(self, ackcmd: AckCmdDataType) -> bool:
        """Take an acknowledgement; return whether it is the final one."""
        self._acks.append(ackcmd)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
        return ackcmd.ack in DONE

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> AckCmdDataType:
        """Wait for the next acknowledgement, or for the final one if `wait_done`.

        Each CMD_INPROGRESS adds the time that it carries to the `timeout` (s).

        Raises
        ------
        AckError
            The command failed.
        AckTimeoutError
            No acknowledgement came in time.
        """
        try:
            async with asyncio.timeout(timeout) as limit:
                ackcmd = await self._next()
                while wait_done and ackcmd.ack not in DONE:
                    when = limit.when()
                    if ackcmd.ack == SalRetCode.CMD_INPROGRESS and when is not None:
                        limit.reschedule(when + ackcmd.timeout)
                    ackcmd = await self._next()
        except TimeoutError:
            self._salinfo.running_commands.pop(self._seq_num, None)
            last = self._last or self._salinfo.make_ackcmd(
                self._seq_num, SalRetCode.CMD_NOACK, result="No command acknowledgement seen"
            )
            raise AckTimeoutError("Timed out waiting for command acknowledgement", last) from None
        if ackcmd.ack in FAILED:
            raise AckError("Command failed", ackcmd)
        return ackcmd

    def close(self) -> None:
        """Cancel whoever waits."""
        if self._arrival is not None:
            self._arrival.cancel()

    async def _next(self) -> AckCmdDataType:
        while not self._acks:
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        self._last = self._acks.popleft()
        return self._last
