from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve

from lsst.ts.simulated_observatory.pipelines.covariancefit import (
    CovarianceFit,
    covariance_model,
    fit_covariances,
)
from lsst.ts.simulated_observatory.pipelines.curvepoints import variance_model
from lsst.ts.simulated_observatory.pipelines.ptcfit import CurveFit, fit_curve

GAIN, NOISE, PIXELS = 1.08, 8.5, 900_000.0
MEANS = 3050 * np.array([5, 10, 15, 20, 25, 30, 35], dtype=float)
A = 2.5e-6 * np.array([[-1, 0.2, 0.04, 0], [0.12, 0.05, 0, 0], [0.04, 0, 0, 0], [0, 0, 0, 0]])
NO_B = np.zeros((4, 4))
START = CurveFit(1.09, 0.01, -2.2e-6, 1e-7, NOISE, math.nan, 106_750.0, 7_600.0, np.ones(7, bool))


def symmetric(quadrant: np.ndarray) -> np.ndarray:
    """All four quadrants."""
    lags = np.abs(np.arange(1 - len(quadrant), len(quadrant)))
    return quadrant[np.ix_(lags, lags)]


def measured(rng: np.random.Generator | None, b: float = 0.0, noise: float = NOISE) -> np.ndarray:
    """Covariances of pairs of flats of amplifiers as large as real ones; exact ones without `rng`."""
    covariances = covariance_model(MEANS, GAIN, A, b * A)
    covariances[:, 0, 0] += noise**2
    if rng is None:
        return covariances
    sigma = np.full((4, 4), math.sqrt(0.5))
    sigma[0, :] = sigma[:, 0] = 1.0
    sigma[0, 0] = math.sqrt(2.0)
    scatter = rng.normal(0.0, 1.0, covariances.shape) * covariances[:, :1, :1] * sigma / math.sqrt(PIXELS)
    return covariances + scatter


def fit(covariances: np.ndarray, start: CurveFit = START, **options: bool) -> CovarianceFit:
    return fit_covariances(MEANS, covariances, np.full(7, PIXELS), start, **options)


def test_model_is_equation_20_with_its_convolutions(rng: np.random.Generator) -> None:
    a, c = rng.normal(0.0, 1e-6, (4, 4)), rng.normal(0.0, 1e-12, (4, 4))
    full, both = symmetric(a), symmetric(c)
    square = fftconvolve(full, full, mode="same")
    charge = 30_000.0 * GAIN
    expected = charge * full + (2 / 3) * charge**2 * (square + both)
    expected += charge**3 * (
        fftconvolve(square, full, "same") / 3 + (5 / 6) * fftconvolve(full, both, "same")
    )
    expected = (charge * expected)[3:, 3:] / GAIN**2
    expected[0, 0] += charge / GAIN**2
    np.testing.assert_allclose(
        covariance_model(np.array([30_000.0]), GAIN, a, c)[0], expected, rtol=1e-9, atol=1e-9
    )


def test_variance_of_a_pixel_that_disturbs_only_itself_is_that_of_equation_16() -> None:
    a = np.zeros((1, 1)) - 2.5e-6
    found = covariance_model(MEANS[:3], GAIN, a, np.zeros((1, 1)))[:, 0, 0]
    np.testing.assert_allclose(found, variance_model(MEANS[:3], GAIN, -2.5e-6, 0.0), rtol=1e-4)


@pytest.mark.parametrize("with_b", [True, False])
def test_documented_seven_pairs_give_gain_and_coefficients(rng: np.random.Generator, with_b: bool) -> None:
    found = fit(measured(rng), with_b=with_b)
    assert found.gain == pytest.approx(GAIN, rel=0.01)
    assert abs(found.gain - GAIN) < 4 * found.gain_error < 0.02
    assert np.all(np.abs(found.a - A) < 4.5 * found.a_error)
    assert found.a_error[0, 0] < (0.06 if with_b else 0.02) * 2.5e-6
    assert found.noise == NOISE
    assert math.isnan(found.noise_error)


def test_gain_is_as_certain_as_from_the_variances_alone(rng: np.random.Generator) -> None:
    covariances = measured(rng)[:, :1, :1]
    alone = fit_curve(MEANS, covariances[:, 0, 0], np.full(7, PIXELS), NOISE)
    found = fit(covariances, with_b=False)
    assert found.gain == pytest.approx(alone.gain, rel=1e-3)
    assert found.gain_error == pytest.approx(alone.gain_error, rel=0.03)
    assert found.a_error[0, 0] == pytest.approx(alone.a00_error, rel=0.1)


