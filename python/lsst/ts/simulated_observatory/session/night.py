"""The night that is simulated: its date where none is given, and when it begins."""

from __future__ import annotations

from datetime import UTC, date, datetime

from lsst.ts.calibrations.config.config import CalibrationConfig

__all__ = ["afternoon", "usual_night"]

DEFAULT_NIGHT = date(2025, 1, 15)
"""Date of the simulated night; never today's, so that a seed always gives the same exposure ids."""

FIRST_NIGHT = date(1970, 1, 2)
"""A validity range may begin earlier; images cannot, since the Butler tells no times before 1970."""

HOUR = 18
"""TAI hour at which a run begins: the afternoon in Chile, when calibrations are taken."""


def afternoon(night: date) -> float:
    """When the first run of a night begins (TAI unix seconds)."""
    return datetime(night.year, night.month, night.day, HOUR, tzinfo=UTC).timestamp()


def usual_night(config: CalibrationConfig | None) -> date:
    """Date of the simulated night: one in the validity range if calibrations are to be certified.

    Parameters
    ----------
    config
        What the script was asked for; None if it will refuse its configuration.
    """
    usual = datetime(DEFAULT_NIGHT.year, DEFAULT_NIGHT.month, DEFAULT_NIGHT.day, HOUR)
    if config is None or not config.generate_calibrations or config.is_valid_at(usual):
        return DEFAULT_NIGHT
    return max(config.certify_begin.date(), FIRST_NIGHT)
