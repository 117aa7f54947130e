"""The reason of an error of the batch system, for one line of a message or a log."""

from __future__ import annotations

__all__ = ["LONGEST_REASON", "reason_in_one_line"]

LONGEST_REASON = 500
"""Characters of a reason."""


def reason_in_one_line(error: BaseException) -> str:
    """Say of what kind an error is, and what it says.

    Parameters
    ----------
    error
        Of the batch system, or of a library below it.

    Returns
    -------
    reason
        At most `LONGEST_REASON` characters.
    """
    return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_REASON]
