"""Certification: combined calibrations get a validity range in a CALIBRATION collection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..config.rules import BEGIN_OF_TIME, END_OF_TIME
from ..domain.errors import CertificationError, NoAnswer
from ..verification import Accepted, CombinedCalibration, Waiver, is_sealed
from .repository import Repository, filter_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, Timespan

__all__ = ["Certification", "Certifier", "Conflict", "PlannedCertification"]


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Where calibrations are to be certified, and for when."""

    detectors: tuple[int, ...]
    """Butler ids of the detectors that there must be a calibration for."""
    collection: str
    """CALIBRATION collection; made if it is not there."""
    begin: datetime
    """Begin of the validity range, TAI."""
    end: datetime
    """Its end, TAI."""


@dataclass(frozen=True, kw_only=True)
class Certification(_Target):
    """What is to be certified, and on what ground."""

    ground: Accepted | Waiver
    """The acceptance by verification, or an operator's waiver: it names type, collection and datasets."""

    @property
    def combined(self) -> CombinedCalibration:
        """What may be certified, and nothing else."""
        return self.ground.combined

    @property
    def dataset_type(self) -> str:
        """``bias``, ``dark``, ``flat``, ``defects`` or ``ptc``."""
        return self.combined.dataset_type

    @property
    def verified(self) -> bool:
        """Whether verification accepted it."""
        return isinstance(self.ground, Accepted)


@dataclass(frozen=True, kw_only=True)
class PlannedCertification(_Target):
    """What a run is to certify, before it has made it."""

    dataset_types: tuple[str, ...]
    """``bias``, ``dark``..."""
    physical_filter: str | None = None
    """Of the flats; None if it is not known: then the flats of every filter are a conflict."""
    own: tuple[str, ...] = ()
    """RUN collections whose calibrations are no conflict if they have exactly this range: those that the run
    itself has made, and certified before it was interrupted."""


@dataclass(frozen=True)
class Conflict:
    """A validity range for which there is a calibration already."""

    dataset_type: str
    """Of what is certified there."""
    collection: str
    """Where it is certified."""
    begin: str
    """Begin of its validity range, ISO TAI; in words where it has no bound."""
    end: str
    """Its end."""
    physical_filter: str | None = None
    """Of a flat; None where a type has none."""


@dataclass(frozen=True)
class Certifier:
    """Certifies combined calibrations in a Butler repository without blocking the event loop."""

    repository: Repository
    """Where; that it cannot be read or written to is an ArchiveError."""
    instrument: str
    """Name of the instrument."""

    async def made(self, dataset_type: str, run: str) -> tuple[str, ...]:
        """Find the datasets of a type that a job made.

        Parameters
        ----------
        dataset_type, run
            E.g. ``bias``, and the RUN collection of the job.

        Returns
        -------
        ids
            As the Butler gave them, sorted.
        """
        return await self.repository.call(
            lambda: tuple(sorted(str(ref.id) for ref in _made(self.repository.open(), dataset_type, run)))
        )

    async def conflicts(self, planned: PlannedCertification) -> list[Conflict]:
        """Find calibrations whose validity overlaps with that of what is to be certified.

        Parameters
        ----------
        planned
            What is to be certified; CertificationError if that is not possible in such a collection.

        Returns
        -------
        conflicts
            Sorted by type and begin; none if there is no such collection.
        """
        return await self.repository.call(
            lambda: _conflicts(self.repository.open(), self.instrument, planned)
        )

    async def certify(self, certification: Certification) -> int:
        """Certify the calibrations of one type, all or none, and read back what was certified.

        Parameters
        ----------
        certification
            What, where and on what ground.

        Returns
        -------
        n
            How many datasets; 0 if exactly these were certified with this range before.

        Raises
        ------
        CertificationError
            The ground is none, a detector has no calibration or not the accepted one, the range conflicts
            with another, the database refused, or what is read back differs. Nothing of this type was
            certified, unless the message says otherwise.
        ArchiveError
            The repository cannot be written to.
        """
        made = certification.combined

        def refused(reason: str) -> CertificationError:
            return CertificationError(
                f"{made.dataset_type} was not certified in {certification.collection}: the repository refused"
                f" it: {reason}",
                kept=f"The calibrations are kept in {made.collection}.",
                advice="Put the repository right, then resume the run.",
            )

        try:
            return await self.repository.call(
                lambda: _certify(self.repository.open_to_write(), certification), refused
            )
        except NoAnswer as error:
            raise CertificationError(
                f"it is not known whether {made.dataset_type} is certified in {certification.collection}:"
                f" {error.happened}",
                kept=f"The calibrations are kept in {made.collection}.",
                advice=error.advice,
            ) from error


def _conflicts(butler: Butler, instrument: str, planned: PlannedCertification) -> list[Conflict]:
    from lsst.daf.butler import MissingCollectionError

    try:
        _check_kind(butler, planned.collection)
    except MissingCollectionError:
        return []
    wanted = _timespan(planned.begin, planned.end)
    found = {
        Conflict(name, planned.collection, *_range(timespan), filter_of(ref))
        for name in planned.dataset_types
        for ref, timespan in _certified(butler, name, planned.collection)
        if timespan.overlaps(wanted)
        and ref.dataId["instrument"] == instrument
        and ref.dataId["detector"] in planned.detectors
        and (filter_of(ref) in (None, planned.physical_filter) or planned.physical_filter is None)
        and not (ref.run in planned.own and timespan == wanted)
    }
    return sorted(found, key=lambda each: (each.dataset_type, each.begin, each.physical_filter or ""))


