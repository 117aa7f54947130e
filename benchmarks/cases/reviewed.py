"""The inputs of the review's table of failures, groups 1 to 12."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from made_inputs import (
    A00,
    AMPLIFIERS,
    BAD,
    C01,
    COLUMNS,
    CR,
    GAIN,
    NOISE,
    PRESCAN,
    ROWS,
    SAT,
    SHAPE,
    Outcome,
    Rng,
    biases,
    case,
    combined,
    combined_flat,
    curve,
    darks,
    defects,
    failing,
    fitted,
    flats,
    image,
    known_detector,
    level_of,
    must_fail,
    of_list,
    of_pair,
    pair,
    part_of,
    pulls,
    raw,
    refused,
    removed,
    verified,
)  # fmt: skip

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.simulated_observatory.pipelines.curvepoints import variance_model
from lsst.ts.simulated_observatory.pipelines.flatnorm import FlatNormConfig, FlatNormTask
from lsst.ts.simulated_observatory.pipelines.flatpairs import gain_from_variance
from lsst.ts.simulated_observatory.pipelines.images import Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve
from lsst.ts.simulated_observatory.pipelines.removal import divide_by_flat
from lsst.ts.simulated_observatory.pipelines.statistics import clipped_statistics


@case("1", "saturated flat, 60 kadu of it in the parallel overscan", "all pixels SAT")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 123_000.0)
    array[ROWS:, PRESCAN : PRESCAN + COLUMNS] += 60_000.0
    part = float(removed(array).saturated.mean())
    return f"{part:.1%} of the pixels SAT", part == 1.0


@case("1", "9 flats, a pixel saturated in 5", "flagged")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 9)
    for each in images[:5]:
        each.image.mask[30, 30] = SAT
    flag = int(combined_flat(images).mask[30, 30])
    return f"mask {MaskPlane(flag)!r}", bool(flag & BAD and flag & SAT)


@case("1", "6 flats, half of the pixels of 8 of 16 amplifiers SAT", "no combined flat")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [110_000.0] * 6)
    for each in images:
        each.image.mask[:, ::2] = SAT
    return refused(lambda: combined_flat(images))


@case("1", "flats whose C01 is at a full well below the flagged level (no photon noise)", "no combined flat")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [60_000.0] * 6)
    for each in images:
        each.image.image[C01] = 50_000.0 + rng.normal(0, 30, each.image.image[C01].shape)
    return refused(lambda: combined_flat(images))


@case("2", "pairs at 5, 5, 5, 20, 35 s", "gain within 0.3 %")
def _(rng: Rng) -> Outcome:
    return fitted(fit_curve(*curve(rng, [5, 5, 5, 20, 35]), 8.3), GAIN, 0.3)


@case("2", "ten equal pairs of 5 s", "null")
def _(rng: Rng) -> Outcome:
    return fitted(fit_curve(*curve(rng, [5] * 10), 8.3), GAIN, math.nan)


@case("3", "faintest of 7 pairs with 2.5 % more variance, 300 curves", "unbiased, pulls 0.85 to 1.15")
def _(rng: Rng) -> Outcome:
    return pulls(0.025, 0)


@case("3", "faintest of 7 pairs with 10 % more variance, 300 curves", "unbiased, pulls 0.85 to 1.15")
def _(rng: Rng) -> Outcome:
    return pulls(0.1, 0)


@case("4", "two detectors under one lamp, light 1.02 % different", "flattened ratio 1")
def _(rng: Rng) -> Outcome:
    light, factors = [15_000.0, 15_300.0, 30_000.0], (1.0102, 1.0)
    levels = [
        {"EXPOSURE": n, "MEAN": each * f, "NPIXELS": 100} for f in factors for n, each in enumerate(light, 1)
    ]
    norm = FlatNormTask(config=FlatNormConfig()).run(levels, [0, 0, 0, 1, 1, 1]).scales["EXPOSURES"]
    means = []
    for f in factors:
        flat = combined_flat(flats(rng, [each * f for each in light]), [norm[n] for n in (1, 2, 3)])
        means.append(float(np.mean(rng.poisson(20_000.0 * f, SHAPE) / flat.image)))
    return f"ratio {means[0] / means[1]:.5f}", abs(means[0] / means[1] - 1) < 1e-3


@case("5", "1 of 8 biases all NaN and flagged NO_DATA in a pixel", "mean of the seven, not flagged")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    images[0].image.image[5, 5], images[0].image.mask[5, 5] = math.nan, MaskPlane.NO_DATA
    right = float(np.mean([each.image.image[5, 5] for each in images[1:]]))
    found = combined(images)
    return (
        f"{found.image[5, 5]:.3f} (mean of seven {right:.3f}), mask {found.mask[5, 5]}",
        abs(float(found.image[5, 5]) - right) < 1e-3 and found.mask[5, 5] == 0,
    )


for _level in (0.0, -3.0, 2.0):

    @case("6", f"amplifier dead in flats, level {_level:g}", "all of it is a defect, nothing else")
    def _(rng: Rng, level: float = _level) -> Outcome:
        images = flats(rng, [16_500.0] * 6)
        for each in images:
            each.image.image[C01] = rng.normal(level, NOISE, each.image.image[C01].shape)
        found = defects("flat", images)
        part, other = part_of(found, C01), part_of(found, AMPLIFIERS["C02"].box)
        return f"{part:.1%} of it, {other:.1%} of another", part == 1.0 and other < 0.001


@case("6", "amplifier constant (0) in flats", "all of it is a defect")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    for each in images:
        each.image.image[C01] = 0.0
    part = part_of(defects("flat", images), C01)
    return f"{part:.1%} of it", part == 1.0


@case("6", "amplifier that glows uniformly, 5 electron/s, in darks", "all of it is a defect")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 6)
    for each in images:
        each.image.image[C01] += rng.poisson(150.0, each.image.image[C01].shape)
    part = part_of(defects("dark", images), C01)
    return f"{part:.1%} of it", part == 1.0


@case("7", "the true list of defects", "passes")
def _(rng: Rng) -> Outcome:
    return of_list(*known_detector(rng), passes=True)


@case("7", "an empty list of defects", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    return of_list(shown, np.zeros_like(mask))


@case("7", "90 % of the detector masked", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    return of_list(shown, mask | (rng.random(SHAPE) < 0.9))


@case("7", "list of another detector", "fails")
def _(rng: Rng) -> Outcome:
    return of_list(known_detector(rng)[0], known_detector(np.random.default_rng(7))[1])


@case("8", "flats of 5, 5, 15, 15, 2000, 2000 s, a cold pixel", "the long ones left out, the pixel found")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[30, 30] = 0.5
    images = flats(rng, [16_500.0] * 2 + [49_500.0] * 2 + [120_000.0] * 2, response)
    for each in images[4:]:
        each.image.mask[:] = SAT
    found = defects("flat", images)
    out = found.metadata["LEFT OUT EXPOSURES"]
    return f"left out {out}, pixel found {bool(found.mask[30, 30])}", out == [5, 6] and bool(
        found.mask[30, 30]
    )


for _level in (-0.3, 0.3):

    @case("8", f"one shut shutter of 20 flats, level {_level:g}", "left out, the cold pixel found")
    def _(rng: Rng, level: float = _level) -> Outcome:
        response = np.ones(SHAPE)
        response[30, 30] = 0.5
        found = defects("flat", flats(rng, [16_500.0] * 10 + [level] + [16_500.0] * 9, response))
        out = found.metadata["LEFT OUT EXPOSURES"]
        return f"left out {out}, pixel found {bool(found.mask[30, 30])}", out == [11] and bool(
            found.mask[30, 30]
        )


@case("9", "pair of which 40 % is saturated", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(pair(rng, 110_000.0, saturated=0.4))


@case("9", "half of the light in one of two flats", "null, with the reason")
def _(rng: Rng) -> Outcome:
    return of_pair(pair(rng, 16_500.0, 0.5))


@case("9", "lamp 10 % lower on half of an amplifier", "null, with the reason")
def _(rng: Rng) -> Outcome:
    def change(pixels: Any) -> None:
        pixels[:, :250] *= 0.9

    return of_pair(pair(rng, 16_500.0, change=change))


@case("10", "4 electron more in 4 of 14 biases", "left out and named, bias right")
def _(rng: Rng) -> Outcome:
    levels = [0.0] * 14
    levels[2:6] = [4.0] * 4
    return level_of(combined(biases(rng, levels)), 0.0, 0.06, [3, 4, 5, 6])


@case("10", "dark of 0.25 electron/s, 30 s", "DARK_CURRENT fails")
def _(rng: Rng) -> Outcome:
    array = rng.poisson(0.25 * 30, SHAPE) + rng.normal(0, NOISE, SHAPE)
    return must_fail(
        verified("DARK", array, time=30.0, **{Key.DARK_RATE.format(n): 0.0 for n in AMPLIFIERS}),
        "DARK_CURRENT",
    )


@case("11", "2.5 % sharp BAD pixels in C01", "no failure, no FORCE_FAILURE")
def _(rng: Rng) -> Outcome:
    array = rng.normal(0, NOISE, SHAPE)
    bad = np.zeros(SHAPE, bool)
    bad[C01] = rng.random((60, 80)) < 0.025
    array[bad] += 3000.0
    found = verified("BIAS", array, lambda made: made.mask.__setitem__(bad, BAD))
    return f"C01 fails {sorted(failing(found))}, PROCESSING {'PROCESSING' in failing(found)}", not failing(
        found
    )


@case("12", "odd columns 2 % lower: level of the flat", "the mean of all")
def _(rng: Rng) -> Outcome:
    array = rng.normal(16_500.0, 128.0, (2000, 509))
    array[:, 1::2] *= 0.98
    off = clipped_statistics(array).mean / array.mean() - 1
    return f"off by {off:+.3%}", abs(off) < 1e-3


@case("12", "column of 100 kadu that bleeds into the parallel overscan", "signal kept, SAT")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 100_000.0)
    array[ROWS:, PRESCAN + 17] += 100_000.0
    found = removed(array)
    value = float(np.median(found.pixels[:, 17]))
    return f"{value:.0f} adu, SAT {found.saturated[:, 17].all()}", abs(value - 1e5) < 200 and bool(
        found.saturated[:, 17].all()
    )


@case("12", "bleeding into 40 of 64 columns of the serial overscan", "signal kept, SAT")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 50_000.0)
    array[30:50, PRESCAN + COLUMNS :][:, :40] += 60_000.0
    found = removed(array)
    value = float(np.median(found.pixels[30:50]))
    return f"{value:.0f} adu, SAT {found.saturated[30:50].all()}", abs(value - 5e4) < 200 and bool(
        found.saturated[30:50].all()
    )


@case("12", "flat with a response of 1e-6", "NO_DATA")
def _(rng: Rng) -> Outcome:
    made, flat = image(np.full(SHAPE, 100.0)), image(np.ones(SHAPE))
    flat.image[3, 3] = 1e-6
    divide_by_flat(made, flat)
    return f"value {made.image[3, 3]:g}, mask {made.mask[3, 3]}", bool(made.mask[3, 3] & MaskPlane.NO_DATA)


@case("12", "MEAN_PER_ROW, cosmic ray of 1e5 adu in the overscan of a row", "row within 5 adu")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 1000.0)
    array[50, PRESCAN + COLUMNS + 20] += 1e5
    off = float(removed(array, fit_type="MEAN_PER_ROW").pixels[50].mean()) - 1000.0
    return f"off by {off:+.2f} adu", abs(off) < 12


for _value in (1.06, 1.2, 1.5):

    @case("12", f"response of {_value:g} in flats", "a defect")
    def _(rng: Rng, value: float = _value) -> Outcome:
        response = np.ones(SHAPE)
        response[30, 30] = value
        found = bool(defects("flat", flats(rng, [16_500.0] * 10, response)).mask[30, 30])
        return f"found {found}", found


for _number in (1, 2):

    @case("12", f"cosmic ray flagged in all of {_number} biases", "BAD")
    def _(rng: Rng, number: int = _number) -> Outcome:
        images = biases(rng, [0.0] * number)
        for each in images:
            each.image.image[7, 7], each.image.mask[7, 7] = 5000.0, CR
        flag = MaskPlane(int(combined(images).mask[7, 7]))
        return f"mask {flag!r}", bool(flag & BAD)


@case("12", "+1000 in one of 5 flats, not flagged", "within 5 sigma of the others")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [5_000.0] * 5)
    images[2].image.image[9, 9] += 1000.0
    off = float(combined_flat(images).image[9, 9]) - 1.0
    return f"off by {off:+.4f} (sigma {1 / math.sqrt(20_000):.4f})", abs(off) < 5 / math.sqrt(20_000)


@case("12", "overscan noise 0", "READ_NOISE_CONSISTENT fails")
def _(rng: Rng) -> Outcome:
    zero = {Key.OVERSCAN_NOISE.format(name): 0.0 for name in AMPLIFIERS}
    return must_fail(verified("BIAS", rng.normal(0, NOISE, SHAPE), **zero), "READ_NOISE_CONSISTENT")


for _level in (300.0, 15_000.0, 46_000.0, 61_000.0, 100_000.0):

    @case(
        "9", f"gain of a pair at {_level:.0f} adu, corrected", "with the curve within 0.5 %, else 2 % or null"
    )
    def _(rng: Rng, level: float = _level) -> Outcome:
        # The overscan has 3 % less noise than the image, for which the task allows.
        variance = float(variance_model(np.array([level]), GAIN, A00, 8.3)[0])
        gain = gain_from_variance(variance, level, 8.3)
        with_curve, alone = (INSTRUMENTS["LATISS"].corrected_gain(0, gain, level, a) for a in (A00, None))
        off = [each / GAIN - 1.0 for each in (with_curve, alone)]
        good = abs(off[0]) < 0.005 and not abs(off[1]) > 0.02
        words = ["null" if math.isnan(each) else f"off by {each:+.2%}" for each in off]
        return f"{words[0]} with the curve, {words[1]} without", good


@case("12", "means of the amplifiers scatter by 5.2 % (n - 1), 4.9 % (n)", "SCATTER fails")
def _(rng: Rng) -> Outcome:
    array = rng.poisson(16_500.0, SHAPE).astype(float)
    for number, each in enumerate(AMPLIFIERS.values()):
        array[each.box] *= 1.0 + 0.0486 * (-1) ** number
    result = verified("FLAT", array)
    part, passes = result["DET"]["SCATTER"] / result["DET"]["MEAN"], result["VERIFY"]["DET"]["SCATTER"]
    return f"SCATTER {part:.2%}, passes {passes}", not passes


@case("12", "60 darks of 0.57 adu: overscans dominate their levels", "scatter as its error says")
def _(rng: Rng) -> Outcome:
    pulls_ = []
    for _ in range(60):
        array = raw(rng, 1e-9)
        array[:ROWS, PRESCAN : PRESCAN + COLUMNS] += rng.poisson(0.57, (ROWS, COLUMNS))
        found = removed(array)
        pixels = found.residual_sigma / math.sqrt(found.pixels.size)
        pulls_.append((float(found.pixels.mean()) - 0.57) / math.hypot(found.level_error, pixels))
    mean, width = float(np.mean(pulls_)), float(np.std(pulls_))
    return f"pulls {mean:+.2f} +- {width:.2f}", abs(mean) < 0.5 and 0.75 < width < 1.25
