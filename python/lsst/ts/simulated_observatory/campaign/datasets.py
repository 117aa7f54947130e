"""What a Butler repository holds, read anew and apart from the script."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from astropy.time import Time
from lsst.daf.butler import (
    Butler,
    CollectionType,
    DatasetNotFoundError,
    DatasetRef,
    MissingDatasetTypeError,
    Timespan,
)

from ..repository.ingest import open_anew

__all__ = ["Certificate", "Datasets", "ExposureAndDetector", "validity_range"]

ExposureAndDetector = tuple[int | None, int | None]
"""Ids; None for a dimension that the dataset type has not."""


@dataclass(frozen=True)
class Certificate:
    """A dataset with a validity range.

    Parameters
    ----------
    dataset_type, detector, run
        Its type, the id of its detector, and the RUN collection that it is in.
    validity, collection
        Validity range, and the CALIBRATION collection in which it is valid.
    """

    dataset_type: str
    detector: int
    run: str
    validity: Timespan
    collection: str


class Datasets:
    """Datasets of a repository: each type is looked for once.

    Parameters
    ----------
    repository
        Folder; it is opened when something is asked for.
    open_butler
        Opens it, given its path and whether to write.
    """

    def __init__(self, repository: Path, open_butler: Callable[[str, bool], Butler] = open_anew) -> None:
        self._repository, self._open_butler = repository, open_butler
        self._by_type: dict[str, list[DatasetRef]] = {}

    @cached_property
    def _butler(self) -> Butler:
        return self._open_butler(str(self._repository), False)

    def close(self) -> None:
        """Close the database, if it was opened: no connection may pass to a process that is forked."""
        if "_butler" in vars(self):
            self._butler.registry.resetConnectionPool()
            self._butler.close()

    @cached_property
    def raws(self) -> frozenset[tuple[int, int]]:
        """Exposure and detector of every raw image."""
        return frozenset(
            (int(ref.dataId["exposure"]), int(ref.dataId["detector"])) for ref in self._refs("raw")
        )

    @cached_property
    def filters(self) -> dict[int, str]:
        """Physical filter of every exposure, by its id."""
        records = self._butler.query_dimension_records("exposure", limit=None, explain=False)
        return {int(each.id): str(each.physical_filter) for each in records}

    @cached_property
    def exposures(self) -> dict[int, tuple[str, str, float]]:
        """Group, image type and exposure time of every exposure, by its id."""
        records = self._butler.query_dimension_records("exposure", limit=None, explain=False)
        return {
            int(each.id): (str(each.group), str(each.observation_type).upper(), float(each.exposure_time))
            for each in records
        }

    @cached_property
    def certificates(self) -> frozenset[Certificate]:
        """All that is certified in any collection."""
        registry = self._butler.registry
        return frozenset(
            Certificate(
                kind.name, int(found.ref.dataId["detector"]), found.ref.run, found.timespan, found.collection
            )
            for kind in registry.queryDatasetTypes()
            if kind.isCalibration()
            for found in registry.queryDatasetAssociations(
                kind, collections=..., collectionTypes={CollectionType.CALIBRATION}
            )
            if found.timespan is not None
        )

    def statistics(self, name: str, run: str) -> dict[ExposureAndDetector, Mapping[str, Any]]:
        """Read results of a dataset type.

        Parameters
        ----------
        name, run
            Dataset type, and the RUN collection that they are in; others are left out.

        Returns
        -------
        statistics
            By exposure and detector.
        """
        found = {}
        for ref in self._refs(name):
            if ref.run == run:
                ids = (ref.dataId.get(dimension) for dimension in ("exposure", "detector"))
                exposure, detector = (None if number is None else int(number) for number in ids)
                value = self._butler.get(ref)
                found[exposure, detector] = value if isinstance(value, Mapping) else value.to_dict()
        return found

    def coefficients(
        self, collections: Sequence[str], instrument: str, exposure: int, detector: int
    ) -> dict[str, tuple[float, float]]:
        """Read a00 and turnoff of the photon transfer curve that a job has used.

        Parameters
        ----------
        collections
            Inputs of the job.
        instrument, exposure, detector
            The curve is that of this detector which is valid at the time of the exposure.

        Returns
        -------
        coefficients
            1/electron and adu, by amplifier; none if there is no curve.
        """
        data_id = {"instrument": instrument, "exposure": exposure, "detector": detector}
        try:
            curve = self._butler.get("ptc", data_id, collections=collections)
        except DatasetNotFoundError:
            return {}
        return {name: (float(a00), float(curve.ptcTurnoff[name])) for name, a00 in curve.a00.items()}

    def without_gain(self, collection: str, detector: int) -> list[str]:
        """Look which amplifiers have no gain in the photon transfer curves that were there before the run.

        Parameters
        ----------
        collection, detector
            Where the curves are certified, and id of the detector.

        Returns
        -------
        amplifiers
            Their names.
        """
        found = self._butler.registry.queryDatasetAssociations("ptc", collection, flattenChains=True)
        curves = {each.ref for each in found if each.ref.dataId["detector"] == detector}
        return [
            name for ref in curves for name, gain in self._butler.get(ref).gain.items() if math.isnan(gain)
        ]

    def _refs(self, name: str) -> list[DatasetRef]:
        if name not in self._by_type:
            butler = self._butler
            runs = butler.collections.query("*", CollectionType.RUN)
            try:
                refs = butler.query_datasets(name, runs, find_first=False, limit=None, explain=False)
            except MissingDatasetTypeError:
                refs = []
            self._by_type[name] = refs
        return self._by_type[name]


def validity_range(begin: str, end: str) -> Timespan:
    """Validity range between two dates.

    Parameters
    ----------
    begin, end
        ISO dates, TAI.

    Returns
    -------
    validity
        As the Butler has it.
    """
    return Timespan(*(Time(date, format="isot", scale="tai") for date in (begin, end)))
