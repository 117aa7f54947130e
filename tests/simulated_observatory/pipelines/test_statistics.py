from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.statistics import clipped_statistics, mean_and_sigma, sample


def test_cosmic_rays_do_not_change_the_noise_of_a_dark(rng: np.random.Generator) -> None:
    pixels = rng.normal(3.0, 9.0, 200_000).astype(np.float32)
    clean = clipped_statistics(pixels)
    pixels[:300] += 5_000.0
    struck = clipped_statistics(pixels)
    assert struck.clipped == pytest.approx(300, abs=2)
    assert struck.sigma == pytest.approx(clean.sigma, rel=1e-3)
    assert mean_and_sigma(pixels)[1] > 10 * clean.sigma


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator], list[NDArray[np.float64]]]] = {
    "normal": lambda rng: [rng.normal(30_000, 7, 5000)],
    "outliers": lambda rng: [rng.normal(0, 1, 5000), rng.uniform(-30, 30, 200)],
    "two levels": lambda rng: [rng.normal(0, 1, 500), rng.normal(1000, 1, 500)],
    "one side": lambda rng: [rng.normal(0, 1, 5000), rng.exponential(100, 3000)],
    "no variance": lambda rng: [rng.standard_cauchy(5000)],
    "two pixels": lambda rng: [np.array([0.0, 10.0])],
}


@pytest.mark.parametrize("threshold", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_clipping_ends_where_a_literal_one_does(
    rng: np.random.Generator, distribution: str, threshold: float
) -> None:
    pixels = np.concatenate(DISTRIBUTIONS[distribution](rng)).astype(np.float32).astype(float)
    low, mean, high = np.percentile(pixels, (25, 50, 75))
    sigma = 0.7413 * (high - low)
    kept = pixels
    for _ in range(4):
        kept = pixels[np.abs(pixels - mean) <= threshold * sigma]
        mean, sigma = (kept.mean(), kept.std()) if kept.size else (math.nan, math.nan)
    found = clipped_statistics(pixels, threshold=threshold, iterations=4)
    assert (found.count, found.clipped) == (kept.size, pixels.size - kept.size)
    assert found.mean == pytest.approx(mean, abs=1e-5 * sigma if kept.size else None, nan_ok=True)
    assert found.sigma == pytest.approx(sigma, rel=1e-5, nan_ok=True)


def test_pixels_that_are_not_finite_are_left_out() -> None:
    found = clipped_statistics(np.array([1.0, 2.0, 3.0, math.nan, math.inf], np.float32))
    assert (found.mean, found.count) == (2.0, 3)


def test_no_pixels_have_no_statistics() -> None:
    found = clipped_statistics(np.array([math.nan], np.float32))
    assert math.isnan(found.mean)
    assert math.isnan(found.sigma)
    assert found.count == 0


@given(st.floats(-1e4, 1e4, width=32), st.integers(1, 50))
def test_a_constant_has_no_noise(value: float, number: int) -> None:
    found = clipped_statistics(np.full(number, value, np.float32))
    assert found.mean == pytest.approx(value, rel=1e-6)
    assert found.sigma <= 1e-3
    assert found.count == number


@pytest.mark.parametrize("sigma", [1e-40, 1e-30, 1e-24, 1e25, 1e35])
def test_noise_whose_square_single_precision_does_not_have(rng: np.random.Generator, sigma: float) -> None:
    pixels = (sigma * rng.normal(1.0, 1.0, 1000)).astype(np.float32)
    found = clipped_statistics(pixels)
    assert (found.mean, found.sigma) == pytest.approx((pixels.mean(dtype=float), pixels.std(dtype=float)))
    assert mean_and_sigma(pixels) == pytest.approx((found.mean, found.sigma))


@pytest.mark.parametrize("period", [2, 3, 8, 509, 1000])
@pytest.mark.parametrize("size", [127_000, 509 * 2000, 99_991 * 2])
def test_no_period_of_the_pixels_hides_a_part_of_them(
    rng: np.random.Generator, period: int, size: int
) -> None:
    """One half of each period is 2 per cent lower: an even sample of its other half would clip it."""
    places = np.arange(size) % period
    low = places >= period - period // 2
    pixels = np.where(low, 49_000.0, 50_000.0) + rng.normal(0.0, 30.0, size)
    found = clipped_statistics(pixels.astype(np.float32), threshold=3.0)
    assert found.mean == pytest.approx(pixels.mean(), rel=1e-4)
    assert found.clipped == 0


def test_a_sample_is_spread_over_all_pixels() -> None:
    taken = sample(np.arange(1_018_000, dtype=np.float32))
    assert taken.size == 20_000
    assert np.diff(np.sort(taken), prepend=0.0, append=1_018_000.0).max() < 150
    few = np.arange(100, dtype=np.float32).reshape(10, 10)
    assert sample(few).tolist() == few.ravel().tolist()
