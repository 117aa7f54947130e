"""Robust combination of many images into one, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["clipped_mean"]

BLOCK = 16_384
"""Pixels that are combined at a time: so many of all images fit into the processor's cache."""


def clipped_mean(
    stack: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
    excluded: NDArray[np.bool_] | None = None,
    *,
    threshold: float = 3.0,
    iterations: int = 3,
) -> NDArray[np.float32]:
    """Weighted mean of each pixel over all images, without outliers.

    An image is an outlier in a pixel if its residual from the mean, times the square root of its weight, is
    more than ``threshold`` times the root mean square of these products over the images. With equal weights
    this is the sigma-clipped mean (MEANCLIP). With three to ten images no value can be 3 sigma away from a
    mean to which it contributes: there, cosmic rays have to be excluded.

    Parameters
    ----------
    stack
        Shape (images, rows, columns).
    weights
        Shape (images,), positive; equal weights if absent.
    excluded
        Same shape as ``stack``: values not to use. Where more than half of the images are excluded the cause
        is the pixel and not the exposure, and all are used.
    threshold
        In sigma.
    iterations
        How often to clip.

    Returns
    -------
    mean
        Shape (rows, columns).

    Notes
    -----
    Nearly all pixels have no outlier: the mean of all images is made for all, and only the others are
    clipped again.
    """
    number, *shape = stack.shape
    weights = np.ones(number) if weights is None else weights
    flat = stack.reshape(number, -1)
    flags = None if excluded is None else _exceptions(excluded.reshape(number, -1))
    share = (weights / weights.sum()).astype(np.float32)
    scale = np.sqrt(weights / weights.mean()).astype(np.float32)
    mean = np.empty(flat.shape[1], dtype=np.float32)
    for start in range(0, flat.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        values = flat[:, part]
        mean[part] = share @ values
        square = (values - mean[part]) * scale[:, None]
        square *= square
        again = square.max(axis=0) > threshold**2 * square.mean(axis=0)
        if flags is not None:
            again |= flags[:, part].any(axis=0)
        where = np.flatnonzero(again)
        if where.size:
            valid = np.ones((number, where.size), dtype=bool) if flags is None else ~flags[:, part][:, where]
            mean[start + where] = _clip(values[:, where], share, scale, valid, threshold, iterations)
    return mean.reshape(shape)


def _exceptions(excluded: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Exclusions that concern at most half of the images of their pixel."""
    often = np.count_nonzero(excluded, axis=0) * 2 > excluded.shape[0]
    if not often.any():
        return excluded
    exceptions = excluded.copy()
    exceptions[:, often] = False
    return exceptions


def _clip(
    values: NDArray[np.float32],
    share: NDArray[np.float32],
    scale: NDArray[np.float32],
    valid: NDArray[np.bool_],
    threshold: float,
    iterations: int,
) -> NDArray[np.float32]:
    """Clipped weighted means of some pixels; ``values`` and ``valid`` have the shape (images, pixels)."""
    for turn in range(iterations + 1):
        use = valid * share[:, None]
        mean = np.einsum("ij,ij->j", use, values) / use.sum(axis=0)
        if turn == iterations:
            break
        square = ((values - mean) * scale[:, None]) ** 2
        variance = np.where(valid, square, 0.0).sum(axis=0) / valid.sum(axis=0)
        kept = valid & (square <= threshold**2 * variance)
        if np.array_equal(kept, valid):
            break
        valid = kept
    return np.asarray(mean, dtype=np.float32)
