"""Curves of bad pairs, or of pairs from which no curve follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from made_inputs import A00, GAIN, SHAPE, Outcome, Rng, case, curve, fitted, image, raw, removed
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.covariancefit import covariance_model, fit_covariances
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.images import Key
from lsst.ts.simulated_observatory.pipelines.pairchecks import NOT_NORMAL
from lsst.ts.simulated_observatory.pipelines.ptc import SolveConfig, SolveTask
from lsst.ts.simulated_observatory.pipelines.ptcfit import CurveFit, fit_curve
from lsst.ts.simulated_observatory.pipelines.removal import saturation_levels
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

SEVEN = 5, 10, 15, 20, 25, 30, 35
"""Exposure times [s] of the pairs of a curve."""


for _gain in (0.05, 0.093, 10.3, 20.0):

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
    mean, variance, number = curve(rng, SEVEN)
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


def _honest(fit: Any) -> Outcome:
    """Null, or within four errors."""
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 0.3)


@case("curves", "the fainter 3 of 7 pairs with 2 % more variance", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, SEVEN)
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
    mean, _, number = curve(rng, SEVEN)
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


@case("curves", "the middle 3 of 7 pairs with 1 % more variance, 60 curves", "pulls of a00 below 1.3")
def _(rng: Rng) -> Outcome:
    fits = _fits(rng, SEVEN, 60, lambda variance: _higher(variance, [2, 3, 4], 0.01))
    rms = _rms([(fit.a00 - A00) / fit.a00_error for fit in fits])
    return f"rms of the pulls {rms:.2f}", rms < 1.3


def _fits(rng: Rng, times: tuple[int, ...], number: int, spoilt: Callable[[Any], Any]) -> list[CurveFit]:
    """Fits to some curves of pairs of these times, with variances that are spoilt."""
    fits = []
    for _ in range(number):
        mean, variance, pixels = curve(rng, times)
        fits.append(fit_curve(mean, spoilt(variance), pixels, 8.3))
    return fits


def _gain_pulls(fits: list[CurveFit], most: float) -> Outcome:
    """Whether the gains that are not null are off by their errors."""
    known = [fit for fit in fits if not math.isnan(fit.gain)]
    rms = _rms([(fit.gain - GAIN) / fit.gain_error for fit in known])
    return f"rms of the pulls {rms:.2f}, {len(fits) - len(known)} of {len(fits)} null", rms < most


def _rms(values: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _higher(variance: NDArray[np.float64], pairs: list[int], part: float) -> NDArray[np.float64]:
    """Variances, of which some are higher by a part."""
    variance[pairs] *= 1.0 + part
    return variance


for _bright, _factor in (("10 % more variance", 1.1), ("no variance (unequal light)", math.nan)):

    @case("curves", f"brightest of 7 pairs, 108 kadu, has {_bright}", "flats of 103 kadu are not saturated")
    def _(rng: Rng, factor: float = _factor) -> Outcome:
        mean, variance, number = curve(rng, (5, 10, 15, 20, 25, 30, 34))
        variance[-1] *= factor
        fit = fit_curve(mean, variance, number, 8.3)
        found = PhotonTransferCurve(detector="x", gain={"C00": fit.gain}, a00={"C00": fit.a00})
        found.ptcTurnoff["C00"] = fit.turnoff
        found.rawMeans["C00"], found.rawVars["C00"] = mean.tolist(), variance.tolist()
        level = saturation_levels(["C00"], {"C00": 120_000.0}, found)["C00"]
        part = float(removed(raw(rng, 103_000.0), saturation=level).saturated.mean())
        return f"saturation at {level:.0f} adu, {part:.0%} of the flat", part == 0.0


for _scatter in (0.005, 0.02):

    @case("curves", f"all of 7 variances scatter by {_scatter:.1%} more, 100 curves", "pulls below 1.6")
    def _(rng: Rng, scatter: float = _scatter) -> Outcome:
        fits = _fits(rng, SEVEN, 100, lambda variance: variance * (1.0 + rng.normal(0.0, scatter, 7)))
        return _gain_pulls(fits, 1.6)


for _times, _off, _part in (
    (SEVEN, [0, 6], 0.01),
    ((8,) * 4 + (30,) * 4, [0, 1], 0.02),
):

    @case(
        "curves",
        f"of {len(_times)} pairs, {len(set(_times))} levels, numbers {_off[0] + 1} and {_off[1] + 1}"
        f" with {100.0 * _part:g} % more variance, 60 curves",
        "null, or pulls of the gain below 2",
    )
    def _(rng: Rng, times: tuple[int, ...] = _times, off: list[int] = _off, part: float = _part) -> Outcome:
        return _gain_pulls(_fits(rng, times, 60, lambda variance: _higher(variance, off, part)), 2.0)


@case("curves", "variances of 1e-320 adu^2", "null, with the reason")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30])
    return fitted(fit_curve(mean, np.full_like(variance, 1e-320), number, 8.3), GAIN, math.nan)


for _gain, _noise, _light in ((3.0, 6.0, 31.0), (5.0, 9.0, 150.0)):

    @case(
        "curves",
        f"good pair of {_light:g} electron in whole adu, gain {_gain:g}, noise {_noise:g} electron",
        "gain within 3 %",
    )
    def _(rng: Rng, gain: float = _gain, noise: float = _noise, light: float = _light) -> Outcome:
        shape = 900, 470
        one, two = (
            np.rint((rng.poisson(light, shape) + rng.normal(0, noise, shape)) / gain).astype(np.float32)
            for _ in range(2)
        )
        found = measure_pair(one, two, np.ones(shape, bool), math.hypot(noise / gain, math.sqrt(1.0 / 12.0)))
        off = found.gain / gain - 1.0
        return f"{found.reason or f'off by {off:+.2%}'}; before, null", abs(off) < 0.03


@case("curves", "two levels of three pairs each", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    return _honest(fit_curve(*curve(rng, [5, 5, 5, 35, 35, 35]), 8.3))


for _group, _off, _times in (
    ("the brighter 3 of 7 pairs", (4, 5, 6), (5, 10, 15, 20, 25, 30, 35)),
    ("every other of 7 pairs", (0, 2, 4, 6), (5, 10, 15, 20, 25, 30, 35)),
    ("the fainter 3 of 6 pairs", (0, 1, 2), (5, 10, 15, 20, 25, 30)),
    ("the 3 pairs in the middle of 7", (2, 3, 4), (5, 10, 15, 20, 25, 30, 35)),
):

    @case("curves", f"{_group} with 2 % more variance", "within 4 of its errors, or null")
    def _(rng: Rng, off: tuple[int, ...] = _off, times: tuple[int, ...] = _times) -> Outcome:
        mean, variance, number = curve(rng, times)
        variance[list(off)] *= 1.02
        return _honest(fit_curve(mean, variance, number, 8.3))


@case("curves", "the noise without light is known 2 times too large", "within 4 of its errors, or null")
def _(rng: Rng) -> Outcome:
    return _honest(fit_curve(*curve(rng, [5, 10, 15, 20, 25, 30, 35]), 16.6))


for _times, _off, _part in (
    ((8, 30), [0], 0.01),
    ((8, 30), [0], 0.02),
    ((8, 30, 30, 30, 30, 30), [0], 0.01),
    ((8, 8, 8, 8, 8, 30), [5], 0.01),
):

    @case(
        "curves",
        f"pairs of {', '.join(map(str, _times))} s, number {_off[0] + 1}"
        f" with {100.0 * _part:g} % more variance, 60 curves",
        "pulls of the gain below 3",
    )
    def _(rng: Rng, times: tuple[int, ...] = _times, off: list[int] = _off, part: float = _part) -> Outcome:
        return _gain_pulls(_fits(rng, times, 60, lambda variance: _higher(variance, off, part)), 3.0)


for _times, _off, _part in (((0.1, 0.35, 0.6), 2, 0.04), ((5, 30, 32, 34, 35), 0, 0.02)):

    @case(
        "curves",
        f"pair {_off + 1} of {_times} s with {100.0 * _part:g} % more variance, 60 curves",
        "pulls of the gain below 3",
    )
    def _(rng: Rng, times: Any = _times, off: int = _off, part: float = _part) -> Outcome:
        return _gain_pulls(_fits(rng, times, 60, lambda variance: _higher(variance, [off], part)), 3.0)


@case(
    "curves", "faintest of pairs of 8, 8.2, 8.4, 30 s with 5 % more variance, 60 curves", "4 errors, or null"
)
def _(rng: Rng) -> Outcome:
    fits = _fits(rng, (8.0, 8.2, 8.4, 30.0), 60, lambda variance: _higher(variance, [0], 0.05))
    pulls = [(fit.gain - GAIN) / fit.gain_error for fit in fits if not fit.reason]
    largest = max(map(abs, pulls))
    return f"null {60 - len(pulls)} times, largest pull {largest:.1f}", largest < 4.0


@case("curves", "3 of 6 pairs at a full well of 60 000 electron", "null, with the reason")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, (5, 10, 16, 22, 28, 34))
    variance[mean > 60_000.0 / GAIN] *= 0.01
    fit = fit_curve(np.minimum(mean, 60_000.0 / GAIN), variance, number, 8.3)
    return f"null: {fit.reason}", math.isnan(fit.gain) and "saturated" in fit.reason


@case("curves", "pixels jump in the first of pairs of 5, 5, 10, 15, 20, 25, 30, 35 s, 20 curves", "the gain")
def _(rng: Rng) -> Outcome:
    found = [_solved(rng, (5, *SEVEN)) for _ in range(20)]
    known = [gain for gain in found if abs(gain / GAIN - 1.0) < 0.01]
    return f"null {sum(map(math.isnan, found))} times, right {len(known)} times", len(known) == 20


def _solved(rng: Rng, times: tuple[int, ...]) -> float:
    """Gain of the curve of pairs, of which the first was refused."""
    mean, variance, number = curve(rng, times)
    variance[0] = math.nan
    pairs = []
    for at, light in enumerate(mean * (1.0 + 1e-4 * rng.normal(size=mean.size))):
        pair = PhotonTransferCurve(detector="x", gain={"C00": GAIN})
        pair.rawMeans["C00"], pair.rawVars["C00"] = [light], [variance[at]]
        pair.covariances["C00"], pair.pixelCounts["C00"] = [[[variance[at]]]], [number[at]]
        pair.rawDeltas["C00"], pair.rawExpTimes["C00"], pair.usedPoints["C00"] = [0.0], [times[at]], [True]
        pair.inputExpIdPairs["C00"], pair.inputExpPairMjdStartList["C00"] = [(2 * at, 2 * at + 1)], [0.0]
        pair.gainList["C00"] = [GAIN]
        pair.overscanNoise["C00"], pair.overscanMedianLevelList["C00"] = [8.05], [20_000.0]
        pairs.append(pair)
    pairs[0].reasons["C00"] = NOT_NORMAL
    bias = image(np.zeros(SHAPE))
    bias.metadata[Key.COMBINED_NOISE.format("C00")] = 8.3
    gain: float = SolveTask(config=SolveConfig()).run(pairs, bias).outputCurve.gain["C00"]
    return gain
