"""Noise of single images, measured while they are combined."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .clippedmean import THRESHOLD
from .images import Amplifier
from .statistics import clipped_statistics

__all__ = ["ResidualNoise"]

MOST_NOISE = 1.5
"""Variance of an image, in units of the median of all, that does not count in that of a single image."""

ENOUGH = 2_000_000
"""Pixels of an amplifier, of all images together, that give its noise to 5e-4."""


class ResidualNoise:
    """Noise of single images by amplifier: adds their residuals up while the mean is made strip by strip.

    Parameters
    ----------
    amplifiers
        Of the images.
    images
        Their number.
    """

    def __init__(self, amplifiers: Mapping[str, Amplifier], images: int) -> None:
        self.amplifiers = amplifiers
        self.images = images
        self._sums = {name: np.zeros((images, 3)) for name in amplifiers}

    def add(
        self,
        stack: NDArray[np.float32],
        excluded: NDArray[np.bool_],
        mean: NDArray[np.float32],
        row0: int,
    ) -> None:
        """Add the residuals of a strip from its mean.

        From the mean of n values one of them differs by 1 - 1 / n of the variance. Pixels that are excluded
        in most images are left out: all values are in their mean.

        Parameters
        ----------
        stack, excluded
            Pixels, and which of them are not used; shape (images, rows, columns).
        mean
            Of the images, shape (rows, columns).
        row0
            First row of the strip.
        """
        for name, amplifier in self.amplifiers.items():
            first = max(amplifier.y0 - row0, 0)
            stop = min(amplifier.y0 + amplifier.height - row0, mean.shape[0])
            if first >= stop:
                continue
            step = max(1, self.images * amplifier.width * amplifier.height // ENOUGH) | 1
            box = (slice(first, stop, step), slice(amplifier.x0, amplifier.x0 + amplifier.width))
            lost, nan = excluded[:, *box], np.float32(math.nan)
            number = np.count_nonzero(~lost, axis=0).astype(np.float32)
            root = np.sqrt(number / np.maximum(number - 1.0, 1.0))
            root[(number < 2.0) | (2.0 * number < len(stack))] = nan
            for index, image in enumerate(stack):
                residual = np.where(lost[index], nan, root * (image[box] - mean[box]))
                found = clipped_statistics(residual, threshold=THRESHOLD, iterations=2)
                if found.count:
                    moments = np.array([1.0, found.mean, found.sigma**2 + found.mean**2])
                    self._sums[name][index] += found.count * moments

    def noise(self) -> dict[str, float]:
        """Noise of a single image.

        Returns
        -------
        noise
            By amplifier; NaN if there is but one image.
        """
        if self.images < 2:
            return dict.fromkeys(self.amplifiers, math.nan)
        result = {}
        for name, sums in self._sums.items():
            count, total, square = sums.T
            with np.errstate(invalid="ignore", divide="ignore"):
                variance = square / count - (total / count) ** 2
            near = variance <= MOST_NOISE * np.median(variance)
            known = (count > 0).all() and near.any()
            mean = float(np.average(variance[near], weights=count[near])) if known else math.nan
            result[name] = math.sqrt(mean) if mean > 0.0 else math.nan
        return result
