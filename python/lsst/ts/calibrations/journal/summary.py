"""summary.json: the whole run for programs."""

from __future__ import annotations

import importlib.metadata
import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..config.config import CalibrationConfig
from ..domain.instruments import ImageType, Instrument
from ..domain.tai import iso_tai
from .facts import Fact
from .record import ExposureRecord, JobRecord, RunRecord
from .settings import RunSettings
from .time_limits import limits_too_short

__all__ = ["SUMMARY", "brief_reason", "failed_logs", "is_used", "make_summary", "write_summary"]

SUMMARY = "summary.json"
"""Name of the summary in the run directory."""

# Fields of facts that are keys of the summary.
VERDICT = (
    *("passed", "complete", "verification_collection", "generation_collection"),
    *("failures", "thresholds", "n_failed", "n_tests"),
)
CERTIFIED = ("dataset_type", "collection", "begin", "end", "verified")
NOT_DONE = ("step", "reason")
_ENCODER = json.JSONEncoder(allow_nan=False)
# Packages whose versions a result depends on.
PACKAGES = ("ts-calibrations", "lsst-daf-butler", "lsst-pipe-base", "lsst-ctrl-mpexec", "numpy", "astropy")


def make_summary(
    record: RunRecord,
    settings: RunSettings,
    instrument: Instrument,
    *,
    script: str,
    state: str,
    reason: str,
    config: CalibrationConfig | None,
    started: float,
    ended: float,
) -> dict[str, Any]:
    """Put a run together for programs; keys may be added to it, and none changes.

    Parameters
    ----------
    record, settings, instrument
        What is known of the run, its place and kind, and the instrument that took its images.
    script, state, reason
        Name, final state and its reason.
    config
        None if the configuration was refused.
    started, ended
        TAI unix seconds.

    Returns
    -------
    summary
        JSON-safe; values that are not finite are None.
    """
    repository = settings.repository or (None if config is None else config.repo)
    wait = 0.0 if config is None else config.wait_between_exposures
    summary = {
        "script": script,
        "state": state,
        "reason": reason,
        "simulated": settings.simulated,
        "seed": settings.seed,
        "scale": settings.scale,
        "date": settings.date,
        "repo": None if repository is None else str(repository),
        "versions": {name: _version(name) for name in PACKAGES},
        "started": iso_tai(started),
        "ended": iso_tai(ended),
        "config": {} if config is None else config.as_dict(),
        "exposures": [_exposure(exposure) for exposure in record.exposures.values()],
        "jobs": [_job(job, started) for job in record.jobs.values()],
        "verification": {name: _fields(verdict, VERDICT) for name, verdict in record.verdicts.items()},
        "certified": [
            _fields(each, (*CERTIFIED, *(["known_bad"] if each.known_bad else [])))
            for each in record.certified
        ],
        "gains": list(record.gains),
        "not_done": [
            _fields(each, (*NOT_DONE, *(["lasting"] if each.lasting else []))) for each in record.not_done
        ],
        "timeline": _timeline(record, instrument, wait, ended - started),
        "left_out": [
            {"calibration": fact.calibration, "exposure": int(exposure), "reason": reason}
            for fact in record.left_out.values()
            for exposure, reason in fact.left_out.items()
        ],
        "known_bad_amplifiers": _known_bad(record),
        "tests": [{"calibration": name, **row} for name, rows in record.tests.items() for row in rows],
        "curves": list(record.curves),
        "faults": list(dict.fromkeys([*record.faults, *settings.faults])),
        "time_limits_too_short": limits_too_short(record),
    }
    return dict(_finite(summary))


def write_summary(summary: Mapping[str, Any], folder: Path) -> None:
    """Write summary.json into a run directory; readers never see half of it.

    Parameters
    ----------
    summary, folder
        As `make_summary` gives it, and the run directory.
    """
    part = folder / f"{SUMMARY}.part"
    keys = ",\n".join(f" {json.dumps(name)}: {_text(value)}" for name, value in summary.items())
    part.write_text(f"{{\n{keys}\n}}\n", encoding="utf-8")
    part.replace(folder / SUMMARY)


