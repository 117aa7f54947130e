"""Facts of a run: what the journal keeps and the summary is made from."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

# Number that no time or duration reaches: the seconds from 1970 to the year 10000.
NUMBER_LIMIT = 253_402_300_800.0


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened in a run."""

    kinds: ClassVar[dict[str, type[Fact]]] = {}

    time: float
    """TAI unix seconds."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Fact.kinds[cls.__name__] = cls

    def as_dict(self) -> dict[str, Any]:
        """The kind of fact and all fields, JSON-safe; without those that may be empty, and are.

        The values are those of the fact itself: copies of all results of a large camera took seconds.
        """
        values = {each: getattr(self, each.name) for each in dataclasses.fields(self)}
        given = {each.name: value for each, value in values.items() if not each.default == () == value}
        return {"fact": type(self).__name__} | given


@dataclass(frozen=True, kw_only=True)
class RunConfigured(Fact):
    """The script accepted its configuration: all that is needed to do the same once more.

    Parameters
    ----------
    format
        Of the journal.
    script, instrument
        Their names.
    text, config
        The configuration as the operator gave it, and all options, defaults included.
    simulated, repository, seed, scale, date, collections
        As of `~lsst.ts.calibrations.journal.settings.RunSettings`.
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
class FaultsInjected(Fact):
    """From now on something goes wrong on purpose: the observatory is simulated."""

    faults: tuple[str, ...]
    """As they were asked for."""


@dataclass(frozen=True, kw_only=True)
class ExposureBegun(Fact):
    """The camera is about to be commanded to take an exposure; what became of it is another fact."""

    group_id: str
    """Group that no other exposure has."""
    image_type: str
    """Type of the image."""
    exp_time: float
    """Exposure time [s]."""
    position: int
    """Place among the images of its type, from 1; an exposure that is taken again has the same one."""
    discarded: bool
    """Whether it is taken first and not used."""


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
    """The camera has read out an exposure (endReadout)."""

    id: int
    """Exposure id."""


@dataclass(frozen=True, kw_only=True)
class ExposureConfirmed(Fact):
    """The OODS has ingested every detector that the run uses."""

    id: int
    """Exposure id."""
    physical_filter: str | None
    """Filter and grating as the Butler names them; None if it does not know the exposure."""
    files: tuple[str, ...]
    """Paths or addresses of the raws."""


@dataclass(frozen=True, kw_only=True)
class ExposureLost(Fact):
    """An exposure that was taken before the run was resumed is nowhere to be found."""

    id: int
    """Exposure id."""
    reason: str
    """Where it was looked for."""


@dataclass(frozen=True, kw_only=True)
class JobSubmitted(Fact):
    """The OCPS accepted a job.

    Parameters
    ----------
    job_id
        Id that the OCPS gave it.
    kind, calibration, pipeline, config, data_query
        As of `~lsst.ts.calibrations.domain.jobs.JobRequest`.
    collection, log
        Collection of its results, and path of its log.
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
    """A job ended."""

    job_id: str
    """Id of the job."""
    exit_code: int | None
    """Exit code of pipetask; None when it never became known."""


@dataclass(frozen=True, kw_only=True)
class TimeLimitOver(Fact):
    """What was waited for did not come in the time that the configuration gives it, and nothing said why."""

    option: str
    """That sets the limit: ``oods_timeout`` or ``job_timeout``."""


@dataclass(frozen=True, kw_only=True)
class CalibrationMade(Fact):
    """A job left combined calibrations: these datasets of the Butler and no others may be certified."""

    calibration: str
    """Name of the type."""
    collection: str
    """Collection of the job."""
    datasets: tuple[str, ...]
    """Ids of the datasets, sorted."""


@dataclass(frozen=True, kw_only=True)
class ExposuresLeftOut(Fact):
    """A job did not use all exposures for what it made, or some of them are odd."""

    calibration: str
    """Name of the type."""
    collection: str
    """Collection of the job."""
    left_out: Mapping[str, str]
    """Why they were not used, by exposure id."""
    odd: Mapping[str, str]
    """What is odd in exposures that were used, by exposure id."""


@dataclass(frozen=True, kw_only=True)
class VerdictGiven(Fact):
    """The verification of one type of calibration was judged.

    Parameters
    ----------
    calibration
        Name of the type.
    passed, complete, failures, thresholds, n_failed, n_tests
        As of `~lsst.ts.calibrations.verification.Verdict`; exposure ids are texts.
    known_bad
        Amplifiers that were left out, as ``summary.json`` has them.
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
    known_bad: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutcomesRead(Fact):
    """The outcomes of the tests of a verification, on which the verdict is given."""

    calibration: str
    """Name of the type."""
    collection: str
    """Collection of the job."""
    tests: tuple[Mapping[str, Any], ...]
    """As ``summary.json`` has them: those that failed alone, if there are very many, and not all of these
    if they are very many, too."""


