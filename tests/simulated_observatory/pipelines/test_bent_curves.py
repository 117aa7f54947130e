"""Curves with pairs that bend them more than photons can: too noisy ones, and full ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.curvepoints import variance_model
from lsst.ts.simulated_observatory.pipelines.ptcfit import CurveFit, fit_curve

GAIN, A00, NOISE, PIXELS = 1.05, -2.5e-6, 8.3, 900_000


def measured(seed: int, times: list[float], pair: int, off: float) -> CurveFit:
    rng = np.random.default_rng(seed)
    means = 3050 * np.array(times)
    variances = variance_model(means, GAIN, A00, NOISE) * (
        1 + rng.normal(0, math.sqrt(2 / PIXELS), len(times))
    )
    variances[pair] *= 1 + off
    return fit_curve(means, variances, np.full(len(times), PIXELS), NOISE)


@pytest.mark.parametrize("off", [0.02, 0.03, 0.04, 0.05, 0.1])
def test_the_brightest_of_three_faint_pairs_may_be_too_noisy(off: float) -> None:
    """Its excess is that of a coefficient of up to +1e-4 / electron: no limit of the fit may cut it short."""
    fits = [measured(seed, [0.1, 0.35, 0.6], 2, off) for seed in range(20)]
    assert all(abs(each.gain - GAIN) < 4 * each.gain_error for each in fits)


@pytest.mark.parametrize("off", [0.03, 0.05, 0.1])
@pytest.mark.parametrize("pair", [0, 2])
def test_where_near_levels_are_taken_for_the_curve_there_is_no_gain(pair: int, off: float) -> None:
    fits = [measured(seed, [8.0, 8.2, 8.4, 30.0], pair, off) for seed in range(20)]
    good = [each for each in fits if not each.reason]
    assert all(abs(each.gain - GAIN) < 4 * each.gain_error for each in good)
    bent = [each for each in fits if "bend more than those of photons" in each.reason]
    assert bent or pair == 2


def test_a_faint_curve_that_hardly_shows_a_coefficient_has_a_gain() -> None:
    """An amplifier of 10 000 pixels, 30 to 300 electron: the coefficient is known to 2e-4 / electron."""
    rng, means = np.random.default_rng(5), np.array([30.0, 80.0, 150.0, 200.0, 300.0] * 3)
    variances = variance_model(means, GAIN, A00, NOISE) * (1 + rng.normal(0, math.sqrt(2 / 1e4), means.size))
    fit = fit_curve(means, variances, np.full(means.size, 1e4), NOISE)
    assert abs(fit.gain - GAIN) < 4 * fit.gain_error
    assert fit.a00_error > 5e-5


@pytest.mark.parametrize("part", [0.001, 0.003, 0.01, 0.1, 0.3])
@pytest.mark.parametrize(
    "times",
    [
        (10, 20, 30, 36, 38),
        (10, 10, 20, 20, 36, 36),
        (10, 20, 30, 34, 36, 38, 40),
        (5, 10, 15, 20, 25, 36, 38, 40, 42),
    ],
)
def test_fewer_than_half_of_the_pairs_at_a_full_well_cost_themselves_alone(
    times: tuple[int, ...], part: float, rng: np.random.Generator
) -> None:
    """Whatever variance they have. That of photons never falls with the light."""
    means = 3050 * np.array(times, dtype=float)
    variances = variance_model(means, GAIN, A00, NOISE) * (
        1 + rng.normal(0, math.sqrt(2 / PIXELS), means.size)
    )
    full = means > 110_000.0 if max(times) > 38 else means > 100_000.0
    means[full] = 110_000.0 * (1.0 + rng.normal(0.0, 1e-4, full.sum()))
    variances[full] *= part
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert abs(fit.gain - GAIN) < 4 * fit.gain_error
    assert fit.turnoff == means[~full].max()


def test_the_faintest_pair_that_is_too_noisy_does_not_make_the_others_saturated() -> None:
    means = 3050 * np.array([8.0, 12.0, 30.0])
    variances = variance_model(means, GAIN, A00, NOISE) * [10.0, 1.0, 1.0]
    found = fit_curve(means, variances, np.full(3, PIXELS), NOISE)
    assert math.isnan(found.gain)
    assert "saturated" not in found.reason


@pytest.mark.parametrize("gain", [0.05, 0.093, 0.098, 10.3, 11.0, 20.0])
@pytest.mark.parametrize("times", [(1, 5, 10, 20, 30), (5, 10, 15, 20, 25, 30, 35)])
def test_a_gain_that_no_amplifier_has_is_null(times: tuple[float, ...], gain: float) -> None:
    """It ended at the limit of the fit, with an a00 that made up for it: up to 98 errors off."""
    for seed in range(3):
        fit = of_gain(seed, times, gain)
        assert math.isnan(fit.gain)
        assert "no amplifier has the gain" in fit.reason


@pytest.mark.parametrize("gain", [0.102, 0.12, 9.0, 9.8])
def test_a_gain_near_the_limits_is_right(gain: float) -> None:
    fits = [of_gain(seed, (1, 5, 10, 20, 30), gain) for seed in range(5)]
    assert all(abs(each.gain - gain) < 4 * each.gain_error < 0.08 * gain for each in fits)


def of_gain(seed: int, times: tuple[float, ...], gain: float) -> CurveFit:
    rng, means = np.random.default_rng(seed), 3300.0 * np.array(times) / gain
    exact = variance_model(means, gain, A00, NOISE)
    variances = exact * (1 + rng.normal(0, math.sqrt(2 / PIXELS), means.size))
    return fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
