"""The Butler as a run uses it: collections, raw images, verification results, gains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..domain.errors import ArchiveError, CertificationError
from ..domain.instruments import Instrument
from .certification import Certification, Conflict, certify, find_conflicts

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Archive", "ArchivedImage", "PairGain", "VerificationResults"]

_T = TypeVar("_T")

PAIR_DATASETS = ("cpPtcExtract", "cpPtcPartial")
"""Names under which cp_pipe has stored what it measured on a pair of flats, the documented one first."""


@dataclass(frozen=True)
class ArchivedImage:
    """A raw image as the Butler has it."""

    physical_filter: str | None
    files: tuple[str, ...]


@dataclass(frozen=True)
class VerificationResults:
    """What a verification job stored.

    Parameters
    ----------
    by_exposure
        ``verify<X>ExpStats`` of each exposure that has one.
    measured
        ``verify<X>DetStats`` by exposure and detector name.
    """

    by_exposure: Mapping[int, Mapping[str, Any]]
    measured: Mapping[tuple[int, str], Mapping[str, Any]]


@dataclass(frozen=True)
class PairGain:
    """Gain and read noise of one amplifier from one pair of flats.

    Parameters
    ----------
    exposures
        The two flats.
    detector
        Butler id.
    amplifier
        Name.
    gain
        Electron per adu, as measured.
    noise
        Read noise from the overscan, as the pipeline stored it.
    mean
        Mean signal of the pair, adu.
    """

    exposures: tuple[int, int]
    detector: int
    amplifier: str
    gain: float
    noise: float
    mean: float


class Archive:
    """Reads a Butler repository without blocking the event loop.

    Parameters
    ----------
    repository
        Path or label, as the configuration gives it.
    instrument
        Whose data are read.
    """

    def __init__(self, repository: str, instrument: Instrument) -> None:
        self.repository = repository
        self.instrument = instrument
        self._butler: Butler | None = None
        # A Butler is not made for several threads: all reading happens in one.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")

    def close(self) -> None:
        """End the reading thread."""
        self._thread.shutdown()

    async def _read(self, function: Callable[..., _T], *args: Any) -> _T:
        """Call a function in the thread of the archive.

        Raises
        ------
        ArchiveError
            Database or disk refused.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)
        except _refusals() as error:
            raise ArchiveError(
                f"the Butler repository {self.repository!r} cannot be read: {_first_line(error)}"
            ) from error

    async def missing_collections(self, names: Collection[str]) -> list[str]:
        """Those of some collections that are not there.

        Raises
        ------
        ArchiveError
            The repository cannot be opened.
        """
        return await self._read(self._missing_collections, sorted(set(names)))

    async def missing_flats(
        self, physical_filter: str, collections: Sequence[str], detectors: Sequence[int]
    ) -> list[int]:
        """Detectors without a combined flat of a filter, in collections that have flats at all."""
        return await self._read(self._missing_flats, physical_filter, collections, detectors)

    async def image(self, exposure: int, detectors: Sequence[int]) -> ArchivedImage:
        """Filter and files of an exposure.

        Raises
        ------
        ArchiveError
            The Butler does not have it.
        """
        return await self._read(self._image, exposure, detectors)

    async def exposure_of_group(self, group: str) -> tuple[int, str] | None:
        """Id and name of the exposure of a group that one exposure has for itself; None if there is none."""
        return await self._read(self._exposure_of_group, group)

    async def verification(
        self, collection: str, calibration: str, exposures: Sequence[int], detectors: Mapping[int, str]
    ) -> VerificationResults:
        """Read what the verification of some exposures found; what is not there is left out."""
        return await self._read(self._verification, collection, calibration, exposures, detectors)

    async def pair_gains(
        self, collection: str, pairs: Sequence[tuple[int, int]], detectors: Sequence[int]
    ) -> list[PairGain]:
        """Read the gains of some pairs of flats.

        Raises
        ------
        ArchiveError
            A pair has no result.
        """
        return await self._read(self._pair_gains, collection, pairs, detectors)

    async def products(
        self, collection: str, calibration: str, detectors: Mapping[int, str]
    ) -> dict[str, Mapping[str, Any]]:
        """Read ``verify<X>DetStats`` of a calibration that is verified by itself, by detector name."""
        return await self._read(self._products, collection, calibration, detectors)

    async def certify(self, wish: Certification) -> int:
        """Certify calibrations; see `certification.certify`."""
        return await self._read(self._certify, wish)

    async def conflicts(self, **wish: Any) -> list[Conflict]:
        """Find validity ranges that are taken; see `certification.find_conflicts`."""
        return await self._read(lambda: find_conflicts(self._open(), instrument=self.instrument.name, **wish))

    def _certify(self, wish: Certification) -> int:
        butler = self._open_writeable()
        try:
            return certify(butler, wish)
        except _refusals() as error:
            raise CertificationError(
                f"{wish.dataset_type} was not certified in {wish.collection}: the repository refused it:"
                f" {_first_line(error)}",
                kept=f"The calibrations are kept in {wish.ground.collection}.",
                advice="Put the repository right, then resume the run.",
            ) from error

    def _open_writeable(self) -> Butler:
        from lsst.daf.butler import Butler

        try:
            return Butler.from_config(self.repository, writeable=True)
        except Exception as error:
            raise ArchiveError(f"the repository {self.repository!r} cannot be written to: {error}") from error

    def _products(
        self, collection: str, calibration: str, detectors: Mapping[int, str]
    ) -> dict[str, Mapping[str, Any]]:
        name = f"verify{calibration.capitalize()}DetStats"
        found = {each: self._get(name, collection, detector=number) for number, each in detectors.items()}
        return {each: stats for each, stats in found.items() if stats is not None}

    def _open(self) -> Butler:
        from lsst.daf.butler import Butler

        if self._butler is None:
            try:
                self._butler = Butler.from_config(self.repository, writeable=False)
            except Exception as error:
                raise ArchiveError(
                    f"the Butler repository {self.repository!r} cannot be opened: {error}"
                ) from error
        return self._butler

    def _missing_collections(self, names: Sequence[str]) -> list[str]:
        butler = self._open()
        butler.registry.refresh()
        known = {info.name for info in butler.collections.query_info("*")}
        return [name for name in names if name not in known]

    def _missing_flats(
        self, physical_filter: str, collections: Sequence[str], detectors: Sequence[int]
    ) -> list[int]:
        registry = self._open().registry
        registry.refresh()
        found = registry.queryDatasetAssociations("flat", collections=collections, flattenChains=True)
        flats = [(each.ref.dataId["detector"], each.ref.dataId["physical_filter"]) for each in found]
        if not flats:  # other instruments' repositories, or flats under another name: the job will tell
            return []
        return [each for each in detectors if (each, physical_filter) not in flats]

    def _image(self, exposure: int, detectors: Sequence[int]) -> ArchivedImage:
        butler = self._open()
        files = []
        physical_filter = None
        for detector in detectors:
            ref = butler.find_dataset(
                "raw",
                instrument=self.instrument.name,
                exposure=exposure,
                detector=detector,
                collections=self.instrument.raw_collection,
            )
            if ref is None:
                raise ArchiveError(f"exposure {exposure}, detector {detector}: no raw image in the Butler")
            uri = butler.getURI(ref)
            files.append(uri.ospath if uri.isLocal else str(uri))
            data_id = butler.registry.expandDataId(ref.dataId)
            physical_filter = str(data_id["physical_filter"])
        return ArchivedImage(physical_filter, tuple(files))

    def _exposure_of_group(self, group: str) -> tuple[int, str] | None:
        found = self._open().query_dimension_records(
            "exposure", instrument=self.instrument.name, group=group, explain=False
        )
        return next(((int(record.id), str(record.obs_id)) for record in found), None)

    def _verification(
        self, collection: str, calibration: str, exposures: Sequence[int], detectors: Mapping[int, str]
    ) -> VerificationResults:
        prefix = f"verify{calibration.capitalize()}"
        by_exposure: dict[int, Mapping[str, Any]] = {}
        measured: dict[tuple[int, str], Mapping[str, Any]] = {}
        for exposure in exposures:
            found = self._get(f"{prefix}ExpStats", collection, exposure=exposure)
            if found is not None:
                by_exposure[exposure] = found
            for detector, name in detectors.items():
                found = self._get(f"{prefix}DetStats", collection, exposure=exposure, detector=detector)
                if found is not None:
                    measured[exposure, name] = found
        return VerificationResults(by_exposure, measured)

    def _get(self, dataset_type: str, collection: str, **data_id: int) -> Any:
        """Read a dataset, or None if there is none."""
        from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError

        butler = self._open()
        butler.registry.refresh()
        try:
            ref = butler.find_dataset(
                dataset_type, {"instrument": self.instrument.name, **data_id}, collections=collection
            )
        except (MissingCollectionError, MissingDatasetTypeError):
            return None
        return None if ref is None else butler.get(ref)

    def _pair_gains(
        self, collection: str, pairs: Sequence[tuple[int, int]], detectors: Sequence[int]
    ) -> list[PairGain]:
        gains = []
        for pair in pairs:
            for detector in detectors:
                found = [
                    self._get(name, collection, exposure=pair[0], detector=detector) for name in PAIR_DATASETS
                ]
                measured = next((each for each in found if each is not None), None)
                if measured is None:
                    raise ArchiveError(
                        f"no gain in {collection} for the flats {pair[0]} and {pair[1]}, detector {detector}"
                    )
                gains += [
                    PairGain(
                        pair,
                        detector,
                        amplifier,
                        measured.gain[amplifier],
                        measured.noise[amplifier],
                        _mean(measured.rawMeans[amplifier]),
                    )
                    for amplifier in measured.gain
                ]
        return gains


def _refusals() -> tuple[type[Exception], ...]:
    """What database and file system raise."""
    from sqlalchemy.exc import SQLAlchemyError

    return SQLAlchemyError, OSError


def _first_line(error: Exception) -> str:
    """What an error says, without the statement and the links that the database adds."""
    return str(error).partition("\n")[0]


def _mean(values: Any) -> float:
    """The one raw mean of a pair."""
    return float(values[0]) if len(values) else float("nan")
