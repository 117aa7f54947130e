"""Certification: combined calibrations get a validity range in a CALIBRATION collection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..domain.config_rules import BEGIN_OF_TIME, END_OF_TIME
from ..domain.errors import CertificationError
from ..verification import Accepted
from ..verification.waiver import Waiver

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import Butler, DatasetRef, Timespan

__all__ = ["Certification", "Conflict", "certify", "find_conflicts"]


@dataclass(frozen=True)
class Certification:
    """What is to be certified, and on what ground.

    Parameters
    ----------
    ground
        The acceptance by verification, or an operator's waiver; it names the one collection to certify from.
    dataset_type
        ``bias``, ``dark``, ``flat``, ``defects`` or ``ptc``.
    detectors
        Butler ids of the detectors that there must be a calibration for.
    collection
        CALIBRATION collection; made if it is not there.
    begin, end
        Validity range, TAI.
    """

    ground: Accepted | Waiver
    dataset_type: str
    detectors: tuple[int, ...]
    collection: str
    begin: datetime
    end: datetime

    @property
    def verified(self) -> bool:
        """Whether verification accepted it."""
        return isinstance(self.ground, Accepted)


@dataclass(frozen=True)
class Conflict:
    """A validity range that is taken already.

    Parameters
    ----------
    dataset_type, collection
        Of what is certified there.
    begin, end
        Its validity range, ISO TAI; in words where it has no bound.
    """

    dataset_type: str
    collection: str
    begin: str
    end: str


def find_conflicts(
    butler: Butler,
    *,
    instrument: str,
    dataset_types: Collection[str],
    detectors: Collection[int],
    collection: str,
    begin: datetime,
    end: datetime,
    own: Collection[str] = (),
) -> list[Conflict]:
    """Find calibrations whose validity overlaps with a range.

    Parameters
    ----------
    butler
        Repository.
    instrument, dataset_types, detectors
        Of what is to be certified.
    collection
        CALIBRATION collection to certify in.
    begin, end
        Validity range, TAI.
    own
        RUN collections whose calibrations are no conflict if they have exactly this range: those that the run
        itself has made, and certified before it was interrupted.

    Raises
    ------
    CertificationError
        The collection is of another kind: nothing can be certified there.
    """
    from lsst.daf.butler import CollectionType, MissingCollectionError

    try:
        kind = butler.collections.get_info(collection).type
    except MissingCollectionError:
        return []
    if kind is not CollectionType.CALIBRATION:
        raise CertificationError(
            f"{collection} is a {kind.name} collection; only a CALIBRATION collection can be certified in",
            advice="Choose another calib_collection.",
        )
    wanted = _timespan(begin, end)
    found = {
        Conflict(name, collection, *_range(timespan))
        for name in dataset_types
        for ref, timespan in _certified(butler, name, collection)
        if timespan.overlaps(wanted)
        and ref.dataId["instrument"] == instrument
        and ref.dataId["detector"] in detectors
        and not (ref.run in own and timespan == wanted)
    }
    return sorted(found, key=lambda conflict: (conflict.dataset_type, conflict.begin))


def certify(butler: Butler, wish: Certification) -> int:
    """Certify the calibrations of one type, all or none, and read back what was certified.

    Parameters
    ----------
    butler
        Writeable.
    wish
        What, where and on what ground.

    Returns
    -------
    n
        How many datasets; 0 if exactly these were certified with this range before.

    Raises
    ------
    CertificationError
        A detector has no calibration, the range conflicts with another, or what is read back differs.
        Nothing of this type was certified, unless the message says otherwise.
    """
    from lsst.daf.butler import CollectionType
    from lsst.daf.butler.registry import ConflictingDefinitionError

    refs = _refs(butler, wish)
    timespan = _timespan(wish.begin, wish.end)
    butler.collections.register(wish.collection, CollectionType.CALIBRATION)
    if _read_back(butler, wish, timespan) == set(refs.values()):
        return 0
    try:
        butler.registry.certify(wish.collection, refs.values(), timespan)
    except ConflictingDefinitionError as error:
        raise CertificationError(
            f"{wish.dataset_type} was not certified in {wish.collection}: another one is valid already at"
            f" some time in the range from {_words(timespan)}",
            kept=f"The calibrations are kept in {wish.ground.collection}.",
            advice="Choose another calib_collection or validity range.",
        ) from error
    if not set(refs.values()) <= _read_back(butler, wish, timespan):
        raise CertificationError(
            f"{wish.dataset_type} in {wish.collection} reads back differently from what was certified",
            advice="Do not use this collection before someone has looked at it.",
        )
    return len(refs)


def _refs(butler: Butler, wish: Certification) -> Mapping[Any, DatasetRef]:
    """The calibrations to certify, by data ID; one for each detector and nothing else."""
    butler.registry.refresh()
    found = butler.query_datasets(
        wish.dataset_type, collections=f"{wish.ground.collection}/run", find_first=False, explain=False
    )
    refs = {ref.dataId: ref for ref in found}
    detectors = sorted(ref.dataId["detector"] for ref in found)
    if detectors != sorted(wish.detectors):
        raise CertificationError(
            f"{wish.ground.collection} has a {wish.dataset_type} for the detectors {detectors},"
            f" and one for each of {sorted(wish.detectors)} was expected",
            kept="Nothing of this type was certified.",
        )
    return refs


def _certified(butler: Butler, name: str, collection: str) -> Sequence[tuple[DatasetRef, Timespan]]:
    """All datasets of a type in a CALIBRATION collection, with their validity ranges."""
    from lsst.daf.butler import MissingDatasetTypeError

    butler.registry.refresh()
    try:
        dataset_type = butler.get_dataset_type(name)
    except MissingDatasetTypeError:
        return []
    found = butler.registry.queryDatasetAssociations(dataset_type, collections=[collection])
    return [(each.ref, each.timespan) for each in found if each.timespan is not None]


def _read_back(butler: Butler, wish: Certification, timespan: Timespan) -> set[DatasetRef]:
    """What is certified with exactly this validity range."""
    certified = _certified(butler, wish.dataset_type, wish.collection)
    return {ref for ref, valid in certified if valid == timespan}


def _timespan(begin: datetime, end: datetime) -> Timespan:
    """Validity range as the Butler has it: without a bound where it is beyond what the Butler can tell.

    The Butler would come to the same end by itself, but with a warning on the screen for every such date.
    """
    from astropy.time import Time
    from lsst.daf.butler import Timespan

    return Timespan(
        None if begin <= BEGIN_OF_TIME else Time(begin, scale="tai"),
        None if end >= END_OF_TIME else Time(end, scale="tai"),
    )


def _range(timespan: Timespan) -> tuple[str, str]:
    begin, end = timespan.begin, timespan.end
    return (
        f"before {BEGIN_OF_TIME.year}" if begin is None else _time(begin),
        f"after {END_OF_TIME.year}" if end is None else _time(end),
    )


def _time(bound: Time) -> str:
    """A bound of a timespan, ISO TAI."""
    from astropy.time import Time

    return str(Time(bound.tai, precision=3).isot)


def _words(timespan: Timespan) -> str:
    return " to ".join(_range(timespan))
