from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve, variance_model

GAIN, A00, NOISE, PIXELS = 1.08, -2.5e-6, 8.5, 1_000_000
TIMES = np.array([5, 10, 15, 20, 25, 30, 35], dtype=float)


def curve(rng: np.random.Generator, means: np.ndarray) -> np.ndarray:
    variance = variance_model(means, GAIN, A00, NOISE)
    return variance * (1 + rng.normal(0, math.sqrt(2 / PIXELS), means.size))


def test_documented_seven_pairs_give_gain_and_brighter_fatter_coefficient(rng: np.random.Generator) -> None:
    means = 3050 * TIMES
    fit = fit_curve(means, curve(rng, means), np.full(7, PIXELS), NOISE)
    assert fit.gain == pytest.approx(GAIN, rel=4e-3)
    assert fit.a00 == pytest.approx(A00, rel=0.06)
    assert abs(fit.gain - GAIN) < 4 * fit.gain_error < 0.02
    assert abs(fit.a00 - A00) < 4 * fit.a00_error
    assert fit.used.all()
    assert fit.turnoff == means[-1]


def test_saturated_pairs_are_behind_the_turnoff(rng: np.random.Generator) -> None:
    means = 3050 * np.arange(3.0, 46.0, 3.0)
    variances = curve(rng, means)
    variances[means > 115_000] *= 0.3
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert fit.turnoff == means[means <= 115_000].max()
    assert fit.gain == pytest.approx(GAIN, rel=4e-3)


def test_variance_without_brighter_fatter_is_that_of_photons_and_noise() -> None:
    np.testing.assert_allclose(
        variance_model(np.array([0.0, 1000.0]), 2.0, 0.0, 3.0), [9.0, 509.0], rtol=1e-12
    )


@pytest.mark.parametrize("means", [[], [5000.0], [math.nan, 5000.0], [0.0, 0.1, 0.2]])
def test_too_few_points_give_no_fit(means: list[float]) -> None:
    fit = fit_curve(means, [70.0] * len(means), [PIXELS] * len(means), NOISE)
    assert math.isnan(fit.gain)
    assert math.isnan(fit.turnoff)
    assert not fit.used.any()


def test_a_pair_that_is_off_is_left_out_alone() -> None:
    means = 3050 * np.arange(2.0, 36.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[2] *= 1.2
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert np.flatnonzero(~fit.used).tolist() == [2]
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)


def test_behind_the_turnoff_nothing_is_used_even_where_it_lies_on_the_curve() -> None:
    means = 3050 * np.arange(3.0, 46.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[-3:-1] *= 0.3
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert fit.turnoff == means[-4]
    assert np.flatnonzero(~fit.used).tolist() == [12, 13, 14]


FAINT = 3050 * np.array([0.1, 0.35, 0.6, 0.8, 1.0, 1.35, 1.6])


def test_faint_pairs_tell_the_noise_that_bright_ones_cannot(rng: np.random.Generator) -> None:
    fit = fit_curve(FAINT, curve(rng, FAINT), np.full(7, PIXELS), 1.1 * NOISE)
    assert fit.noise_fitted
    assert fit.noise == pytest.approx(NOISE, rel=0.01)
    assert abs(fit.noise - NOISE) < 4 * fit.noise_error
    bright = 3050 * TIMES
    held = fit_curve(bright, curve(rng, bright), np.full(7, PIXELS), NOISE)
    assert not held.noise_fitted
    assert held.noise == NOISE


def test_noise_of_small_amplifiers_is_held_where_it_would_be_fitted_on_large_ones(
    rng: np.random.Generator,
) -> None:
    means = np.concatenate([FAINT, 3050 * TIMES])
    assert fit_curve(means, curve(rng, means), np.full(14, PIXELS), NOISE).noise_fitted
    assert not fit_curve(means, curve(rng, means), np.full(14, PIXELS / 16), NOISE).noise_fitted


def test_noisier_amplifier_than_its_biases_keeps_its_faint_pairs() -> None:
    means = np.concatenate([FAINT, 3050 * TIMES])
    fit = fit_curve(means, variance_model(means, GAIN, A00, 1.3 * NOISE), np.full(14, PIXELS), NOISE)
    assert fit.used.all()
    assert fit.noise == pytest.approx(1.3 * NOISE, rel=1e-4)
    assert fit.gain == pytest.approx(GAIN, rel=1e-4)


def test_turnoff_is_known_to_half_the_distance_of_the_next_pair() -> None:
    means = 3050 * np.array([5.0, 10.0, 20.0, 30.0, 38.0, 44.0])
    variances = variance_model(means, GAIN, A00, NOISE)
    assert fit_curve(means, variances, np.full(6, PIXELS), NOISE).turnoff_error == 3050 * 3
    variances[-2:] *= 0.3
    fit = fit_curve(means, variances, np.full(6, PIXELS), NOISE)
    assert (fit.turnoff, fit.turnoff_error) == (3050 * 30, 3050 * 4)