@dataclass(frozen=True, kw_only=True)
class CurvesMeasured(Fact):
    """Photon transfer curves were measured."""

    collection: str
    """Collection of the job."""
    curves: tuple[Mapping[str, Any], ...]
    """As ``summary.json`` has them: one for each detector and amplifier."""


@dataclass(frozen=True, kw_only=True)
class GainsMeasured(Fact):
    """Gains were estimated from pairs of flats."""

    gains: tuple[Mapping[str, Any], ...]
    """As ``summary.json`` has them: one for each pair, detector and amplifier."""


@dataclass(frozen=True, kw_only=True)
class Certified(Fact):
    """Combined calibrations of one type were certified and read back."""

    dataset_type: str
    """E.g. ``bias``."""
    collection: str
    """CALIBRATION collection."""
    begin: str
    """Begin of the validity range, ISO TAI."""
    end: str
    """Its end."""
    verified: bool
    """Whether verification accepted them."""
    known_bad: tuple[str, ...] = ()
    """Amplifiers that verification left out, e.g. ``RXX_S00 C05``."""


@dataclass(frozen=True, kw_only=True)
class StepNotDone(Fact):
    """A step that was asked for did not happen, or not completely."""

    step: str
    """Its name, e.g. ``verify BIAS``."""
    reason: str
    """What happened."""
    follows: bool = False
    """Whether the reason is only that another step was not done, or that the images are not there."""
    lasting: tuple[str, ...] = ()
    """What a resumed run would find again, as clauses."""


@dataclass(frozen=True, kw_only=True)
class RunEnded(Fact):
    """The run came to its end."""

    state: str
    """Last state of the script."""
    reason: str
    """Reason of that state."""


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
    hints = _hints(kind.__name__)
    try:
        return kind(**{name: _adopted(name, value, hints.get(name, Any)) for name, value in fields.items()})
    except TypeError as error:
        raise ValueError(f"a {kind.__name__} has other fields: {error}") from error


@cache
def _hints(kind: str) -> dict[str, Any]:
    """Types of the fields of a kind of fact."""
    return typing.get_type_hints(Fact.kinds[kind])


def _adopted(name: str, value: Any, wanted: Any) -> Any:
    """A value of JSON as the field wants it: lists become tuples; TypeError if it is of another type."""
    if not _fits(value, wanted):
        raise TypeError(f"{name} is {value!r:.40}")
    return tuple(value) if typing.get_origin(wanted) is tuple else value


def _fits(value: Any, wanted: Any) -> bool:
    """Whether a value has a type: a plain one, Any, a mapping, a tuple of one type, or a union of these."""
    if wanted is Any:
        return True
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, (list, tuple)) and all(_fits(each, arguments[0]) for each in value)
    if origin is not None:  # a mapping
        return isinstance(value, Mapping) and all(_fits(each, arguments[1]) for each in value.values())
    if wanted is float:  # JSON writes 5.0 as it was given, and a whole number of seconds is a time, too
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
