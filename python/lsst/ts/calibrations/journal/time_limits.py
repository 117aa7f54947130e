"""Time limits of the configuration that ended a run."""

from __future__ import annotations

from ..config.schema import defaults, load_schema
from .record import RunRecord

__all__ = ["limits_too_short"]


def limits_too_short(record: RunRecord, ended: float) -> list[str]:
    """Name the limits that were over and are shorter than by default: a resumed run has the same ones.

    Parameters
    ----------
    record, ended
        Of a run, and when it ended, TAI unix seconds.

    Returns
    -------
    limits
        Each with its value and its default.
    """
    configured = record.configured
    if configured is None:
        return []
    waits = {
        "oods_timeout": [
            ended - each.readout_ended
            for each in record.exposures.values()
            if each.readout_ended is not None and not (each.ingested or each.lost)
        ],
        "job_timeout": [
            job.ended - job.submitted.time
            for job in record.jobs.values()
            if job.exit_code is None and job.ended is not None
        ],
    }
    standard = defaults(load_schema(configured.instrument))
    return [
        f"{option}: {limit:g}, by default {standard[option]:g}"
        for option, seconds in waits.items()
        if (limit := configured.config.get(option, standard[option])) < standard[option]
        and max(seconds, default=0.0) >= limit
    ]
