"""TAI seconds as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["day_obs", "iso_tai"]


def day_obs(seconds: float) -> int:
    """Observing day, YYYYMMDD, of TAI unix seconds: the TAI date twelve hours before."""
    return int((datetime.fromtimestamp(seconds, UTC) - timedelta(hours=12)).strftime("%Y%m%d"))


def iso_tai(seconds: float) -> str:
    """ISO 8601 text, to the millisecond, of TAI unix seconds.

    Notes
    -----
    The calendar of ``datetime`` counts no leap seconds, as TAI does not; its ``UTC`` here only keeps the
    local time zone out.
    """
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
