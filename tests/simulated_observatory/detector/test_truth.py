"""What is drawn for a simulated detector."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.illumination import throughput
from lsst.ts.simulated_observatory.detector.patterns import light_pattern
from lsst.ts.simulated_observatory.detector.truth import DetectorTruth, draw_truth


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
    assert len(hot) == round(1e-4 * model.width * model.height)


def test_flat_field_averages_one_with_the_response_of_the_pixels(truth: DetectorTruth) -> None:
    pattern = light_pattern(truth)
    assert np.mean(pattern[pattern > 0.9]) == pytest.approx(1.0, abs=1e-3)
    differences = np.diff(pattern, axis=1)
    assert np.std(differences[np.abs(differences) < 0.03]) / np.sqrt(2) == pytest.approx(0.005, rel=0.05)


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
