# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""What is stored is what ip_isr documents: the readers here know its layouts, and nothing of the writer.

Layouts: documentation of ``PhotonTransferCurveDataset``, ``Linearizer``, ``CrosstalkCalib`` and ``Defects``
of lsst.ip.isr, and the columns and keywords that it names.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, FileDataset

from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.pipelines.corrections import linearize, subtract_crosstalk
from lsst.ts.simulated_observatory.pipelines.formatters import TableFormatter
from lsst.ts.simulated_observatory.pipelines.isr import IsrConfig, IsrTask
from lsst.ts.simulated_observatory.pipelines.layouts import former_table, read_table, write_table
from lsst.ts.simulated_observatory.pipelines.new_repository import (
    calibration_type,
    certify_camera_model,
)
from lsst.ts.simulated_observatory.pipelines.raws import read_raw
from lsst.ts.simulated_observatory.pipelines.tables import (
    Crosstalk,
    Defects,
    Linearizer,
    PhotonTransferCurve,
)

DATA_ID = {"instrument": "LSSTComCam", "detector": 4}
NAMES = ("C00", "C03", "C17")
LATISS_ORDER = [f"C1{n}" for n in range(8)] + [f"C0{n}" for n in range(7, -1, -1)]
"""Of the camera model of the Rubin software stack."""


def first_table(path: Path) -> Table:
    """The first extension, as the stack reads it: with astropy, NaN not masked."""
    return Table.read(path, hdu=1, mask_invalid=False)


def check_identity(meta: Any, obstype: str, version: float, calib_class: str) -> None:
    assert meta["OBSTYPE"] == obstype
    assert meta[f"{obstype}_VERSION"] == version
    assert isinstance(meta[f"{obstype}_SCHEMA"], str)
    assert meta["CALIBCLS"] == calib_class
    found = {key: meta[key] for key in ("INSTRUME", "RAFTNAME", "SLOTNAME", "DETECTOR", "DET_NAME")}
    assert list(found.values()) == ["LSSTComCam", "R22", "S11", 4, "R22_S11"]
    assert "detector=4" in meta["CALIB_ID"]
    assert {"DET_SER", "FILTER", "SEQFILE", "SEQNAME", "SEQCKSUM"} <= set(meta)


def curve_of(rng: np.random.Generator, fit_type: str = "FULLCOVARIANCE") -> PhotonTransferCurve:
    """A curve of five pairs in which no two numbers are the same; C03 is dead."""
    lists = ("gainList", "rawMeans", "rawVars", "rawDeltas", "finalModelVars", "overscanNoise")
    more = ("overscanMedianLevelList", "inputExpPairMjdStartList", "rawExpTimes")
    values = {each: {name: rng.uniform(1.0, 2.0, 5).tolist() for name in NAMES} for each in (*lists, *more)}
    scalars = ("gain", "gainErr", "noise", "noiseErr", "imageNoise", "a00", "a00Err", "ptcFitChiSq")
    values |= {
        each: {name: float(rng.uniform()) for name in NAMES}
        for each in (*scalars, "ptcTurnoff", "ptcTurnoffSamplingError")
    }
    values["gain"]["C03"] = values["noise"]["C03"] = math.nan
    values |= {
        each: {name: rng.uniform(size=3).tolist() for name in NAMES}
        for each in ("ptcFitPars", "ptcFitParsError")
    }
    values["covariances"] = {name: rng.uniform(1.0, 2.0, (5, 4, 4)).tolist() for name in NAMES}
    if fit_type != "EXPAPPROXIMATION":
        matrices = ("aMatrix", "bMatrix", "noiseMatrix")
        values |= {each: {name: rng.uniform(size=(3, 3)).tolist() for name in NAMES} for each in matrices}
        values["covariancesModel"] = {name: rng.uniform(size=(5, 3, 3)).tolist() for name in NAMES}
    return PhotonTransferCurve(
        "R22_S11",
        **values,
        ptcFitType=fit_type,
        ptcFitDof={"C00": 2, "C03": 0, "C17": 1},
        reasons={"C03": "there is no light"},
        usedPoints={name: [name != "C03"] * 4 + [False] for name in NAMES},
        pixelCounts={name: rng.integers(1000, 2000, 5).tolist() for name in NAMES},
        inputExpIdPairs={
            name: [(2025011500001 + 2 * n, 2025011500002 + 2 * n) for n in range(5)] for name in NAMES
        },
        metadata={
            "LSST_NUM": "ITL-3800C-229",
            "SEQNAME": "FP_ITL",
            "DATE-BEG": "2025-01-15T18:00:00.000",
            "exposures": {"flat": [2025011500001]},
        },
    )


