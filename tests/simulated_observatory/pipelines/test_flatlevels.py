from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.flatlevels import exposure_levels

LIGHT = np.array([15_000.0, 16_000.0, 30_000.0, 4_000.0])
FACTORS = np.array([1.0102, 0.97, 1.0198])


def test_detectors_keep_their_ratios() -> None:
    exposures, detectors, _ = exposure_levels(np.outer(LIGHT, FACTORS), np.array([100, 100, 100]))
    assert exposures == pytest.approx(LIGHT)
    assert detectors == pytest.approx(FACTORS)


def test_mean_factor_is_weighted_with_the_pixels() -> None:
    _, detectors, _ = exposure_levels(np.outer(LIGHT, FACTORS), np.array([300, 100, 200]))
    assert np.average(detectors, weights=[300, 100, 200]) == pytest.approx(1.0)
    assert detectors[0] / detectors[1] == pytest.approx(FACTORS[0] / FACTORS[1])


def test_what_one_detector_does_not_know_the_others_know() -> None:
    levels = np.outer(LIGHT, FACTORS)
    levels[2, 0] = np.nan
    levels[1, 1] = -0.3
    exposures, detectors, _ = exposure_levels(levels, np.array([100, 100, 100]))
    assert exposures == pytest.approx(LIGHT)
    assert detectors == pytest.approx(FACTORS)


def test_one_detector_that_is_off_once_changes_nothing() -> None:
    levels = np.outer(LIGHT, FACTORS)
    levels[3, 2] *= 0.5
    exposures, detectors, _ = exposure_levels(levels, np.array([100, 100, 100]))
    assert exposures == pytest.approx(LIGHT, rel=0.02)
    assert detectors == pytest.approx(FACTORS, rel=0.005)


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_ratio_is_that_of_the_exposures_in_common(order: list[int]) -> None:
    """Each detector has two exposures in common with the next one, and more of its own."""
    light = np.linspace(1000.0, 2000.0, 12)
    levels = np.outer(light, FACTORS)
    levels[6:, 0] = levels[:4, 1] = levels[10:, 1] = levels[:8, 2] = np.nan
    exposures, detectors, _ = exposure_levels(levels[:, order], np.array([100, 100, 100]))
    assert exposures == pytest.approx(light)
    assert detectors == pytest.approx(FACTORS[order])


def test_detectors_without_an_exposure_in_common_have_no_ratio() -> None:
    levels = np.outer(LIGHT, FACTORS)
    levels[:2, 2] = levels[2:, :2] = np.nan
    exposures, detectors, _ = exposure_levels(levels, np.array([100, 100, 100]))
    assert detectors[0] / detectors[1] == pytest.approx(FACTORS[0] / FACTORS[1])
    assert np.isnan(detectors[2])
    assert np.isfinite(exposures).tolist() == [True, True, False, False]


def test_a_ratio_that_a_single_exposure_ties_is_told() -> None:
    """Detectors 0 to 2 and 3 and 4 have one exposure in common, in which a detector has 30 % less light."""
    levels = np.outer(np.linspace(1000.0, 2000.0, 12), [1.0, 1.02, 0.98, 1.01, 0.99])
    levels[:6, 3:] = levels[7:, :3] = np.nan
    levels[6, 0] *= 0.7
    _, detectors, common = exposure_levels(levels, np.full(5, 100))
    assert common.min() == 1
    assert sorted(common) == [1, 6, 7, 7, 7]
    assert np.isfinite(detectors).all()


def test_what_nobody_knows_is_no_number() -> None:
    levels = np.outer(LIGHT, FACTORS[:1])
    levels[1] = 0.0
    exposures, detectors, _ = exposure_levels(levels, np.array([100]))
    assert np.isnan(exposures[1])
    assert exposures[[0, 2, 3]] == pytest.approx(LIGHT[[0, 2, 3]] * FACTORS[0])
    assert detectors.tolist() == [1.0]
