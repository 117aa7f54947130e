"""Dimension records of the datasets of a quantum."""

from __future__ import annotations

from lsst.daf.butler import DatasetRef, DimensionRecord

__all__ = ["dimension_record"]


def dimension_record(ref: DatasetRef, dimension: str) -> DimensionRecord:
    """Record of one dimension of a dataset, e.g. ``exposure``.

    Raises
    ------
    RuntimeError
        The data ID was not expanded: quantum graphs have expanded data IDs only.
    """
    record = ref.dataId.records[dimension]
    if record is None:
        raise RuntimeError(f"{ref} has no record of its {dimension}")
    return record
