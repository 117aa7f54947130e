"""Darks and flats in which defects are searched: which of them can show any, by their amplifiers.

That is another question than that of `members`: what differs a little spoils a mean, and shows defects as
well as the others. So a single image will do here, no majority is asked, the lower of two darks is believed,
and flats of any level are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .images import DetectorImage, MaskPlane
from .statistics import clipped_statistics, finite_median

__all__ = [
    "COLD_FRACTION",
    "DEAD_FRACTION",
    "HOT_RATE",
    "OFFSET",
    "flat_levels",
    "measure_levels",
    "unusable_darks",
    "unusable_flats",
    "usual_shape",
]

HOT_RATE = 3.0
"""Dark current of a hot pixel above that of its amplifier, electron/s (cp_pipe, darkCurrentThreshold)."""

COLD_FRACTION = 0.9
"""Response of a cold pixel, relative to its amplifier."""

DEAD_FRACTION = 0.5
"""Response of a dead amplifier, relative to the others."""

MINIMUM_USABLE = 0.5
"""Part of the pixels of an amplifier that must be usable for its level to be known."""

LIGHT = 5.0
"""Least level of a flat, in units of its noise."""

SHAPE = (1.0 - COLD_FRACTION) / 2.0
"""Relative deviation of an amplifier's part of the light from that in other flats."""

LEAK = 0.1
"""Deviation of the dark current in a dark from that in other darks, in units of the limit of a hot pixel."""

OFFSET = 2.0
"""Uncertainty of the level of an amplifier in a dark after bias subtraction, electron."""

_UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA | MaskPlane.CR)

_Reals = NDArray[np.float64]


def measure_levels(image: DetectorImage) -> _Reals:
    """Measure the amplifiers of an image.

    Parameters
    ----------
    image
        A dark or a flat.

    Returns
    -------
    levels
        Clipped mean, clipped standard deviation, and usable part of the pixels, shape (3, amplifiers). The
        first two are in the unit of the image, and NaN where less than half of the pixels are usable.
    """
    levels = np.full((3, len(image.amplifiers)), math.nan)
    for index, name in enumerate(image.amplifiers):
        pixels = image.pixels(name)
        pixels = pixels[((image.flags(name) & _UNUSABLE) == 0) & np.isfinite(pixels)]
        levels[2, index] = pixels.size / image.flags(name).size
        if levels[2, index] >= MINIMUM_USABLE:
            found = clipped_statistics(pixels, threshold=3.0)
            levels[:2, index] = found.mean, found.sigma
    return levels


def unusable_darks(
    levels: _Reals, times: Sequence[float], names: Sequence[str], hot_rate: float = HOT_RATE
) -> dict[int, str]:
    """Find darks that show no hot pixels: without time, without usable pixels, or with light.

    Parameters
    ----------
    levels
        See `measure_levels`; shape (3, images, amplifiers), electron.
    times, names
        Dark time of each image, s; names of the amplifiers.
    hot_rate
        Limit of a hot pixel, electron/s.

    Returns
    -------
    reasons
        Why, by the index of the image.
    """
    mean, _, usable = levels
    reasons = _too_few_pixels(usable)
    reasons |= {index: f"its dark time is {time:g} s" for index, time in enumerate(times) if not time > 0.0}
    kept = _others(reasons, len(times))
    if not kept:
        return reasons
    time = np.asarray(times, dtype=np.float64)[kept, None]
    rate = mean[kept] / time
    # Light only adds: where two darks disagree the lower one is believed.
    middle = np.argsort(rate, axis=0)[(len(kept) - 1) // 2][None]
    uncertainty = OFFSET / time + OFFSET / time[middle[0], 0]
    excess = rate - np.take_along_axis(rate, middle, axis=0)
    return reasons | _odd(excess, np.abs(excess) > LEAK * hot_rate + uncertainty, kept, names, "dark current")


def flat_levels(levels: _Reals) -> _Reals:
    """Levels of flats: the median of their amplifiers, so that a broken one does not matter.

    Parameters
    ----------
    levels
        See `measure_levels`; shape (3, images, amplifiers).

    Returns
    -------
    light
        Shape (images,); NaN where no amplifier has a level.
    """
    return finite_median(levels[0], axis=1)


def unusable_flats(levels: _Reals, names: Sequence[str]) -> dict[int, str]:
    """Find flats that show no responses: without light or usable pixels, or unevenly lit.

    Parameters
    ----------
    levels, names
        See `measure_levels`, shape (3, images, amplifiers); names of the amplifiers.

    Returns
    -------
    reasons
        Why, by the index of the image.
    """
    mean, sigma, usable = levels
    light, noise = flat_levels(levels), finite_median(sigma, axis=1)
    dark = np.flatnonzero(~(light > LIGHT * noise)).tolist()
    reasons = {index: f"it has no light: {light[index]:.3g} electron" for index in dark} | _too_few_pixels(
        usable
    )
    kept = _others(reasons, len(mean))
    if not kept:
        return reasons
    usual, steady = usual_shape(levels[:, kept])
    with np.errstate(divide="ignore", invalid="ignore"):
        change = mean[kept] / light[kept, None] / usual - 1.0
    odd = (np.abs(change) > SHAPE) & steady & (usual >= DEAD_FRACTION)
    return reasons | _odd(change, odd, kept, names, "part of the light")


def usual_shape(levels: _Reals) -> tuple[_Reals, NDArray[np.bool_]]:
    """Level of each amplifier relative to the detector in most flats, and whether it is the same in them.

    That is in the fainter half of the flats, in which no amplifier comes near its full well, but in three at
    least. If half of the amplifiers change it is the light that does.

    Parameters
    ----------
    levels
        See `measure_levels`; shape (3, images, amplifiers).

    Returns
    -------
    usual, steady
        Shape (amplifiers,).
    """
    light = flat_levels(levels)
    faint = np.argsort(light)[: max(3, (len(light) + 1) // 2)]
    shape = levels[0, faint] / light[faint, None]
    usual = finite_median(shape, axis=0)
    steady = ~(finite_median(np.abs(shape - usual), axis=0) > SHAPE)
    return usual, steady | (np.count_nonzero(~steady) * 2 >= steady.size)


def _too_few_pixels(usable: _Reals) -> dict[int, str]:
    """Images in which most amplifiers have no level."""
    few = np.count_nonzero(usable < MINIMUM_USABLE, axis=1) * 2 > usable.shape[1]
    return {
        int(index): f"only {usable[index].mean():.0%} of its pixels are usable"
        for index in np.flatnonzero(few)
    }


def _odd(
    change: _Reals, odd: NDArray[np.bool_], kept: Sequence[int], names: Sequence[str], what: str
) -> dict[int, str]:
    """Reasons for images with odd amplifiers; the worst one is named."""
    reasons = {}
    for row in np.flatnonzero(odd.any(axis=1)).tolist():
        worst = int(np.argmax(np.where(odd[row], np.abs(change[row]), -1.0)))
        value = (
            f"{change[row, worst]:+.3g} electron/s"
            if what == "dark current"
            else f"{change[row, worst]:+.1%}"
        )
        count = np.count_nonzero(odd[row])
        reasons[kept[row]] = f"the {what} of {names[worst]} is off by {value} ({count} amplifiers)"
    return reasons


def _others(reasons: dict[int, str], number: int) -> list[int]:
    """Indices of the images that have no reason yet."""
    return [index for index in range(number) if index not in reasons]
