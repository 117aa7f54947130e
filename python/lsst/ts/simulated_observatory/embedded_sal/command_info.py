"""A command that was sent, and its acknowledgements."""

from __future__ import annotations

import asyncio
from collections import deque

from .enums import SalRetCode
from .errors import AckError, AckTimeoutError
from .messages import AckCmdDataType

__all__ = ["CommandInfo"]

_FAILED = frozenset(
    {
        SalRetCode.CMD_ABORTED,
        SalRetCode.CMD_FAILED,
        SalRetCode.CMD_NOACK,
        SalRetCode.CMD_NOPERM,
        SalRetCode.CMD_STALLED,
        SalRetCode.CMD_TIMEOUT,
    }
)
_DONE = _FAILED | {SalRetCode.CMD_COMPLETE}


class CommandInfo:
    """A command under way.

    Parameters
    ----------
    no_ack
        Acknowledgement to report when none comes.
    """

    def __init__(self, no_ack: AckCmdDataType) -> None:
        self._last = no_ack
        self._acks: deque[AckCmdDataType] = deque()
        self._arrival: asyncio.Future[None] | None = None

    def add_ackcmd(self, ackcmd: AckCmdDataType) -> bool:
        """Take an acknowledgement.

        Parameters
        ----------
        ackcmd
            The acknowledgement.

        Returns
        -------
        final
            Whether none can follow it.
        """
        self._acks.append(ackcmd)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
        return ackcmd.ack in _DONE

    async def next_ackcmd(self, timeout: float, wait_done: bool) -> AckCmdDataType:
        """Wait for an acknowledgement.

        Parameters
        ----------
        timeout
            Time limit (s); each CMD_INPROGRESS adds the time that it carries.
        wait_done
            Wait for the final acknowledgement? Else for the next one.

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
