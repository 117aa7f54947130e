"""Datasets of a Butler repository: many are found with one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from ..domain.errors import ArchiveError
from ..domain.text import one_line

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["find_combined", "find_datasets", "find_made", "read_dataset"]


def find_datasets(
    butler: Butler, dataset_type: str, collection: str, instrument: str, **values: Collection[int]
) -> dict[tuple[int, ...], DatasetRef]:
    """Find the datasets of a type in a collection.

    Parameters
    ----------
    butler
        Repository; what others have registered since it was refreshed is not seen.
    dataset_type, collection
        Of which there may be none.
    instrument
        Whose.
    **values
        Wanted values of the other dimensions, e.g. ``exposure`` and ``detector``.

    Returns
    -------
    refs
        By the values of those dimensions, in their order; what is not there is left out. Each ref has the
        records of its dimensions.
    """
    from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError

    if not all(values.values()):
        return {}
    where = " AND ".join(f"{name} IN ({', '.join(map(str, each))})" for name, each in values.items())
    try:
        refs = butler.query_datasets(
            dataset_type,
            collections=collection,
            instrument=instrument,
            where=where,
            with_dimension_records=True,
            limit=None,
            explain=False,
        )
    except (MissingCollectionError, MissingDatasetTypeError):
        return {}
    return {tuple(int(ref.dataId[name]) for name in values): ref for ref in refs}


def find_made(butler: Butler, dataset_type: str, run: str) -> list[DatasetRef]:
    """Find all datasets of a type in a RUN collection, as they are now; none if there is no collection."""
    from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError

    butler.registry.refresh()
    try:
        return list(
            butler.query_datasets(dataset_type, collections=run, find_first=False, limit=None, explain=False)
        )
    except (MissingCollectionError, MissingDatasetTypeError):
        return []


def read_dataset(butler: Butler, ref: DatasetRef) -> Any:
    """Read a dataset.

    Raises
    ------
    ArchiveError
        Its file is not there, or not what it should be.
    """
    try:
        return butler.get(ref)
    except Exception as error:
        said = one_line(str(error).partition("\n")[0])
        raise ArchiveError(
            f"{ref.datasetType.name} {ref.dataId} in {ref.run} cannot be read: {said}"
        ) from error


def find_combined(
    butler: Butler, dataset_type: str, collections: Sequence[str], instrument: str, time: float
) -> set[tuple[int, str | None]]:
    """Find the combined calibrations of a type that images of a time would find.

    Parameters
    ----------
    butler
        Repository.
    dataset_type
        ``bias``, ``dark`` or ``flat``.
    collections
        Where, chains included; a dataset in a RUN collection is valid for ever.
    instrument
        Whose.
    time
        TAI, in seconds since 1970-01-01T00:00:00 TAI.

    Returns
    -------
    found
        Detector and physical filter of each; the filter is None where the type has none.
    """
    from astropy.time import Time
    from lsst.daf.butler import MissingCollectionError, MissingDatasetTypeError, Timespan

    try:
        found = list(
            butler.registry.queryDatasetAssociations(
                dataset_type, collections=collections, flattenChains=True
            )
        )
    except (MissingCollectionError, MissingDatasetTypeError):
        return set()
    now = Timespan.fromInstant(Time(time, format="unix_tai", scale="tai"))
    return {
        (int(each.ref.dataId["detector"]), _filter(each.ref))
        for each in found
        if each.ref.dataId["instrument"] == instrument
        and (each.timespan is None or each.timespan.overlaps(now))
    }


def _filter(ref: DatasetRef) -> str | None:
    name: Any = ref.dataId.get("physical_filter")
    return None if name is None else str(name)
