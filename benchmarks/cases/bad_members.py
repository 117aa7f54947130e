"""Single images that do not belong to their set, or have pixels that do not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    BAD,
    C01,
    SAT,
    SHAPE,
    Outcome,
    Rng,
    biases,
    case,
    combined,
    combined_flat,
    darks,
    flats,
    left_out,
    level_of,
    refused,
)

from lsst.ts.simulated_observatory.pipelines.flatnorm import FlatNormConfig, FlatNormTask
from lsst.ts.simulated_observatory.pipelines.images import MaskPlane

C02 = AMPLIFIERS["C02"].box


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


@case("members", "a value of 1e30 in a pixel of one of 8 biases", "the mean of the others")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    right = float(np.mean([each.image.image[5, 5] for each in images[1:]]))
    images[0].image.image[5, 5] = 1e30
    value = float(combined(images).image[5, 5])
    return f"{value:.4g} (mean of the others {right:.4g})", abs(value - right) < 1e-3


@case("members", "a value of 1e30 in a pixel of one of 6 flats", "the mean of the others")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    images[0].image.image[5, 5] = 1e30
    value = float(combined_flat(images).image[5, 5])
    return f"{value:.4g}", abs(value - 1.0) < 5 / math.sqrt(5 * 16_500)


@case("members", "one of 8 darks with a dark time of 1e-9 s", "left out, or without weight")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[3].image.metadata["DARKTIME"] = 1e-9
    found = combined(images, scale="darkTime")
    mean = float(np.mean(found.image))
    return f"mean {mean:.4g}, left out {left_out(found)}", abs(mean - 0.02) < 0.005


@case("members", "a flat of 16 500 electron among 8 darks", "left out")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[2].image.image[:] = flats(rng, [16_500.0])[0].image.image
    return level_of(combined(images, scale="darkTime"), 0.02, 0.01, [3])


@case("members", "one of 8 flats with the amplifiers C01 and C02 exchanged, responses 3 % apart", "left out")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[C01] = 1.03
    images = flats(rng, [16_500.0] * 8, response)
    pixels = images[3].image.image
    pixels[C01], pixels[C02] = pixels[C02].copy(), pixels[C01].copy()
    found = combined_flat(images)
    ratio = float(found.image[C01].mean() / found.image[C02].mean())
    return f"ratio {ratio:.4f} (1.03), left out {left_out(found)}", abs(ratio - 1.03) < 0.001


@case("members", "one of 8 biases with C01 and C02 exchanged, noise 9 and 12", "left out")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    for n, each in enumerate(images):
        each.image.image[C02 if n == 5 else C01] *= 12.0 / 9.0
    return level_of(combined(images), 0.0, 0.06, [6])


@case("members", "one of 6 flats turned by 180 degrees, vignetting of 3 % to one side", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6, np.linspace(1.015, 0.985, SHAPE[1]) * np.ones(SHAPE))
    images[2].image.image[:] = images[2].image.image[::-1, ::-1].copy()
    return level_of(combined_flat(images), 1.0, 0.003, [3])


@case("members", "one of 6 flats with white noise of 500 electron in addition", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    images[2].image.image += rng.normal(0.0, 500.0, SHAPE)
    return level_of(combined_flat(images), 1.0, 0.003, [3])


for _what, _rows in (
    ("odd rows 12 electron higher and even ones lower", 12.0 * (-1.0) ** np.arange(SHAPE[0])),
    ("rows that scatter by 10 electron", np.random.default_rng(1).normal(0.0, 10.0, SHAPE[0])),
):

    @case("members", f"one of 8 biases with {_what}", "left out")
    def _(rng: Rng, rows: Any = _rows) -> Outcome:
        images = biases(rng, [0.0] * 8)
        images[2].image.image += rows[:, None]
        return level_of(combined(images), 0.0, 0.1, [3])


@case("members", "one of 8 darks with the text n/a as dark time, one without an end", "the dark, with a date")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[3].image.metadata["DARKTIME"] = "n/a"
    del images[4].image.metadata["DATE-END"]
    found = combined(images, scale="darkTime")
    words, good = level_of(found, 0.02, 0.01, [])
    date = found.metadata["CALIB_CREATION_DATETIME"]
    return f"{words}, made {date}", good and date == "2025-01-15T18:01:00"


@case("members", "half of the pixels of C01 saturated in one of 6 flats", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    part = images[1].image.image[C01]
    part[:30] = 120_000.0
    images[1].image.mask[C01][:30] |= np.uint16(SAT)
    return level_of(combined_flat(images), 1.0, 0.003, [2])


@case("members", "one of 8 darks with -6 electron (bias of another night)", "left out, or refused")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[6].image.image -= 6.0
    found = refused(lambda: combined(images, scale="darkTime"))
    return found if found[1] else level_of(combined(images, scale="darkTime"), 0.02, 0.01, [7])


@case("members", "inf in 30 % of the pixels of C01 of one of 8 biases, not flagged", "the mean of the others")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    images[3].image.image[C01][rng.random((60, 80)) < 0.3] = math.inf
    found = combined(images)
    good = bool(np.isfinite(found.image).all() and abs(float(found.image[C01].mean())) < 0.1)
    return f"finite {np.isfinite(found.image).all()}, left out {left_out(found)}", good
