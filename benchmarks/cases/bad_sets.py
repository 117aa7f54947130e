"""Sets of images that are no sets: copies, strangers among them, too few, values that wrap around."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    BAD,
    C01,
    GAIN,
    LAMP,
    NOISE,
    SAT,
    SHAPE,
    Outcome,
    Rng,
    Stored,
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
    left_out,
    level_of,
    must_fail,
    of_list,
    of_pair,
    pair,
    part_of,
    raw,
    refused,
    removed,
    verified,
)  # fmt: skip
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.images import Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptcfit import fit_curve

C02 = AMPLIFIERS["C02"].box


def _wave(rows: float) -> NDArray[np.float64]:
    """A wave along the columns, of a length in rows; shape (rows, 1)."""
    return np.sin(2.0 * math.pi * np.arange(SHAPE[0]) / rows)[:, None]


def _honest(fit: Any) -> Outcome:
    """Null, or within four errors."""
    return (f"null: {fit.reason}", True) if math.isnan(fit.gain) else fitted(fit, GAIN, 0.3)


def _variance(found: Any, truth: float, images: int) -> Outcome:
    """Whether the variance of a combination is that of its images."""
    said = float(np.mean(found.variance)) if found.variance is not None else math.nan
    real = float(np.var(found.image - truth))
    words = f"sigma {math.sqrt(real):.3g}, said {math.sqrt(said):.3g}, left out {len(left_out(found))}"
    return words, abs(said / real - 1.0) < 0.1 and len(left_out(found)) == images


@case("members", "20 biases that are 10, each twice under another number", "10 left out, honest variance")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 20)
    for one, two in zip(images[:10], images[10:], strict=True):
        two.image.image[:] = one.image.image
    return _variance(combined(images), 0.0, 10)


for _number, _lost in ((5, 0), (5, 2), (6, 3), (8, 4)):

    @case(
        "members",
        f"{_number} biases, 45 % of the pixels NO_DATA in {_lost} of them",
        "errors as said, also of these pixels",
    )
    def _(rng: Rng, number: int = _number, lost: int = _lost) -> Outcome:
        images, few = biases(rng, [0.0] * number), rng.random(SHAPE) < 0.45
        for each in images[:lost]:
            each.image.mask[few] = MaskPlane.NO_DATA
        found = combined(images)
        assert found.variance is not None
        pulls = (found.image / np.sqrt(found.variance))[few]
        beyond = float(np.mean(np.abs(pulls) > 5.0))
        words = f"rms of the pulls {np.std(pulls):.2f}, {beyond:.2%} beyond 5"
        return words, abs(float(np.std(pulls)) - 1.0) < 0.05 and beyond < 1e-4


@case("members", "8 flats, the last a copy of the first", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 8)
    images[7].image.image[:] = images[0].image.image
    return level_of(combined_flat(images), 1.0, 0.003, [8])


@case("members", "6 darks that are one, six times", "refused")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 6)
    for each in images[1:]:
        each.image.image[:] = images[0].image.image
    return refused(lambda: combined(images, scale="darkTime"))


@case("members", "10 biases that are 0 in all pixels", "refused")
def _(rng: Rng) -> Outcome:
    return refused(lambda: combined([Stored(image(np.zeros(SHAPE), n, 0.0)) for n in range(1, 11)]))


for _number in (1, 2, 3):

    @case("members", f"a set of {_number} biases", "verification fails NOISE")
    def _(rng: Rng, number: int = _number) -> Outcome:
        images = biases(rng, [0.0] * number)
        return must_fail(verified("BIAS", images[0].image.image - combined(images).image), "NOISE")

    @case("members", f"a set of {_number} flats", "the variance, or null")
    def _(rng: Rng, number: int = _number) -> Outcome:
        found = combined_flat(flats(rng, [16_500.0] * number))
        sigma = float(np.std(found.image))
        assert found.variance is not None
        said = math.sqrt(float(np.median(found.variance)))
        return f"scatter {sigma:.4f}, said {said:.4f}", math.isnan(said) or abs(said / sigma - 1.0) < 0.1


@case("members", "3 darks of which one has a dark time of 0", "refused")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 3)
    images[1].image.metadata |= {"DARKTIME": 0.0, "EXPTIME": 0.0}
    return refused(lambda: combined(images, scale="darkTime"))


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


@case(
    "members", "one of 6 flats through another filter, fringes of 3 %, 20 pixels wide", "left out, or flagged"
)
def _(rng: Rng) -> Outcome:
    return _fringes(rng, 4, 0.03 * np.sin(2.0 * math.pi * np.arange(SHAPE[1]) / 20.0))


@case("members", "one of 6 flats with horizontal fringes of 3 %, 10 rows wide", "left out, or flagged")
def _(rng: Rng) -> Outcome:
    return _fringes(rng, 2, 0.03 * _wave(10.0))


def _fringes(rng: Rng, place: int, wave: NDArray[np.float64]) -> Outcome:
    """One of 6 flats has fringes."""
    images, wave = flats(rng, [16_500.0] * 6), wave * np.ones(SHAPE)
    images[place].image.image *= 1.0 + wave
    found = combined_flat(images)
    left = float(np.mean((found.image - 1.0) * wave) / np.mean(wave**2))
    return f"{left:+.2f} of the fringes are in the flat, left out {left_out(found)}", abs(left) < 0.02


@case("members", "one of 20 biases with a wave of 25 electron along the columns, 8 rows long", "left out")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 20)
    wave = 25.0 * _wave(8.0)
    images[2].image.image += wave
    found = combined(images, measureNoise=True)
    left = float(np.mean(found.image * wave) / np.mean(wave**2)) * 25.0
    noise = found.metadata[Key.COMBINED_NOISE.format("C01")]
    words = f"{left:+.2f} electron of the wave are left, noise {noise:.2f} (9), left out {left_out(found)}"
    return words, abs(left) < 0.3 and abs(noise / NOISE - 1.0) < 0.02


for _with_it, _right in ((3, "left out"), (4, "refused")):

    @case("members", f"{_with_it} of 8 biases with the same wave of 12 electron, 11 rows long", _right)
    def _(rng: Rng, with_it: int = _with_it) -> Outcome:
        return _some_have(rng, 8, with_it, 12.0 * _wave(11.0))

    @case("members", f"{_with_it} of 8 biases with the same pattern of single pixels, 12 electron", _right)
    def _(rng: Rng, with_it: int = _with_it) -> Outcome:
        return _some_have(rng, 8, with_it, rng.normal(0.0, 12.0, SHAPE))


@case("members", "one of 20 biases with a wave of 12 electron, 11 rows long", "left out")
def _(rng: Rng) -> Outcome:
    return _some_have(rng, 20, 1, 12.0 * _wave(11.0))


@case("members", "4 of 8 biases with a wave of 25 electron, pixels with a fixed pattern of 60", "refused")
def _(rng: Rng) -> Outcome:
    images, fixed = biases(rng, [0.0] * 8), rng.normal(0.0, 60.0, SHAPE)
    wave = 25.0 * _wave(11.0)
    for place, each in enumerate(images):
        each.image.image += (fixed + wave * (place < 4)).astype(np.float32)
    return refused(lambda: combined(images))


@case("members", "16 good biases, 45 % of the pixels NO_DATA in 8 of them", "all are used, none odd")
def _(rng: Rng) -> Outcome:
    images, missing = biases(rng, [0.0] * 16), rng.random(SHAPE) < 0.45
    for each in images[:8]:
        each.image.mask[missing] = MaskPlane.NO_DATA
    found = combined(images)
    odd = found.metadata["ODD EXPOSURES"]
    return f"left out {left_out(found)}, odd {odd}", not left_out(found) and not odd


def _some_have(rng: Rng, number: int, with_it: int, pattern: NDArray[np.float64]) -> Outcome:
    """The first biases of a set have a pattern."""
    images, pattern = biases(rng, [0.0] * number), pattern * np.ones(SHAPE)
    for each in images[:with_it]:
        each.image.image += pattern
    if 2 * with_it == number:
        return refused(lambda: combined(images))
    found = combined(images)
    left = float(np.mean(found.image * pattern) / np.mean(pattern**2))
    return f"{left:+.2f} of it are in the bias, left out {left_out(found)}", abs(left) < 0.02


for _dark_times in ((15.0, 60.0, 60.0), (5.0, 60.0, 60.0), (15.0, 300.0, 300.0)):

    @case("members", f"good darks of {_dark_times} s", "all are used")
    def _(rng: Rng, dark_times: tuple[float, ...] = _dark_times) -> Outcome:
        images = [darks(rng, [0.02], each)[0] for each in dark_times]
        for number, each in enumerate(images, 1):
            each.image.metadata["EXPOSURE"] = number
        return level_of(combined(images, scale="darkTime"), 0.02, 0.01, [])


for _flat_times in ((1.0, 15.0, 25.0), (0.1, 5.0, 5.0)):

    @case("members", f"good flats of {_flat_times} s", "all are used")
    def _(rng: Rng, flat_times: tuple[float, ...] = _flat_times) -> Outcome:
        images = flats(rng, [LAMP * each for each in flat_times], rng.normal(1.0, 0.005, SHAPE))
        for each, time in zip(images, flat_times, strict=True):
            each.image.metadata["EXPTIME"] = time
        return level_of(combined_flat(images), 1.0, 0.003, [])


@case("members", "3 of 6 flats with horizontal fringes of 3 %, 10 rows wide", "refused")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    for each in images[:3]:
        each.image.image *= 1.0 + 0.03 * _wave(10.0)
    return refused(lambda: combined_flat(images))


@case("members", "one of 6 flats with white noise of 500 electron in addition", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    images[2].image.image += rng.normal(0.0, 500.0, SHAPE)
    return level_of(combined_flat(images), 1.0, 0.003, [3])


@case("members", "C01 of 20 biases is one and the same frame", "BAD, its variance null")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 20)
    for each in images[1:]:
        each.image.image[C01] = images[0].image.image[C01]
    found = combined(images)
    assert found.variance is not None
    part, null = float(np.mean(found.mask[C01] & BAD)), float(np.mean(np.isnan(found.variance[C01])))
    return f"{part:.0%} BAD, variance null in {null:.0%}", part == null == 1.0


def frozen(images: list[Any], rng: Rng, dither: float) -> list[Any]:
    """Images whose C01 is that of the first, with some noise in addition, electron."""
    frame = images[0].image.image[C01].copy()
    for each in images:
        each.image.image[C01] = frame + rng.normal(0.0, dither, frame.shape)
    return images


for _kind, _dither in (("bias", 1.0), ("dark", 0.0), ("flat", 0.0)):

    @case(
        "members",
        f"C01 of 10 {_kind} images is one frame, with {_dither:g} electron of noise in addition",
        "BAD, its variance null",
    )
    def _(rng: Rng, kind: str = _kind, dither: float = _dither) -> Outcome:
        if kind == "flat":
            levels = (16_500.0 * rng.normal(1.0, 0.001, 10)).tolist()
            found = combined_flat(frozen(flats(rng, levels), rng, dither))
        elif kind == "dark":
            images = darks(rng, [0.02] * 10)
            for number, each in enumerate(images):
                each.image.metadata["DARKTIME"] = 30.0 + 0.02 * number
            found = combined(frozen(images, rng, dither), scale="darkTime")
        else:
            found = combined(frozen(biases(rng, [0.0] * 10), rng, dither))
        assert found.variance is not None
        part, null = float(np.mean(found.mask[C01] & BAD)), float(np.mean(np.isnan(found.variance[C01])))
        return (
            f"{part:.0%} BAD, variance null in {null:.0%}; before, errors up to 30 000 times too small",
            part == null == 1.0,
        )


@case(
    "members",
    "40 % of the pixels of C01 have one value in all of 8 biases",
    "BAD, errors of the others right",
)
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    same = np.zeros(SHAPE, bool)
    same[C01] = rng.random(same[C01].shape) < 0.4
    for each in images[1:]:
        each.image.image[same] = images[0].image.image[same]
    found = combined(images)
    assert found.variance is not None
    right = bool(np.array_equal((found.mask & BAD) != 0, same) and np.isnan(found.variance[same]).all())
    pulls = (found.image / np.sqrt(found.variance))[C01][~same[C01]]
    rms = float(np.sqrt(np.mean(pulls**2)))
    return f"these are BAD {right}, rms of the pulls of the others {rms:.2f}; before 1.28", right and abs(
        rms - 1
    ) < 0.05


for _what, _rows in (
    ("odd rows 12 electron higher and even ones lower", 12.0 * (-1.0) ** np.arange(SHAPE[0])),
    ("rows that scatter by 10 electron", np.random.default_rng(1).normal(0.0, 10.0, SHAPE[0])),
):

    @case("members", f"one of 8 biases with {_what}", "left out")
    def _(rng: Rng, rows: Any = _rows) -> Outcome:
        images = biases(rng, [0.0] * 8)
        images[2].image.image += rows[:, None]
        return level_of(combined(images), 0.0, 0.1, [3])


for _most in (1.6, 3.0, 4.0):

    @case("members", f"light in 20 biases that rises evenly from 0 to {_most} electron", "refused, or told")
    def _(rng: Rng, most: float = _most) -> Outcome:
        images = biases(rng, np.linspace(0.0, most, 20).tolist())
        outcome = refused(lambda: combined(images))
        if outcome[1]:
            return outcome
        found = combined(images)
        odd = found.metadata["ODD EXPOSURES"]
        return f"mean {float(np.mean(found.image)):.2f}, left out {left_out(found)}, odd {odd}", bool(odd)


@case("members", "light of 0 to 3 electron in 14 biases, another in each", "refused, or told")
def _(rng: Rng) -> Outcome:
    images = biases(rng, rng.uniform(0.0, 3.0, 14).tolist())
    outcome = refused(lambda: combined(images))
    if outcome[1]:
        return outcome
    found = combined(images)
    odd = found.metadata["ODD EXPOSURES"]
    return f"mean {float(np.mean(found.image)):.2f}, left out {left_out(found)}, odd {odd}", bool(odd)


for _more, _noise in ((0.05, 0.0), (0.0, 0.01), (0.0, 4.0)):

    @case(
        "members",
        f"20 biases that are 10, copies {_more} electron higher, with noise of {_noise}",
        "10 left out",
    )
    def _(rng: Rng, more: float = _more, noise: float = _noise) -> Outcome:
        images = biases(rng, [0.0] * 20)
        for one, two in zip(images[:10], images[10:], strict=True):
            two.image.image[:] = one.image.image + more + rng.normal(0.0, noise, SHAPE)
        return _variance(combined(images), 0.0, 10)


@case("members", "12 flats that are 6, the copies times 1.01", "6 left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 12)
    for one, two in zip(images[:6], images[6:], strict=True):
        two.image.image[:] = 1.01 * one.image.image
    return _variance(combined_flat(images), 1.0, 6)


for _kind, _number, _change in (("darks", 4, 600.0), ("flats", 4, -8_000.0)):

    @case(
        "members",
        f"{_number} {_kind}, a pixel {_change:+g} electron off in two of them",
        "BAD, or its scatter",
    )
    def _(rng: Rng, kind: str = _kind, number: int = _number, change: float = _change) -> Outcome:
        images = darks(rng, [0.02] * number) if kind == "darks" else flats(rng, [16_500.0] * number)
        for each in images[:2]:
            each.image.image[50, 50] += change
        found = combined(images, scale="darkTime") if kind == "darks" else combined_flat(images)
        assert found.variance is not None
        value, sigma = float(found.image[50, 50]), math.sqrt(float(found.variance[50, 50]))
        good = abs(value - (0.02 if kind == "darks" else 1.0)) < 4.0 * sigma or bool(found.mask[50, 50] & BAD)
        return f"{value:.3g} +- {sigma:.2g}, mask {found.mask[50, 50]}", good


@case("members", "two of 8 flats with the same exposure id", "neither is used")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 8)
    images[5].image.metadata["EXPOSURE"] = 1
    return level_of(combined_flat(images), 1.0, 0.003, [1, 1])


@case("members", "one of 8 darks with the text n/a as dark time, one without an end", "the dark, with a date")
def _(rng: Rng) -> Outcome:
    images = darks(rng, [0.02] * 8)
    images[3].image.metadata["DARKTIME"] = "n/a"
    del images[4].image.metadata["DATE-END"]
    found = combined(images, scale="darkTime")
    words, good = level_of(found, 0.02, 0.01, [])
    date = found.metadata["CALIB_CREATION_DATETIME"]
    return f"{words}, made {date}", good and date == "2025-01-15T18:01:00"


@case("members", "8 biases of whole numbers, noise 0.3", "refused, with the reason")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    for each in images:
        each.image.image[:] = np.rint(each.image.image * 0.3 / NOISE)
    return refused(lambda: combined(images))


@case("members", "half of the pixels of C01 saturated in one of 6 flats", "left out")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    part = images[1].image.image[C01]
    part[:30] = 120_000.0
    images[1].image.mask[C01][:30] |= np.uint16(SAT)
    return level_of(combined_flat(images), 1.0, 0.003, [2])


@case("members", "all flats negative (-16 500)", "refused")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    for each in images:
        each.image.image *= -1.0
    return refused(lambda: combined_flat(images))


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


@case(
    "defects", "hot pixels (20 electron/s) that are hot in half of 8 darks", "found, or the limit of HOT_LEFT"
)
def _(rng: Rng) -> Outcome:
    hot = rng.random(SHAPE) < 0.002
    images = darks(rng, [0.02] * 8)
    for each in images[::2]:
        each.image.image[hot] += rng.poisson(600.0, int(hot.sum()))
    found = defects("dark", images).mask
    return f"{found[hot].mean():.0%} of them, {found[~hot].mean():.2%} of the others", bool(found[hot].all())


@case(
    "defects",
    "flats with a gradient of 30 % across each amplifier",
    "none but the border, or verification fails",
)
def _(rng: Rng) -> Outcome:
    slope = np.tile(np.linspace(0.85, 1.15, 80), 4) * np.ones(SHAPE)
    found = defects("flat", flats(rng, [16_500.0] * 6, slope))
    part = float(np.mean(found.mask[12:-12, 12:-12]))
    shown = {
        "image": image(16_500.0 * slope),
        "dark": image(rng.normal(0.02, 0.1, SHAPE)),
        "flat": image(slope),
    }
    words, fails = of_list(shown, found.mask)
    return f"{part:.2%} of the inner pixels; {words}", part < 0.005 or fails


@case("defects", "darks of 1 s and of 300 s, hot pixels saturate in the long ones", "found")
def _(rng: Rng) -> Outcome:
    hot = rng.random(SHAPE) < 0.002
    images = darks(rng, [0.02] * 3, 1.0) + darks(rng, [0.02] * 3, 300.0)
    for n, each in enumerate(images, 1):
        each.image.metadata |= {"EXPOSURE": n, "OBSID": f"AT_O_20250115_{n:06d}"}
        full = 1000.0 * each.image.metadata["DARKTIME"] > 120_000.0
        each.image.image[hot] += min(1000.0 * each.image.metadata["DARKTIME"], 120_000.0)
        if full:
            each.image.mask[hot] |= np.uint16(SAT)
    found = defects("dark", images).mask
    return f"{found[hot].mean():.0%} of them", bool(found[hot].all())


@case("defects", "one of 6 flats with C01 and C02 exchanged, C01 with a cold column", "found, nothing else")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[:60, 100] = 0.5
    images = flats(rng, [16_500.0] * 6, response)
    pixels = images[3].image.image
    pixels[C01], pixels[C02] = pixels[C02].copy(), pixels[C01].copy()
    found = defects("flat", images)
    column, other = part_of(found, (slice(12, 60), 100)), part_of(found, (slice(12, 60), 180))
    return f"{column:.0%} of the column, {other:.0%} of its place in C02", column == 1.0 and other == 0.0


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
