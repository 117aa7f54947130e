"""Pixels that are the same in all images of a set, or nearly so, by more than chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincinv

from .images import DetectorImage, Key, amplifier_value

__all__ = ["NO_CHANCE", "constant_pixels", "frozen_pixels"]

NO_CHANCE = 5.7e-7
"""Chance of what is none."""

ROUNDED = np.float32(1e-6)
"""Error, in units of the value, that is what rounding leaves of 0."""

RARE, PART = 1e-5, 0.002
"""Chance of a variance that is rare, and part of an amplifier from which pixels with one are too many."""

SMALL = 0.01
"""Chance of the variance of a pixel that is taken for frozen where many are: as many good ones are lost."""

PHOTONS = 0.7
"""Part of the variance of photons that the brighter-fatter effect leaves, at least."""

COARSE = 1.0
"""Read noise, adu, from which whole numbers scatter as all others do."""


def constant_pixels(
    image: DetectorImage, header: Mapping[str, Any], noise: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Pixels that have one value in all images, where chance does not make them.

    Of n whole numbers, adu, with a noise of some sigma all are the same with a probability of
    1 / (sqrt(2 pi) sigma)^(n - 1) / sqrt(n), the integral of the n-th power of a normal distribution.

    Parameters
    ----------
    image, header
        Combination with its variance, and metadata of one of its images.
    noise
        Of a pixel of each image; shape (images, amplifiers).

    Returns
    -------
    constant
        Shape (rows, columns).
    """
    assert image.variance is not None
    found, number = np.zeros(image.image.shape, bool), len(noise)
    for (name, amplifier), sigma in zip(image.amplifiers.items(), np.median(noise, axis=0), strict=True):
        gain = amplifier_value(header, Key.APPLIED_GAIN, name)
        values = max(1.0, math.sqrt(2.0 * math.pi) * sigma / (gain if gain > 0.0 else 1.0))
        if values ** (1 - number) / math.sqrt(number) < NO_CHANCE:
            value, variance = (plane[amplifier.box] for plane in (image.image, image.variance))
            found[amplifier.box] = np.sqrt(variance) <= ROUNDED * np.abs(value)
    return found


def frozen_pixels(
    image: DetectorImage,
    headers: Sequence[Mapping[str, Any]],
    scales: Sequence[float],
    share: NDArray[np.float64],
    used: NDArray[np.uint16],
) -> NDArray[np.bool_]:
    """Pixels that scatter by much less than overscans and photons make them: by more than chance, or many.

    A part of an amplifier that is one frame in all images has the noise of that frame in its mean, and only
    what is added to it, as by the overscans, in its variance: that of n normal values, in units of its
    expectation, is chi-square over n - 1.

    Parameters
    ----------
    image, headers
        Combination with its variance, and metadata of its images; where the noise of their overscans is not
        known, nothing is found.
    scales, share, used
        By which each image was divided, its weight, and how many of them make each pixel (rows, columns).

    Returns
    -------
    frozen
        Shape (rows, columns).
    """
    assert image.variance is not None
    found, by = np.zeros(image.image.shape, bool), np.asarray(scales, dtype=np.float64)
    part, half = share / share.sum(), np.maximum(np.arange(len(headers) + 1) - 1, 1) / 2.0
    never, rare, small = (
        np.asarray(gammaincinv(half, chance) / half, np.float32) for chance in (NO_CHANCE, RARE, SMALL)
    )
    never[:3] = rare[:3] = 0.0
    in_electrons = headers[0].get(Key.UNITS) == "electron"
    photons = PHOTONS * float(np.sum(part**2 / by)) if in_electrons else 0.0
    for name, amplifier in image.amplifiers.items():
        read, gain = (
            np.array([amplifier_value(each, key, name) for each in headers])
            for key in (Key.OVERSCAN_NOISE, Key.APPLIED_GAIN)
        )
        if not np.median(np.nan_to_num(read)) > COARSE:
            continue
        usual = float(np.median(np.nan_to_num(read * gain)))  # of one image the overscan may be disturbed
        of_read = float(np.sum((part * usual / by) ** 2))
        value, variance = (plane[amplifier.box] for plane in (image.image, image.variance))
        expected = of_read + photons * np.maximum(value, np.float32(0.0))
        number, good = used[amplifier.box], image.flags(name) == 0
        found[amplifier.box] = variance < never[number] * expected
        if np.count_nonzero(good & (variance < rare[number] * expected)) > PART * value.size:
            found[amplifier.box] = variance < small[number] * expected
    return found
