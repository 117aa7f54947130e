"""What two flats that are no pair of photons look like: levels, large scales, lines, noise of other kinds."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from .statistics import sample

__all__ = ["NOT_NORMAL", "UNEVEN", "long_range_variance", "unlike_photons", "unusable"]

MINIMUM_SIGNAL = 5.0
"""Least signal of an amplifier that is taken for light, in units of the read noise."""

SATURATED = 0.01
"""Part of the pixels that may be saturated."""

LEVELS = 0.05
"""Relative difference of the levels of two flats of a pair that is put up with."""

UNEVEN = 0.01, 0.1
"""Variance of the difference on large scales, in units of its variance, that is put up with: as it is, and if
it is subtracted (it is known to better than a tenth)."""

BLOCK = 4, 20
"""Least and largest width, pixels, of the blocks whose means show what is not flat."""

N_SIGMA = 5.0
"""What is within so many sigma is chance."""

LINES = 0.003
"""Variance that the pixels of a line have in common, in units of the variance of the difference."""

OVERSCAN = 0.2
"""The same that the medians of the overscans leave, in units of the squared read noise."""

SHARED = 0.005
"""Covariance of neighbours, in units of the variance, that is put up with; what the overscans leave is added.
The gain is too large by twice what is shared in each direction."""

NEIGHBOURS = {
    **dict.fromkeys([(0, 1), (1, 0)], 1e-6),
    **dict.fromkeys([(1, 1), (1, -1), (0, 2), (2, 0), (0, 3), (3, 0)], 2.5e-7),
}
"""Rows and columns to neighbours, and positive covariance in units of the variance that is put up with for
each electron of the signal: the brighter-fatter effect has 6e-7 along the columns with an a00 of -3e-6, and a
quarter of it at most beyond the nearest pixels."""

MOST_OF_PIXEL = 3.0
"""Difference of a pixel, in sigma, that is compared with its neighbours at most: cosmic rays have wings."""

DISTANT = 512, 256
"""Rows and columns at most in which pixels at any distance are compared."""

FAR_SHARED = 0.02
"""Covariance of distant pixels, in units of the variance, that is put up with."""

DISTANT_SIGMA = 7.0
"""What is within so many sigma is chance, also at one of so many distances."""

UNLIKE = 0.03
"""Relative difference of the noise of the two flats that is put up with."""

NORMAL = 0.002
"""Relative difference of the mean deviation from that of a normal distribution that is put up with. Of
photons it is 0.001 at most, at 60 electron; where one of a hundred pixels is stuck it is 0.005. What rounding
to whole adu adds is put up with besides."""

CLIPPED = 0.015
"""Correlation of the squared difference of a pixel with its light, negative, that is put up with. Where both
flats end 2.5 sigma of a pixel above their level it is 0.03, and the gain 1.2 per cent too large. A cosmic ray
makes it positive."""

FARTHEST = 4.0
"""Light of a pixel from which it counts no more, in sigma of all pixels."""

NOT_NORMAL = "the differences are not those of photons"
"""Reason of a pair of which pixels are stuck or jump."""

STEPS = 0.1
"""Part of the pixels, about, whose values may be multiples of one step (see `_steps`)."""

STEP = np.linspace(0.5, 3.0, 26)
"""Inverse steps that are looked for, in units of the inverse noise of a pixel: smaller steps add next to no
variance, and larger ones leave few values. All values are multiples of 1 adu."""

NEAR_STEP = 0.3
"""Difference of inverse steps, in the same unit, that are told apart."""

_Image = NDArray[np.float32]


def unusable(first: float, second: float, noise: float, saturated: float) -> str:
    """Say why two flats are no pair to measure.

    Parameters
    ----------
    first, second, noise, saturated
        Levels and read noise, adu; saturated part of the pixels.

    Returns
    -------
    reason
        Empty if they can be measured.
    """
    if saturated > SATURATED:
        return f"{saturated:.1%} of the pixels are saturated"
    if not math.isfinite(first + second):
        return "there are no good pixels"
    if not math.isfinite(noise):
        return "the read noise is not known"
    least = MINIMUM_SIGNAL * noise
    if not (first + second > 2.0 * least and min(first, second) > 0.0):
        return f"there is no light, or too little ({0.5 * (first + second):.3g} adu, at least {least:.3g})"
    if abs(first - second) > 0.5 * LEVELS * (first + second):
        return f"the levels of the two flats differ: {first:.0f} and {second:.0f} adu"
    return ""


def long_range_variance(difference: NDArray[np.float32], good: NDArray[np.bool_]) -> tuple[float, float]:
    """Variance of an image on scales that are large against those of noise and brighter-fatter effect.

    It is the covariance of the means of neighbouring blocks, to which neither noise of pixels nor
    correlations of neighbours contribute.

    Parameters
    ----------
    difference, good
        The image, and which pixels to use; shape (rows, columns).

    Returns
    -------
    variance, error
        In the unit of the image squared; 0 and infinite if there are not enough blocks.
    """
    size = min(max(good.shape[1] // 16, BLOCK[0]), BLOCK[1])
    rows, columns = (length // size for length in good.shape)
    shape, cut = (rows, size, columns, size), np.s_[: rows * size, : columns * size]
    counts = np.sum(good[cut].reshape(shape), axis=(1, 3))
    sums = np.sum(np.where(good, difference, 0.0)[cut].reshape(shape), axis=(1, 3), dtype=np.float64)
    full = counts > 0.5 * size**2
    if not full.any():
        return 0.0, math.inf
    means = np.where(full, sums / np.maximum(counts, 1), math.nan)
    means -= np.mean(means[full])
    products = np.concatenate([(means[1:] * means[:-1]).ravel(), (means[:, 1:] * means[:, :-1]).ravel()])
    products = products[np.isfinite(products)]
    if products.size < 2:
        return 0.0, math.inf
    return float(np.mean(products)), float(np.std(products)) / math.sqrt(products.size)


def unlike_photons(
    pair: tuple[_Image, _Image],
    difference: _Image,
    good: NDArray[np.bool_],
    mean: float,
    noise: float,
    far: float,
) -> str:
    """Say why the noise of two flats is not that of photons, which every pixel has for itself.

    Parameters
    ----------
    pair, difference, good
        Two flats, adu, that were brought to one level, their difference, and which pixels to use; shape
        (rows, columns).
    mean, noise, far
        Level, read noise, adu, and what `long_range_variance` finds, adu^2.

    Returns
    -------
    reason
        Empty if it is.

    Notes
    -----
    Rows or columns that scatter have more variance than pixels that scatter. Pixels that were interpolated or
    smoothed share their noise with neighbours; if those of one flat were, it has less noise on small scales
    than the other, whatever pattern both have in common. If one flat is read out some pixels off, the
    responses of the pixels do not cancel: each is in the difference twice, at that distance.
    """
    variance = float(np.mean(difference[good] ** 2, dtype=np.float64))
    if not variance > 0.0:
        return "the variance is not that of photons"
    for axis, lines in ((1, "rows"), (0, "columns")):
        common, error = _common_variance(difference, good, axis)
        if common - N_SIGMA * error > LINES * variance + OVERSCAN * noise**2:
            return f"the {lines} of the two flats differ ({common / variance:.1%} of the variance)"
    most = np.float32(MOST_OF_PIXEL * math.sqrt(variance))
    values = np.where(good, np.clip(difference, -most, most), np.float32(0.0))
    for (down, right), charge in NEIGHBOURS.items():
        shared, pairs = _shared(values, good, down, right)
        shared = (shared - far) / variance
        allowed = SHARED + OVERSCAN * noise**2 / variance
        if shared > 0.0:
            allowed += charge * 2.0 * mean**2 / variance
        if abs(shared) - N_SIGMA / math.sqrt(pairs) > allowed:
            return f"neighbouring pixels share noise ({shared:+.1%} of the variance)"
    for axis in (1, 0):
        others = np.moveaxis(good, axis, 0)
        both = others[1:] & others[:-1]
        if not (number := np.count_nonzero(both)):
            continue
        along = (np.moveaxis(image, axis, 0) for image in pair)
        one, two = (_noise(each[1:][both] - each[:-1][both]) for each in along)
        if not abs(one - two) <= (UNLIKE + N_SIGMA * math.sqrt(6.0 / number)) * max(one, two):
            return f"the noise of the two flats differs: {one:.3g} and {two:.3g} adu"
    shared, chance = _distant_correlation(difference, good)
    if abs(shared) - DISTANT_SIGMA * chance - 2.0 * abs(far) / variance > FAR_SHARED:
        return f"distant pixels share noise ({shared:+.1%} of the variance)"
    return _not_normal(pair[0] + pair[1], difference, good, variance, noise)


def _shared(values: _Image, good: NDArray[np.bool_], down: int, right: int) -> tuple[float, int]:
    """Covariance of pixels, 0 if not good, with those so many rows down and columns right; how many, or 1."""
    rows = slice(down, None), slice(None, -down or None)
    columns = slice(max(right, 0), min(right, 0) or None), slice(max(-right, 0), -max(right, 0) or None)
    one, two = zip(rows, columns, strict=True)
    number = max(int(np.count_nonzero(good[one] & good[two])), 1)
    return float(np.sum(values[one] * values[two], dtype=np.float64)) / number, number


def _not_normal(
    total: _Image, difference: _Image, good: NDArray[np.bool_], variance: float, noise: float
) -> str:
    """Say why a difference of some variance is not that of photons, which is normal in each pixel.

    Of a normal distribution the mean deviation is sqrt(2 / pi) sigma; in units of the sigma of the same n
    pixels it has the relative error sqrt((pi - 3) / 2 n) (Geary 1935, Biometrika 27, 310). Where there is
    less light there is less noise. Of whole numbers, as a sum over p in place of the integral, it is
    smaller by p(0) / 6 (Euler and Maclaurin), relative to it 1 / 12 of the inverse variance.

    Of normal values the difference is independent of the sum; where one of both was cut off it is smaller.
    Read noise and patterns of the light make them depend on each other by less than the light scatters.
    """
    light, values = np.maximum(total[good], np.float32(0.0)), difference[good]
    read = min(2.0 * noise**2, 0.5 * variance)
    expected = np.sqrt(read + (variance - read) / max(float(np.mean(light)), 1e-30) * light)
    scaled = values / expected
    squares = scaled**2
    square = float(np.mean(squares, dtype=np.float64))
    ratio = float(np.mean(np.abs(scaled), dtype=np.float64)) * math.sqrt(0.5 * math.pi / square)
    allowed = NORMAL + 1.0 / (12.0 * variance)
    if abs(ratio - 1.0) > allowed + N_SIGMA * math.sqrt(0.5 * (math.pi - 3.0) / values.size):
        return f"{NOT_NORMAL} (mean deviation {ratio:.3f} of a normal one)"
    middle, spread = float(np.mean(light)), float(np.std(light))
    away = np.clip((light - middle) / max(spread, 1e-30), -FARTHEST, FARTHEST)
    slope = float(np.mean((squares / square - 1.0) * away))
    if -slope > CLIPPED + spread / middle + N_SIGMA * math.sqrt(2.0 / values.size):
        return f"the noise of a pixel depends on its charge (correlation {slope:+.2f}): it is clipped"
    if (part := _steps(values, math.sqrt(0.5 * variance))) - N_SIGMA / math.sqrt(len(sample(values))) > STEPS:
        return f"the values of the pixels are multiples of a step ({part:.0%} of them): bits of the converter"
    return ""


def _steps(differences: _Image, sigma: float) -> float:
    """How far values are multiples of one step: 1 if they all are, 0.4 if a bit is stuck, 0 for all values.

    It is the largest absolute value of the characteristic function at `STEP`, where that of a normal
    distribution is next to 0, whatever patterns the pixels have besides. ``sigma`` is that of one flat, adu.
    """
    turns = sample(differences) / np.float32(sigma) * np.float32(2.0 * math.pi)
    phases = (turns * np.float32(each) for each in STEP[sigma - NEAR_STEP > STEP])
    # a complex exponential takes ten times as long
    return max((math.hypot(np.mean(np.cos(each)), np.mean(np.sin(each))) for each in phases), default=0.0)


def _distant_correlation(image: _Image, good: NDArray[np.bool_]) -> tuple[float, float]:
    """Largest correlation of pixels at any distance of two or more, and its error, in part of an image."""
    part = tuple(
        slice(max(0, (length - most) // 2), (length + most) // 2)
        for length, most in zip(image.shape, DISTANT, strict=True)
    )
    values = np.where(good[part], image[part], np.float32(0.0))
    power = np.abs(fft.rfft2(values)) ** 2
    power[0, 0] = 0.0
    lags = fft.irfft2(power, values.shape)
    near = np.arange(-1, 2)
    scale = float(lags[0, 0])
    lags[np.ix_(*(near % length for length in lags.shape))] = 0.0
    if not scale > 0.0:
        return 0.0, math.inf
    return float(lags.ravel()[np.argmax(np.abs(lags))]) / scale, 1.0 / math.sqrt(np.count_nonzero(good[part]))


def _common_variance(image: _Image, good: NDArray[np.bool_], axis: int) -> tuple[float, float]:
    """Variance that the pixels of a line along an axis have in common, and its error.

    Means of lines up to four apart are compared, so that gradients do not count.
    """
    number = np.count_nonzero(good, axis=axis)
    full = number * 2 > good.shape[axis]
    number = np.where(full, number, 1)
    values = np.where(good, image, 0.0)
    means = np.sum(values, axis=axis, dtype=np.float64) / number
    square = np.sum(values**2, axis=axis, dtype=np.float64) / number
    own = np.where(full, (square - means**2) / number, math.nan)
    found = [(0.0, math.inf)]
    for step in (1, 2, 4):
        excess = 0.5 * ((means[step:] - means[:-step]) ** 2 - own[step:] - own[:-step])
        excess = excess[np.isfinite(excess)]
        if excess.size > 2 * step:
            found.append((float(np.mean(excess)), float(np.std(excess)) * math.sqrt(1.5 / excess.size)))
    return max(found, key=lambda each: each[0] - N_SIGMA * each[1])


def _noise(differences: _Image) -> float:
    """Noise of pixels from the differences of neighbours, of which one of five is drawn in to the others.

    Quartiles of whole numbers would be whole numbers. Of a normal distribution the mean deviation is then
    0.703 sigma.
    """
    low, middle, high = np.percentile(sample(differences), (10, 50, 90))
    return float(np.mean(np.abs(np.clip(differences, low, high) - middle))) / 0.70319 / math.sqrt(2.0)
