"""Images in which defects are searched, and lists of defects that are wrong."""

from __future__ import annotations

import numpy as np
from made_inputs import (
    AMPLIFIERS,
    C01,
    NOISE,
    SHAPE,
    Outcome,
    Rng,
    case,
    combined_flat,
    darks,
    defects,
    flats,
    image,
    known_detector,
    of_list,
    part_of,
    refused,
)  # fmt: skip


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
