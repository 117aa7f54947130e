# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.truth import draw_truth
from lsst.ts.simulated_observatory.pipelines.curvecriteria import verified_curve
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve
from lsst.ts.simulated_observatory.pipelines.verify import VerifyCurveTask, VerifyDetectorsTask

MODEL = detector_model("LATISS", 0)
TESTS = (
    "PTC_GAIN",
    "PTC_NOISE",
    "PTC_TURNOFF",
    "PTC_BFE_A00",
    "NOISE_SIGNAL_INDEPENDENCE",
    "SUCCESS",
    "PTC_CHI_SQUARE",
)


def curve_of(seed: int = 1) -> PhotonTransferCurve:
    """The curve that a perfect measurement of a simulated detector would give."""
    amplifiers = draw_truth(MODEL, seed).amplifiers
    names = [each.name for each in amplifiers]
    return PhotonTransferCurve(
        detector="RXX_S00",
        gain={each.name: each.gain for each in amplifiers},
        noise={each.name: each.read_noise for each in amplifiers},
        a00={each.name: each.a00 for each in amplifiers},
        ptcTurnoff=dict.fromkeys(names, 102_000.0),
        rawMeans={name: [15_000.0, 102_000.0, 110_000.0] for name in names},
        overscanNoise={name: [8.2, 8.3, 30.0] for name in names},
        usedPoints={name: [True, True, False] for name in names},
        ptcFitType="EXPAPPROXIMATION",
        ptcFitChiSq=dict.fromkeys(names, 1.0),
        ptcFitDof=dict.fromkeys(names, 5),
    )


def model_of(vendor: str) -> DetectorModel:
    """The camera model with a sensor of another manufacturer."""
    return replace(MODEL, data=replace(MODEL.data, sensor=replace(MODEL.data.sensor, vendor=vendor)))


def verified(curve: PhotonTransferCurve, vendor: str = "ITL") -> dict[str, dict[str, bool]]:
    tests: dict[str, dict[str, bool]] = verified_curve(curve, model_of(vendor))["VERIFY"]["AMP"]
    return tests


@pytest.mark.parametrize("seed", range(5))
def test_healthy_detectors_meet_the_camera_model(seed: int) -> None:
    passed = dict.fromkeys(TESTS, True)
    assert verified(curve_of(seed)) == {amplifier.name: passed for amplifier in MODEL.amplifiers}


@pytest.mark.parametrize(
    ("values", "test"),
    [
        ({"gain": 1.1047 * 1.051}, "PTC_GAIN"),
        ({"gain": 1.1047 * 0.949}, "PTC_GAIN"),
        ({"noise": 10.3 * 1.06}, "PTC_NOISE"),
        ({"ptcTurnoff": 75_000.0}, "PTC_TURNOFF"),
        ({"a00": -4.6e-6}, "PTC_BFE_A00"),
        ({"a00": 7e-7}, "PTC_BFE_A00"),
        ({"overscanNoise": [7.0, 9.6, 9.6]}, "NOISE_SIGNAL_INDEPENDENCE"),
    ],
)
def test_each_value_has_its_test(values: dict[str, object], test: str) -> None:
    curve = curve_of()
    for name, value in values.items():
        getattr(curve, name)["C05"] = value
    results = verified(curve)
    assert [key for key, passed in results["C05"].items() if not passed] == [test, "SUCCESS"]
    assert results["C04"]["SUCCESS"]


@pytest.mark.parametrize(
    ("chi_square", "dof", "passed"),
    [
        (1.0, 5, True),
        (5.9, 5, True),
        (8.0, 5, False),
        (8.0, 1, True),
        (2.0, 60, True),
        (2.6, 60, False),
        (math.nan, 5, False),
        (math.nan, 0, False),
        (math.inf, 5, False),
    ],
)
def test_chi_square_is_judged_by_its_degrees_of_freedom_and_has_no_part_in_success(
    chi_square: float, dof: int, passed: bool
) -> None:
    curve = curve_of()
    curve.ptcFitChiSq["C05"], curve.ptcFitDof["C05"] = chi_square, dof
    results = verified(curve)["C05"]
    assert (results["PTC_CHI_SQUARE"], results["SUCCESS"]) == (passed, True)


def test_mean_of_a_pair_that_was_not_measured_hides_no_other() -> None:
    curve = curve_of()
    curve.rawMeans["C05"] = [math.nan, 15_000.0, 102_000.0]
    assert verified_curve(curve, MODEL)["AMP"]["C05"]["MAX_RAW_MEAN"] == 102_000.0


def test_a00_of_other_manufacturers_has_other_limits() -> None:
    assert not verified(curve_of(), "E2V")["C00"]["PTC_BFE_A00"]
    with pytest.raises(ValueError, match="'Sony'; known: ITL, E2V"):
        verified(curve_of(), "Sony")


def test_amplifier_without_a_curve_fails_all_tests() -> None:
    curve = curve_of()
    for table in (curve.gain, curve.noise, curve.a00, curve.ptcTurnoff, curve.ptcFitChiSq):
        table["C03"] = math.nan
    curve.usedPoints["C03"] = [False] * 3
    assert not any(verified(curve)["C03"].values())
    assert not any(
        verified(replace(curve, gain={}, noise={}, a00={}, usedPoints={}, ptcFitChiSq={}))["C00"].values()
    )


def test_failures_are_named_by_amplifier_and_merged_by_detector() -> None:
    good, bad = curve_of(), curve_of()
    bad.gain["C05"] *= 1.2
    run = VerifyCurveTask(config=VerifyCurveTask.ConfigClass()).run
    statistics = {"R22_S00": run(good, MODEL).outputStats, "R22_S01": run(bad, MODEL).outputStats}
    assert set(statistics["R22_S00"]) == {"AMP", "METADATA", "CATALOG", "DET", "VERIFY", "SUCCESS"}
    heads = [{"detector": number} for number in range(2)]
    merged = VerifyDetectorsTask(config=VerifyDetectorsTask.ConfigClass()).run(statistics, heads)
    assert list(merged.outputResults["amplifier"][~merged.outputResults["PTC_VERIFY_SUCCESS"]]) == ["C05"]
    assert merged.outputStats == {
        "R22_S00": {"SUCCESS": True},
        "R22_S01": {"SUCCESS": False, "FAILURES": ["C05 PTC_GAIN"]},
        "SUCCESS": False,
    }


def test_brightest_mean_does_not_depend_on_where_one_is_missing() -> None:
    """The mean of a pair that could not be measured is no number, wherever it comes."""
    for means in ([math.nan, 15e3, 102e3], [15e3, 102e3, math.nan], [15e3, math.nan, 102e3]):
        curve = curve_of()
        curve.rawMeans["C05"] = means
        assert verified_curve(curve, model_of("ITL"))["AMP"]["C05"]["MAX_RAW_MEAN"] == 102e3
    curve.rawMeans["C05"] = [math.nan]
    assert math.isnan(verified_curve(curve, model_of("ITL"))["AMP"]["C05"]["MAX_RAW_MEAN"])
