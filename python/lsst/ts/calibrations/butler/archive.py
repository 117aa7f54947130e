"""The Butler as a run uses it: collections, raw images, verification results, gains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ..domain.errors import ArchiveError, CertificationError
from ..domain.instruments import Instrument
from .certification import Certification, Conflict, PlannedCertification, certify, find_conflicts
from .datasets import find_combined, find_datasets, find_made, read_dataset
from .pair_gains import PairGain, find_pair_gains

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Archive", "ArchivedImage", "VerificationResults"]

_T = TypeVar("_T")


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

    async def combined(
        self, dataset_type: str, collections: Sequence[str], time: float
    ) -> set[tuple[int, str | None]]:
        """Find combined calibrations that images of a time would find; see `datasets.find_combined`.

        Raises
        ------
        ArchiveError
            The repository cannot be opened.
        """
        return await self._read(self._combined, dataset_type, collections, time)

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
        return await self._read(
            lambda: find_pair_gains(self._refreshed(), collection, self.instrument.name, pairs, detectors)
        )

    async def products(
        self, collection: str, calibration: str, detectors: Mapping[int, str]
    ) -> dict[str, Mapping[str, Any]]:
        """Read ``verify<X>DetStats`` of a calibration that is verified by itself, by detector name."""
        return await self._read(self._products, collection, calibration, detectors)

    async def made(self, dataset_type: str, run: str) -> tuple[str, ...]:
        """Ids of the datasets of a type that a job left in its RUN collection, sorted."""
        return await self._read(self._made, dataset_type, run)

    async def certify(self, wish: Certification) -> int:
        """Certify calibrations; see `certification.certify`."""
        return await self._read(self._certify, wish)

    async def conflicts(self, planned: PlannedCertification) -> list[Conflict]:
        """Find validity ranges that are taken; see `certification.find_conflicts`."""
        return await self._read(lambda: find_conflicts(self._open(), self.instrument.name, planned))

    def _certify(self, wish: Certification) -> int:
        butler = self._open_writeable()
        try:
            return certify(butler, wish)
        except _refusals() as error:
            raise CertificationError(
                f"{wish.dataset_type} was not certified in {wish.collection}: the repository refused it:"
                f" {_first_line(error)}",
                kept=f"The calibrations are kept in {wish.combined.collection}.",
                advice="Put the repository right, then resume the run.",
            ) from error

    def _open_writeable(self) -> Butler:
        from lsst.daf.butler import Butler

        try:
            return Butler.from_config(self.repository, writeable=True)
        except Exception as error:
            raise ArchiveError(f"the repository {self.repository!r} cannot be written to: {error}") from error

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
        butler = self._refreshed()
        known = {info.name for info in butler.collections.query_info("*")}
        return [name for name in names if name not in known]

    def _combined(
        self, dataset_type: str, collections: Sequence[str], time: float
    ) -> set[tuple[int, str | None]]:
        return find_combined(self._refreshed(), dataset_type, collections, self.instrument.name, time)

    def _image(self, exposure: int, detectors: Sequence[int]) -> ArchivedImage:
        butler = self._open()
        refs = self._find(
            butler, "raw", self.instrument.raw_collection, exposure=[exposure], detector=detectors
        )
        files = []
        for detector in detectors:
            if (exposure, detector) not in refs:
                raise ArchiveError(f"exposure {exposure}, detector {detector}: no raw image in the Butler")
            uri = butler.getURI(refs[exposure, detector])
            files.append(uri.ospath if uri.isLocal else str(uri))
        names = {str(ref.dataId["physical_filter"]) for ref in refs.values()}
        return ArchivedImage(next(iter(names), None), tuple(files))

    def _exposure_of_group(self, group: str) -> tuple[int, str] | None:
        found = self._open().query_dimension_records(
            "exposure", instrument=self.instrument.name, group=group, explain=False
        )
        return next(((int(record.id), str(record.obs_id)) for record in found), None)

    def _verification(
        self, collection: str, calibration: str, exposures: Sequence[int], detectors: Mapping[int, str]
    ) -> VerificationResults:
        butler, prefix = self._refreshed(), f"verify{calibration.capitalize()}"
        by_exposure = self._find(butler, f"{prefix}ExpStats", collection, exposure=exposures)
        measured = self._find(
            butler, f"{prefix}DetStats", collection, exposure=exposures, detector=detectors.keys()
        )
        return VerificationResults(
            {exposure: read_dataset(butler, ref) for (exposure,), ref in by_exposure.items()},
            {
                (exposure, detectors[number]): read_dataset(butler, ref)
                for (exposure, number), ref in measured.items()
            },
        )

    def _products(
        self, collection: str, calibration: str, detectors: Mapping[int, str]
    ) -> dict[str, Mapping[str, Any]]:
        butler, name = self._refreshed(), f"verify{calibration.capitalize()}DetStats"
        refs = self._find(butler, name, collection, detector=detectors.keys())
        return {detectors[number]: read_dataset(butler, ref) for (number,), ref in refs.items()}

    def _made(self, dataset_type: str, run: str) -> tuple[str, ...]:
        return tuple(sorted(str(ref.id) for ref in find_made(self._open(), dataset_type, run)))

    def _find(
        self, butler: Butler, dataset_type: str, collection: str, **values: Collection[int]
    ) -> dict[tuple[int, ...], DatasetRef]:
        return find_datasets(butler, dataset_type, collection, self.instrument.name, **values)

    def _refreshed(self) -> Butler:
        """The Butler, which has seen what other processes registered."""
        butler = self._open()
        butler.registry.refresh()
        return butler


def _refusals() -> tuple[type[Exception], ...]:
    """What database and file system raise."""
    from sqlalchemy.exc import SQLAlchemyError

    return SQLAlchemyError, OSError


def _first_line(error: Exception) -> str:
    """What an error says, without the statement and the links that the database adds."""
    return str(error).partition("\n")[0]