@pytest.mark.parametrize("fit_type", ["FULLCOVARIANCE", "EXPAPPROXIMATION", "PARTIAL"])
def test_curve_is_a_dataset_of_ip_isr(rng: np.random.Generator, tmp_path: Path, fit_type: str) -> None:
    curve, path = curve_of(rng, fit_type), tmp_path / "ptc.fits"
    write_table(curve, DATA_ID, str(path))
    table = first_table(path)
    check_identity(table.meta, "PTC", 2.6, "lsst.ip.isr.ptcDataset.PhotonTransferCurveDataset")
    assert table.meta["DET_SER"] == "ITL-3800C-229"
    assert table.meta["PTC_FIT_TYPE"] == fit_type
    assert table.meta["CALIBDATE"] == "2025-01-15T18:00:00.000"
    assert [str(row["AMPLIFIER_NAME"]) for row in table] == list(NAMES)
    per_pair: dict[str, Any] = {
        "EXP_ID_MASK": curve.usedPoints, "RAW_EXP_TIMES": curve.rawExpTimes, "RAW_MEANS": curve.rawMeans,
        "RAW_VARS": curve.rawVars, "RAW_DELTAS": curve.rawDeltas, "GAIN_LIST": curve.gainList,
        "NOISE_LIST": curve.overscanNoise, "OVERSCAN_MEDIAN_LIST": curve.overscanMedianLevelList,
        "INPUT_EXP_PAIR_MJD_START": curve.inputExpPairMjdStartList, "FINAL_MODEL_VARS": curve.finalModelVars,
    }  # fmt: skip
    scalar: dict[str, Any] = {
        "GAIN": curve.gain, "GAIN_UNADJUSTED": curve.gain, "GAIN_ERR": curve.gainErr, "NOISE": curve.noise,
        "NOISE_ERR": curve.noiseErr, "PTC_FIT_CHI_SQ": curve.ptcFitChiSq, "PTC_TURNOFF": curve.ptcTurnoff,
        "PTC_TURNOFF_SAMPLING_ERROR": curve.ptcTurnoffSamplingError, "PTC_FIT_PARS": curve.ptcFitPars,
        "PTC_FIT_PARS_ERROR": curve.ptcFitParsError,
    }  # fmt: skip
    for row, name in zip(table, NAMES, strict=True):
        for column, values in (per_pair | scalar).items():
            np.testing.assert_array_equal(row[column], values[name], err_msg=column)
        assert row["PTC_FIT_TYPE"] == fit_type
        assert (row["PTC_FIT_DOF"], str(row["REASON"])) == (
            curve.ptcFitDof[name],
            curve.reasons.get(name, ""),
        )
        assert row["INPUT_EXP_ID_PAIRS"].tolist() == [list(pair) for pair in curve.pairs]
        assert row["BAD_AMPS"].tolist() in (["C03"], [b"C03"])
        side, fitted = row["COV_MATRIX_SIDE"], row["COV_MATRIX_SIDE_FULL_COV_FIT"]
        assert (side, fitted) == (4, 4 if fit_type == "EXPAPPROXIMATION" else 3)
        covariances = np.reshape(row["COVARIANCES"], (5, side, side))
        np.testing.assert_array_equal(covariances, curve.covariances[name])
        for column, matrices in {"A": curve.aMatrix, "B": curve.bMatrix, "NOISE": curve.noiseMatrix}.items():
            found = np.reshape(row[f"{column}_MATRIX"], (fitted, fitted))
            assert np.array_equal(found, matrices[name]) if matrices else np.isnan(found).all()
        model = np.reshape(row["COVARIANCES_MODEL"], (5, fitted, fitted))
        expected: Any = curve.covariancesModel.get(name, np.full(model.shape, math.nan))
        np.testing.assert_array_equal(model, expected)
        # The variance of a variance of n pixels is 2 v^2 / n, of a covariance on an axis v^2 / n.
        weights = np.reshape(row["COVARIANCES_SQRT_WEIGHTS"], covariances.shape)
        number, variance = np.array(curve.pixelCounts[name]), covariances[:, 0, 0]
        np.testing.assert_allclose(weights[:, 0, 0], np.sqrt(number / 2.0) / variance)
        np.testing.assert_allclose(weights[:, 0, 2], np.sqrt(number) / variance)
        np.testing.assert_allclose(weights[:, 1, 2], np.sqrt(2.0 * number) / variance)
        assert row["NPIXEL_COVARIANCES"] == number.min()
        used = np.array(curve.usedPoints[name])
        for column, raw in {"FINAL_MEANS": curve.rawMeans, "FINAL_VARS": curve.rawVars}.items():
            np.testing.assert_array_equal(row[column], np.where(used, raw[name], math.nan))
        levels = np.array(curve.overscanMedianLevelList[name])[used]
        median = np.median(levels) if levels.size else math.nan
        np.testing.assert_equal(row["OVERSCAN_MEDIAN"], median)
        scatter = 1.4826 * np.median(np.abs(levels - median)) if levels.size else math.nan
        np.testing.assert_allclose(row["OVERSCAN_MEDIAN_SIGMA"], scatter)
        not_measured = ("ROW_MEAN_VARIANCE", "HIST_VARS", "HIST_CHI2_DOFS", "KS_PVALUES", "PHOTO_CHARGE")
        for column in (*not_measured, "PHOTO_CHARGE_DELTAS", "AMP_OFFSETS"):
            assert np.shape(row[column]) == (5,), column
            assert np.isnan(row[column]).all(), column
        assert not np.any(row["EXP_ID_ROLLOFF_MASK"])
        for column in ("", "_ERROR", "_TAU", "_TAU_ERROR"):
            assert math.isnan(row[f"PTC_ROLLOFF{column}"])


