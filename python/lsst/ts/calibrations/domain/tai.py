"""TAI seconds as text."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["iso_tai"]


def iso_tai(seconds: float) -> str:
    """Write a time as ISO 8601 text, to the millisecond.

    Parameters
    ----------
    seconds
        TAI unix seconds.

    Returns
    -------
    text
        TAI, without a time zone.
    """
    # The calendar of datetime counts no leap seconds, as TAI does not; UTC keeps the local time zone out.
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
