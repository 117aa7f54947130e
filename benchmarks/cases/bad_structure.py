"""Sets of which some images have a structure that the others have not, or one frame in an amplifier."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    BAD,
    C01,
    NOISE,
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
    refused,
)
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, Key, MaskPlane
from lsst.ts.simulated_observatory.pipelines.members import UnusableSetError


def _wave(rows: float) -> NDArray[np.float64]:
    """A wave along the columns, of a length in rows; shape (rows, 1)."""
    return np.sin(2.0 * math.pi * np.arange(SHAPE[0]) / rows)[:, None]


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


@case("members", "3 of 6 flats with horizontal fringes of 3 %, 10 rows wide", "refused")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    for each in images[:3]:
        each.image.image *= 1.0 + 0.03 * _wave(10.0)
    return refused(lambda: combined_flat(images))


@case("members", "C01 of 20 biases is one and the same frame", "BAD, its variance null")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 20)
    for each in images[1:]:
        each.image.image[C01] = images[0].image.image[C01]
    return _bad(combined(images))


def _bad(found: DetectorImage) -> Outcome:
    """Whether C01 of a combination is BAD and has no variance."""
    assert found.variance is not None
    part, null = float(np.mean(found.mask[C01] & BAD)), float(np.mean(np.isnan(found.variance[C01])))
    return f"{part:.0%} BAD, variance null in {null:.0%}", part == null == 1.0


def frozen(images: list[Any], rng: Rng, dither: float, where: Any = np.s_[:]) -> list[Any]:
    """Images whose C01, or a part of it, is that of the first, with some noise in addition, electron."""
    frame = images[0].image.image[C01][where].copy()
    for each in images:
        each.image.image[C01][where] = frame + rng.normal(0.0, dither, frame.shape)
    return images


for _dither in (1.0, 3.0):

    @case(
        "members",
        f"30 % of the rows of C01 of 20 biases are one frame, with {_dither:g} electron of noise in addition",
        "BAD, errors of the others right",
    )
    def _(rng: Rng, dither: float = _dither) -> Outcome:
        rows = slice(0, int(0.3 * SHAPE[0] / 2))
        found = combined(frozen(biases(rng, [0.0] * 20), rng, dither, rows))
        assert found.variance is not None
        bad = (found.mask[C01] & BAD) != 0
        pulls = (found.image / np.sqrt(found.variance))[C01][~bad]
        rms = float(np.sqrt(np.mean(pulls**2)))
        text = f"{np.mean(bad[rows]):.1%} of these BAD, rms of the pulls of the others {rms:.2f}"
        return text, bool(np.mean(bad[rows]) > 0.99) and abs(rms - 1.0) < 0.15


for _number in (3, 9):

    @case(
        "members",
        f"{_number} pixels of C01 are one frame in 20 biases, with 1 electron of noise in addition",
        "these BAD, and no others",
    )
    def _(rng: Rng, number: int = _number) -> Outcome:
        images = biases(rng, [0.0] * 20)
        where = np.zeros(images[0].image.image[C01].shape, bool)
        where.flat[rng.choice(where.size, number, replace=False)] = True
        bad = (combined(frozen(images, rng, 1.0, where)).mask[C01] & BAD) != 0
        text = f"{np.count_nonzero(bad & where)} of them BAD, and {np.count_nonzero(bad & ~where)} others"
        return text, bool(np.array_equal(bad, where))


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
        words, is_bad = _bad(found)
        return f"{words}; before, errors up to 30 000 times too small", is_bad


for _number, _without in ((8, 2), (8, 3), (8, 5), (20, 4)):

    @case("members", f"C01 is BAD in {_without} of {_number} good biases", "all are used, none odd")
    def _(rng: Rng, number: int = _number, without: int = _without) -> Outcome:
        images = biases(rng, [0.0] * number)
        for each in images[:without]:
            each.image.mask[C01] = BAD
        return _all_used(lambda: combined(images))


def _all_used(make: Callable[[], DetectorImage]) -> Outcome:
    """Whether a set of good images is used."""
    try:
        found = make()
    except UnusableSetError as error:
        return f"refused: {error}"[:230], False
    odd = found.metadata["ODD EXPOSURES"]
    return f"left out {left_out(found)}, odd {odd}", not left_out(found) and not odd


@case("members", "C01 is NaN in 5 of 8 biases, and nothing flags it", "BAD, with the error of three")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    for each in images[:5]:
        each.image.image[C01] = math.nan
    found = combined(images)
    assert found.variance is not None
    part, pulls = float(np.mean(found.mask[C01] & BAD)), (found.image / np.sqrt(found.variance))[C01]
    rms = float(np.sqrt(np.mean(pulls**2)))
    return f"{part:.0%} BAD, rms of the pulls {rms:.2f}, left out {left_out(found)}", (
        part == 1.0 and abs(rms - 1.0) < 0.05 and not left_out(found)
    )


for _number, _lost in ((3, 0.2), (5, 0.2), (20, 0.4)):

    @case("members", f"{_lost:.0%} of the pixels NaN in each of {_number} biases", "noise 9 within 1.5 %")
    def _(rng: Rng, number: int = _number, lost: float = _lost) -> Outcome:
        images = biases(rng, [0.0] * number)
        for each in images:
            each.image.image[rng.random(SHAPE) < lost] = math.nan
        found = combined(images, measureNoise=True).metadata
        noise = float(np.mean([found[Key.COMBINED_NOISE.format(name)] for name in AMPLIFIERS]))
        return f"noise {noise:.3f}", abs(noise / NOISE - 1.0) < 0.015


for _dither, _times_light in ((4.0, False), (20.0, False), (50.0, False), (0.0, True), (4.0, True)):
    _how = "times the light, and noise of" if _times_light else "with noise in addition of"

    @case(
        "members",
        f"C01 of 10 flats of 16 to 17 000 electron is one frame, {_how} {_dither:g} electron",
        "BAD, its variance null",
    )
    def _(rng: Rng, dither: float = _dither, times_light: bool = _times_light) -> Outcome:
        levels = np.linspace(16_000.0, 17_000.0, 10)
        images = frozen(flats(rng, levels.tolist()), rng, 0.0)
        for each, level in zip(images, levels, strict=True):
            each.image.image[C01] *= level / levels[0] if times_light else 1.0
            each.image.image[C01] += rng.normal(0.0, dither, each.image.image[C01].shape)
        found = combined_flat(images)
        words, is_bad = _bad(found)
        return f"{words}, left out {left_out(found)}", is_bad and not left_out(found)


for _with_it, _right in ((0, "all are used, the two are odd"), (4, "refused")):

    @case(
        "members",
        f"checkerboards of NO_DATA in two of 8 biases, and a wave of 25 electron in {_with_it}",
        _right,
    )
    def _(rng: Rng, with_it: int = _with_it) -> Outcome:
        images, odd = biases(rng, [0.0] * 8), np.indices(SHAPE).sum(axis=0) % 2 == 1
        for each in images[:with_it]:
            each.image.image += (25.0 * _wave(11.0)).astype(np.float32)
        images[2].image.mask[odd] = images[5].image.mask[~odd] = MaskPlane.NO_DATA
        if with_it:
            return refused(lambda: combined(images))
        found = combined(images).metadata
        words = (
            f"odd {found['ODD EXPOSURES']}: {found['ODD REASONS'][0]}" if found["ODD REASONS"] else "none odd"
        )
        return words, found["ODD EXPOSURES"] == [3, 6]


@case("members", "every second column BAD in 6 biases, one of them with 4 electron more", "left out")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 3 + [4.0] + [0.0] * 2)
    for each in images:
        each.image.mask[:, ::2] = BAD
    found = combined(images)
    return f"left out {left_out(found)}", left_out(found) == [4]