@pytest.mark.parametrize("fit_type", ["FULLCOVARIANCE", "EXPAPPROXIMATION"])
def test_curve_comes_back_as_it_was(rng: np.random.Generator, tmp_path: Path, fit_type: str) -> None:
    curve, path = curve_of(rng, fit_type), str(tmp_path / "ptc.fits")
    write_table(curve, DATA_ID, path)
    read = read_table(PhotonTransferCurve, path)
    for name, value in vars(curve).items():
        if value != {}:
            np.testing.assert_equal(getattr(read, name), value, err_msg=name)
    write_table(read, DATA_ID, path)
    np.testing.assert_equal(vars(read_table(PhotonTransferCurve, path)), vars(read))


def test_curve_without_bad_amplifiers_and_without_pairs(tmp_path: Path) -> None:
    path = tmp_path / "ptc.fits"
    write_table(PhotonTransferCurve("R22_S11", {"C00": 1.1, "C01": 1.2}), DATA_ID, str(path))
    table = first_table(path)
    assert table["BAD_AMPS"].shape == (2, 0)
    assert table["RAW_MEANS"].shape == (2, 0)
    read = read_table(PhotonTransferCurve, str(path))
    assert isinstance(read, PhotonTransferCurve)
    assert (read.gain, read.pairs, read.badAmps) == ({"C00": 1.1, "C01": 1.2}, [], [])


