"""Errors of commands."""

from __future__ import annotations

from .enums import SalRetCode
from .messages import AckCmdDataType

__all__ = ["AckError", "AckTimeoutError", "ExpectedError"]


class AckError(Exception):
    """A command failed.

    Parameters
    ----------
    msg, ackcmd
        What happened, and the last acknowledgement of the command.
    """

    def __init__(self, msg: str, ackcmd: AckCmdDataType) -> None:
        super().__init__(msg)
        self.ackcmd = ackcmd

    def __str__(self) -> str:
        ack = self.ackcmd
        code = SalRetCode(ack.ack)
        return (
            f"msg={self.args[0]!r}, ackcmd=(ackcmd private_seqNum={ack.private_seqNum}, "
            f"ack={code!r}, error={ack.error}, result={ack.result!r})"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class AckTimeoutError(AckError):
    """A command was not acknowledged in time; ``ackcmd.ack`` is CMD_NOACK if it never was."""


class ExpectedError(Exception):
    """An error that needs no traceback, e.g. a command that the present state does not allow."""
