"""What a run reads in the Butler: collections, raw images, verification results, gains."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from ..domain.calibrations import CALIBRATIONS
from ..domain.errors import ArchiveError
from ..domain.instruments import Instrument
from ..domain.text import one_line
from ..verification import VerificationResults, read_calibration, read_exposures
from .curves import curve_rows
from .repository import Repository

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Archive", "ArchivedImage", "PairGain"]

_PAIR_DATASETS = ("cpPtcExtract", "cpPtcPartial")
"""Names under which cp_pipe has stored what it measured on a pair of flats, the documented one first."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True)
class ArchivedImage:
    """A raw image as the Butler has it."""

    physical_filter: str | None
    """Filter and grating; None if the image has none."""
    files: tuple[str, ...]
    """Path, or address, of the file of each detector."""


@dataclass(frozen=True)
class PairGain:
    """Gain and read noise of one amplifier from one pair of flats."""

    exposures: tuple[int, int]
    """Ids of the two flats."""
    detector: int
    """Butler id."""
    amplifier: str
    """Name."""
    gain: float
    """As measured [electron/adu]."""
    noise: float
    """Read noise from the overscan, as the pipeline stored it [electron]."""
    mean: float
    """Mean signal of the pair [adu]."""


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
        known = {info.name for info in self._refreshed().collections.query_info("*")}
        return sorted(set(names) - known)

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
            (int(each.ref.dataId["detector"]), _filter(each.ref))
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
        ArchiveError
            The Butler does not have it for every detector.
        """
        butler, raws = self.repository.open(), self.instrument.raw_collection
        refs = self._find(butler, "raw", raws, exposure=[exposure], detector=detectors)
        files = []
        for detector in detectors:
            if (exposure, detector) not in refs:
                raise ArchiveError(f"exposure {exposure}, detector {detector}: no raw image in the Butler")
            uri = butler.getURI(refs[exposure, detector])
            files.append(uri.ospath if uri.isLocal else str(uri))
        return ArchivedImage(next(map(_filter, refs.values()), None), tuple(files))

    @_in_thread
    def exposure_of_group(self, group: str) -> tuple[int, str] | None:
        """Find the exposure of a group that one exposure has for itself.

        Parameters
        ----------
        group
            Its name.

        Returns
        -------
        exposure
            Id and name (``obs_id``) of the exposure; None if there is none.
        """
        found = self.repository.open().query_dimension_records(
            "exposure", instrument=self.instrument.name, group=group, explain=False
        )
        return next(((int(record.id), str(record.obs_id)) for record in found), None)

    @_in_thread
    def verification(
        self, collection: str, calibration: str, exposures: Sequence[int] | None, detectors: Sequence[int]
    ) -> VerificationResults:
        """Read what a verification job found.

        Parameters
        ----------
        collection, calibration
            Collection of the job, and what was verified, e.g. ``BIAS``.
        exposures, detectors
            Butler ids of those that must have results; no exposures where it was verified by itself.

        Returns
        -------
        results
            What is there, and what is missing.
        """
        butler, prefix = self._refreshed(), CALIBRATIONS[calibration].statistics_prefix
        names = {number: self.instrument.detectors[number] for number in detectors}
        amplifiers = dict.fromkeys(names.values(), frozenset(self.instrument.amplifiers))
        if exposures is None:
            found = self._find(butler, f"{prefix}DetStats", collection, detector=detectors)
            measured = {names[number]: _read(butler, ref) for (number,), ref in found.items()}
            return read_calibration(calibration, measured, amplifiers=amplifiers)
        whole = self._find(butler, f"{prefix}ExpStats", collection, exposure=exposures)
        parts = self._find(butler, f"{prefix}DetStats", collection, exposure=exposures, detector=detectors)
        return read_exposures(
            {exposure: _read(butler, ref) for (exposure,), ref in whole.items()},
            {(exposure, names[number]): _read(butler, ref) for (exposure, number), ref in parts.items()},
            exposures=exposures,
            amplifiers=amplifiers,
            calibration=calibration,
        )

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
        return [row for (number,), ref in found.items() for row in curve_rows(number, _read(butler, ref))]

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
            return _read(butler, refs[key]) if key in refs else None

        return _pair_gains(read, pairs, detectors, collection)

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


def _read(butler: Butler, ref: DatasetRef) -> Any:
    """Read a dataset whose file may be gone, or not what it should be."""
    try:
        return butler.get(ref)
    except Exception as error:
        reason = one_line(str(error).partition("\n")[0])
        raise ArchiveError(
            f"{ref.datasetType.name} {ref.dataId} in {ref.run} cannot be read: {reason}"
        ) from error


def _filter(ref: DatasetRef) -> str | None:
    name = ref.dataId.get("physical_filter")
    return None if name is None else str(name)


def _pair_gains(
    read: Callable[[tuple[int, int]], Any],
    pairs: Sequence[tuple[int, int]],
    detectors: Sequence[int],
    collection: str,
) -> list[PairGain]:
    """Gains of pairs of flats, given what reads the curve that is stored under an exposure and detector.

    cp_pipe stores the photon transfer curve of a pair under its first exposure, and this project under both.
    """
    return [
        gain
        for pair in pairs
        for detector in detectors
        for gain in _gains(pair, detector, _curve(read, pair, detector, collection))
    ]


def _curve(
    read: Callable[[tuple[int, int]], Any], pair: tuple[int, int], detector: int, collection: str
) -> Any:
    """What was measured on exactly these two flats."""
    others = []
    for exposure in pair:
        measured = read((exposure, detector))
        ids = _exposures_of(measured)
        if ids == tuple(sorted(pair)):
            return measured
        if len(ids) == 2:
            others.append(f"{ids[0]} and {ids[1]}")
    paired = f": the job has paired {', and '.join(others)}" if others else ""
    raise ArchiveError(
        f"no gain in {collection} for the flats {pair[0]} and {pair[1]}, detector {detector}{paired}"
    )


def _exposures_of(measured: Any) -> tuple[int, ...]:
    """Ids of the flats that a curve was measured on, sorted; empty if it names none, as cp_pipe's fillers.

    They are in ``inputExpIdPairs``, which cp_pipe's ``PhotonTransferCurveDataset`` has by amplifier, and the
    curve of this project once for all.
    """
    try:
        return tuple(sorted(set(_ids(getattr(measured, "inputExpIdPairs", ())))))
    except (TypeError, ValueError):
        return ()


def _ids(nested: Any) -> Iterator[int]:
    """All exposure ids in nested mappings and lists."""
    if isinstance(nested, Iterable) and not isinstance(nested, str):
        for each in nested.values() if isinstance(nested, Mapping) else nested:
            yield from _ids(each)
    else:
        yield int(nested)


def _gains(pair: tuple[int, int], detector: int, measured: Any) -> Iterator[PairGain]:
    """Gains of all amplifiers from what was measured on a pair."""
    try:
        for name in measured.gain:
            means = measured.rawMeans[name]
            mean = float(means[0]) if len(means) else float("nan")
            yield PairGain(pair, detector, name, measured.gain[name], measured.noise[name], mean)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"what was measured on the flats {pair[0]} and {pair[1]}, detector {detector}, has no gain, noise"
            f" and mean of every amplifier ({type(error).__name__}: {one_line(error)})"
        ) from error
