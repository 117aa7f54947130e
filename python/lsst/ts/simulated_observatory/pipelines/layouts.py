"""How tables are stored: in the layouts of ip_isr, so that the Rubin software stack reads them.

Each is a binary table of FITS, whose header has the keywords of ``IsrCalib``: type, version, class, detector.
Columns that ip_isr does not know are further ones. What is not measured here is NaN: photodiode, histograms,
offsets between amplifiers, roll-off, variance of row means.

Sources: documentation and documented columns of ``lsst.ip.isr`` (April 2026), classes
``PhotonTransferCurveDataset`` 2.6, ``Linearizer`` 1.8, ``CrosstalkCalib`` 1.2, ``Defects`` 2.0.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from .headers import identity, metadata_table, read_metadata, set_keywords
from .tables import Crosstalk, Defects, Linearizer, PhotonTransferCurve, Table

__all__ = ["former_table", "read_table", "write_table"]

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class _Layout:
    """Type, schema, version and class of ip_isr; columns and keywords of a table, and the table of both."""

    obstype: str
    schema: str
    version: float
    calib_class: str
    columns: Callable[[Any], Columns]
    keywords: Callable[[Any], Mapping[str, Any]]
    table: Callable[[str, Columns, Mapping[str, Any]], Table]


def write_table(table: Table, data_id: Mapping[str, Any], path: str) -> None:
    """Write a table as FITS.

    Parameters
    ----------
    table, data_id, path
        The table, its data ID (instrument and detector go into the header), and the file.
    """
    layout = _LAYOUTS[type(table)]
    columns = layout.columns(table)
    rows = next(iter(columns.values())).shape[0]
    data = np.zeros(rows, dtype=[(name, each.dtype, each.shape[1:]) for name, each in columns.items()])
    for name, values in columns.items():
        data[name] = values
    hdu = fits.BinTableHDU(data, name=layout.obstype.upper())
    metadata: dict[str, Any] = getattr(table, "metadata", {})
    set_keywords(
        hdu.header,
        metadata
        | {
            "OBSTYPE": layout.obstype,
            f"{layout.obstype}_SCHEMA": layout.schema,
            f"{layout.obstype}_VERSION": layout.version,
            "CALIBCLS": f"lsst.ip.isr.{layout.calib_class}",
        }
        | identity(table.detector, data_id, metadata)
        | dict(layout.keywords(table)),
    )
    # A second table would be a look-up table of a linearizer, and crosstalk between detectors.
    more = [] if isinstance(table, Linearizer | Crosstalk) else [metadata_table(metadata)]
    fits.HDUList([fits.PrimaryHDU(), hdu, *more]).writeto(path, overwrite=True)


def read_table(kind: type[Table], path: str) -> Table:
    """Read a table that `write_table` has written.

    Parameters
    ----------
    kind, path
        Class of the table, and the file.

    Returns
    -------
    table
        The table.

    Raises
    ------
    ValueError
        The file holds another kind of calibration, or one of a layout that is not known.
    """
    layout = _LAYOUTS[kind]
    with fits.open(path, memmap=False) as hdus:
        header, data = hdus[1].header, hdus[1].data
        found, version = header.get("OBSTYPE"), header.get(f"{layout.obstype}_VERSION")
        if found != layout.obstype:
            raise ValueError(f"{path} is {found!r} and not {layout.obstype!r}")
        if version != layout.version:
            raise ValueError(f"{path} has version {version} of {found!r}; known is {layout.version}")
        columns = {name: np.asarray(data[name]) for name in data.names}
        table = layout.table(str(header["DET_NAME"]), columns, header)
        if "METADATA" in hdus:
            setattr(table, "metadata", read_metadata(hdus["METADATA"]))  # noqa: B010 (not of all tables)
        return table


def former_table(kind: type[Table], values: Mapping[str, Any]) -> Table:
    """Make a table of what earlier versions of this project wrote as JSON.

    Parameters
    ----------
    kind, values
        Class of the table, and the JSON object.

    Returns
    -------
    table
        The table.

    Raises
    ------
    ValueError
        The values are those of another kind of calibration.
    """
    table = kind.from_dict(values)
    if isinstance(table, Crosstalk):  # then by target and source
        table.coeffs = np.transpose(table.coeffs).tolist()
    return table


_PER_PAIR, _LAGS, _FIT_LAGS = "pair", "lags", "fitted lags"

_Fill = float | int | bool

_CURVE_COLUMNS: Mapping[str, tuple[str, tuple[str, ...], _Fill]] = {
    "INPUT_EXP_PAIR_MJD_START": ("inputExpPairMjdStartList", (_PER_PAIR,), math.nan),
    "EXP_ID_MASK": ("expIdMask", (_PER_PAIR,), False),
    "EXP_ID_ROLLOFF_MASK": ("", (_PER_PAIR,), False),
    "RAW_EXP_TIMES": ("rawExpTimes", (_PER_PAIR,), math.nan),
    "RAW_MEANS": ("rawMeans", (_PER_PAIR,), math.nan),
    "RAW_VARS": ("rawVars", (_PER_PAIR,), math.nan),
    "RAW_DELTAS": ("rawDeltas", (_PER_PAIR,), math.nan),
    "ROW_MEAN_VARIANCE": ("", (_PER_PAIR,), math.nan),
    "GAIN": ("gain", (), math.nan),
    "GAIN_ERR": ("gainErr", (), math.nan),
    "GAIN_UNADJUSTED": ("gainUnadjusted", (), math.nan),
    "GAIN_LIST": ("gainList", (_PER_PAIR,), math.nan),
    "OVERSCAN_MEDIAN_LIST": ("overscanMedianLevelList", (_PER_PAIR,), math.nan),
    "OVERSCAN_MEDIAN": ("overscanMedian", (), math.nan),
    "OVERSCAN_MEDIAN_SIGMA": ("overscanMedianSigma", (), math.nan),
    "NOISE_LIST": ("noiseList", (_PER_PAIR,), math.nan),
    "NOISE": ("noise", (), math.nan),
    "NOISE_ERR": ("noiseErr", (), math.nan),
    "HIST_VARS": ("", (_PER_PAIR,), math.nan),
    "HIST_CHI2_DOFS": ("", (_PER_PAIR,), math.nan),
    "KS_PVALUES": ("", (_PER_PAIR,), math.nan),
    "PTC_FIT_PARS": ("ptcFitPars", ("parameters",), math.nan),
    "PTC_FIT_PARS_ERROR": ("ptcFitParsError", ("parameters",), math.nan),
    "PTC_FIT_CHI_SQ": ("ptcFitChiSq", (), math.nan),
    "PTC_TURNOFF": ("ptcTurnoff", (), math.nan),
    "PTC_TURNOFF_SAMPLING_ERROR": ("ptcTurnoffSamplingError", (), math.nan),
    "PTC_ROLLOFF": ("", (), math.nan),
    "PTC_ROLLOFF_ERROR": ("", (), math.nan),
    "PTC_ROLLOFF_TAU": ("", (), math.nan),
    "PTC_ROLLOFF_TAU_ERROR": ("", (), math.nan),
    "A_MATRIX": ("aMatrix", (_FIT_LAGS,), math.nan),
    "B_MATRIX": ("bMatrix", (_FIT_LAGS,), math.nan),
    "NOISE_MATRIX": ("noiseMatrix", (_FIT_LAGS,), math.nan),
    "PHOTO_CHARGE": ("", (_PER_PAIR,), math.nan),
    "PHOTO_CHARGE_DELTAS": ("", (_PER_PAIR,), math.nan),
    "AMP_OFFSETS": ("", (_PER_PAIR,), math.nan),
    "NPIXEL_COVARIANCES": ("nPixelCovariances", (), -1),
    "COVARIANCES": ("covariances", (_PER_PAIR, _LAGS), math.nan),
    "COVARIANCES_MODEL": ("covariancesModel", (_PER_PAIR, _FIT_LAGS), math.nan),
    "COVARIANCES_SQRT_WEIGHTS": ("covariancesSqrtWeights", (_PER_PAIR, _LAGS), math.nan),
    "FINAL_VARS": ("finalVars", (_PER_PAIR,), math.nan),
    "FINAL_MODEL_VARS": ("finalModelVars", (_PER_PAIR,), math.nan),
    "FINAL_MEANS": ("finalMeans", (_PER_PAIR,), math.nan),
    # Not of ip_isr:
    "IMAGE_NOISE": ("imageNoise", (), math.nan),
    "A00": ("a00", (), math.nan),
    "A00_ERR": ("a00Err", (), math.nan),
    "PTC_FIT_DOF": ("ptcFitDof", (), 0),
    "PIXEL_COUNTS": ("pixelCounts", (_PER_PAIR,), -1),
}
"""Attribute of a curve that a column holds, its shape for each amplifier, and what it is where nothing is."""


def _curve_columns(curve: PhotonTransferCurve) -> Columns:
    """One row for each amplifier; matrices are flat, as ip_isr has them."""
    names, pairs = curve.ampNames, curve.pairs
    side, fitted = curve.covMatrixSide, curve.covMatrixSideFullCovFit
    sizes = {_PER_PAIR: len(pairs), _LAGS: side**2, _FIT_LAGS: fitted**2, "parameters": 3}
    columns = {
        "AMPLIFIER_NAME": np.array(names, dtype=str),
        "PTC_FIT_TYPE": np.array([curve.ptcFitType] * len(names), dtype=str),
        "COV_MATRIX_SIDE": np.full(len(names), side),
        "COV_MATRIX_SIDE_FULL_COV_FIT": np.full(len(names), fitted),
        "INPUT_EXP_ID_PAIRS": np.array([pairs] * len(names), dtype=np.int64).reshape(len(names), -1, 2),
        "REASON": np.array([curve.reasons.get(name, "") for name in names], dtype=str),
        "BAD_AMPS": np.array([curve.badAmps] * len(names), dtype="U3").reshape(len(names), -1),
    }
    for column, (attribute, shape, fill) in _CURVE_COLUMNS.items():
        values = getattr(curve, attribute) if attribute else {}
        length = math.prod(sizes[each] for each in shape)
        data = np.full((len(names), length), fill)
        for row, name in zip(data, names, strict=True):
            if np.size(values.get(name, ())):
                row[:] = np.ravel(values[name])
        columns[column] = data if shape else data[:, 0]
    return columns


def _curve(detector: str, columns: Columns, header: Mapping[str, Any]) -> PhotonTransferCurve:
    names = [str(name) for name in columns["AMPLIFIER_NAME"]]
    stored = {field.name for field in dataclasses.fields(PhotonTransferCurve)} | {"expIdMask", "noiseList"}
    other_names = {"expIdMask": "usedPoints", "noiseList": "overscanNoise"}
    values: dict[str, Any] = {}
    for column, (attribute, shape, _) in _CURVE_COLUMNS.items():
        if attribute in stored and column in columns:
            lags = "COV_MATRIX_SIDE" if _LAGS in shape else "COV_MATRIX_SIDE_FULL_COV_FIT"
            side = int(columns[lags][0])
            # Lags are the last of the axes, and there are side times side of them.
            axes = (-1, side, side) if len(shape) == 2 else (side, side) if _FIT_LAGS in shape else (-1,)
            values[other_names.get(attribute, attribute)] = {
                name: row.reshape(axes).tolist() if shape else row.item()
                for name, row in zip(names, columns[column], strict=True)
            }
    pairs = zip(names, columns["INPUT_EXP_ID_PAIRS"].tolist(), strict=True)
    reasons = zip(names, map(str, columns.get("REASON", ())), strict=False)
    return PhotonTransferCurve(
        detector,
        **values,
        inputExpIdPairs=dict(pairs),
        ptcFitType=str(columns["PTC_FIT_TYPE"][0]),
        reasons={name: reason for name, reason in reasons if reason},
    )


def _linearizer_columns(linearizer: Linearizer) -> Columns:
    """A polynomial for each amplifier; none of the values of a fit, as the camera model has been given."""
    number = len(linearizer.linearityCoeffs)
    boxes = np.array([linearizer.linearityBBox[name] for name in linearizer.linearityCoeffs])
    nothing = dict.fromkeys(("INPUT_GAIN", "INPUT_TURNOFF"), np.full(number, math.nan))
    fit = ("INP_ABSCISSA", "INP_ORDINATE", "INP_GROUPING_INDEX", "INP_NORMALIZATION", "FIT_PARAMS")
    more = ("FIT_PARAMS_ERR", "FIT_RES", "FIT_RES_UNMASKED", "FIT_RES_MODEL", "LIN_FIT")
    scalars = ("RED_CHI_SQ", "FIT_RES_SIGMAD", "LINEARITY_TURNOFF", "LINEARITY_MAX_SIGNAL")
    return (
        {"AMPLIFIER_NAME": np.array(list(linearizer.linearityCoeffs), dtype=str)}
        | nothing
        | {
            "TYPE": np.array(["Polynomial"] * number),
            "COEFFS": np.array(list(linearizer.linearityCoeffs.values()), dtype=np.float64),
        }
        | {f"BBOX_{side}": boxes[:, index] for index, side in enumerate(("X0", "Y0", "DX", "DY"))}
        | {"INP_MASK": np.zeros((number, 1), dtype=bool)}
        | dict.fromkeys((*fit, *more), np.full((number, 1), math.nan))
        | dict.fromkeys(scalars, np.full(number, math.nan))
        | {"ABS_REF_AMP": np.array([""] * number, dtype="U1")}
    )


def _linearizer(detector: str, columns: Columns, header: Mapping[str, Any]) -> Linearizer:
    names = [str(name) for name in columns["AMPLIFIER_NAME"]]
    kinds = {str(kind) for kind in columns["TYPE"]}
    if kinds != {"Polynomial"}:
        raise ValueError(f"a linearizer of the type {', '.join(sorted(kinds))} is not known here")
    boxes = zip(*(columns[f"BBOX_{side}"].tolist() for side in ("X0", "Y0", "DX", "DY")), strict=True)
    coefficients = columns["COEFFS"].tolist()
    return Linearizer(
        detector,
        dict(zip(names, coefficients, strict=True)),
        dict(zip(names, boxes, strict=True)),
        {"LSST_NUM": header.get("DET_SER")},
    )


def _crosstalk_columns(crosstalk: Crosstalk) -> Columns:
    """One row; matrices are flat, by source and target, in the order of the amplifiers."""
    coefficients = np.ravel(np.array(crosstalk.coeffs, dtype=np.float64))[None]
    unknown, zeros = np.full_like(coefficients, math.nan), np.zeros_like(coefficients)
    return {
        "CT_COEFFS": coefficients,
        "CT_ERRORS": unknown,
        "CT_COUNTS": np.zeros(coefficients.shape, dtype=np.int64),
        "CT_VALID": np.isfinite(coefficients),
        "CT_COEFFS_SQR": zeros,
        "CT_ERRORS_SQR": unknown,
        "CT_AMP_GAIN_RATIOS": zeros,  # 0: not known, and so for the gains
        "CT_FIT_GAINS": zeros[:, : len(crosstalk.amplifiers)],
        "CT_AMPLIFIERS": np.array([crosstalk.amplifiers], dtype=str),
    }


def _crosstalk(detector: str, columns: Columns, header: Mapping[str, Any]) -> Crosstalk:
    names = [str(name) for name in columns["CT_AMPLIFIERS"][0]]
    coefficients = columns["CT_COEFFS"][0].reshape(len(names), len(names)).tolist()
    return Crosstalk(detector, names, coefficients, {"LSST_NUM": header.get("DET_SER")})


def _defects_columns(defects: Defects) -> Columns:
    boxes = np.array(defects.boxes, dtype=np.int32).reshape(-1, 4)
    return {name: boxes[:, index] for index, name in enumerate(_BOX)}


def _defects(detector: str, columns: Columns, header: Mapping[str, Any]) -> Defects:
    boxes = list(zip(*(columns[name].tolist() for name in _BOX), strict=True))
    return Defects(detector, (int(header["IMAGE ROWS"]), int(header["IMAGE COLUMNS"])), boxes)


_BOX = ("x0", "y0", "width", "height")

_LAYOUTS: Mapping[type[Table], _Layout] = {
    PhotonTransferCurve: _Layout(
        "PTC",
        "Gen3 Photon Transfer Curve",
        2.6,
        "ptcDataset.PhotonTransferCurveDataset",
        _curve_columns,
        lambda curve: {"PTC_FIT_TYPE": curve.ptcFitType},
        _curve,
    ),
    Linearizer: _Layout(
        "LINEARIZER",
        "Gen3 Linearizer",
        1.8,
        "linearize.Linearizer",
        _linearizer_columns,
        lambda _: {"HAS_LINEARITY": True, "OVERRIDE": True, "HAS_TABLE": False, "LINEARITY_UNITS": "adu"},
        _linearizer,
    ),
    Crosstalk: _Layout(
        "CROSSTALK",
        "Gen3 Crosstalk",
        1.2,
        "crosstalk.CrosstalkCalib",
        _crosstalk_columns,
        lambda crosstalk: {
            "HAS_CROSSTALK": True,
            "NAMP": len(crosstalk.amplifiers),
            "CROSSTALK_RATIOS_UNITS": "adu",
        },
        _crosstalk,
    ),
    Defects: _Layout(
        "defects",
        "",
        2.0,
        "defects.Defects",
        _defects_columns,
        lambda defects: {"IMAGE ROWS": defects.shape[0], "IMAGE COLUMNS": defects.shape[1]},
        _defects,
    ),
}
