from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.calibrations.pipelines.flatpairs import gain_from_contrast, measure_pair
from lsst.ts.calibrations.pipelines.ptcextract import Flat, pair_flats

GAIN, NOISE = 1.08, 9.0


def flats(rng: np.random.Generator, mean: float, drift: float = 0.0, size: int = 400_000) -> list[np.ndarray]:
    """Two flats, adu, without brighter-fatter effect, with a mean in adu."""
    return [
        (
            rng.poisson(mean * GAIN * factor * np.linspace(0.98, 1.02, size)) / GAIN
            + rng.normal(0, NOISE, size)
        ).astype(np.float32)
        for factor in (1.0, 1.0 + drift)
    ]


@pytest.mark.parametrize("mean", [300.0, 5_000.0, 15_000.0])
def test_gain_and_variance_are_recovered(mean: float, rng: np.random.Generator) -> None:
    found = measure_pair(*flats(rng, mean), NOISE)
    tolerance = 6 * math.sqrt(2 / 400_000)
    assert found.gain == pytest.approx(GAIN, rel=tolerance)
    assert found.mean == pytest.approx(mean, rel=1e-3)
    assert found.variance == pytest.approx(mean / GAIN + NOISE**2, rel=tolerance)


def test_neither_a_cosmic_ray_nor_a_drift_of_the_lamp_changes_the_gain(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0, drift=0.01)
    second[5000:5040] += 20_000.0
    assert measure_pair(first, second, NOISE).gain == pytest.approx(GAIN, rel=0.014)


def test_contrast_of_a_perfect_detector_gives_its_gain() -> None:
    mean, noise = 12_000.0, 8.0
    contrast = 1 / GAIN + (noise**2 - 1 / (2 * GAIN**2)) / mean
    assert gain_from_contrast(contrast, mean, noise) == pytest.approx(GAIN, rel=1e-12)


@pytest.mark.parametrize("level", [0.0, 20.0, -50.0])
def test_amplifier_without_light_has_no_gain(level: float, rng: np.random.Generator) -> None:
    first, second = (rng.normal(level, NOISE, 10_000).astype(np.float32) for _ in range(2))
    assert math.isnan(measure_pair(first, second, NOISE).gain)


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
