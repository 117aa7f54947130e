"""Images in which defects are searched, and lists of defects that are wrong."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    C01,
    NOISE,
    SAT,
    SHAPE,
    Outcome,
    Rng,
    Stored,
    case,
    combined,
    combined_flat,
    darks,
    defects,
    flats,
    image,
    known_detector,
    of_list,
    part_of,
    refused,
)

from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane

C02 = AMPLIFIERS["C02"].box


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


def _broken(rng: Rng, kind: str, number: int) -> Outcome:
    names, truth = list(AMPLIFIERS)[:number], np.zeros(SHAPE, bool)
    for name in names:
        truth[AMPLIFIERS[name].box] = True
    if kind == "dark":
        images = darks(rng, [0.02] * 8)
        for each in images:
            each.image.image[truth] += rng.poisson(600.0, int(truth.sum()))
    else:
        images = flats(rng, [16_500.0] * 6, np.where(truth, 0.3, 1.0))
    found = defects(kind, images)
    reason = found.metadata["amplifiers"]["C00"]["reason"] if "C00" in found.metadata["amplifiers"] else None
    whole = {name for name, each in AMPLIFIERS.items() if found.mask[each.box].all()}
    return f"{len(whole)} masked, C00: {reason}", whole == set(names)


for _kind, _what in (("dark", "glow by 20 electron/s"), ("flat", "have 0.3 of the light")):
    for _number in (4, 5, 6, 8) if _kind == "dark" else (4, 5, 6):
        case("defects", f"{_number} of 8 amplifiers {_what}", "these are masked, no others")(
            partial(_broken, kind=_kind, number=_number)
        )


@case("defects", "7 of 8 amplifiers have 0.3 of the light", "the bright one or the seven, named")
def _(rng: Rng) -> Outcome:
    response = np.full(SHAPE, 0.3)
    response[AMPLIFIERS["C13"].box] = 1.0
    found = defects("flat", flats(rng, [16_500.0] * 6, response)).metadata["amplifiers"]
    return f"{ {name: each['reason'] for name, each in found.items()} }", len(found) in {1, 7}


def _empty_list(rng: Rng, **shown: DetectorImage) -> Outcome:
    mask = np.zeros(SHAPE, bool)
    words, fails = of_list(known_detector(rng)[0] | shown, mask)
    return words, fails


@case("defects", "empty list, hot pixels of 12 electron/s in 20 darks of 0.5 s", "HOT_LEFT null, fails")
def _(rng: Rng) -> Outcome:
    rate = np.full(SHAPE, 0.02)
    rate[tuple(rng.integers(12, 100, (2, 60)))] = 12.0
    images = [
        Stored(image(rng.poisson(0.5 * rate) + rng.normal(0, NOISE, SHAPE), n, 0.5)) for n in range(1, 21)
    ]
    good = {"image": image(rng.normal(16_500.0, 128.0, SHAPE)), "flat": image(rng.normal(1.0, 0.001, SHAPE))}
    return _empty_list(rng, dark=combined(images, scale="darkTime"), **good)


@case("defects", "empty list, combined dark that is 0 everywhere", "HOT_LEFT null, fails")
def _(rng: Rng) -> Outcome:
    good = {"image": image(rng.normal(16_500.0, 128.0, SHAPE)), "flat": image(rng.normal(1.0, 0.001, SHAPE))}
    return _empty_list(rng, dark=image(np.zeros(SHAPE)), **good)


@case("defects", "empty list, flat of 80 electron with 60 pixels of response 0.5", "COLD_LEFT null, fails")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    response[tuple(rng.integers(12, 100, (2, 60)))] = 0.5
    good = {"dark": image(rng.normal(0.02, 0.15, SHAPE)), "flat": image(rng.normal(1.0, 0.001, SHAPE))}
    return _empty_list(rng, image=image(rng.poisson(80.0 * response) + rng.normal(0, NOISE, SHAPE)), **good)


@case("defects", "empty list, flat that is constant", "COLD_LEFT null, fails")
def _(rng: Rng) -> Outcome:
    good = {"dark": image(rng.normal(0.02, 0.15, SHAPE)), "flat": image(rng.normal(1.0, 0.001, SHAPE))}
    return _empty_list(rng, image=image(np.full(SHAPE, 16_500.0)), **good)


@case("defects", "2 of 8 amplifiers 2.5 times too bright", "no list passes, and the two are named")
def _(rng: Rng) -> Outcome:
    response = np.ones(SHAPE)
    for name in ("C00", "C01"):
        response[AMPLIFIERS[name].box] = 2.5
    images = flats(rng, [10_000.0] * 6, response)
    found = defects("flat", images)
    reason = found.metadata["amplifiers"]["C13"]["reason"]
    dark = image(rng.normal(0.02, 0.1, SHAPE))
    shown = {"image": images[0].image, "flat": combined_flat(images), "dark": dark}
    words, fails = of_list(shown, found.mask)
    return f"C13 {reason}; {words}", fails and "C00 and C01" in reason


@case("defects", "true list, the dark of C01 at -20 electron/s", "fails")
def _(rng: Rng) -> Outcome:
    shown, mask = known_detector(rng)
    shown["dark"].image[C01] -= 20.0
    return of_list(shown, mask)


@case("defects", "40 pixels of the darks at -20 electron/s", "they are found")
def _(rng: Rng) -> Outcome:
    images, where = darks(rng, [0.02] * 6), tuple(rng.integers(12, 100, (2, 40)))
    for each in images:
        each.image.image[where] -= 600.0
    found = defects("dark", images).mask
    return f"{found[where].mean():.0%} of them, {found.sum()} in all", bool(
        found[where].all() and found.sum() <= 40
    )


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


for _value in (0.0, math.nan):

    @case("defects", f"true list, C01 {_value:g} in flat and dark and masked as a whole", "passes")
    def _(rng: Rng, value: float = _value) -> Outcome:
        shown, truth = known_detector(rng)
        truth[C01] = True
        for each in shown.values():
            each.image[C01] = value
        return of_list(shown, truth, True)


@case("defects", "true list, the defects are NaN in the flat", "passes")
def _(rng: Rng) -> Outcome:
    shown, truth = known_detector(rng)
    shown["image"].image[truth] = math.nan
    return of_list(shown, truth, True)


for _word, _value in (("0 and flagged NO_DATA", 0.0), ("NaN", math.nan)):

    @case("defects", f"a column of C01 is {_word} in the flat, and not in the list", "fails")
    def _(rng: Rng, value: float = _value) -> Outcome:
        shown, truth = known_detector(rng)
        shown["image"].image[C01][:, 30] = value
        if value == 0.0:
            shown["image"].mask[C01][:, 30] = MaskPlane.NO_DATA
        shown["flat"].image[C01][:, 30] = 0.5
        truth[C01][:, 30] = False
        return of_list(shown, truth)
