"""Bad pairs of flats, and curves of bad pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from made_inputs import (
    A00,
    GAIN,
    NOISE,
    Outcome,
    Rng,
    case,
    curve,
    fitted,
    of_pair,
    pair,
)  # fmt: skip
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.covariancefit import covariance_model, fit_covariances
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve

for _gain in (0.05, 20.0):

    @case("curves", f"curve of an amplifier with a gain of {_gain:g}", "the gain, or null")
    def _(rng: Rng, gain: float = _gain) -> Outcome:
        fit = fit_curve(*curve(rng, [5, 10, 15, 20, 25, 30], gain=gain), 8.3)
        return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, gain, 0.5)


@case("curves", "variances that are the same at all levels", "null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30])
    return fitted(fit_curve(mean, np.full_like(variance, 15_000.0), number, 8.3), GAIN, math.nan)


@case("curves", "variances that fall with the level", "null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30])
    return fitted(fit_curve(mean, variance[::-1].copy(), number, 8.3), GAIN, math.nan)


@case("curves", "one pair with a mean of 1e9 adu and a variance to match", "gain within 1 %, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30, 35])
    mean[6], variance[6] = 1e9, 1e9 / GAIN
    fit = fit_curve(mean, variance, number, 8.3)
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 1.0)


@case("curves", "4 of 8 pairs with 5 % more variance", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [4, 8, 12, 16, 20, 24, 28, 32])
    variance[::2] *= 1.05
    fit = fit_curve(mean, variance, number, 8.3)
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 0.3)


@case("curves", "three pairs of which one has 5 % more variance", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 15, 30])
    variance[1] *= 1.05
    fit = fit_curve(mean, variance, number, 8.3)
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 0.3)


@case("curves", "all pairs saturated (40, 45, 50 s)", "null")
def _(rng: Rng) -> Outcome:
    return fitted(fit_curve(*curve(rng, [40, 45, 50]), 8.3), GAIN, math.nan)


@case("pairs", "the second flat is a copy of the first", "null, with the reason")
def _(rng: Rng) -> Outcome:
    one = (rng.poisson(16_500.0, (400, 500)) / GAIN).astype(np.float32)
    return of_pair(measure_pair(one, one.copy(), np.ones(one.shape, bool), NOISE / GAIN, side=4))


@case("pairs", "rows of the second flat alternate by +-0.4 %", "null, or within 2 %")
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[::2] *= 1.004
        pixels[1::2] *= 0.996

    found = pair(rng, 16_500.0, change=change)
    outcome = of_pair(found, 2.0)
    return outcome[0], outcome[1] or math.isnan(found.gain)


@case("pairs", "rows of the second flat scatter by 0.4 %", "null, or within 2 %")
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels *= rng.normal(1.0, 0.004, (400, 1))

    found = pair(rng, 16_500.0, change=change)
    outcome = of_pair(found, 2.0)
    return outcome[0], outcome[1] or math.isnan(found.gain)


@case(
    "pairs",
    "the second flat is smoothed (its pixels are interpolated), half of the noise",
    "null, or within 2 %",
)
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[:] = 0.5 * (pixels + np.roll(pixels, 1, axis=1))

    found = pair(rng, 16_500.0, change=change)
    outcome = of_pair(found, 2.0)
    return outcome[0], outcome[1] or math.isnan(found.gain)


@case("pairs", "no light in either flat", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(pair(rng, 0.0))


for _shift in ((0, 1), (3, 5), (0, 30)):

    @case("pairs", f"the second flat is read out {_shift} pixels (y, x) off", "null, or within 2 %")
    def _(rng: Rng, shift: tuple[int, int] = _shift) -> Outcome:
        response = 16_500.0 * rng.normal(1.0, 0.005, (440, 540))
        places = [(slice(y, y + 400), slice(x, x + 500)) for y, x in ((0, 0), shift)]
        images = [(rng.poisson(response[at]) / GAIN).astype(np.float32) for at in places]
        found = measure_pair(images[0], images[1], np.ones((400, 500), bool), NOISE / GAIN, side=4)
        outcome = of_pair(found, 2.0)
        return outcome[0], outcome[1] or math.isnan(found.gain)


@case("pairs", "both flats at a full well below the flagged level, noise 0.3 adu", "null, with the reason")
def _(rng: Rng) -> Outcome:
    one, two = (rng.normal(117_500.0, 0.3, (400, 500)).astype(np.float32) for _ in range(2))
    return of_pair(measure_pair(one, two, np.ones(one.shape, bool), 0.1, side=4))


def _honest(fit: Any) -> Outcome:
    """Null, or within four errors."""
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 0.3)


@case("curves", "the fainter 3 of 7 pairs with 2 % more variance", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30, 35])
    variance[:3] *= 1.02
    return _honest(fit_curve(mean, variance, number, 8.3))


@case("curves", "two pairs of one level that differ by 5 %, of 5", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 15, 15, 25, 35])
    variance[2] *= 1.05
    return _honest(fit_curve(mean, variance, number, 8.3))


@case("curves", "of 9 pairs one has no pixels, one a variance inf, one a mean below 0", "the gain")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 8, 10, 15, 18, 20, 25, 30, 35])
    number[1], variance[4], mean[7] = 0, math.inf, -mean[7]
    return fitted(fit_curve(mean, variance, number, 8.3), GAIN, 0.5)


def _covariances(rng: Rng, change: Callable[[NDArray[np.float64]], None]) -> Outcome:
    """Gain of a fit of covariances (pairs, lags, lags) that were changed."""
    mean, _, number = curve(rng, [5, 10, 15, 20, 25, 30, 35])
    a = -A00 * np.array([[-1.0, 0.2, 0.04], [0.12, 0.05, 0.0], [0.04, 0.0, 0.0]])
    exact = covariance_model(mean, GAIN, a, np.zeros((3, 3)))
    exact[:, 0, 0] += 8.3**2
    sigma = np.full((3, 3), math.sqrt(0.5))
    sigma[0, :] = sigma[:, 0] = 1.0
    sigma[0, 0] = math.sqrt(2.0)
    scatter = exact[:, :1, :1] * sigma / np.sqrt(number)[:, None, None]
    found = exact + rng.normal(0.0, 1.0, exact.shape) * scatter
    change(found)
    return _honest(fit_covariances(mean, found, number, fit_curve(mean, found[:, 0, 0], number, 8.3)))


@case("curves", "covariances of one of 7 pairs 1.5 times too large", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    def change(found: NDArray[np.float64]) -> None:
        found[4].ravel()[1:] *= 1.5

    return _covariances(rng, change)


@case("curves", "covariances: variance of one of 7 pairs 2 % too large", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    def change(found: NDArray[np.float64]) -> None:
        found[1, 0, 0] *= 1.02

    return _covariances(rng, change)
