"""Pairs of flats: which they are, and the mean, variance, covariances and gain of an amplifier in one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from .pairchecks import UNEVEN, long_range_variance, unlike_photons, unusable
from .statistics import clipped_statistics

__all__ = [
    "GAINS",
    "Flat",
    "PairMeasurement",
    "gain_from_variance",
    "measure_pair",
    "pair_flats",
    "pixel_covariances",
]

GAINS = 0.1, 10.0
"""Gains that amplifiers can have, electron/adu. One that is full has next to no noise: as if it had 1e5."""

LEAST_WIDTH = 8
"""Pixels across an amplifier for each lag that is measured: small amplifiers cannot measure distant ones."""

OTHERS = 0.4
"""Part of the pixels that may have another level than the others: they are left out."""


@dataclass(frozen=True)
class Flat:
    """A flat that can be one of a pair."""

    exposure: int
    """Exposure id."""
    exposure_time: float
    """Seconds."""
    physical_filter: str
    """Filter and grating."""


def pair_flats(flats: Sequence[Flat], tolerance: float = 5e-3) -> list[tuple[int, int]]:
    """Pair flats of one exposure time and filter, in the order of their ids (cp_pipe's rule).

    Twenty equal flats are ten pairs. Other exposures in between do not matter; a flat without a partner is
    left out.

    Parameters
    ----------
    flats, tolerance
        In any order; largest difference of exposure times, s.

    Returns
    -------
    pairs
        Exposure ids of the first and the second flat of each pair, in order.
    """
    waiting: list[Flat] = []
    pairs = []
    for flat in sorted(flats, key=lambda each: each.exposure):
        partners = [
            each
            for each in waiting
            if abs(each.exposure_time - flat.exposure_time) <= tolerance
            and each.physical_filter == flat.physical_filter
        ]
        if partners:
            waiting.remove(partners[0])
            pairs.append((partners[0].exposure, flat.exposure))
        else:
            waiting.append(flat)
    return sorted(pairs)


@dataclass(frozen=True)
class PairMeasurement:
    """Signal, variance and gain of one amplifier in one pair of flats.

    Parameters
    ----------
    mean, delta, variance
        Mean signal of the two and mean of the second minus that of the first, adu; variance of a single
        image, adu^2.
    pixels
        Pixels that were used.
    gain
        Electron per adu, NaN if there is no light.
    covariances
        Of pixels i columns and j rows apart in a single image, adu^2; shape (side, side), [0, 0] is the
        variance.
    reason
        Why there is no gain; empty if there is.
    """

    mean: float
    delta: float
    variance: float
    pixels: int
    gain: float
    covariances: NDArray[np.float64]
    reason: str = ""


def measure_pair(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    good: NDArray[np.bool_],
    noise: float,
    *,
    side: int = 1,
    threshold: float = 5.5,
    saturated: float = 0.0,
    subtract_long_range: bool = True,
) -> PairMeasurement:
    """Measure one amplifier in two flats of the same exposure time.

    Both images are brought to their common mean, so that neither a drift of the lamp nor the shutter counts
    as noise.

    Parameters
    ----------
    first, second, good
        The two images, adu, and which pixels to use; shape (rows, columns).
    noise, side
        Read noise, adu; number of lags in each direction, which is less where `LEAST_WIDTH` says so.
    threshold
        Clipping of the difference, in sigma.
    saturated, subtract_long_range
        Part of the pixels that is saturated; whether to subtract what both images differ by on large scales.

    Returns
    -------
    measurement
        Without variance, gain and covariances, and with the reason, if there is no light, too much of it, or
        the flats differ by more than noise. Without a gain alone if no amplifier has it, see `GAINS`: the
        variance tells a curve where the amplifier is full.

    Notes
    -----
    cp_pipe takes the mean square of the difference over all pixels; one cosmic ray can then change a gain by
    several per cent. Here it is clipped, and corrected for the clipping, which at 5.5 sigma is 5e-6. A
    gradient that changes by 0.3 per cent within a pair adds 4 per cent to the variance at 1e5 adu: it is the
    same at all lags that are small against the amplifier, see `long_range_variance`. Pixels that the clipping
    of the level leaves out (of another response, dead, hot) have another light: they are in no variance.
    """
    side = max(1, min(side, good.shape[1] // LEAST_WIDTH))
    one, two = (clipped_statistics(image[good], threshold=threshold) for image in (first, second))
    mean, delta = 0.5 * (one.mean + two.mean), two.mean - one.mean
    nothing = PairMeasurement(
        mean, delta, math.nan, min(one.count, two.count), math.nan, np.full((side, side), math.nan)
    )
    if reason := unusable(one.mean, two.mean, noise, saturated):
        return replace(nothing, reason=reason)
    number = np.count_nonzero(good)
    for image, (low, high) in ((first, one.limits), (second, two.limits)):
        good = good & (image >= low) & (image <= high)
    if (others := 1.0 - np.count_nonzero(good) / number) > OTHERS:
        return replace(nothing, reason=f"{others:.0%} of the pixels have another level than the others")
    first = first * np.float32(mean / one.mean)
    second = second * np.float32(mean / two.mean)
    difference = first - second
    statistics = clipped_statistics(difference[good], threshold=threshold)
    correction = _clip_correction(threshold)
    squares = statistics.sigma**2 * correction
    low, high = statistics.limits
    kept = good & (difference >= low) & (difference <= high)
    far, error = long_range_variance(difference, kept)
    if far - 5.0 * error > UNEVEN[subtract_long_range] * (squares - far):
        return replace(
            nothing, reason=f"the ratio of the two flats is not flat ({far / squares:.1%} of the variance)"
        )
    if reason := unlike_photons((first, second), difference, kept, mean, noise, far):
        return replace(nothing, reason=reason)
    far = far if subtract_long_range else 0.0
    covariances = 0.5 * (pixel_covariances(difference, kept, side) - far)
    covariances[0, 0] = 0.5 * (squares - far)
    variance = float(covariances[0, 0])
    gain, reason = gain_from_variance(variance, mean, noise), ""
    if not GAINS[0] <= gain <= GAINS[1]:
        gain, reason = math.nan, "the variance is not that of photons"
    return PairMeasurement(mean, delta, variance, statistics.count, gain, covariances, reason)


def gain_from_variance(variance: float, mean: float, noise: float) -> float:
    """Gain (electron/adu) from a flat, whose variance is mean / gain and that of the noise.

    The mean of (difference squared / sum) of cp_pipe (DMTN-101 section 6.1, with its FULL correction) makes
    faint gains too small, by 8 per cent at 50 electron and a noise of 9: 1 / sum is convex in the noise.

    Parameters
    ----------
    variance, mean, noise
        adu^2, adu, and read noise, adu.

    Returns
    -------
    gain
        electron/adu; NaN without a variance of photons.
    """
    photons = variance - noise**2
    return mean / photons if photons > 0.0 else math.nan


def pixel_covariances(image: NDArray[np.float32], good: NDArray[np.bool_], side: int) -> NDArray[np.float64]:
    """Covariances of the pixels of an image with those at some distance, up to ``side - 1`` pixels.

    Parameters
    ----------
    image, good
        The image, and which pixels to use; shape (rows, columns).
    side
        Number of lags in each direction.

    Returns
    -------
    covariances
        Shape (side, side), in the unit of the image squared: ``[i, j]`` is that of pixels i columns and j
        rows apart, the mean of both diagonal directions (Astier et al. 2019, A&A 629, A36). [0, 0] is the
        variance. NaN where there are no two good pixels at that distance.
    """
    mean = np.mean(image[good], dtype=np.float64) if good.any() else 0.0
    total = _correlation(np.where(good, image - np.float32(mean), 0.0), side)
    number = np.rint(_correlation(good, side))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(number > 0.0, total / number, math.nan)


def _correlation(values: NDArray[Any], side: int) -> NDArray[np.float64]:
    """Sums of the products of values i columns and j rows apart, over both diagonal directions."""
    shape = [fft.next_fast_len(length + side, real=True) for length in values.shape]
    lags = fft.irfft2(np.abs(fft.rfft2(values.astype(np.float64), shape)) ** 2, shape)
    rows, columns = np.arange(side), np.arange(side)[:, None]
    return np.asarray(lags[rows, columns] + lags[rows, -columns])


def _clip_correction(threshold: float) -> float:
    """Variance of a normal distribution over its variance after clipping."""
    density = math.exp(-0.5 * threshold**2) / math.sqrt(2.0 * math.pi)
    inside = float(special.erf(threshold / math.sqrt(2.0)))
    return 1.0 / (1.0 - 2.0 * threshold * density / inside)