def corrected(values: np.ndarray, table: Table, name: str) -> np.ndarray:
    """What a linearizer of the type Polynomial gives: r + sum over i of c_i r^(2 + i), in its box."""
    (row,) = (each for each in table if each["AMPLIFIER_NAME"] == name)
    assert row["TYPE"] == "Polynomial"
    result = values.copy()
    y0, x0 = row["BBOX_Y0"], row["BBOX_X0"]
    box = (slice(y0, y0 + row["BBOX_DY"]), slice(x0, x0 + row["BBOX_DX"]))
    result[box] += sum(c * values[box] ** (2 + i) for i, c in enumerate(row["COEFFS"]))
    return result


def test_linearizer_is_a_polynomial_of_ip_isr(rng: np.random.Generator, tmp_path: Path) -> None:
    path = tmp_path / "linearizer.fits"
    coefficients = {"C00": [1e-7, 3e-13], "C03": [-2e-7, 0.0]}
    boxes = {"C00": (0, 0, 6, 10), "C03": (6, 2, 4, 8)}
    linearizer = Linearizer("R22_S11", coefficients, boxes, {"LSST_NUM": "ITL-3800C-229"})
    write_table(linearizer, DATA_ID, str(path))
    table = first_table(path)
    check_identity(table.meta, "LINEARIZER", 1.8, "lsst.ip.isr.linearize.Linearizer")
    assert (table.meta["HAS_LINEARITY"], table.meta["HAS_TABLE"]) == (True, False)
    assert table.meta["LINEARITY_UNITS"] == "adu"
    signal = rng.uniform(0.0, 1e5, (10, 10)).astype(np.float32)
    for name, (x0, y0, width, height) in boxes.items():
        box = (slice(y0, y0 + height), slice(x0, x0 + width))
        expected = signal.copy()
        expected[box] = linearize(signal[box], coefficients[name])
        np.testing.assert_allclose(corrected(signal, table, name), expected, rtol=1e-6)
    vectors: tuple[str, ...] = (
        "INP_ABSCISSA",
        "INP_ORDINATE",
        "INP_MASK",
        "INP_GROUPING_INDEX",
        "INP_NORMALIZATION",
    )
    vectors += ("FIT_PARAMS", "FIT_PARAMS_ERR", "FIT_RES", "FIT_RES_UNMASKED", "FIT_RES_MODEL", "LIN_FIT")
    assert all(table[column].ndim == 2 for column in vectors)
    scalars = ("INPUT_GAIN", "INPUT_TURNOFF", "RED_CHI_SQ", "FIT_RES_SIGMAD")
    for column in (*scalars, "LINEARITY_TURNOFF", "LINEARITY_MAX_SIGNAL"):
        assert np.isnan(table[column]).all(), column
    assert str(table["ABS_REF_AMP"][0]) == ""
    with fits.open(path) as hdus:
        assert len(hdus) == 2, "a second table would be a look-up table"
    assert vars(read_table(Linearizer, str(path))) == vars(linearizer)


def asymmetric(instrument: str = "LATISS", scale: int = 16) -> Any:
    """A camera model in which C03 disturbs C04, and nothing else happens."""
    model = detector_model(instrument, 0, scale)
    names = [each.name for each in model.amplifiers]
    matrix = np.zeros((16, 16))
    matrix[names.index("C04"), names.index("C03")] = 1e-3  # the model has [target][source]
    return replace(model, crosstalk=tuple(map(tuple, matrix.tolist())))


@pytest.fixture
def certified(new_repository: Path) -> tuple[Path, Crosstalk]:
    """Crosstalk of the asymmetric model as a repository has it: its file, and what the Butler reads."""
    with Butler.from_config(str(new_repository), writeable=True, instrument="LATISS") as butler:
        certify_camera_model(butler, asymmetric(), run="camera/run", collection="camera")
        uri = butler.getURI("crosstalk", detector=0, collections="camera/run")
        return Path(uri.ospath), butler.get("crosstalk", detector=0, collections="camera/run")


