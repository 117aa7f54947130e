"""What a component that did not do what it was told says to an operator."""

from __future__ import annotations

from lsst.ts import salobj

from ..domain.text import one_line

__all__ = ["words"]


def words(error: BaseException) -> str:
    """What an error says, on one line: of a refused command its result, and not all that SAL knows of it.

    Parameters
    ----------
    error
        Whatever a client of a component has raised.
    """
    if isinstance(error, salobj.AckError):
        return one_line(error.ackcmd.result or error.args[0])
    return one_line(error)
