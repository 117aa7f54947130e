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
    """The camera is about to be told to take an exposure; what became of it is another fact."""

    group_id: str
    image_type: str
    exp_time: float
    position: int
    """Place among the images of its type, from 1; an exposure that is taken again has the same one."""
    discarded: bool


@dataclass(frozen=True, kw_only=True)
class ExposureTaken(Fact):
    """The camera ended the integration of an exposure."""

    id: int
    obs_id: str
    image_type: str
    exp_time: float
    position: int
    discarded: bool
    begun: float
    """When takeImages was sent, TAI unix seconds."""


@dataclass(frozen=True, kw_only=True)
class ReadoutEnded(Fact):
    """The camera has read out an exposure (endReadout)."""

    id: int


@dataclass(frozen=True, kw_only=True)
class ExposureConfirmed(Fact):
    """The OODS has ingested every detector that the run uses."""

    id: int
    physical_filter: str | None
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ExposureLost(Fact):
    """An exposure that was taken before the run was resumed is nowhere to be found."""

    id: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class JobSubmitted(Fact):
    """The OCPS accepted a job."""

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
    """A job ended; ``exit_code`` is None when that never became known."""

    job_id: str
    exit_code: int | None


@dataclass(frozen=True, kw_only=True)
class CalibrationMade(Fact):
    """A job left combined calibrations: these datasets of the Butler and no others may be certified."""

    calibration: str
    collection: str
    datasets: tuple[str, ...]
    """Ids of the datasets, sorted."""


@dataclass(frozen=True, kw_only=True)
class VerdictGiven(Fact):
    """The verification of one type of calibration was judged."""

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
    """Gains were estimated from pairs of flats."""

    gains: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Certified(Fact):
    """Combined calibrations of one type were certified and read back."""

    dataset_type: str
    collection: str
    begin: str
    end: str
    verified: bool


@dataclass(frozen=True, kw_only=True)
class StepNotDone(Fact):
    """A step that was asked for did not happen, or not completely."""

    step: str
    reason: str
    follows: bool = False
    """Whether the reason is only that another step was not done, or that the images are not there."""


@dataclass(frozen=True, kw_only=True)
class RunEnded(Fact):
    """The run came to its end."""

    state: str
    reason: str


def fact_from_dict(values: Mapping[str, Any]) -> Fact:
    """Make a fact from what `Fact.as_dict` gave.

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