def test_crosstalk_is_by_source_and_target_in_the_order_of_the_stack(
    certified: tuple[Path, Crosstalk],
) -> None:
    table = first_table(certified[0])
    assert len(table) == 1
    meta, row = table.meta, table[0]
    assert (meta["OBSTYPE"], meta["CROSSTALK_VERSION"], meta["NAMP"]) == ("CROSSTALK", 1.2, 16)
    assert (meta["HAS_CROSSTALK"], meta["CROSSTALK_RATIOS_UNITS"]) == (True, "adu")
    assert meta["CALIBCLS"] == "lsst.ip.isr.crosstalk.CrosstalkCalib"
    assert (meta["INSTRUME"], meta["DETECTOR"], meta["DET_NAME"]) == ("LATISS", 0, "RXX_S00")
    assert meta["DET_SER"]
    coefficients = np.reshape(row["CT_COEFFS"], (16, 16))
    source, target = LATISS_ORDER.index("C03"), LATISS_ORDER.index("C04")
    assert coefficients[source, target] == 1e-3
    assert np.count_nonzero(coefficients) == 1
    for column in ("CT_ERRORS", "CT_COUNTS", "CT_VALID", "CT_COEFFS_SQR", "CT_ERRORS_SQR"):
        assert np.shape(row[column]) == (256,), column
    assert np.all(row["CT_VALID"])
    assert not np.any(row["CT_COEFFS_SQR"])
    # 0 is how ip_isr says that the gains are not known.
    assert row["CT_FIT_GAINS"].tolist() == [0.0] * 16
    assert not np.any(row["CT_AMP_GAIN_RATIOS"])
    with fits.open(certified[0]) as hdus:
        assert len(hdus) == 2, "a second table would be the crosstalk of other detectors"


def test_isr_removes_the_ghost_where_it_is(certified: tuple[Path, Crosstalk], bias_file: Path) -> None:
    raw, plain = read_raw(str(bias_file)), read_raw(str(bias_file))
    for image, names in ((raw, {"C03": 50_000, "C04": 50}), (plain, {"C03": 50_000})):
        for name, signal in names.items():
            image.amplifiers[name].array[30:40, 10:15] += np.asarray(signal, dtype=np.uint16)
    results = []
    for image, crosstalk in ((raw, certified[1]), (plain, None)):
        config = IsrConfig()
        for option in ("doApplyGains", "doBias", "doDark", "doDefect", "doLinearize", "doSaturation"):
            setattr(config, option, False)
        config.doCrosstalk = crosstalk is not None
        results.append(IsrTask(config=config).run(image, crosstalk=crosstalk).outputExposure)
    difference = results[0].image - results[1].image
    assert np.abs(results[0].pixels("C03") - results[1].pixels("C03")).max() == 0.0
    assert np.abs(difference).max() < 0.1  # adu: of the noise, a thousandth is taken away


def test_crosstalk_of_earlier_versions_was_by_target(rng: np.random.Generator) -> None:
    values = {
        "kind": "Crosstalk",
        "detector": "RXX_S00",
        "amplifiers": ["C00", "C01"],
        "coeffs": [[0.0, 1e-3], [0.0, 0.0]],  # C01 disturbs C00
    }
    crosstalk = former_table(Crosstalk, values)
    assert isinstance(crosstalk, Crosstalk)
    pixels = {name: np.full((4, 4), level, dtype=np.float32) for name, level in (("C00", 10.0), ("C01", 1e4))}
    subtract_crosstalk(pixels, np.array(crosstalk.coeffs).T)
    assert pixels["C00"].max() == 0.0
    assert pixels["C01"].min() == 1e4


