"""What a component that did not do what it was told says to an operator."""

from __future__ import annotations

from .sal import salobj

__all__ = ["words"]


def words(error: BaseException) -> str:
    """What an error says: of a refused command its result, and not all that SAL knows of it.

    Parameters
    ----------
    error
        Whatever a client of a component has raised.
    """
    if isinstance(error, salobj.AckError):
        return str(error.ackcmd.result or error.args[0])
    return str(error)
