"""Bad pairs of flats, and curves of bad pairs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from made_inputs import (
    A00,
    AMPLIFIERS,
    C01,
    COLUMNS,
    GAIN,
    NOISE,
    PRESCAN,
    ROWS,
    SHAPE,
    Outcome,
    Rng,
    case,
    curve,
    fitted,
    image,
    of_pair,
    pair,
    raw,
    removed,
)  # fmt: skip
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.covariancefit import covariance_model, fit_covariances
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptc import ExtractPairsConfig, ExtractPairsTask
from lsst.ts.simulated_observatory.pipelines.ptcfit import CurveFit, fit_curve
from lsst.ts.simulated_observatory.pipelines.removal import saturation_levels
from lsst.ts.simulated_observatory.pipelines.statistics import clipped_statistics
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

SEVEN = 5, 10, 15, 20, 25, 30, 35
"""Exposure times [s] of the pairs of a curve."""

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


def _extracted(rng: Rng, change: Callable[[DetectorImage], None]) -> Any:
    """Result of a pair of flats in adu that were both changed."""
    flats = []
    for number in (1, 2):
        pixels = (rng.poisson(16_500.0, SHAPE) + rng.normal(0, NOISE, SHAPE)) / GAIN
        flats.append(image(pixels, number, 5.0, CCD_MANU="ITL", **{Key.UNITS: "adu"}))
        for name in AMPLIFIERS:
            flats[-1].metadata[Key.OVERSCAN_NOISE.format(name)] = NOISE / GAIN / 1.032
            flats[-1].metadata[Key.OVERSCAN_LEVEL.format(name)] = 20_000.0
        change(flats[-1])
    return ExtractPairsTask(config=ExtractPairsConfig()).run(flats[0], flats[1]).outputPair


for _part in (0.5, 0.7, 0.9):

    @case("pairs", f"{_part:.0%} of C01 stuck at 15 000 adu in both flats", "null for C01, the others right")
    def _(rng: Rng, part: float = _part) -> Outcome:
        stuck = rng.random((60, 80)) < part

        def change(flat: DetectorImage) -> None:
            flat.image[C01][stuck] = 15_000.0

        found = _extracted(rng, change)
        others = [abs(gain / GAIN - 1.0) < 0.1 for name, gain in found.gain.items() if name != "C01"]
        text = f"C01 null: {found.reasons.get('C01')}; {sum(others)} of 7 others within 10 %"
        return text, math.isnan(found.gain["C01"]) and all(others)


@case("pairs", "2 % of the pixels jump by 800 electron from image to image", "null, with the reason")
def _(rng: Rng) -> Outcome:
    jumps = rng.random((400, 500)) < 0.02
    light = [rng.poisson(16_500.0, jumps.shape) + rng.normal(0, NOISE, jumps.shape) for _ in range(2)]
    one, two = (((each + jumps * rng.choice([-400, 400], jumps.shape)) / GAIN) for each in light)
    good = np.ones(jumps.shape, bool)
    return of_pair(measure_pair(one.astype(np.float32), two.astype(np.float32), good, NOISE / GAIN))


for _part, _jump in ((0.02, 200.0), (0.01, 300.0), (0.005, 400.0), (0.02, 0.0)):

    @case(
        "pairs",
        f"{_part:.1%} of the pixels "
        + (f"jump by {2 * _jump:.0f} electron" if _jump else "are the same in both flats"),
        "null, with the reason",
    )
    def _(rng: Rng, part: float = _part, jump: float = _jump) -> Outcome:
        odd = rng.random((400, 500)) < part
        one, two = (rng.poisson(16_500.0, odd.shape) + rng.normal(0, NOISE, odd.shape) for _ in range(2))
        if jump:
            one, two = (each + odd * rng.choice([-jump, jump], odd.shape) for each in (one, two))
        else:
            two = np.where(odd, one, two)
        one, two = ((each / GAIN).astype(np.float32) for each in (one, two))
        return of_pair(measure_pair(one, two, np.ones(odd.shape, bool), NOISE / GAIN))


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


for _what, _converted in (
    ("bit 6 of the converter is stuck", lambda pixels: pixels.astype(int) | 64),
    ("values in steps of 256 adu", lambda pixels: 256.0 * np.rint(pixels / 256.0)),
):

    @case("pairs", f"{_what}, both flats", "null, with the reason")
    def _(rng: Rng, converted: Callable[[Any], Any] = _converted) -> Outcome:
        light = [(rng.poisson(16_500.0, (400, 500)) / GAIN) for _ in range(2)]
        one, two = (converted(each).astype(np.float32) for each in light)
        return of_pair(measure_pair(one, two, np.ones(one.shape, bool), NOISE / GAIN))


for _light in (50.0, 100.0, 300.0):

    @case("pairs", f"24 pairs of {_light:.0f} electron, read noise 9", "gain within 3 of its errors")
    def _(rng: Rng, light: float = _light) -> Outcome:
        off = np.array([pair(rng, light).gain for _ in range(24)]) / GAIN - 1.0
        error = float(np.std(off, ddof=1)) / math.sqrt(24)
        return f"off by {off.mean():+.2%} +- {error:.2%}", abs(float(off.mean())) < 3 * error


@case(
    "pairs", "3 of 80 columns of C01 are BAD and SAT (a known defect that bleeds)", "the gain of the others"
)
def _(rng: Rng) -> Outcome:
    def change(flat: DetectorImage) -> None:
        flat.mask[:60, 100:103] = MaskPlane.BAD | MaskPlane.SAT

    gain = _extracted(rng, change).gain["C01"]
    return f"gain off by {gain / GAIN - 1.0:+.1%}", abs(gain / GAIN - 1.0) < 0.1


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
        f" with {_part:.0%} more variance, 60 curves",
        "null, or pulls of the gain below 2",
    )
    def _(rng: Rng, times: tuple[int, ...] = _times, off: list[int] = _off, part: float = _part) -> Outcome:
        return _gain_pulls(_fits(rng, times, 60, lambda variance: _higher(variance, off, part)), 2.0)


@case("curves", "variances of 1e-320 adu^2", "null, with the reason")
def _(rng: Rng) -> Outcome:
    mean, variance, number = curve(rng, [5, 10, 15, 20, 25, 30])
    return fitted(fit_curve(mean, np.full_like(variance, 1e-320), number, 8.3), GAIN, math.nan)


@case("signal", "noise of 1e-24", "its mean and sigma")
def _(rng: Rng) -> Outcome:
    sigma = clipped_statistics(rng.normal(0.0, 1e-24, 5000).astype(np.float32)).sigma
    return f"sigma {sigma:.3g}", abs(sigma / 1e-24 - 1.0) < 0.05


@case(
    "signal",
    "60 adu in the parallel overscan of half of the columns, flat of 1000 adu",
    "signal kept, or SAT",
)
def _(rng: Rng) -> Outcome:
    array = raw(rng, 1000.0)
    array[ROWS:, PRESCAN : PRESCAN + COLUMNS : 2] += 60.0
    found = removed(array)
    off = float(np.median(found.pixels[:, ::2])) - 1000.0
    flagged = float(found.saturated[:, ::2].mean())
    return f"off by {off:+.0f} adu, {flagged:.0%} of them SAT", abs(off) < 10.0 or flagged == 1.0


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
