"""What is drawn for a simulated detector."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras import CAMERAS
from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.illumination import LAMP_RATE, throughput
from lsst.ts.simulated_observatory.detector.patterns import light_pattern
from lsst.ts.simulated_observatory.detector.transfer import KNEE
from lsst.ts.simulated_observatory.detector.truth import DetectorTruth, draw_truth, hot_rate, vampire


@pytest.mark.parametrize("seed", range(5))
def test_amplifiers_are_near_the_camera_model_as_verification_wants_them(
    model: DetectorModel, seed: int
) -> None:
    for drawn, nominal in zip(draw_truth(model, seed).amplifiers, model.amplifiers, strict=True):
        assert drawn.name == nominal.name
        assert abs(drawn.gain / nominal.gain - 1) <= 0.03
        assert abs(drawn.read_noise / nominal.read_noise - 1) <= 0.03
        assert -4.56e-6 < drawn.a00 < -2.3e-6
        assert drawn.nonlinearity * 1e5 == pytest.approx(0.0015, rel=0.05)


def test_seeds_give_detectors_that_differ(model: DetectorModel) -> None:
    gains = {draw_truth(model, seed).amplifiers[0].gain for seed in range(10)}
    assert len(gains) == 10


def test_amplifiers_are_the_same_at_every_scale(model: DetectorModel) -> None:
    assert draw_truth(model, 3).amplifiers == draw_truth(detector_model("LATISS", 0, 4), 3).amplifiers


def test_truth_is_json_and_has_the_defects_inside_the_detector(
    truth: DetectorTruth, model: DetectorModel
) -> None:
    content = json.loads(json.dumps(truth.to_dict(), allow_nan=False))
    assert content["amplifiers"]["C05"]["gain"] == truth.amplifiers[5].gain
    assert content["seed"] == truth.seed
    for defect in content["defects"]:
        assert 0 <= defect["x"] <= model.width - defect["width"]
        assert 0 <= defect["y"] <= model.height - defect["height"]
    hot = [defect for defect in content["defects"] if defect["kind"] == "hot pixel"]
    assert len(hot) == round(6e-4 * model.width * model.height)


def test_hot_pixels_follow_a_power_law_across_the_limit() -> None:
    rates = np.array([hot_rate(share) for share in (np.arange(100_000) + 0.5) / 100_000])
    assert (rates.min(), rates.max()) == (pytest.approx(0.5, rel=1e-4), pytest.approx(100.0, rel=2e-3))
    above = np.array([np.mean(rates > rate) for rate in (1.0, 2.0, 3.0, 4.0, 8.0)])
    # N(> r) = (1 / r - 1 / 100) / (1 / 0.5 - 1 / 100)
    np.testing.assert_allclose(above, [0.4975, 0.2462, 0.1625, 0.1206, 0.0578], atol=1e-4)


def test_a_vampire_takes_from_its_neighbours_what_it_has_too_much() -> None:
    response = np.ones((5, 5))
    for each in vampire(2, 2, 1.4):
        response[each.y : each.y + each.height, each.x : each.x + each.width] *= each.response
    assert response[2, 2] == pytest.approx(1.4)
    assert response.sum() == pytest.approx(25.0)
    assert response[1, 1] == response[3, 2] == pytest.approx(0.95)


def test_some_amplifiers_are_full_below_the_level_of_the_camera_model_and_all_above_flats_of_35_s() -> None:
    """In every camera; 35 s end the documented curve, and 2 % are for the vignetting and the lamp."""
    for instrument in ("LATISS", "LSSTComCam", "LSSTCam"):
        below = 0
        for detector in CAMERAS[instrument].detectors:
            model = detector_model(instrument, detector, 16)
            truth = draw_truth(model, 1)
            for drawn, nominal in zip(truth.amplifiers, model.amplifiers, strict=True):
                below += drawn.full_well < nominal.sensor.saturation * drawn.gain
                assert 1.02 * 35.0 * LAMP_RATE * truth.illumination < KNEE * drawn.full_well
        assert 0.1 < below / (16 * len(CAMERAS[instrument].detectors)) < 0.7


def test_deferred_charge_is_spread_over_its_range(model: DetectorModel) -> None:
    parts = [each.deferred_charge for seed in range(20) for each in draw_truth(model, seed).amplifiers]
    assert 1e-6 <= min(parts) < 1.2e-6
    assert 8e-6 < max(parts) <= 1e-5
    assert np.median(parts) == pytest.approx(10**-5.5, rel=0.25)


def test_flat_field_averages_one_with_the_response_of_the_pixels(truth: DetectorTruth) -> None:
    pattern = light_pattern(truth, "SDSSr_65mm~empty")
    assert np.mean(pattern[pattern > 0.9]) == pytest.approx(1.0, abs=1e-3)
    differences = np.diff(pattern, axis=1)
    assert np.std(differences[np.abs(differences) < 0.03]) / np.sqrt(2) == pytest.approx(0.005, rel=0.05)


@pytest.mark.parametrize("optics", ["SDSSr_65mm~empty", "SDSSz_65mm~empty", "empty~SDSSy_65mm", "y_10"])
def test_patterns_of_all_filters_have_the_same_mean_and_noise(truth: DetectorTruth, optics: str) -> None:
    pattern = light_pattern(truth, optics)
    assert np.mean(pattern[pattern > 0.9]) == pytest.approx(1.0, abs=1e-3)
    differences = np.diff(pattern, axis=1)
    noise = np.std(differences[np.abs(differences) < 0.03]) / np.sqrt(2)
    assert noise == pytest.approx(0.005, rel=0.2 if "y" in optics else 0.05)


def test_the_name_of_an_empty_place_makes_no_difference(truth: DetectorTruth) -> None:
    pattern = light_pattern(truth, "SDSSr_65mm~empty")
    assert pattern is light_pattern(truth, "SDSSr_65mm~empty_1") is light_pattern(truth, "SDSSr_65mm")
    assert pattern is not light_pattern(truth, "SDSSr_65mm~holo4_003")


@pytest.mark.parametrize(
    ("physical_filter", "expected"),
    [
        ("SDSSr_65mm~empty", 1.0),
        ("SDSSr_65mm~empty_1", 1.0),
        ("empty_2~SDSSy_65mm", 0.2),
        ("SDSSr_65mm~holo4_003", 0.7),
        ("SDSSr_65mm~pinhole_2_3_0500", 0.05),
        ("empty~empty", 6.0),
    ],
)
def test_throughput_follows_filter_and_grating(physical_filter: str, expected: float) -> None:
    assert throughput(physical_filter) == pytest.approx(expected)


def test_unknown_grating_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="nearest is holo4_003"):
        throughput("SDSSr_65mm~holo4_03")


def test_negative_seed_is_refused(model: DetectorModel) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        draw_truth(model, -1)
