"""Pairs of flats that show no gain, or not that of their amplifier."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from made_inputs import AMPLIFIERS, C01, GAIN, LAMP, NOISE, SHAPE, Outcome, Rng, case, image, of_pair, pair

from lsst.ts.simulated_observatory.detector.charge import brighter_fatter
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptc import ExtractPairsConfig, ExtractPairsTask


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


for _shift in ((0, 1), (1, 1), (3, 5), (0, 30)):

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


@case("pairs", "5 s and 10 s", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(pair(rng, 5 * LAMP, 2.0))


@case("pairs", "a flat and a dark", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(pair(rng, 16_500.0, 0.0))


@case("pairs", "one flat without any noise (constant)", "null, with the reason")
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[:] = 16_500.0

    return of_pair(pair(rng, 16_500.0, change=change))


@case(
    "pairs",
    "half of the pixels of the second flat at a full well of 16 500 electron",
    "null, with the reason",
)
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[:] = np.minimum(pixels, 16_500.0)

    return of_pair(pair(rng, 16_500.0, change=change))


@case("pairs", "30 % NaN and 1 % inf, not flagged", "null, or within 2 %")
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[rng.random(pixels.shape) < 0.3] = math.nan
        pixels[rng.random(pixels.shape) < 0.01] = math.inf

    found = pair(rng, 16_500.0, change=change)
    outcome = of_pair(found, 2.0)
    return outcome[0], outcome[1] or math.isnan(found.gain)


for _electrons, _part, _response in ((1_000.0, 0.05, 0.0), (16_500.0, 0.1, 0.5), (16_500.0, 0.1, 2.0)):

    @case(
        "pairs",
        f"{_part:.0%} of the rows of both flats of {_electrons:g} electron have a response of {_response:g}",
        "within 2 %",
    )
    def _(rng: Rng, light: float = _electrons, part: float = _part, response: float = _response) -> Outcome:
        pixels = light * rng.normal(1.0, 0.005, (400, 500))
        pixels[: round(part * 400)] *= response
        flats = [(rng.poisson(pixels) + rng.normal(0, NOISE, pixels.shape)) / GAIN for _ in range(2)]
        one, two = (each.astype(np.float32) for each in flats)
        return of_pair(measure_pair(one, two, np.ones(one.shape, bool), NOISE / GAIN, side=4), 2.0)


def _of_changed(rng: Rng, change: Callable[[Any], Any]) -> Any:
    """Result of a pair of 16 500 electron whose flats were both changed."""
    flats = [rng.poisson(16_500.0, (400, 500)) + rng.normal(0, NOISE, (400, 500)) for _ in range(2)]
    one, two = ((change(each) / GAIN).astype(np.float32) for each in flats)
    return measure_pair(one, two, np.ones(one.shape, bool), NOISE / GAIN)


for _sigma in (1.5, 2.0):

    @case("pairs", f"pixels of both flats end {_sigma:g} sigma above the level", "null, with the reason")
    def _(rng: Rng, sigma: float = _sigma) -> Outcome:
        found = _of_changed(
            rng, lambda flat: np.minimum(flat, 16_500.0 * (1.0 + sigma / math.sqrt(16_500.0)))
        )
        return of_pair(found)


@case("pairs", "pixels of both flats get 5 % of the charge of the one before", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(_of_changed(rng, lambda flat: 0.95 * flat + 0.05 * np.roll(flat, 1, axis=1)))


for _by in ((1, 1), (2, 0)):

    @case(
        "pairs",
        f"pixels of both flats get 5 % of the charge of another one, {_by} pixels (y, x) away",
        "null, with the reason",
    )
    def _(rng: Rng, by: tuple[int, int] = _by) -> Outcome:
        return of_pair(_of_changed(rng, lambda flat: 0.95 * flat + 0.05 * np.roll(flat, by, axis=(0, 1))))


for _light in (300.0, 16_500.0, 150_000.0):

    @case("pairs", f"good pair of {_light:.0f} electron, brighter-fatter effect of a00 = -3.07e-6", "a gain")
    def _(rng: Rng, light: float = _light) -> Outcome:
        flats, mean = [], (light * rng.normal(1.0, 0.005, (400, 500))).astype(np.float32)
        for _ in range(2):
            charge = rng.normal(mean, np.sqrt(mean)).astype(np.float32)
            brighter_fatter(charge, mean, -3.07e-6)
            flats.append(np.rint((charge + rng.normal(0, NOISE, mean.shape)) / GAIN).astype(np.float32))
        found = measure_pair(flats[0], flats[1], np.ones((400, 500), bool), NOISE / GAIN)
        return found.reason or f"gain {found.gain:.3g} (truth {GAIN}, not corrected)", not found.reason
