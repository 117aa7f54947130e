"""Bad inputs for the functions and tasks of the pipelines, and what comes out.

usage: python benchmarks/bad_inputs.py [--only WORD]

Each case makes an input of known truth with a fault, gives it to the function or task that a job runs, and
compares the outcome with the right one. Prints one JSON object: for each case the group of
``doc/explanation/bad_inputs.rst``, the input, the right outcome, what came out, and whether this is right.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    BAD,
    C01,
    CASES,
    COLUMNS,
    CR,
    GAIN,
    NOISE,
    PRESCAN,
    ROWS,
    SAT,
    SHAPE,
    Outcome,
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
    left_out,
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

from lsst.ts.simulated_observatory.pipelines.combine import FlatNormConfig, FlatNormTask
from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair
from lsst.ts.simulated_observatory.pipelines.images import Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve
from lsst.ts.simulated_observatory.pipelines.removal import divide_by_flat, flag_cosmic_rays
from lsst.ts.simulated_observatory.pipelines.statistics import clipped_statistics

Rng = np.random.Generator


# The table of the review.


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


# Thirty and more that are not in it.


@case("signal", "converter of C00 ends at 60 000 adu in a flat that is brighter", "SAT where it ends")
def _(rng: Rng) -> Outcome:
    array = np.minimum(raw(rng, 45_000.0), 65_000.0)
    found = removed(array)
    at_end = np.isclose(found.pixels, found.pixels.max(), atol=60) & (
        array[:ROWS, PRESCAN : PRESCAN + COLUMNS] >= 65_000
    )
    return f"{found.saturated[at_end].mean():.1%} of what was clipped is SAT", bool(
        found.saturated[at_end].all()
    )


@case("signal", "bias level at the lower end of the converter: half of the values are 0", "bias fails NOISE")
def _(rng: Rng) -> Outcome:
    found = removed(np.maximum(raw(rng, 1e-9, 0.0), 0.0))
    array = np.tile(found.pixels, (1, 4))[: SHAPE[0], : SHAPE[1]]
    return must_fail(verified("BIAS", np.asarray(array, float)), "NOISE")


@case("signal", "bleeding of 20 000 adu into 24 of 42 rows of the parallel overscan", "signal kept, SAT")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 100_000.0)
    array[ROWS : ROWS + 27, PRESCAN + 17] += 20_000.0
    found = removed(array)
    value = float(np.median(found.pixels[:, 17]))
    return f"{value:.0f} adu, SAT {found.saturated[:, 17].all()}", abs(value - 1e5) < 200 and bool(
        found.saturated[:, 17].all()
    )


@case(
    "signal",
    "trail of 90 adu in the parallel overscan of a column (below the limit of charge)",
    "within 5 adu, or flagged",
)
def _(rng: Rng) -> Outcome:
    array = raw(rng, 30_000.0)
    array[ROWS:, PRESCAN + 17] += 90.0
    found = removed(array)
    off = float(np.median(found.pixels[:, 17])) - 30_000.0
    return f"off by {off:+.0f} adu, flagged {found.saturated[:, 17].all()}", abs(off) < 40 or bool(
        found.saturated[:, 17].all()
    )


@case("signal", "flat with a response of NaN, inf, -1", "NO_DATA")
def _(rng: Rng) -> Outcome:
    made, flat = image(np.full(SHAPE, 100.0)), image(np.ones(SHAPE))
    flat.image[3, :3] = math.nan, math.inf, -1.0
    divide_by_flat(made, flat)
    good = bool((made.mask[3, :3] & MaskPlane.NO_DATA).all())
    return f"mask {made.mask[3, :3].tolist()}", good


@case(
    "signal",
    "an amplifier that is NaN, when cosmic rays are looked for",
    "none there, those of the others found",
)
def _(rng: Rng) -> Outcome:
    made = image(rng.normal(0, NOISE, SHAPE))
    made.image[C01] = math.nan
    made.mask[C01] = MaskPlane.NO_DATA
    made.image[100, 300] = 2000.0
    flag_cosmic_rays(made)
    there, other = int(np.count_nonzero(made.mask[C01] & CR)), bool(made.mask[100, 300] & CR)
    return f"{there} there, other found {other}", there == 0 and other


@case("members", "4 electron more in 8 of 14 biases (most)", "no bias, or the right one")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [4.0] * 8 + [0.0] * 6)
    found = refused(lambda: combined(images))
    return found if found[1] else level_of(combined(images), 0.0, 0.06, range(1, 9))


@case("members", "4 electron more in 3 of 5 biases (most)", "no bias, or the right one")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [4.0] * 3 + [0.0] * 2)
    found = refused(lambda: combined(images))
    return found if found[1] else level_of(combined(images), 0.0, 0.06, range(1, 4))


@case("members", "0.5 electron/s more in 3 of 4 darks (most)", "no dark, or the right one")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.52] * 3 + [0.02])
    found = refused(lambda: combined(images, scale="darkTime"))
    return found if found[1] else level_of(combined(images, scale="darkTime"), 0.02, 0.01, range(1, 4))


@case("members", "two biases, one with 6 electron more", "no bias")
def _(rng: Rng) -> Outcome:
    return refused(lambda: combined(biases(rng, [0.0, 6.0])))


@case("members", "one of 10 biases with twice the noise in C01", "left out")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 10)
    images[4].image.image[C01] *= 2.0
    return level_of(combined(images), 0.0, 0.06, [5])


@case("members", "one of 10 biases constant in C01", "left out")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 10)
    images[4].image.image[C01] = 0.0
    return level_of(combined(images), 0.0, 0.06, [5])


@case("members", "one of 8 darks with the dark time NaN", "left out or refused")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[3].image.metadata |= {"DARKTIME": math.nan, "EXPTIME": math.nan}
    try:
        return level_of(combined(images, scale="darkTime"), 0.02, 0.01, [4])
    except RuntimeError as error:
        return f"refused: {error}", True


@case(
    "members",
    "one of 8 darks exposed twice as long as its header says, 2 electron/s of glow in C01",
    "left out",
)
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    for n, each in enumerate(images):
        each.image.image[C01] += rng.poisson(60.0 * (2 if n == 2 else 1), each.image.image[C01].shape)
    found = combined(images, scale="darkTime")
    rate = float(found.image[C01].mean())
    return f"C01 {rate:.3f} electron/s (truth 2.02), left out {left_out(found)}", abs(rate - 2.02) < 0.02


@case("members", "5 of 10 flats with a gradient of 6 %", "no flat, or the even one")
def _(rng: Rng) -> Outcome:
    slope = np.linspace(0.97, 1.03, SHAPE[1]) * np.ones(SHAPE)
    tilted = flats(rng, [16_500.0] * 5, slope)
    images = flats(rng, [16_500.0] * 5)
    for n, each in enumerate(tilted, 6):
        each.image.metadata |= {"EXPOSURE": n, "OBSID": f"AT_O_20250115_{n:06d}"}
        images.append(each)
    found = refused(lambda: combined_flat(images))
    if found[1]:
        return found
    made = combined_flat(images)
    off = float(np.mean(made.image[:, -20:]) / np.mean(made.image) - 1)
    return f"edge {off:+.2%}, left out {left_out(made)}", abs(off) < 0.002


@case("members", "one of 6 flats with 0.4 of the light in C01", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    images[1].image.image[C01] *= 0.4
    return level_of(combined_flat(images), 1.0, 0.003, [2])


@case("members", "one of 6 flats without a level (None), one with the level inf", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    try:
        return level_of(
            combined_flat(images, [16_500.0, None, 16_500.0, math.inf, 16_500.0, 16_500.0]),
            1.0,
            0.003,
            [2, 4],
        )
    except RuntimeError as error:
        return f"refused: {error}", True


@case("members", "10 copies of one bias under other numbers", "verification fails NOISE")
def _(rng: Rng) -> Outcome:
    one = rng.normal(0, NOISE, SHAPE)
    images = biases(rng, [0.0] * 10)
    for each in images:
        each.image.image[:] = one
    bias = combined(images)
    return must_fail(verified("BIAS", one - bias.image), "NOISE")


@case("members", "a pixel with no data in any of 8 biases", "BAD, its variance null")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    for each in images:
        each.image.image[5, 5], each.image.mask[5, 5] = math.nan, MaskPlane.NO_DATA
    found = combined(images)
    assert found.variance is not None
    variance = float(found.variance[5, 5])
    return f"mask {found.mask[5, 5]}, variance {variance}", bool(found.mask[5, 5] & BAD) and math.isnan(
        variance
    )


@case("members", "one of three detectors without a level in all flats", "null for it, the others right")
def _(rng: Rng) -> Outcome:
    levels = [
        {"EXPOSURE": n, "MEAN": None if d == 1 else 15_000.0 * (1 + 0.01 * d), "NPIXELS": 100}
        for d in range(3)
        for n in (1, 2, 3)
    ]
    found = FlatNormTask(config=FlatNormConfig()).run(levels, [d for d in range(3) for _ in range(3)]).scales
    ratio = found["DETECTORS"][2] / found["DETECTORS"][0]
    return f"factors {found['DETECTORS']}", found["DETECTORS"][1] is None and abs(ratio - 1.02) < 1e-6


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


@case("defects", "5 of 8 amplifiers dead (most)", "dead ones found, or verification fails")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    names = ["C00", "C01", "C02", "C10", "C11"]
    for each in images:
        for name in names:
            each.image.image[AMPLIFIERS[name].box] = rng.normal(0, NOISE, (60, 80))
    try:
        found = defects("flat", images)
    except RuntimeError as error:
        return f"refused: {error}"[:200], True
    part = part_of(found, C01)
    shown = {
        "image": images[0].image,
        "dark": image(rng.normal(0.02, 0.1, SHAPE)),
        "flat": combined_flat(images),
    }
    words, fails = of_list(shown, found.mask)
    return f"{part:.0%} of a dead one masked; {words}", part == 1.0 or fails


@case("defects", "60 % of C01 hot, 50 electron/s", "they are found, the others are not")
def _(rng: Rng) -> Outcome:
    hot = np.zeros(SHAPE, bool)
    hot[C01] = rng.random((60, 80)) < 0.6
    images = darks(rng, [0.02] * 8)
    for each in images:
        each.image.image[hot] += rng.poisson(1500.0, int(hot.sum()))
    found = defects("dark", images).mask
    return f"{found[hot].mean():.1%} of the hot, {found[~hot].mean():.2%} of the others", bool(
        found[hot].all()
    )


@case("defects", "every second column of C01 with a response of 0.8", "all of them found")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[:60, 80:160:2] = 0.8
    found = defects("flat", flats(rng, [16_500.0] * 8, response)).mask[C01]
    return f"{found[:, ::2].mean():.1%} of them, {found[:, 1::2].mean():.1%} of the others", bool(
        found[:, ::2].all()
    )


@case("defects", "19 of 20 flats with the shutter shut", "the one is used and 19 are named, or refused")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[30, 30] = 0.5
    try:
        found = defects("flat", flats(rng, [16_500.0] + [0.0] * 19, response))
    except RuntimeError as error:
        return f"refused: {error}"[:200], True
    out = found.metadata["LEFT OUT EXPOSURES"]
    return f"{len(out)} left out, pixel found {bool(found.mask[30, 30])}", len(out) == 19 and bool(
        found.mask[30, 30]
    )


@case("defects", "no dark with a dark time", "refused")
def _(rng: Rng) -> Outcome:
    return refused(lambda: defects("dark", darks(rng, [0.02] * 4, time=0.0)))


@case("defects", "list moved by three columns", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    return of_list(shown, np.roll(mask, 3, axis=1))


@case("defects", "list turned by 180 degrees", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    return of_list(shown, mask[::-1, ::-1].copy())


@case("defects", "true list without one cold pixel of response 0.5", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    row, column = np.argwhere(shown["flat"].image < 0.9)[0]
    mask[row, column] = False
    return of_list(shown, mask)


@case("tests", "bias that is NaN in C01", "all counted tests fail there")
def _(rng: Rng) -> Outcome:
    array = rng.normal(0, NOISE, SHAPE)
    array[C01] = math.nan
    return must_fail(verified("BIAS", array), "MEAN", "NOISE", "CR_NOISE", "LEVEL")


@case("tests", "all pixels of C01 of a flat are BAD", "NOISE fails there, the value null")
def _(rng: Rng) -> Outcome:
    found = verified(
        "FLAT", rng.poisson(16_500.0, SHAPE).astype(float), lambda made: made.mask.__setitem__(C01, BAD)
    )
    words, good = must_fail(found, "NOISE", "NOISE_FLOOR")
    return f"{words}, MEAN {found['AMP']['C01']['MEAN']}", good and math.isnan(found["AMP"]["C01"]["MEAN"])


@case("tests", "flat of a full well: 110 ke- with a noise of 30", "NOISE_FLOOR fails")
def _(rng: Rng) -> Outcome:
    return must_fail(verified("FLAT", rng.normal(110_000.0, 30.0, SHAPE)), "NOISE_FLOOR")


@case("tests", "nominal noise 0, negative or NaN", "NOISE fails")
def _(rng: Rng) -> Outcome:
    array, words, good = rng.normal(0, NOISE, SHAPE), [], True
    for value in (0.0, -9.0, math.nan):
        text, fails = must_fail(verified("BIAS", array, **{Key.IMAGE_NOISE.format("C01"): value}), "NOISE")
        words, good = [*words, f"{value}: {text}"], good and fails
    return "; ".join(words), good


@case("tests", "dark without a dark time", "DARK_CURRENT fails")
def _(rng: Rng) -> Outcome:
    return must_fail(
        verified("DARK", rng.normal(0, NOISE, SHAPE), DARKTIME=None, EXPTIME=None), "DARK_CURRENT"
    )


def main() -> None:
    """Run all cases, and print their outcomes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="cases whose group or input has this word")
    only = parser.parse_args().only
    rows = []
    for group, what, right, function in CASES:
        if only in f"{group} {what}":
            came, good = function(np.random.default_rng(20250115))
            rows.append(
                {"group": group, "input": what, "right": right, "came_out": came, "is_right": bool(good)}
            )
    wrong = [row["input"] for row in rows if not row["is_right"]]
    print(json.dumps({"cases": rows, "number": len(rows), "wrong": wrong}, indent=1))


if __name__ == "__main__":
    main()
