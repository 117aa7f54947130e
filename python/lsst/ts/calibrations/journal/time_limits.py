"""Time limits of the configuration that ended a run."""

from __future__ import annotations

from ..config.schema import defaults, load_schema
from .record import RunRecord

__all__ = ["limits_too_short"]


def limits_too_short(record: RunRecord) -> list[str]:
    """Name the limits that were over and are shorter than by default: a resumed run has the same ones.

    Parameters
    ----------
    record
        Of a run.

    Returns
    -------
    limits
        Each with its value and its default.
    """
    if (configured := record.configured) is None:
        return []
    standard = defaults(load_schema(configured.instrument))
    return [
        f"{option}: {limit:g}, by default {standard[option]:g}"
        for option in ("oods_timeout", "job_timeout")
        if option in record.limits_over
        and (limit := configured.config.get(option, standard[option])) < standard[option]
    ]
