"""Tables of verification in the layout of cp_verify: a row for each amplifier, and one for each detector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from astropy.table import MaskedColumn, Table, vstack
from lsst.daf.butler import DatasetRef

from .tasks import dimension_record

__all__ = ["head_of", "merged_results", "result_rows", "results_table"]


def head_of(ref: DatasetRef) -> dict[str, Any]:
    """Columns that say what was verified.

    Parameters
    ----------
    ref
        Reference of ``verify<X>DetStats``, with its dimension records.

    Returns
    -------
    columns
        Instrument and detector; of an image its exposure, filter and begin (TAI) as well.
    """
    head: dict[str, Any] = {"instrument": str(ref.dataId["instrument"])}
    if "exposure" in ref.dataId:
        exposure = dimension_record(ref, "exposure")
        begin = exposure.timespan.begin.tai.mjd if exposure.timespan else math.nan
        head |= {"exposure": int(exposure.id), "physical_filter": str(exposure.physical_filter), "mjd": begin}
    return {**head, "detector": int(ref.dataId["detector"])}


def result_rows(stage: str, head: Mapping[str, Any], stored: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Arrange the statistics of a detector as cp_verify's tables have them.

    Parameters
    ----------
    stage, head
        Begin of the names of the columns, e.g. ``BIAS``, and columns that all rows have.
    stored
        ``verify<X>DetStats``.

    Yields
    ------
    row
        One for each amplifier, and one for the detector if it has values.
    """
    verify, metadata = stored.get("VERIFY") or {}, stored.get("METADATA") or {}
    noise = metadata.get("READ_NOISE_ADU")
    for amplifier, values in (stored.get("AMP") or {}).items():
        row = {**head, "amplifier": amplifier, **{f"{stage}_{key}": value for key, value in values.items()}}
        outcomes = (verify.get("AMP") or {}).get(amplifier, {})
        row |= {f"{stage}_VERIFY_{key}": bool(value) for key, value in outcomes.items()}
        if isinstance(noise, Mapping) and amplifier in noise:
            row[f"{stage}_READ_NOISE_ADU"] = noise[amplifier]
        yield row
    if values := stored.get("DET"):
        outcomes = verify.get("DET") or {}
        yield {
            **head,
            "amplifier": "",
            **{f"{stage}_DET_{key}": value for key, value in values.items()},
            **{f"{stage}_VERIFY_DET_{key}": bool(value) for key, value in outcomes.items()},
        }


def results_table(
    stage: str, heads: Iterable[Mapping[str, Any]], statistics: Iterable[Mapping[str, Any]]
) -> Table:
    """Make the table of the detectors of an exposure, or of their curves.

    Parameters
    ----------
    stage
        Begin of the names of the columns, e.g. ``BIAS``.
    heads, statistics
        `head_of` each detector, and its ``verify<X>DetStats``.

    Returns
    -------
    table
        Values that a row does not have are masked.
    """
    rows = [
        row
        for head, stored in zip(heads, statistics, strict=True)
        for row in result_rows(stage, head, stored)
    ]
    table = Table()
    for name in dict.fromkeys(key for row in rows for key in row):
        values = [row.get(name) for row in rows]
        missing = [each is None for each in values]
        empty = type(next((each for each in values if each is not None), math.nan))()
        filled = [empty if each is None else each for each in values]
        table[name] = MaskedColumn(filled, mask=missing) if any(missing) else filled
    return table


def merged_results(tables: Sequence[Table]) -> Table:
    """Put the tables of exposures below each other.

    Parameters
    ----------
    tables
        In any order.

    Returns
    -------
    table
        Exposures in the order of their ids.
    """
    return vstack(sorted(tables, key=lambda each: int(each["exposure"][0])), metadata_conflicts="silent")
