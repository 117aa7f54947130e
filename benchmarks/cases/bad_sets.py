"""Sets of images that are no sets: copies, too few, half of them with other light, none with a level."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from made_inputs import (
    BAD,
    C01,
    LAMP,
    NOISE,
    SHAPE,
    Outcome,
    Rng,
    Stored,
    biases,
    case,
    combined,
    combined_flat,
    darks,
    flats,
    image,
    left_out,
    level_of,
    must_fail,
    refused,
    verified,
)

from lsst.ts.simulated_observatory.pipelines.flatlevels import exposure_levels
from lsst.ts.simulated_observatory.pipelines.images import MaskPlane


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


@case("members", "10 copies of one bias under other numbers", "refused")
def _(rng: Rng) -> Outcome:
    one = rng.normal(0, NOISE, SHAPE)
    images = biases(rng, [0.0] * 10)
    for each in images:
        each.image.image[:] = one
    return refused(lambda: combined(images))


@case("members", "12 flats, each with a gradient of its own, 3 %", "refused, and told for each")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 12)
    y, x = (np.linspace(-0.5, 0.5, length) for length in SHAPE)
    for each, angle in zip(images, rng.uniform(0.0, 2.0 * np.pi, 12), strict=True):
        each.image.image *= 1.0 + 0.03 * (np.cos(angle) * x + np.sin(angle) * y[:, None])
    return refused(lambda: combined_flat(images))


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


@case("members", "16 good biases, 45 % of the pixels NO_DATA in 8 of them", "all are used, none odd")
def _(rng: Rng) -> Outcome:
    images, missing = biases(rng, [0.0] * 16), rng.random(SHAPE) < 0.45
    for each in images[:8]:
        each.image.mask[missing] = MaskPlane.NO_DATA
    found = combined(images)
    odd = found.metadata["ODD EXPOSURES"]
    return f"left out {left_out(found)}, odd {odd}", not left_out(found) and not odd


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
    bad = (found.mask & BAD) != 0
    right = bool(bad[same].all() and np.isnan(found.variance[same]).all() and np.mean(bad[C01]) < 0.43)
    pulls = (found.image / np.sqrt(found.variance))[C01][~bad[C01]]
    rms = float(np.sqrt(np.mean(pulls**2)))
    outcome = f"these are BAD {right}, rms of the pulls of the others {rms:.2f}; before 1.28"
    return outcome, right and abs(rms - 1) < 0.05


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


@case("members", "8 biases of whole numbers, noise 0.3", "refused, with the reason")
def _(rng: Rng) -> Outcome:
    images = biases(rng, [0.0] * 8)
    for each in images:
        each.image.image[:] = np.rint(each.image.image * 0.3 / NOISE)
    return refused(lambda: combined(images))


@case("members", "all flats negative (-16 500)", "refused")
def _(rng: Rng) -> Outcome:
    images = flats(rng, [16_500.0] * 6)
    for each in images:
        each.image.image *= -1.0
    return refused(lambda: combined_flat(images))
