"""Tables for programs beside the page: ECSV with units and descriptions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS

from .datasets import Datasets

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["write_tables"]

_ELECTRON = {
    "MEAN": "mean of the pixels that are not masked",
    "NOISE": "standard deviation of the pixels, clipped at 5 sigma",
    "CR_NOISE": "standard deviation of the pixels without cosmic rays",
    "AMP_CORNER": "mean at the readout corner",
    "SCATTER": "standard deviation of the means of the amplifiers",
    "MEDIAN": "median of the pixels that are in no defect",
    "STDEV": "standard deviation of the pixels that are in no defect, clipped",
    "MIN": "lowest pixel that is in no defect",
    "MAX": "highest pixel that is in no defect",
    "PTC_NOISE": "read noise of the photon transfer curve",
    "AMP_NOISE": "read noise of the camera model",
}
_PIXEL = {
    "OUTLIERS": "pixels in no defect that clipping leaves out",
    "DEFECT_PIXELS": "pixels in defects",
    "STAT_OUTLIERS": "pixels farther off than a normal distribution has them",
}
_OTHER = {
    "PTC_GAIN": ("electron/adu", "gain of the photon transfer curve"),
    "AMP_GAIN": ("electron/adu", "gain of the camera model"),
    "PTC_TURNOFF": ("adu", "largest mean that follows the curve"),
    "MAX_RAW_MEAN": ("adu", "largest mean of a pair of flats"),
    "NOISE_SCATTER": ("adu", "standard deviation of the overscan noise over the pairs"),
    "READ_NOISE_ADU": ("adu", "noise of the serial overscan"),
    "PTC_BFE_A00": ("1/electron", "brighter-fatter coefficient a00"),
    "FRAC": ("", "part of the pixels that is in defects"),
    "FORCE_FAILURE": ("", "1 where there were too many cosmic rays to find them"),
}
_QUANTITIES: Mapping[str, tuple[str, str]] = {
    **{name: ("electron", about) for name, about in _ELECTRON.items()},
    **{name: ("pix", about) for name, about in _PIXEL.items()},
    **_OTHER,
    **{
        f"UNMASKED_{name}": ("electron", f"{name.lower()} of all pixels") for name in ("MEDIAN", "MIN", "MAX")
    },
    "UNMASKED_STDEV": ("electron", "standard deviation of all pixels, clipped"),
    "UNMASKED_OUTLIERS": ("pix", "pixels that clipping leaves out, defects included"),
}
"""Unit and description of each statistic of cp_verify."""

_COLUMNS: Mapping[str, tuple[str, str]] = {
    "instrument": ("", "name of the instrument in the Butler"),
    "exposure": ("", "exposure id"),
    "detector": ("", "Butler id of the detector; none for tests of a whole exposure"),
    "detector_name": ("", "name of the detector"),
    "physical_filter": ("", "filter of the exposure"),
    "mjd": ("d", "begin of the exposure, TAI"),
    "amplifier": ("", "name of the amplifier; empty for values of the whole detector"),
    "calibration": ("", "type of calibration that was verified"),
    "test": ("", "name of the test in cp_verify"),
    "value": ("", "what was measured, in the unit of the row"),
    "reference": ("", "what it should be"),
    "lowest": ("", "lowest value that passes"),
    "highest": ("", "highest value that passes"),
    "unit": ("", "unit of value, reference, lowest and highest"),
    "passed": ("", "outcome of the test"),
    "counted": ("", "whether acceptance counts the test"),
    "first": ("", "exposure id of the first flat of the pair"),
    "second": ("", "exposure id of the second flat"),
    "gain": ("electron/adu", "gain as measured"),
    "gain_corrected": ("electron/adu", "gain without the brighter-fatter effect"),
    "gain_error": ("electron/adu", "standard error of the gain"),
    "noise": ("electron", "read noise"),
    "a00": ("1/electron", "brighter-fatter coefficient"),
    "turnoff": ("adu", "largest mean that follows the curve"),
    "mean": ("adu", "mean of a pair of flats"),
    "variance": ("adu2", "variance of one flat of a pair"),
    "used": ("", "whether the fit used the pair"),
}
"""Unit and description of the other columns."""


def write_tables(
    folder: Path, summary: Mapping[str, Any], datasets: Datasets, detectors: Mapping[int, str]
) -> list[str]:
    """Write the tables of a run beside its page.

    Parameters
    ----------
    folder, summary, datasets, detectors
        Run directory, ``summary.json``, what reads the Butler, and names of the detectors by Butler id.

    Returns
    -------
    names
        Of the files that were written.
    """
    names = []
    for name, table in _tables(summary, datasets, detectors):
        part = folder / f"{name}.ecsv.part"
        _described(table).write(part, format="ascii.ecsv", overwrite=True)
        names.append(part.replace(folder / f"{name}.ecsv").name)
    return names


def _tables(
    summary: Mapping[str, Any], datasets: Datasets, detectors: Mapping[int, str]
) -> Iterator[tuple[str, Table]]:
    """Name and contents of each table: those of verification from the Butler, the others from the summary."""
    for calibration, verdict in summary["verification"].items():
        name = f"{CALIBRATIONS[calibration].statistics_prefix}Results"
        if stored := datasets.get(name, [verdict["verification_collection"]]):
            yield name, stored
    ids = {name: number for number, name in detectors.items()}
    rows = {
        "tests": [_test_row(each, ids) for each in summary.get("tests") or ()],
        "gains": [_gain_row(each, detectors) for each in summary["gains"]],
        "curves": [row for each in summary.get("curves") or () for row in _curve_rows(each, detectors)],
    }
    yield from ((name, _table(each)) for name, each in rows.items() if each)


def _test_row(test: Mapping[str, Any], ids: Mapping[str, int]) -> dict[str, Any]:
    limit = test["limit"] or (None, None)
    row = {
        key: value for key, value in test.items() if key not in ("limit", "exposure", "detector", "amplifier")
    }
    place = {"detector": ids.get(test["detector"]), "detector_name": test["detector"] or ""}
    place["amplifier"] = test["amplifier"] or ""
    return {"exposure": test["exposure"] or 0, **place, **row, "lowest": limit[0], "highest": limit[1]}


def _place(row: Mapping[str, Any], detectors: Mapping[int, str]) -> dict[str, Any]:
    detector = row["detector"]
    name = detectors.get(detector, "")
    return {"detector": detector, "detector_name": name, "amplifier": row["amplifier"]}


def _gain_row(gain: Mapping[str, Any], detectors: Mapping[int, str]) -> dict[str, Any]:
    first, second = gain["exposures"]
    values = {key: gain[key] for key in ("gain", "gain_corrected", "noise")}
    return {"first": first, "second": second, **_place(gain, detectors), **values}


def _curve_rows(curve: Mapping[str, Any], detectors: Mapping[int, str]) -> Iterator[dict[str, Any]]:
    """One row for each pair of the curve of an amplifier."""
    scalars = _place(curve, detectors) | {
        key: curve[key] for key in ("gain", "gain_error", "noise", "a00", "turnoff")
    }
    used = curve["used"] or [None] * len(curve["means"])
    for mean, variance, each in zip(curve["means"], curve["variances"], used, strict=True):
        yield {**scalars, "mean": mean, "variance": variance, "used": each}


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Make a table of rows that all have the same keys; None is masked."""
    from astropy.table import MaskedColumn, Table

    table = Table()
    for name in rows[0]:
        values = [row[name] for row in rows]
        empty = type(next((each for each in values if each is not None), math.nan))()
        filled = [empty if each is None else each for each in values]
        mask = [each is None for each in values]
        table[name] = MaskedColumn(filled, mask=mask) if any(mask) else filled
    return table


def _described(table: Table) -> Table:
    """Give the columns the units and descriptions that they do not have."""
    for name in table.colnames:
        unit, about = _about(name)
        table[name].unit = table[name].unit or unit or None
        table[name].description = table[name].description or about
    return table


def _about(name: str) -> tuple[str, str]:
    """Unit and description of a column."""
    if name in _COLUMNS:
        return _COLUMNS[name]
    stage, _, rest = name.partition("_")
    whole = rest.startswith(("DET_", "VERIFY_DET_"))
    where = "detector" if whole else "amplifier"
    rest = rest.replace("DET_", "", 1) if whole else rest
    if rest.startswith("VERIFY_"):
        return "", f"outcome of the test {rest.removeprefix('VERIFY_')} of the {where}"
    unit, about = _QUANTITIES.get(rest, ("", f"{rest} of cp_verify"))
    return unit, f"{stage}, {where}: {about}"
