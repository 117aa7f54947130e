from __future__ import annotations

import numpy as np
import pytest
from astropy.stats import sigma_clip
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.simulated_observatory.pipelines.clippedmean import clipped_mean


def literal(
    stack: np.ndarray, weights: np.ndarray, excluded: np.ndarray, threshold: float, turns: int
) -> np.ndarray:
    """The definition, one pixel at a time in double precision."""
    mean = np.empty(stack.shape[1:])
    for pixel in np.ndindex(mean.shape):
        values, use = stack[:, *pixel].astype(float), ~excluded[:, *pixel]
        if 2 * use.sum() < len(use):
            use = np.ones_like(use)
        for _ in range(turns):
            residual = (values - np.average(values[use], weights=weights[use])) * np.sqrt(weights)
            use = use & (np.abs(residual) <= threshold * np.sqrt(np.mean(residual[use] ** 2)))
        mean[pixel] = np.average(values[use], weights=weights[use])
    return mean


def frames(rng: np.random.Generator, number: int, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    stack = rng.normal(0.0, 9.0, (number, *shape)).astype(np.float32)
    struck = rng.random(stack.shape) < 0.02
    stack[struck] += rng.uniform(50, 5000, struck.sum()).astype(np.float32)
    return stack


@pytest.mark.parametrize("number", [1, 2, 3, 12, 20])
def test_equal_weights_give_the_sigma_clipped_mean_of_astropy(number: int, rng: np.random.Generator) -> None:
    stack = frames(rng, number)
    expected = sigma_clip(stack.astype(float), sigma=3, maxiters=3, cenfunc="mean", axis=0).mean(axis=0)
    np.testing.assert_allclose(clipped_mean(stack), expected, atol=2e-3)


@pytest.mark.parametrize("masked", [False, True])
def test_the_level_of_the_images_costs_no_precision(masked: bool, rng: np.random.Generator) -> None:
    stack = frames(rng, 20) + np.float32(30_000.0)
    excluded = rng.random(stack.shape) < (0.01 if masked else 0.0)
    values = np.ma.masked_array(stack.astype(float), excluded)
    expected = sigma_clip(values, sigma=3, maxiters=3, cenfunc="mean", axis=0).mean(axis=0).filled()
    found = clipped_mean(stack, excluded=excluded if masked else None)
    assert np.abs(found - expected).max() <= np.spacing(np.float32(expected.min()))


@pytest.mark.parametrize("number", [3, 15])
def test_weights_and_exclusions_follow_the_definition(number: int, rng: np.random.Generator) -> None:
    stack = frames(rng, number, (20, 30))
    weights = rng.choice([25.0, 225.0, 900.0], number)
    excluded = rng.random(stack.shape) < 0.1
    excluded[:, 3, 4] = True
    found = clipped_mean(stack, weights, excluded)
    np.testing.assert_allclose(found, literal(stack, weights, excluded, 3.0, 3), atol=2e-3)


def test_cosmic_rays_are_clipped_from_twenty_images(rng: np.random.Generator) -> None:
    stack = rng.normal(0.0, 9.0, (20, 50, 50)).astype(np.float32)
    stack[7, 10:14, 20] += 30_000.0
    assert np.abs(clipped_mean(stack)).max() < 5 * 9 / np.sqrt(18)


@pytest.mark.parametrize("pixel", [1e18, 2e19, -1e25, 3e38])
def test_a_pixel_that_is_too_large_to_be_squared_is_clipped_too(
    pixel: float, rng: np.random.Generator
) -> None:
    stack = rng.normal(100.0, 9.0, (20, 5, 5)).astype(np.float32)
    stack[3, 1, 2] = pixel
    variance = np.empty((5, 5), np.float32)
    found = clipped_mean(stack, variance=variance)
    assert found[1, 2] == pytest.approx(np.delete(stack[:, 1, 2], 3).mean(), abs=5.0)
    assert np.abs(found - 100.0).max() < 10.0
    assert 0.3 * 81 / 20 < variance[1, 2] < 3.0 * 81 / 20


def test_cosmic_rays_have_to_be_excluded_from_three_images() -> None:
    stack = np.zeros((3, 1, 1), np.float32)
    stack[1] = 3000.0
    assert clipped_mean(stack)[0, 0] == 1000.0
    excluded = stack > 100.0
    assert clipped_mean(stack, excluded=excluded)[0, 0] == 0.0


def test_pixel_that_is_excluded_in_most_images_is_hot_and_not_struck() -> None:
    stack = np.full((4, 1, 1), 90.0, np.float32)
    excluded = np.array([True, True, True, False]).reshape(4, 1, 1)
    assert clipped_mean(stack, excluded=excluded)[0, 0] == 90.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("flagged", [True, False])
def test_value_that_is_not_finite_costs_itself(bad: float, flagged: bool) -> None:
    stack = np.arange(8.0, dtype=np.float32).reshape(8, 1, 1).repeat(2, axis=2)
    stack[3, 0, 0] = bad
    found = clipped_mean(stack, excluded=~np.isfinite(stack) if flagged else None)
    assert found[0].tolist() == pytest.approx([25 / 7, 3.5])
    stack[:, 0, 0] = bad
    assert np.isnan(clipped_mean(stack)[0, 0])
    assert clipped_mean(stack)[0, 1] == pytest.approx(3.5)


@pytest.mark.parametrize(("number", "struck"), [(3, 1), (5, 1), (5, 2), (10, 3), (20, 1)])
def test_cosmic_rays_are_found_among_few_images_whose_noise_is_known(
    number: int, struck: int, rng: np.random.Generator
) -> None:
    stack = rng.normal(0.0, 100.0, (number, 40, 50)).astype(np.float32)
    good = stack[struck:].mean(axis=0)
    stack[:struck, 10, 20] += np.arange(1, struck + 1) * np.float32(1_500.0)
    sigma = np.full(stack.shape[1:], 100.0, np.float32)
    found = clipped_mean(stack, sigma=sigma, threshold=100.0)
    assert found[10, 20] == pytest.approx(good[10, 20], abs=0.01)
    stack[:struck, 10, 20] = good[10, 20]
    others = np.ones(found.shape, dtype=bool)
    others[10, 20] = False
    np.testing.assert_allclose(found[others], stack.mean(axis=0)[others], atol=0.01)


def test_noisy_pixels_keep_their_mean(rng: np.random.Generator) -> None:
    stack = rng.normal(0.0, 100.0, (6, 100, 100)).astype(np.float32)
    sigma = np.full(stack.shape[1:], 10.0, np.float32)
    found = clipped_mean(stack, sigma=sigma, threshold=100.0)
    assert found.mean() == pytest.approx(0.0, abs=2.0)
    assert found.std() == pytest.approx(100.0 / np.sqrt(6), rel=0.06)


def test_squared_dark_times_are_the_best_weights_where_read_noise_dominates(
    rng: np.random.Generator,
) -> None:
    times = np.array([5.0] * 4 + [15.0] * 2 + [30.0] * 16)
    rates = (rng.normal(0.0, 9.0, (22, 200, 200)) / times[:, None, None]).astype(np.float32)
    expected = 9.0 / np.sqrt(np.sum(times**2))
    assert clipped_mean(rates, times**2).std() == pytest.approx(expected, rel=0.03)
    assert clipped_mean(rates).std() > 1.5 * expected


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 14), st.integers(0, 2**32 - 1))
def test_order_of_the_images_does_not_matter(number: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    stack = frames(rng, number, (5, 8))
    order = rng.permutation(number)
    np.testing.assert_allclose(clipped_mean(stack[order]), clipped_mean(stack), rtol=1e-4, atol=1e-3)
