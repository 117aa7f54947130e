"""Facts of a run: what the journal keeps and the summary is made from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .json_types import adopt

__all__ = [
    "CalibrationMade",
    "Certified",
    "ExposureBegun",
    "ExposureConfirmed",
    "ExposureLost",
    "ExposureTaken",
    "Fact",
    "GainsMeasured",
    "JobEnded",
    "JobSubmitted",
    "ReadoutEnded",
    "RunConfigured",
    "RunEnded",
    "RunResumed",
    "StepNotDone",
    "VerdictGiven",
    "fact_from_dict",
]


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened in a run.

    Parameters
    ----------
    time
        When, TAI unix seconds.
    """

    kinds: ClassVar[dict[str, type[Fact]]] = {}

    time: float

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Fact.kinds[cls.__name__] = cls

    def as_dict(self) -> dict[str, Any]:
        """All fields and the kind of fact, JSON-safe."""
        return {"fact": type(self).__name__, **dataclasses.asdict(self)}


@dataclass(frozen=True, kw_only=True)
class RunConfigured(Fact):
    """The script accepted its configuration: all that is needed to do the same once more.

    Parameters
    ----------
    format
        Of the journal.
    script, instrument
        Their names.
    text
        The configuration as the operator gave it.
    config
        All options, defaults included.
    simulated
        Whether the observatory is simulated.
    repository, seed, scale, date, collections
        As `~lsst.ts.calibrations.journal.settings.RunSettings`.
    """

    format: int
    script: str
    instrument: str
    text: str
    config: Mapping[str, Any]
    simulated: bool
    repository: str | None
    seed: int | None
    scale: int | None
    date: str | None
    collections: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunResumed(Fact):
    """The run goes on after it was killed, stopped or failed."""


@dataclass(frozen=True, kw_only=True)
class ExposureBegun(Fact):
    """The camera is about to be told to take an exposure; what became of it is another fact.

    Parameters
    ----------
    group_id
        Group that no other exposure has.
    image_type, exp_time
        Type of the image, and its exposure time [s].
    position
        Place among the images of its type, from 1; an exposure that is taken again has the same one.
    discarded
        Whether it is taken first and not used.
    """

    group_id: str
    image_type: str
    exp_time: float
    position: int
    discarded: bool


@dataclass(frozen=True, kw_only=True)
class ExposureTaken(Fact):
    """The camera ended the integration of an exposure.

    Parameters
    ----------
    id, obs_id
        Exposure id and image name.
    image_type, exp_time, position, discarded
        As of `ExposureBegun`.
    begun
        When takeImages was sent, TAI unix seconds.
    """

    id: int
    obs_id: str
    image_type: str
    exp_time: float
    position: int
    discarded: bool
    begun: float


@dataclass(frozen=True, kw_only=True)
class ReadoutEnded(Fact):
    """The camera has read out an exposure (endReadout).

    Parameters
    ----------
    id
        Exposure id.
    """

    id: int


@dataclass(frozen=True, kw_only=True)
class ExposureConfirmed(Fact):
    """The OODS has ingested every detector that the run uses.

    Parameters
    ----------
    id
        Exposure id.
    physical_filter
        Filter and grating as the Butler names them; None if it does not know the exposure.
    files
        Paths or addresses of the raws.
    """

    id: int
    physical_filter: str | None
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ExposureLost(Fact):
    """An exposure that was taken before the run was resumed is nowhere to be found.

    Parameters
    ----------
    id
        Exposure id.
    reason
        Where it was looked for.
    """

    id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobSubmitted(Fact):
    """The OCPS accepted a job.

    Parameters
    ----------
    job_id
        Id that the OCPS gave it.
    kind, calibration, pipeline, config, data_query
        As of `~lsst.ts.calibrations.domain.jobs.JobRequest`.
    collection
        Collection of its results.
    log
        Path of its log.
    """

    job_id: str
    kind: str
    calibration: str
    pipeline: str
    config: str
    data_query: str
    collection: str
    log: str


@dataclass(frozen=True, kw_only=True)
class JobEnded(Fact):
    """A job ended; ``exit_code`` is None when that never became known.

    Parameters
    ----------
    job_id
        Id of the job.
    exit_code
        Exit code of pipetask.
    """

    job_id: str
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class CalibrationMade(Fact):
    """A job left combined calibrations: these datasets of the Butler and no others may be certified.

    Parameters
    ----------
    calibration
        Name of the type.
    collection
        Collection of the job.
    datasets
        Ids of the datasets, sorted.
    """

    calibration: str
    collection: str
    datasets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class VerdictGiven(Fact):
    """The verification of one type of calibration was judged.

    Parameters
    ----------
    calibration
        Name of the type.
    passed, complete, failures, thresholds, n_failed, n_tests
        As of `~lsst.ts.calibrations.verification.Verdict`; exposure ids are texts.
    verification_collection, generation_collection
        Where the results are, and what this run made and verified; None if it made nothing.
    """

    calibration: str
    passed: bool
    complete: bool
    verification_collection: str
    generation_collection: str | None
    failures: Mapping[str, Mapping[str, int]]
    thresholds: Mapping[str, int]
    n_failed: int
    n_tests: int | None


@dataclass(frozen=True, kw_only=True)
class GainsMeasured(Fact):
    """Gains were estimated from pairs of flats.

    Parameters
    ----------
    gains
        As ``summary.json`` has them: one for each pair, detector and amplifier.
    """

    gains: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Certified(Fact):
    """Combined calibrations of one type were certified and read back.

    Parameters
    ----------
    dataset_type, collection
        Type and CALIBRATION collection.
    begin, end
        Validity range, ISO TAI.
    verified
        Whether verification accepted them.
    """

    dataset_type: str
    collection: str
    begin: str
    end: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class StepNotDone(Fact):
    """A step that was asked for did not happen, or not completely.

    Parameters
    ----------
    step
        Its name, e.g. ``verify BIAS``.
    reason
        What happened.
    follows
        Whether the reason is only that another step was not done, or that the images are not there.
    """

    step: str
    reason: str
    follows: bool = False


@dataclass(frozen=True, kw_only=True)
class RunEnded(Fact):
    """The run came to its end.

    Parameters
    ----------
    state, reason
        Last state of the script, and its reason.
    """

    state: str
    reason: str


def fact_from_dict(values: Mapping[str, Any]) -> Fact:
    """Make a fact from what `Fact.as_dict` gave.

    Parameters
    ----------
    values
        All fields and the kind of fact.

    Returns
    -------
    fact
        A fact that is equal to the first one.

    Raises
    ------
    ValueError
        There is no such kind of fact, or its fields are others or of another type.
    """
    if not isinstance(values, Mapping):
        raise ValueError(f"{values!r:.40} is no fact")
    fields = dict(values)
    kind = Fact.kinds.get(str(fields.pop("fact", None)))
    if kind is None:
        raise ValueError(f"{values.get('fact')!r} is no kind of fact; known are {', '.join(Fact.kinds)}")
    try:
        return kind(**adopt(fields, kind))
    except TypeError as error:
        raise ValueError(f"a {kind.__name__} has other fields: {error}") from error
