"""Covariances of neighbouring pixels in the difference of two flats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["lag_range", "pixel_covariances"]

BLOCK = 65_536
"""Pixels that are multiplied at a time: so many stay in the processor's cache for all lags."""

LEAST_WIDTH = 8
"""Pixels across an amplifier for each lag that is measured: small amplifiers cannot measure distant ones."""


def lag_range(side: int, width: int) -> int:
    """Number of lags in each direction, from 0, that an amplifier is measured at.

    Parameters
    ----------
    side
        Number that is asked for.
    width
        Pixels across the amplifier.

    Returns
    -------
    side
        At least 1.
    """
    return max(1, min(side, width // LEAST_WIDTH))


def pixel_covariances(image: NDArray[np.float32], good: NDArray[np.bool_], side: int) -> NDArray[np.float64]:
    """Covariances of the pixels of an image with those at some distance, up to ``side - 1`` pixels.

    Parameters
    ----------
    image
        Shape (rows, columns).
    good
        Same shape: pixels to use.
    side
        Number of lags in each direction.

    Returns
    -------
    covariances
        Shape (side, side), in the unit of the image squared: ``[i, j]`` is that of pixels i columns and j
        rows apart, the mean of both diagonal directions (Astier et al. 2019, A&A 629, A36). [0, 0] is the
        variance. NaN where there are no two good pixels at that distance.

    Notes
    -----
    The rows are laid one behind the other with zeros between them, so that each lag is one shift, and its
    covariance one product of two vectors.
    """
    rows, columns = image.shape
    pitch = columns + side
    mean = np.mean(image[good], dtype=np.float64) if good.any() else 0.0
    values = np.zeros(rows * pitch + side * pitch + side, dtype=np.float32)
    use = np.zeros(values.shape, dtype=bool)
    use[: rows * pitch].reshape(rows, pitch)[:, :columns] = good
    values[: rows * pitch].reshape(rows, pitch)[:, :columns] = np.where(good, image - np.float32(mean), 0.0)
    total, number = np.zeros((side, side)), np.zeros((side, side))
    for start in range(0, rows * pitch, BLOCK):
        stop = min(start + BLOCK, rows * pitch)
        here, used = values[start:stop], use[start:stop]
        for j in range(side):
            for i in range(side):
                for shift in {j * pitch + i, j * pitch - i} if j else {i}:
                    there = slice(start + shift, stop + shift)
                    total[i, j] += float(np.dot(here, values[there]))
                    number[i, j] += np.count_nonzero(used & use[there])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / number)