def _text(value: Any) -> str:
    """The value of a key; an element of a list has one line, since json takes ten times longer to indent."""
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(map(_ENCODER.encode, value)) + "\n ]"
    return json.dumps(value, indent=1, allow_nan=False).replace("\n", "\n ")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _known_bad(record: RunRecord) -> list[Mapping[str, Any]]:
    """Amplifiers that were left out of any verdict; healthy are those that look so in all of them."""
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for each in (row for verdict in record.verdicts.values() for row in verdict.known_bad):
        key = each["detector"], each["amplifier"], each["source"]
        healthy = each["looks_healthy"] and found.get(key, each)["looks_healthy"]
        found[key] = {**each, "looks_healthy": healthy}
    return list(found.values())


def _fields(fact: Fact, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in names}


def _exposure(exposure: ExposureRecord) -> dict[str, Any]:
    return {
        **_fields(exposure.taken, ("id", "obs_id", "image_type", "exp_time")),
        "physical_filter": exposure.physical_filter,
        "discarded": exposure.taken.discarded,
        "ingested": exposure.ingested,
        "files": list(exposure.files),
        **({"lost": True} if exposure.lost else {}),
    }


def brief_reason(summary: Mapping[str, Any]) -> str:
    """Reason of a state for people: without ids and logs of jobs, which the summary has elsewhere.

    Parameters
    ----------
    summary
        That of a run, also of an earlier version.

    Returns
    -------
    reason : str
    """
    reason: str = summary["reason"].removeprefix("Error in run: ")
    for each in summary.get("jobs", ()):
        reason = reason.replace(f", its log: {each['log']}", "").replace(f" (job {each['job_id']})", "")
    return reason


def failed_logs(summary: Mapping[str, Any]) -> list[str]:
    """Paths of the logs of the jobs that failed.

    Parameters
    ----------
    summary
        That of a run, also of an earlier version.

    Returns
    -------
    logs
        In the order of the jobs.
    """
    return [each["log"] for each in summary.get("jobs", ()) if each["exit_code"] and each["log"]]


def is_used(exposure: Mapping[str, Any]) -> bool:
    """Tell whether an exposure of a summary is one that the run uses.

    Parameters
    ----------
    exposure
        As ``exposures`` of ``summary.json`` has it.

    Returns
    -------
    used
        Whether it is ingested, was not taken to be discarded, and is not lost.
    """
    return bool(exposure["ingested"] and not exposure["discarded"] and not exposure.get("lost"))


def _job(job: JobRecord, started: float) -> dict[str, Any]:
    return {
        **_fields(job.submitted, ("job_id", "kind", "calibration", "pipeline", "config", "data_query")),
        "exit_code": job.exit_code,
        **_fields(job.submitted, ("collection", "log")),
        "started": round(job.submitted.time - started, 3),
        "ended": None if job.ended is None else round(job.ended - started, 3),
    }


def _timeline(record: RunRecord, instrument: Instrument, wait: float, duration: float) -> dict[str, float]:
    """Seconds: open shutter or integration, readout, the least possible, and what it really took.

    What lies between the parts of a run that was resumed counts nowhere.
    """
    exposures = list(record.exposures.values())
    integration = sum(each.taken.exp_time for each in exposures)
    readout = instrument.readout_time * len(exposures)
    shutter = instrument.shutter_time * sum(each.taken.image_type == ImageType.FLAT for each in exposures)
    series = _series(record)
    waits = wait * sum(len(each) - 1 for each in series)
    gaps = sum(later.begin - earlier.end for earlier, later in pairwise(record.parts))
    timeline = {
        "open": integration,
        "readout": readout,
        "floor": integration + readout + shutter + waits,
        "acquisition": sum(map(_duration, series)),
        "total": duration - gaps,
    }
    return {name: round(seconds, 3) for name, seconds in timeline.items()}


def _series(record: RunRecord) -> list[list[ExposureRecord]]:
    """Exposures that followed each other without an interruption of the run."""
    begins = [part.begin for part in record.parts[1:]]
    series: dict[int, list[ExposureRecord]] = {}
    for exposure in record.exposures.values():
        series.setdefault(sum(exposure.taken.begun >= begin for begin in begins), []).append(exposure)
    return list(series.values())


def _duration(exposures: Sequence[ExposureRecord]) -> float:
    """Seconds from the first takeImages to the last endReadout."""
    ends = [each.readout_ended for each in exposures if each.readout_ended is not None]
    return max(ends) - min(each.taken.begun for each in exposures) if ends else 0.0


def _finite(value: Any) -> Any:
    """Replace values that are not finite, wherever they are, by None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):  # most values of hundreds of thousands
        return value
    if isinstance(value, dict | Mapping):  # dict first: to ask an abstract class takes long
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
