"""Raw images whose signal is no signal, and images that verification must fail."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from made_inputs import (
    BAD,
    C01,
    COLUMNS,
    CR,
    NOISE,
    PRESCAN,
    ROWS,
    SERIAL,
    SHAPE,
    Outcome,
    Rng,
    case,
    combined_flat,
    failing,
    flats,
    image,
    must_fail,
    raw,
    removed,
    verified,
)

from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.images import Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.removal import divide_by_flat, flag_cosmic_rays
from lsst.ts.simulated_observatory.pipelines.statistics import clipped_statistics


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


@case(
    "signal", "values above 65 535 adu wrap around to 0 (16 bits), flat of 50 000 adu", "SAT, or fails NOISE"
)
def _(rng: Rng) -> Outcome:
    array = np.mod(np.maximum(raw(rng, 45_500.0), 0.0), 65_536.0)
    found = removed(array)
    pixels = np.tile(found.pixels, (1, 4))[: SHAPE[0], : SHAPE[1]].astype(float)
    mask = np.tile(found.saturated, (1, 4))[: SHAPE[0], : SHAPE[1]]
    fails = failing(verified("FLAT", pixels, lambda made: made.mask.__setitem__(mask, MaskPlane.SAT)))
    low = float(np.mean(found.pixels < 0.0))
    return f"{low:.0%} wrapped, C01 fails {sorted(fails - {'SUCCESS'})}", "NOISE" in fails


@case("signal", "light in 20 of 64 columns of the serial overscan, 300 adu", "within 3 adu, or flagged")
def _(rng: Rng) -> Outcome:
    array = raw(rng, 30_000.0)
    array[:, -64:-44] += 300.0
    found = removed(array)
    off = float(np.median(found.pixels)) - 30_000.0
    return f"off by {off:+.1f} adu, flagged {found.saturated.mean():.0%}", abs(off) < 3 or bool(
        found.saturated.all()
    )


@case("tests", "a flat that is negative", "NOISE fails, or is null")
def _(rng: Rng) -> Outcome:
    return must_fail(verified("FLAT", -rng.poisson(16_500.0, SHAPE).astype(float)), "NOISE")


@case("tests", "a bias of which half of C01 is -1e6 and half 1e6", "NOISE fails")
def _(rng: Rng) -> Outcome:
    array = rng.normal(0, NOISE, SHAPE)
    array[C01][:, ::2], array[C01][:, 1::2] = -1e6, 1e6
    return must_fail(verified("BIAS", array), "NOISE")


@case("tests", "all pixels but one of C01 of a dark are BAD", "NOISE fails")
def _(rng: Rng) -> Outcome:
    def change(made: Any) -> None:
        made.mask[C01] = BAD
        made.mask[30, 100] = 0

    return must_fail(verified("DARK", rng.normal(0, NOISE, SHAPE), change), "NOISE")


for _how in ("a slope of 40 adu", "odd ones 20 adu higher"):

    @case("signal", f"columns of the serial overscan: {_how}", "its noise within 3 %")
    def _(rng: Rng, how: str = _how) -> Outcome:
        array, columns = raw(rng, 1000.0), np.arange(SERIAL)
        array[:, -SERIAL:] += 40.0 * columns / SERIAL if "slope" in how else 20.0 * (columns % 2)
        noise = removed(array).residual_sigma
        return f"noise {noise:.2f} adu (truth 8)", abs(noise / 8.0 - 1.0) < 0.03
