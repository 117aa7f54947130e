"""Robust statistics of pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClippedStatistics", "clipped_statistics", "finite_median", "mean_and_sigma", "sample"]

IQR_TO_SIGMA = 0.7413
"""Sigma of a normal distribution, in units of its interquartile range."""

SAMPLE = 20_000
"""Pixels from which the first guess of centre and width is made."""

MARGIN = 1.0
"""How much narrower than all intervals, in sigma, that is whose pixels are summed once."""

LEAST_SQUARES = 1e-30
"""Sum of squares that is precise in single precision."""

GOLDEN_SECTION = 0.5 * (math.sqrt(5.0) - 1.0)


@dataclass(frozen=True)
class ClippedStatistics:
    """Mean and standard deviation of the pixels that survived clipping.

    Parameters
    ----------
    mean, sigma
        In the unit of the pixels; NaN if there were none.
    count, clipped
        Pixels that survived, and finite pixels that did not.
    limits
        Lowest and highest value that the last clipping kept.
    """

    mean: float
    sigma: float
    count: int
    clipped: int
    limits: tuple[float, float]


def mean_and_sigma(pixels: NDArray[np.float32]) -> tuple[float, float]:
    """Mean and population standard deviation, without clipping.

    Parameters
    ----------
    pixels
        Shape (n,).

    Returns
    -------
    mean, sigma
        In the unit of the pixels; NaN for no pixels.
    """
    if pixels.size == 0:
        return math.nan, math.nan
    mean = float(np.mean(pixels, dtype=np.float64))
    residual = pixels - pixels.dtype.type(mean)
    return mean, math.sqrt(_sum_of_squares(residual) / pixels.size)


def _sum_of_squares(values: NDArray[Any]) -> float:
    """Sum in the type of the values; in double precision where that has no such squares."""
    with np.errstate(over="ignore"):
        squares = float(np.dot(values, values))
    if LEAST_SQUARES < squares < math.inf:
        return squares
    return float(np.sum(np.square(values, dtype=np.float64)))


def clipped_statistics(
    pixels: NDArray[Any], *, threshold: float = 5.0, iterations: int = 3
) -> ClippedStatistics:
    """Iteratively clipped mean and standard deviation.

    The first interval is centred on the median with the width of the interquartile range, taken from a sample
    of the pixels; each iteration recomputes mean and sigma of the pixels inside and clips again.

    Parameters
    ----------
    pixels
        Any shape; pixels that are not finite are left out.
    threshold, iterations
        Half the width of the interval, in sigma, and how often to clip.

    Returns
    -------
    statistics
        Of the pixels that are left.
    """
    values = np.ravel(pixels).astype(np.float32, copy=False)
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    if values.size == 0:
        return ClippedStatistics(math.nan, math.nan, 0, 0, (math.nan, math.nan))
    low, centre, high = (float(each) for each in np.percentile(sample(values), (25, 50, 75)))
    sigma = IQR_TO_SIGMA * (high - low)
    if sigma == 0.0:
        sigma = mean_and_sigma(values)[1]
    return _clipped(values, centre, sigma, threshold, iterations)


def _clipped(
    values: NDArray[np.float32], centre: float, width: float, threshold: float, iterations: int
) -> ClippedStatistics:
    """Clip, beginning with the interval around a centre that has a first guess of sigma.

    What every interval holds, near the centre, is summed once; the iterations go over the other pixels only.
    """
    base = float(np.float32(centre))
    residual = values - np.float32(base)
    near = max(threshold - MARGIN, 0.0) * width
    where = np.flatnonzero(np.abs(residual) > np.float32(near))
    others = residual[where].astype(np.float64)
    residual[where] = 0.0
    number, total = values.size - where.size, float(np.sum(residual, dtype=np.float64))
    squares = _sum_of_squares(residual)
    mean, sigma, count = centre - base, width, values.size  # the mean is relative to the base
    low, high = -math.inf, math.inf
    for turn in range(iterations):
        low, high = mean - threshold * sigma, mean + threshold * sigma
        if turn and not (low <= -near and near <= high):  # it has moved far
            return _clipped(values, base + mean, sigma, threshold, iterations - turn)
        kept = others[(others >= low) & (others <= high)]
        count = number + kept.size
        if count == 0:
            mean = sigma = math.nan
            break
        mean = (total + float(kept.sum())) / count
        sigma = math.sqrt(max((squares + float(kept @ kept)) / count - mean**2, 0.0))
    return ClippedStatistics(base + mean, sigma, count, values.size - count, (base + low, base + high))


def finite_median(values: NDArray[Any], axis: int = 0) -> NDArray[np.float64]:
    """Median along an axis of what is finite.

    Parameters
    ----------
    values, axis
        Any shape, and the axis that goes.

    Returns
    -------
    median
        NaN where nothing is finite.
    """
    finite = np.isfinite(values)
    ordered = np.sort(np.where(finite, values, values.dtype.type(math.nan)), axis=axis)  # NaN comes last
    last = np.maximum(np.count_nonzero(finite, axis=axis, keepdims=True) - 1, 0)
    low, high = (np.take_along_axis(ordered, place, axis=axis) for place in (last // 2, (last + 1) // 2))
    return np.asarray(np.squeeze((low + high) / 2, axis=axis), dtype=np.float64)


def sample(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take some of the pixels, as many of each place in any pattern of rows and columns.

    Parameters
    ----------
    values
        Any shape.

    Returns
    -------
    values
        All, or `SAMPLE` of them; shape (n,).

    Notes
    -----
    The places are multiples of the golden section: they fill every interval evenly and never fall into step
    with a period of the pixels (Weyl 1916, Mathematische Annalen 77, 313).
    """
    flat = np.ravel(values)
    if flat.size <= SAMPLE:
        return flat
    return np.asarray(flat[_places(flat.size)])


@lru_cache(maxsize=32)
def _places(size: int) -> NDArray[np.intp]:
    """Places of the sample of so many pixels."""
    return (np.arange(SAMPLE) * GOLDEN_SECTION % 1.0 * size).astype(np.intp)