def test_a_repository_of_earlier_versions_is_read(new_repository: Path, tmp_path: Path) -> None:
    path = tmp_path / "crosstalk.json"
    values = {
        "kind": "Crosstalk",
        "detector": "RXX_S00",
        "amplifiers": ["C00", "C01"],
        "coeffs": [[0, 2], [1, 0]],
    }
    path.write_text(json.dumps(values))
    with Butler.from_config(str(new_repository), writeable=True, run="old") as butler:
        data_id = DataCoordinate.standardize(instrument="LATISS", detector=0, universe=butler.dimensions)
        ref = DatasetRef(calibration_type(butler, "crosstalk"), data_id, run="old")
        butler.ingest(FileDataset(path=str(path), refs=[ref], formatter=TableFormatter), transfer="copy")
        assert butler.get(ref).coeffs == [[0, 1], [2, 0]]


def test_curves_of_earlier_versions_had_pairs_once_for_all() -> None:
    values = {
        "kind": "PhotonTransferCurve",
        "detector": "RXX_S00",
        "gain": {"C00": 1.1, "C01": None},
        "rawExpTimes": [5.0, 15.0],
        "inputExpIdPairs": [[1, 2], [3, 4]],
        "usedPoints": {"C00": [True, False], "C01": [False, False]},
        "rawMeans": {"C00": [1e4, 3e4], "C01": [None, None]},
        "ptcFitType": "EXPAPPROXIMATION",
    }
    curve = former_table(PhotonTransferCurve, values)
    assert isinstance(curve, PhotonTransferCurve)
    assert curve.inputExpIdPairs == {"C00": [(1, 2), (3, 4)], "C01": [(1, 2), (3, 4)]}
    assert curve.rawExpTimes["C01"] == [5.0, 15.0]
    assert curve.badAmps == ["C01"]
    np.testing.assert_equal(curve.finalMeans["C00"], [1e4, math.nan])


@pytest.mark.parametrize("boxes", [[(3, 5, 1, 1), (0, 7, 10, 2)], []])
def test_defects_are_boxes_of_ip_isr(tmp_path: Path, boxes: list[tuple[int, int, int, int]]) -> None:
    path = tmp_path / "defects.fits"
    metadata = {"exposures": {"dark": [1, 2], "flat": [3]}, "edge": 5}
    defects = Defects("R22_S11", (20, 10), boxes, metadata)
    write_table(defects, DATA_ID, str(path))
    table = first_table(path)
    check_identity(table.meta, "defects", 2.0, "lsst.ip.isr.defects.Defects")
    mask = np.zeros((20, 10), dtype=bool)
    for row in table:
        mask[row["y0"] : row["y0"] + row["height"], row["x0"] : row["x0"] + row["width"]] = True
    assert table.colnames == ["x0", "y0", "width", "height"]
    np.testing.assert_array_equal(mask, defects.mask)
    assert mask.sum() == (21 if boxes else 0)
    read = read_table(Defects, str(path))
    assert vars(read) == vars(defects)


def test_what_is_not_known_is_refused_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "table.fits"
    write_table(Defects("R22_S11", (20, 10), []), DATA_ID, str(path))
    with pytest.raises(ValueError, match="is 'defects' and not 'PTC'"):
        read_table(PhotonTransferCurve, str(path))
    with fits.open(path, mode="update") as hdus:
        hdus[1].header["DEFECTS_VERSION"] = 3.0
    with pytest.raises(ValueError, match=r"version 3.0 of 'defects'; known is 2.0"):
        read_table(Defects, str(path))
    linearizer = Linearizer("R22_S11", {"C00": [0.0]}, {"C00": (0, 0, 1, 1)})
    write_table(linearizer, DATA_ID, str(path))
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["TYPE"] = "Spline"
    with pytest.raises(ValueError, match="type Spline"):
        read_table(Linearizer, str(path))
    with pytest.raises(ValueError, match="'Defects' and not 'Crosstalk'"):
        former_table(Crosstalk, {"kind": "Defects"})
