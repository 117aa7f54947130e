"""Means of the pixels of many images, without outliers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .statistics import finite_median

__all__ = ["THRESHOLD", "clipped_mean"]

THRESHOLD = 5.0
"""Residuals beyond so many sigma are not noise (DMTN-101 section 4.3 clips there, too)."""

LIKELY = 3.3
"""Where no value is farther from the mean of all, in sigma, none is `THRESHOLD` away from the median."""

MAD_TO_SIGMA = 1.4826
"""Sigma of a normal distribution, in units of its median absolute deviation."""

NEARLY = 0.9999
"""Part of a limit from which on single precision does not tell whether a value is beyond it."""

BLOCK = 16_384
"""Pixels that are combined at a time: so many of all images fit into the processor's cache."""


def clipped_mean(
    stack: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
    excluded: NDArray[np.bool_] | None = None,
    *,
    sigma: NDArray[np.float32] | None = None,
    threshold: float = 3.0,
    iterations: int = 3,
    variance: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Weighted mean of each pixel over all images, without outliers.

    An image is an outlier in a pixel if its residual from the mean, times the square root of its weight, is
    more than ``threshold`` times the root mean square of these products over the images. With equal weights
    this is the sigma-clipped mean (MEANCLIP). With three to ten images no value can be 3 sigma away from a
    mean to which it contributes. So values are compared with the median of three or more first, if their
    noise is known: they are left out if they are `THRESHOLD` times that noise away from it, and as many times
    the scatter in this pixel.

    Parameters
    ----------
    stack
        Shape (images, rows, columns).
    weights
        Shape (images,), positive; equal weights if absent.
    excluded
        Same shape as ``stack``: values not to use. Where more than half of the images are excluded the cause
        is the pixel and not the exposure, and all are used. Values that are not finite never are.
    sigma
        Shape (rows, columns): noise of an image with the mean weight; not known if absent.
    threshold, iterations
        Where, in sigma, and how often to clip.
    variance
        Shape (rows, columns), filled with the variance of the mean if it is given: from the scatter of what
        was used, for weights that are the inverse of the variances but for a factor. NaN of a single image.

    Returns
    -------
    mean
        Shape (rows, columns); NaN where no image has a value.
    """
    # Nearly all pixels have no outlier: the mean of all images is made for all, and only the others are
    # clipped again.
    number, *shape = stack.shape
    weights = np.ones(number) if weights is None else weights
    flat = stack.reshape(number, -1)
    flags = None if excluded is None else excluded.reshape(number, -1)
    if flags is not None:
        some = np.flatnonzero(flags.any(axis=0))  # few: to count in all pixels would take longer
        if (often := some[np.count_nonzero(flags[:, some], axis=0) * 2 > number]).size:
            flags = flags.copy()
            flags[:, often] = False
    share, scale = weights / weights.sum(), np.sqrt(weights / weights.mean())
    some_weigh_more = bool((scale != 1.0).any())
    single_share, single_scale = share.astype(np.float32), scale.astype(np.float32)
    mean = np.empty(flat.shape[1], dtype=np.float32)
    expected = None if sigma is None else sigma.ravel()
    spread = np.empty(flat.shape[1], dtype=np.float32) if variance is None else variance.reshape(-1)
    for start in range(0, flat.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        values = flat[:, part]
        square, middle = _from_first(values, single_share)
        valid = None if flags is None else ~flags[:, part]
        if not np.isfinite(middle).all():
            finite = np.isfinite(values)
            valid = finite if valid is None else valid & finite
            values = np.where(finite, values, np.float32(0.0))
            square, middle = _from_first(values, single_share)
        mean[part] = values[0] + middle
        square -= middle
        if some_weigh_more:
            square *= single_scale[:, None]
        with np.errstate(over="ignore"):  # what is too large to be squared is clipped again, as float64
            square *= square
            largest, mean_square = square.max(axis=0), square.mean(axis=0)
        spread[part] = mean_square / (number - 1) if number > 1 else math.nan
        again = (largest > NEARLY * threshold**2 * mean_square) | ~np.isfinite(mean_square)
        strange = None if expected is None else largest > (LIKELY * expected[part]) ** 2
        if strange is not None:
            again |= strange
        if valid is not None:
            again |= ~valid.all(axis=0)
        where = np.flatnonzero(again)
        if where.size:
            good = np.ones(values.shape, dtype=bool) if valid is None else valid
            if expected is not None and strange is not None and strange.any():
                good[:, strange] = _without_strangers(
                    values[:, strange], single_scale, good[:, strange], expected[part][strange]
                )
            found = _clip(
                values[:, where].astype(np.float64), share, scale, good[:, where], threshold, iterations
            )
            mean[start + where], spread[start + where] = found
    return mean.reshape(shape)


def _from_first(
    values: NDArray[np.float32], share: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Differences from the first image, shape (images, pixels), and their weighted mean, shape (pixels,).

    Their sums are not rounded to the precision that the level of the images leaves.
    """
    with np.errstate(invalid="ignore"):
        differences = values - values[0]
        return differences, share @ differences


def _without_strangers(
    values: NDArray[np.float32],
    scale: NDArray[np.float32],
    valid: NDArray[np.bool_],
    sigma: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """What is valid without values that are far from the median; shapes as in `_clip`, sigma (pixels,)."""
    known = np.where(valid, values, np.float32(math.nan))
    distance = np.abs(known - finite_median(known)) * scale[:, None]
    far = distance > THRESHOLD * np.fmax(sigma, MAD_TO_SIGMA * finite_median(distance))
    return np.asarray(valid & ~(far & (np.count_nonzero(valid, axis=0) > 2)))


def _clip(
    values: NDArray[np.float64],
    share: NDArray[np.float64],
    scale: NDArray[np.float64],
    valid: NDArray[np.bool_],
    threshold: float,
    iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clipped weighted means of some pixels, and their variances.

    ``values`` and ``valid`` have the shape (images, pixels).
    """
    # As numbers, so that sums over the images are products of matrices, which are made fastest.
    good, ones, left = valid.astype(np.float64), np.ones(len(values)), np.arange(values.shape[1])
    given, found, variance = good, np.empty(left.size), np.empty(left.size)
    for turn in range(iterations + 1):
        number = ones @ good
        with np.errstate(invalid="ignore"):  # no valid value has no mean
            mean = (share @ (values * good)) / (share @ good)
            square = ((values - mean) * scale[:, None]) ** 2
            limit = threshold**2 * (ones @ (square * good)) / number
        kept = good * (square <= limit)
        more = (ones @ kept != number) & (turn < iterations)
        ended = ~more
        place, used = left[ended], good[:, ended]
        found[place] = mean[ended]
        # What was clipped counts as if it were at the limit: noise is clipped, too, and would be missing.
        total = ones @ (given[:, ended] * np.minimum(square[:, ended], limit[ended]))
        with np.errstate(divide="ignore", invalid="ignore"):
            variance[place] = total / (number[ended] - 1.0) / (scale**2 @ used)
        variance[place[number[ended] <= 1]] = math.nan
        if not more.any():
            break
        left, values, good, given = left[more], values[:, more], kept[:, more], given[:, more]
    return found, variance
