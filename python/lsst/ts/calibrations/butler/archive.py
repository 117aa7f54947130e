"""What a run reads in the Butler: collections, raw images, verification results, gains."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ..domain.calibrations import CALIBRATIONS
from ..domain.errors import ArchiveError, NotArchived
from ..domain.instruments import Instrument
from ..domain.text import one_line
from ..verification import KnownBad, VerificationResults, read_calibration, read_exposures
from .curves import curve_rows
from .declared_bad import DeclaredBad
from .exposures import ArchivedExposure, ArchivedImage
from .members import Members, members_of, metadata_of
from .pairgains import PairGain
from .pairgains import pair_gains as _pair_gains
from .repository import Repository, filter_of

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Archive"]

# Names under which cp_pipe has stored what it measured on a pair of flats, the documented one first.
_PAIR_DATASETS = ("cpPtcExtract", "cpPtcPartial")
_P = ParamSpec("_P")
_T = TypeVar("_T")


def _in_thread(
    method: Callable[Concatenate[Archive, _P], _T],
) -> Callable[Concatenate[Archive, _P], Coroutine[Any, Any, _T]]:
    """Have a method run in the thread of the repository."""

    async def call(self: Archive, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await self.repository.call(lambda: method(self, *args, **kwargs))

    update_wrapper(call, method)
    return call


class Archive:
    """Reads a Butler repository; every method is awaited, and raises ArchiveError if it cannot be read.

    Parameters
    ----------
    repository, instrument
        What is read, and the instrument whose data are read.
    """

    def __init__(self, repository: Repository, instrument: Instrument) -> None:
        self.repository = repository
        self.instrument = instrument
        self.declared_bad = DeclaredBad(repository, instrument)

    @_in_thread
    def missing_collections(self, names: Collection[str]) -> list[str]:
        """Find those of some collections that are not there.

        Parameters
        ----------
        names
            Names of collections.

        Returns
        -------
        missing
            Each once, sorted.
        """
        return sorted(set(names) - self._names())

    @_in_thread
    def collections(self) -> list[str]:
        """Names of all collections that there are, sorted."""
        return sorted(self._names())

    def _names(self) -> set[str]:
        return {info.name for info in self._refreshed().collections.query_info("*")}

    @_in_thread
    def combined(
        self, dataset_type: str, collections: Sequence[str], time: float
    ) -> set[tuple[int, str | None]]:
        """Find the combined calibrations of a type that images of a time would find.

        Parameters
        ----------
        dataset_type, collections
            What to look for, and where, chains included; in a RUN collection it is valid for ever.
        time
            TAI, in seconds since 1970-01-01T00:00:00 TAI.

        Returns
        -------
        found
            Detector and physical filter of each; the filter is None where the type has none.
        """
        from astropy.time import Time
        from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError, Timespan

        registry = self._refreshed().registry
        try:
            found = list(registry.queryDatasetAssociations(dataset_type, collections, flattenChains=True))
        except (MissingCollectionError, MissingDatasetTypeError):
            return set()
        now = Timespan.fromInstant(Time(time, format="unix_tai", scale="tai"))
        return {
            (int(each.ref.dataId["detector"]), filter_of(each.ref))
            for each in found
            if each.ref.dataId["instrument"] == self.instrument.name
            and (each.timespan is None or each.timespan.overlaps(now))
        }

    @_in_thread
    def image(self, exposure: int, detectors: Sequence[int]) -> ArchivedImage:
        """Find filter and files of an exposure.

        Parameters
        ----------
        exposure, detectors
            Butler ids.

        Returns
        -------
        image
            As the Butler has it.

        Raises
        ------
        NotArchived
            The Butler does not have it for every detector.
        """
        butler, raws = self.repository.open(), self.instrument.raw_collection
        refs = self._find(butler, "raw", raws, exposure=[exposure], detector=detectors)
        files = []
        for detector in detectors:
            if (exposure, detector) not in refs:
                raise NotArchived(f"exposure {exposure}, detector {detector}: no raw image in the Butler")
            uri = butler.getURI(refs[exposure, detector])
            files.append(uri.ospath if uri.isLocal else str(uri))
        first = next(iter(refs.values()), None)
        found = None if first is None else _record(first)
        return ArchivedImage(None if first is None else filter_of(first), tuple(files), found)

    @_in_thread
    def without_raws(self, numbers: Sequence[int], detectors: Sequence[int]) -> list[int]:
        """Find exposures of which the Butler has not the raw images of all detectors.

        Parameters
        ----------
        numbers, detectors
            Butler ids.

        Returns
        -------
        numbers
            Of these exposures.
        """
        butler, raws = self._refreshed(), self.instrument.raw_collection
        refs = self._find(butler, "raw", raws, exposure=numbers, detector=detectors)
        return [number for number in numbers if not all((number, each) in refs for each in detectors)]

    @_in_thread
    def exposures(self, numbers: Collection[int]) -> dict[int, ArchivedExposure]:
        """Find out what exposures are.

        Parameters
        ----------
        numbers
            Butler ids.

        Returns
        -------
        exposures
            By id; those that the Butler does not have are left out.
        """
        if not numbers:
            return {}
        found = self.repository.open().query_dimension_records(
            "exposure",
            instrument=self.instrument.name,
            where=f"exposure IN ({', '.join(map(str, numbers))})",
            limit=None,
            explain=False,
        )
        return {int(record.id): ArchivedExposure.from_record(record) for record in found}

    @_in_thread
    def exposure_of_group(self, group: str) -> tuple[int, ArchivedExposure] | None:
        """Find the exposure of a group that one exposure has for itself.

        Parameters
        ----------
        group
            Its name.

        Returns
        -------
        exposure
            Id of the exposure, and what it is; None if there is none.
        """
        found = self.repository.open().query_dimension_records(
            "exposure", instrument=self.instrument.name, group=group, explain=False
        )
        return next(((int(record.id), ArchivedExposure.from_record(record)) for record in found), None)

    @_in_thread
    def verification(
        self,
        collection: str,
        calibration: str,
        exposures: Sequence[int] | None,
        detectors: Sequence[int],
        known_bad: Sequence[KnownBad] = (),
    ) -> VerificationResults:
        """Read what a verification job found.

        Parameters
        ----------
        collection, calibration
            Collection of the job, and what was verified, e.g. ``BIAS``.
        exposures, detectors
            Butler ids of those that must have results; no exposures where it was verified by itself.
        known_bad
            Amplifiers that are left out.

        Returns
        -------
        results
            What is there, and what is missing.
        """
        butler, prefix = self._refreshed(), CALIBRATIONS[calibration].statistics_prefix
        read = self.repository.read
        names = {number: self.instrument.detectors[number] for number in detectors}
        amplifiers = dict.fromkeys(names.values(), frozenset(self.instrument.amplifiers))
        if exposures is None:
            found = self._find(butler, f"{prefix}DetStats", collection, detector=detectors)
            measured = {names[number]: read(ref) for (number,), ref in found.items()}
            return read_calibration(calibration, measured, amplifiers=amplifiers, known_bad=known_bad)
        whole = self._find(butler, f"{prefix}ExpStats", collection, exposure=exposures)
        parts = self._find(butler, f"{prefix}DetStats", collection, exposure=exposures, detector=detectors)
        return read_exposures(
            {exposure: read(ref) for (exposure,), ref in whole.items()},
            {(exposure, names[number]): read(ref) for (exposure, number), ref in parts.items()},
            exposures=exposures,
            amplifiers=amplifiers,
            calibration=calibration,
            known_bad=known_bad,
        )

    @_in_thread
    def members(self, dataset_type: str, run: str, detectors: Sequence[int]) -> Members:
        """Find out which exposures a job did not use for what it made.

        Parameters
        ----------
        dataset_type, run, detectors
            E.g. ``bias``, the RUN collection of the job, and Butler ids.

        Returns
        -------
        members
            What the metadata of the calibrations of all detectors say.

        Raises
        ------
        ArchiveError
            They name exposures without reasons.
        """
        butler = self._refreshed()
        found = self._find(butler, dataset_type, run, detector=detectors)
        try:
            return members_of(
                {
                    self.instrument.detectors[each]: metadata_of(self.repository, ref)
                    for (each,), ref in found.items()
                }
            )
        except (TypeError, ValueError) as error:
            reason = one_line(error)
            raise ArchiveError(f"the exposures that {dataset_type} in {run} was made of: {reason}") from error

    @_in_thread
    def curves(self, collection: str, detectors: Sequence[int]) -> list[dict[str, Any]]:
        """Read photon transfer curves; ArchiveError if one that is there cannot be read.

        Parameters
        ----------
        collection, detectors
            Collection of the job that made them, and Butler ids.

        Returns
        -------
        curves
            As of `curve_rows`.
        """
        butler = self._refreshed()
        found = self._find(butler, "ptc", collection, detector=detectors)
        return [
            row for (number,), ref in found.items() for row in curve_rows(number, self.repository.read(ref))
        ]

    @_in_thread
    def pair_gains(
        self, collection: str, pairs: Sequence[tuple[int, int]], detectors: Sequence[int]
    ) -> list[PairGain]:
        """Read the gains of some pairs of flats; ArchiveError if a pair has none, or was not measured as one.

        Parameters
        ----------
        collection
            Collection of the job that measured them.
        pairs, detectors
            Ids of the two flats of each, and of the detectors.

        Returns
        -------
        gains
            Of all amplifiers, by pair and then by detector.
        """
        butler, flats = self._refreshed(), [exposure for pair in pairs for exposure in pair]
        refs: dict[tuple[int, ...], DatasetRef] = {}
        for name in reversed(_PAIR_DATASETS):
            refs |= self._find(butler, name, collection, exposure=flats, detector=detectors)

        def read(key: tuple[int, int]) -> Any:
            return self.repository.read(refs[key]) if key in refs else None

        return _pair_gains(read, pairs, detectors, collection)

    @_in_thread
    def coefficients(
        self, collection: str, exposure: int, detectors: Sequence[int]
    ) -> Mapping[tuple[int, str], tuple[float, float]]:
        """Read a00 [1/electron] and turnoff [adu] of the photon transfer curves in use.

        Parameters
        ----------
        collection
            Collection of a job, which leads on to its inputs.
        exposure, detectors
            An exposure at whose time the curves are valid, and ids of detectors.

        Returns
        -------
        coefficients
            By detector and amplifier; of those alone that have both. There need be no curves, and pipelines
            have read those that they needed, so that one that cannot be read is as good as none.
        """
        butler = self._refreshed()
        found: dict[tuple[int, str], tuple[float, float]] = {}
        for detector in detectors:
            data_id = {"instrument": self.instrument.name, "detector": detector, "exposure": exposure}
            with suppress(Exception):
                curve = butler.get("ptc", data_id, collections=collection)
                for name, a00 in curve.a00.items():
                    values = float(a00), float(curve.ptcTurnoff[name])
                    if all(map(math.isfinite, values)):
                        found[detector, name] = values
        return found

    def _refreshed(self) -> Butler:
        """The Butler, which has seen what other processes registered."""
        butler = self.repository.open()
        butler.registry.refresh()
        return butler

    def _find(
        self, butler: Butler, dataset_type: str, collection: str, **values: Collection[int]
    ) -> dict[tuple[int, ...], DatasetRef]:
        """Find datasets with one query, by the values of their dimensions; what is not there is left out."""
        from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError

        if not all(values.values()):
            return {}
        where = " AND ".join(f"{name} IN ({', '.join(map(str, each))})" for name, each in values.items())
        try:
            refs = butler.query_datasets(
                dataset_type,
                collections=collection,
                instrument=self.instrument.name,
                where=where,
                with_dimension_records=True,
                limit=None,
                explain=False,
            )
        except (MissingCollectionError, MissingDatasetTypeError):
            return {}
        return {tuple(int(ref.dataId[name]) for name in values): ref for ref in refs}


def _record(ref: DatasetRef) -> ArchivedExposure | None:
    record = ref.dataId.records["exposure"]
    return None if record is None else ArchivedExposure.from_record(record)
