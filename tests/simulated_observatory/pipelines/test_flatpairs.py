from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.flatpairs import (
    Flat,
    gain_from_contrast,
    measure_pair,
    pair_flats,
)

GAIN, NOISE = 1.08, 9.0


SHAPE = (400, 1000)
GOOD = np.ones(SHAPE, bool)


def flats(rng: np.random.Generator, mean: float, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Two flats, adu, without brighter-fatter effect, with a mean in adu."""
    first, second = (
        (
            rng.poisson(mean * GAIN * factor * np.linspace(0.98, 1.02, SHAPE[1]), SHAPE) / GAIN
            + rng.normal(0, NOISE, SHAPE)
        ).astype(np.float32)
        for factor in (1.0, 1.0 + drift)
    )
    return first, second


@pytest.mark.parametrize("mean", [300.0, 5_000.0, 15_000.0])
def test_gain_and_variance_are_recovered(mean: float, rng: np.random.Generator) -> None:
    found = measure_pair(*flats(rng, mean), GOOD, NOISE)
    tolerance = 6 * math.sqrt(2 / 400_000)
    assert found.gain == pytest.approx(GAIN, rel=tolerance)
    assert found.mean == pytest.approx(mean, rel=1e-3)
    assert found.variance == pytest.approx(mean / GAIN + NOISE**2, rel=tolerance)


def test_neither_a_cosmic_ray_nor_a_drift_of_the_lamp_changes_the_gain(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0, drift=0.01)
    second[5, :40] += 20_000.0
    assert measure_pair(first, second, GOOD, NOISE).gain == pytest.approx(GAIN, rel=0.014)


def test_cosmic_rays_and_bad_pixels_leave_no_covariance(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0)
    good = GOOD.copy()
    second[:, 300:350] += 100.0
    good[:, 300:350] = False
    second[100:104, 50:54] += 20_000.0
    found = measure_pair(first, second, good, NOISE, side=3)
    assert found.covariances[0, 0] == found.variance
    others = found.covariances.ravel()[1:]
    assert np.abs(others).max() < 5 * found.variance / math.sqrt(first.size)


def test_covariances_are_those_of_a_single_image(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0)
    for image in (first, second):
        shared = rng.normal(0.0, 70.0, (SHAPE[0], SHAPE[1] + 1))
        image += (shared[:, 1:] + shared[:, :-1]).astype(np.float32)
    found = measure_pair(first, second, GOOD, NOISE, side=3)
    assert found.covariances[1, 0] == pytest.approx(70.0**2, rel=0.03)
    assert found.variance == pytest.approx(15_000.0 / GAIN + NOISE**2 + 2 * 70.0**2, rel=0.02)


def test_contrast_of_a_perfect_detector_gives_its_gain() -> None:
    mean, noise = 12_000.0, 8.0
    contrast = 1 / GAIN + (noise**2 - 1 / (2 * GAIN**2)) / mean
    assert gain_from_contrast(contrast, mean, noise) == pytest.approx(GAIN, rel=1e-12)


@pytest.mark.parametrize("level", [0.0, 20.0, -50.0])
def test_amplifier_without_light_has_no_gain(level: float, rng: np.random.Generator) -> None:
    first, second = (rng.normal(level, NOISE, SHAPE).astype(np.float32) for _ in range(2))
    assert math.isnan(measure_pair(first, second, GOOD, NOISE).gain)


def test_impossible_contrast_has_no_gain() -> None:
    assert math.isnan(gain_from_contrast(0.001, 1000.0, 9.0))
    assert math.isnan(gain_from_contrast(math.nan, 1000.0, 9.0))


def exposures(*times: float, physical_filter: str = "r") -> list[Flat]:
    return [Flat(number, time, physical_filter) for number, time in enumerate(times, start=1)]


def test_twenty_equal_flats_are_ten_pairs() -> None:
    assert pair_flats(exposures(*[5.0] * 20)) == [(number, number + 1) for number in range(1, 20, 2)]


def test_list_of_the_procedure_page_has_three_pairs_of_short_flats() -> None:
    times = (0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1, 1.5, 1.7, 2.1, 2.3)
    assert pair_flats(exposures(*times)) == [(1, 2), (3, 4), (5, 6)]


def test_flats_of_a_pair_need_not_follow_each_other() -> None:
    assert pair_flats(exposures(5, 10, 5, 10.004, 5)[::-1]) == [(1, 3), (2, 4)]


def test_flats_of_different_filters_are_no_pair() -> None:
    assert pair_flats([Flat(1, 5.0, "r"), Flat(2, 5.0, "g")]) == []
