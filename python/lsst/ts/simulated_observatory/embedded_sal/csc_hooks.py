"""What a CSC does before and after a change of its summary state."""

from __future__ import annotations

from .controller import Controller
from .messages import BaseMsgType

__all__ = ["CscHooks"]


class CscHooks(Controller):
    """The methods that a CSC overrides to act on the commands that change its summary state.

    ``begin_<command>`` is called in the old state and ``end_<command>`` in the new one, before the command
    is acknowledged. An exception leaves the component in the old state, or brings it back there.
    """

    async def begin_start(self, data: BaseMsgType) -> None:
        """Before STANDBY becomes DISABLED."""

    async def end_start(self, data: BaseMsgType) -> None:
        """After STANDBY became DISABLED."""

    async def begin_enable(self, data: BaseMsgType) -> None:
        """Before DISABLED becomes ENABLED."""

    async def end_enable(self, data: BaseMsgType) -> None:
        """After DISABLED became ENABLED."""

    async def begin_disable(self, data: BaseMsgType) -> None:
        """Before ENABLED becomes DISABLED."""

    async def end_disable(self, data: BaseMsgType) -> None:
        """After ENABLED became DISABLED."""

    async def begin_standby(self, data: BaseMsgType) -> None:
        """Before DISABLED or FAULT becomes STANDBY."""

    async def end_standby(self, data: BaseMsgType) -> None:
        """After DISABLED or FAULT became STANDBY."""

    async def begin_exitControl(self, data: BaseMsgType) -> None:  # noqa: N802
        """Before STANDBY becomes OFFLINE."""

    async def end_exitControl(self, data: BaseMsgType) -> None:  # noqa: N802
        """After STANDBY became OFFLINE."""
