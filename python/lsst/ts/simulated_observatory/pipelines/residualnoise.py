"""Noise of single images around their combination, by amplifier."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .images import Amplifier
from .statistics import clipped_statistics

__all__ = ["ResidualNoise"]

THRESHOLD = 5.0
"""Residuals beyond so many sigma are not noise (DMTN-101 section 4.3 clips there, too)."""

ENOUGH = 2_000_000
"""Pixels of an amplifier, of all images together, that give its noise to 5e-4."""


class ResidualNoise:
    """Accumulates the residuals of images from their mean while it is made strip by strip.

    Parameters
    ----------
    amplifiers
        Boxes of the amplifiers.
    images
        Number of images.
    """

    def __init__(self, amplifiers: Mapping[str, Amplifier], images: int) -> None:
        self.amplifiers = amplifiers
        self.images = images
        self._sums = {name: np.zeros((images, 3)) for name in amplifiers}

    def add(self, stack: NDArray[np.float32], mean: NDArray[np.float32], row0: int) -> None:
        """Take the residuals of some rows into account.

        Parameters
        ----------
        stack
            Shape (images, rows, columns).
        mean
            Their combination, shape (rows, columns).
        row0
            First row.
        """
        for name, amplifier in self.amplifiers.items():
            first, stop = (
                max(amplifier.y0 - row0, 0),
                min(amplifier.y0 + amplifier.height - row0, mean.shape[0]),
            )
            if first >= stop:
                continue
            step = max(1, self.images * amplifier.width * amplifier.height // ENOUGH)
            box = (slice(first, stop, step), slice(amplifier.x0, amplifier.x0 + amplifier.width))
            for index, image in enumerate(stack):
                found = clipped_statistics(image[box] - mean[box], threshold=THRESHOLD, iterations=2)
                if found.count:
                    self._sums[name][index] += (
                        found.count,
                        found.count * found.mean,
                        found.count * (found.sigma**2 + found.mean**2),
                    )

    def noise(self) -> dict[str, float]:
        """Noise of a single image by amplifier: rms residual x sqrt(N / (N - 1)); NaN for a single image."""
        if self.images < 2:
            return dict.fromkeys(self.amplifiers, math.nan)
        result = {}
        for name, sums in self._sums.items():
            count, total, square = sums.T
            with np.errstate(invalid="ignore", divide="ignore"):
                variance = square / count - (total / count) ** 2
            mean = float(np.average(variance, weights=count)) if (count > 0).all() else math.nan
            result[name] = math.sqrt(mean * self.images / (self.images - 1)) if mean >= 0.0 else math.nan
        return result
