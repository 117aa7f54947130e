"""Bad images: signals, members of a set, and what is verified."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from made_inputs import (
    BAD,
    C01,
    COLUMNS,
    CR,
    NOISE,
    PRESCAN,
    ROWS,
    SHAPE,
    Outcome,
    Rng,
    biases,
    case,
    combined,
    combined_flat,
    darks,
    failing,
    flats,
    image,
    left_out,
    level_of,
    must_fail,
    raw,
    refused,
    removed,
    verified,
)  # fmt: skip

from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.flatlevels import exposure_levels
from lsst.ts.simulated_observatory.pipelines.flatnorm import FlatNormConfig, FlatNormTask
from lsst.ts.simulated_observatory.pipelines.images import Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.removal import divide_by_flat, flag_cosmic_rays


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


@case("members", "10 copies of one bias under other numbers", "refused")
def _(rng: Rng) -> Outcome:
    one = rng.normal(0, NOISE, SHAPE)
    images = biases(rng, [0.0] * 10)
    for each in images:
        each.image.image[:] = one
    return refused(lambda: combined(images))


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


@case("members", "12 flats, each with a gradient of its own, 3 %", "refused, and told for each")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 12)
    y, x = (np.linspace(-0.5, 0.5, length) for length in SHAPE)
    for each, angle in zip(images, rng.uniform(0.0, 2.0 * np.pi, 12), strict=True):
        each.image.image *= 1.0 + 0.03 * (np.cos(angle) * x + np.sin(angle) * y[:, None])
    return refused(lambda: combined_flat(images))


@case("tests", "a flat of which 5 % of C01 are NaN and not flagged", "NOISE fails, or the value")
def _(rng: Rng) -> Outcome:
    array = rng.poisson(16_500.0, SHAPE).astype(float)
    array[C01][rng.random((60, 80)) < 0.05] = math.nan
    found = verified("FLAT", array)
    value = found["AMP"]["C01"]["MEAN"]
    return f"C01 fails {sorted(failing(found) - {'SUCCESS'})}, MEAN {value:.6g}", (
        "NOISE" in failing(found) if math.isnan(value) else abs(value / 16_500.0 - 1.0) < 1e-3
    )


def _flat_of(rng: Rng, number: int) -> Outcome:
    images = flats(rng, [16_500.0] * number, rng.normal(1.0, 0.005, SHAPE))
    made = images[0].image
    divide_by_flat(made, combined_flat(images))
    found = verified_image(made, "FLAT", CosmicRayFinder())
    value = found["AMP"]["C01"]["NOISE"]
    return f"NOISE {value:.4g}, SUCCESS {found['SUCCESS']}", math.isnan(value) is not found["SUCCESS"]


for _number in (1, 2):
    case(
        "tests", f"a flat divided by the combined flat of {_number}, itself among them", "NOISE null, fails"
    )(partial(_flat_of, number=_number))


@case("tests", "all pixels of C01 but 300 of 4800 without data: bias, dark and flat, 60 each", "all fail")
def _(rng: Rng) -> Outcome:
    passed = 0
    for kind, level, sigma in (("BIAS", 0.0, NOISE), ("DARK", 0.0, NOISE), ("FLAT", 16_500.0, 125.0)):
        for _ in range(60):
            made = image(rng.normal(level, sigma, SHAPE))
            flags = np.full(4800, MaskPlane.NO_DATA, np.uint16)
            flags[rng.choice(4800, 300, replace=False)] = 0
            made.mask[C01] = flags.reshape(60, 80)
            passed += verified_image(made, kind, CosmicRayFinder())["VERIFY"]["AMP"]["C01"]["SUCCESS"]
    return f"{passed} of 180 pass", passed == 0


def _factors(first: slice, second: slice) -> list[float]:
    levels = np.full((10, 2), math.nan)
    levels[first, 0], levels[second, 1] = 1000.0, 1020.0
    found: list[float] = exposure_levels(levels, np.array([100, 100]))[1].tolist()
    return found


@case("members", "two detectors, ratio 1.02, that have 2 of 10 exposures in common", "ratio within 1e-6")
def _(rng: Rng) -> Outcome:
    one, two = _factors(slice(0, 6), slice(4, 10))
    return f"ratio {two / one:.6g}", abs(two / one - 1.02) < 1e-6


@case("members", "two detectors that have no exposure in common", "null for one of them")
def _(rng: Rng) -> Outcome:
    factors = _factors(slice(0, 5), slice(5, 10))
    return f"factors {factors}", math.isnan(factors[1])