def _check_kind(butler: Butler, collection: str, kept: str = "") -> None:
    """Raise CertificationError unless it is a collection in which can be certified."""
    from lsst.daf.butler import CollectionType

    kind = butler.collections.get_info(collection).type
    if kind is not CollectionType.CALIBRATION:
        raise CertificationError(
            f"{collection} is a {kind.name} collection; only a CALIBRATION collection can be certified in",
            kept=kept,
            advice="Choose another calib_collection.",
            lasting=f"{collection} is no CALIBRATION collection",
        )


def _certify(butler: Butler, certification: Certification) -> int:
    from lsst.daf.butler import CollectionType
    from lsst.daf.butler.registry import ConflictingDefinitionError

    ground = certification.ground
    if not (isinstance(ground, (Accepted, Waiver)) and is_sealed(ground)):
        raise CertificationError(
            f"the ground to certify, {type(ground).__name__}, is none that verification has given",
            kept="Nothing was certified.",
        )
    name, collection = certification.dataset_type, certification.collection
    refs = _refs(butler, certification)
    timespan = _timespan(certification.begin, certification.end)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    _check_kind(butler, collection, kept=f"The calibrations are kept in {certification.combined.collection}.")
    if refs <= _read_back(butler, name, collection, timespan):  # beside those of other detectors
        return 0
    try:
        butler.registry.certify(collection, refs, timespan)
    except ConflictingDefinitionError as error:
        raise CertificationError(
            f"{name} was not certified in {collection}: another one is valid already at some time in the"
            f" range from {' to '.join(_range(timespan))}",
            kept=f"The calibrations are kept in {certification.combined.collection}.",
            advice="Resuming the run cannot change that: start a new one with another calib_collection or"
            f" validity range, or certify {certification.combined.run} by hand (butler"
            " certify-calibrations).",
            lasting=f"another {name} is valid in {collection} at some time in the range",
        ) from error
    if not refs <= _read_back(butler, name, collection, timespan):
        raise CertificationError(
            f"{name} in {collection} reads back differently from what was certified",
            advice="Do not use this collection before someone has looked at it.",
        )
    return len(refs)


def _made(butler: Butler, dataset_type: str, run: str) -> list[DatasetRef]:
    """All datasets of a type in a RUN collection, as they are now; none if there is no such collection."""
    from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError

    butler.registry.refresh()
    try:
        return list(
            butler.query_datasets(dataset_type, collections=run, find_first=False, limit=None, explain=False)
        )
    except (MissingCollectionError, MissingDatasetTypeError):
        return []


def _refs(butler: Butler, certification: Certification) -> set[DatasetRef]:
    """The calibrations to certify: one for each detector, those that were accepted, no others."""
    combined, name = certification.combined, certification.dataset_type
    found = _made(butler, name, combined.run)
    detectors = sorted(ref.dataId["detector"] for ref in found)
    if detectors != sorted(certification.detectors):
        raise CertificationError(
            f"{combined.collection} has a {name} for the detectors {detectors},"
            f" and one for each of {sorted(certification.detectors)} was expected",
            kept="Nothing of this type was certified.",
            advice="Start a new run.",
            lasting=f"{combined.collection} has not the {name} of every detector",
        )
    if sorted(str(ref.id) for ref in found) != sorted(combined.datasets):
        raise CertificationError(
            f"the {name} in {combined.collection} is no longer the one that was made and verified: someone"
            " has put another in its place",
            kept="Nothing of this type was certified.",
            advice="Start a new run.",
            lasting=f"the {name} in {combined.collection} is not the one that was verified",
        )
    return set(found)


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


def _read_back(butler: Butler, name: str, collection: str, timespan: Timespan) -> set[DatasetRef]:
    """What is certified with exactly this validity range."""
    return {ref for ref, valid in _certified(butler, name, collection) if valid == timespan}


def _timespan(begin: datetime, end: datetime) -> Timespan:
    """Validity range as the Butler has it: unbounded beyond what it can represent, which it would warn of."""
    from astropy.time import Time
    from lsst.daf.butler import Timespan

    return Timespan(
        None if begin <= BEGIN_OF_TIME else Time(begin, scale="tai"),
        None if end >= END_OF_TIME else Time(end, scale="tai"),
    )


def _range(timespan: Timespan) -> tuple[str, str]:
    """Begin and end of a validity range, ISO TAI; in words where it has no bound."""
    from astropy.time import Time

    bounds: tuple[Any, Any] = (timespan.begin, timespan.end)
    begin, end = (None if bound is None else str(Time(bound.tai, precision=3).isot) for bound in bounds)
    return begin or f"before {BEGIN_OF_TIME.year}", end or f"after {END_OF_TIME.year}"