def test_exact_covariances_give_exact_coefficients_with_b() -> None:
    found = fit(measured(None, b=1e-7))
    assert found.gain == pytest.approx(GAIN, rel=2e-4)
    np.testing.assert_allclose(found.a, A, atol=1e-8)
    assert found.b[0, 0] == pytest.approx(1e-7, abs=3e-8)


def test_noise_is_fitted_where_the_variances_show_it(rng: np.random.Generator) -> None:
    start = replace(START, noise=1.2 * NOISE, noise_error=0.05)
    means = np.concatenate([[300.0, 600.0, 1200.0, 2400.0], MEANS])
    covariances = covariance_model(means, GAIN, A, NO_B)
    covariances[:, 0, 0] += NOISE**2
    found = fit_covariances(
        means, covariances, np.full(11, PIXELS), replace(start, used=np.ones(11, bool)), with_b=False
    )
    assert found.noise == pytest.approx(NOISE, rel=1e-3)
    assert 0.0 < found.noise_error < 0.1
    assert found.gain == pytest.approx(GAIN, rel=1e-3)


def test_points_behind_the_turnoff_are_not_used(rng: np.random.Generator) -> None:
    covariances = measured(None)
    covariances[-1] *= 0.3
    used = np.arange(7) < 6
    found = fit(covariances, replace(START, used=used), with_b=False)
    assert found.gain == pytest.approx(GAIN, rel=1e-4)


@pytest.mark.parametrize("off", [0, 6])
def test_of_two_pairs_one_may_be_off(off: int, rng: np.random.Generator) -> None:
    """No other checks it: with errors of photons alone the gain is 6 of them off."""
    covariances, two = measured(rng), np.isin(np.arange(7), [0, 6])
    covariances[off, 0, 0] *= 1.02
    found = fit(covariances, replace(START, used=two), with_b=False)
    assert abs(found.gain - GAIN) < 3.5 * found.gain_error < 0.06
    assert abs(found.a[0, 0] - A[0, 0]) < 3.5 * found.a_error[0, 0]


def test_too_few_pairs_give_no_fit() -> None:
    found = fit(measured(None), replace(START, used=np.arange(7) < 2))
    assert math.isnan(found.gain)
    assert np.isnan(found.a).all()
    assert math.isfinite(fit(measured(None), replace(START, used=np.arange(7) < 2), with_b=False).gain)


def test_a_covariance_that_is_off_is_left_out_alone(rng: np.random.Generator) -> None:
    covariances = measured(rng)
    good = fit(covariances, with_b=False)
    covariances[5, 1, 2] *= 30.0
    found = fit(covariances, with_b=False)
    assert found.dof == good.dof - 1
    np.testing.assert_allclose(found.a, good.a, atol=4 * good.a_error.max())
    assert found.gain == pytest.approx(good.gain, rel=1e-3)


def test_chi_square_is_that_of_all_covariances(rng: np.random.Generator) -> None:
    found = fit(measured(rng), with_b=False)
    assert found.dof == 7 * 16 - 17
    assert found.chi_square == pytest.approx(1.0, abs=5 * math.sqrt(2 / found.dof))


def test_many_pairs_of_one_level_do_not_determine_covariances() -> None:
    means = np.array([15_000.0, 15_010.0, 15_020.0])
    covariances = covariance_model(means, GAIN, A, NO_B)
    start = replace(START, used=np.ones(3, bool))
    found = fit_covariances(means, covariances, np.full(3, PIXELS), start, with_b=False)
    assert math.isnan(found.gain)
    assert np.isnan(found.a).all()
    assert "1 levels of light" in found.reason


def test_a_variance_that_is_off_unseen_is_in_the_error(rng: np.random.Generator) -> None:
    pulls = []
    for number in range(60):
        covariances = measured(rng)[:, :2, :2]
        covariances[number % 7, 0, 0] *= 1.005
        found = fit(covariances, with_b=False)
        pulls.append((found.gain - GAIN) / found.gain_error)
    assert 0.7 < math.sqrt(np.mean(np.square(pulls))) < 1.3


def test_gains_of_small_amplifiers_are_neither_too_high_nor_too_certain() -> None:
    pulls, sigma = [], math.sqrt(PIXELS / 3567.0)
    exact = measured(None)[:, :3, :3]
    for seed in range(100):
        scattered = measured(np.random.default_rng(seed))[:, :3, :3]
        covariances = exact + sigma * (scattered - exact)
        pixels = np.full(7, 3567.0)
        start = fit_curve(MEANS, covariances[:, 0, 0], pixels, NOISE)
        found = fit_covariances(MEANS, covariances, pixels, start)
        pulls.append((found.gain - GAIN) / found.gain_error)
    assert abs(np.mean(pulls)) < 0.25
    assert 0.75 < np.std(pulls) < 1.15
