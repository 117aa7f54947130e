"""Cosmic rays in single images, found by their sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["CosmicRayFinder", "TooManyCosmicRaysError"]

_Mask = NDArray[np.bool_]

_DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Rows and columns from a pixel to a neighbour; the opposite one is at the same distance."""


class TooManyCosmicRaysError(RuntimeError):
    """So many pixels look like cosmic rays that something else must be wrong with the image."""


@dataclass(frozen=True)
class CosmicRayFinder:
    """Finds pixels that stand out, and stand out more sharply than any light could make them.

    The conditions are those of the photometric pipeline of the Sloan survey, with the thresholds that
    cp_verify uses (meas_algorithms, FindCosmicRaysConfig): a pixel above the background by ``threshold``
    sigma is a cosmic ray if, in one of four directions, the mean of its two neighbours is below what a point
    source of that height would put there (with a safety factor ``contrast``, and ``allowance`` sigma for
    noise). Its neighbours above half the threshold belong to it; an event must have a minimum charge.

    Parameters
    ----------
    threshold
        Height above the background, in sigma.
    contrast, allowance, psf_fwhm
        Strictness of the comparison with a point source, and its width, pixels.
    minimum_charge
        Smallest charge of an event, in the unit of the image.
    growth, maximum
        How often neighbours are added, and the largest fraction of the pixels that may be cosmic rays.
    """

    threshold: float = 6.0
    contrast: float = 0.6
    allowance: float = 2.5
    psf_fwhm: float = 3.0
    minimum_charge: float = 150.0
    growth: int = 3
    maximum: float = 0.02

    def find(
        self,
        pixels: NDArray[np.float32],
        background: float,
        sigma: float,
        skipped: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Find the pixels that cosmic rays struck.

        Parameters
        ----------
        pixels, background, sigma
            Image of one amplifier, shape (rows, columns), its level and noise.
        skipped
            Pixels that are no cosmic rays, as something else is known of them (bad, saturated, interpolated,
            without data; FindCosmicRays skips these, too); same shape.

        Returns
        -------
        struck
            True where a cosmic ray struck, same shape.

        Raises
        ------
        TooManyCosmicRaysError
            More pixels than `maximum` allows.
        """
        struck = np.zeros(pixels.shape, dtype=bool)
        if not sigma > 0.0:
            return struck
        searched = np.isfinite(pixels)
        if skipped is not None:
            searched &= ~skipped
        most = self.maximum * np.count_nonzero(searched)
        rows, columns = _places(searched & (pixels > background + self.threshold * sigma))
        if rows.size > 5 * most:
            raise TooManyCosmicRaysError(
                f"{rows.size} pixels are {self.threshold:g} sigma above the background"
            )
        last_row, last_column = (side - 1 for side in pixels.shape)
        peak = self.contrast * (pixels[rows, columns] - background - self.allowance * sigma)
        sharp = np.zeros(rows.shape, dtype=bool)
        for dy, dx in _DIRECTIONS:
            opposite = [
                pixels[np.clip(rows + side * dy, 0, last_row), np.clip(columns + side * dx, 0, last_column)]
                for side in (1, -1)
            ]
            neighbours = np.mean(opposite, axis=0) - background + self.allowance * sigma / np.sqrt(2.0)
            light = np.exp(-0.5 * (dy * dy + dx * dx) / (self.psf_fwhm / 2.3548) ** 2)
            sharp |= neighbours < light * peak
        struck[rows[sharp], columns[sharp]] = True
        if sharp.any():
            self._grow(struck, searched, pixels, background + 0.5 * self.threshold * sigma)
            self._drop_faint(struck, pixels, background)
        if np.count_nonzero(struck) > max(10, most):
            raise TooManyCosmicRaysError(f"{np.count_nonzero(struck)} pixels look like cosmic rays")
        return struck

    def _grow(self, struck: _Mask, searched: _Mask, pixels: NDArray[np.float32], least: float) -> None:
        """Add neighbours that are searched and brighter than some value to cosmic rays, in place."""
        for _ in range(self.growth):
            rows, columns = _places(struck)  # few pixels: a dilation of the image would take longer
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    y = np.clip(rows + dy, 0, struck.shape[0] - 1)
                    x = np.clip(columns + dx, 0, struck.shape[1] - 1)
                    struck[y, x] |= searched[y, x] & (pixels[y, x] > least)

    def _drop_faint(self, struck: _Mask, pixels: NDArray[np.float32], background: float) -> None:
        """Remove events with too little charge, in place."""
        labels, count = ndimage.label(struck, structure=np.ones((3, 3)))
        rows, columns = _places(struck)
        event = labels[rows, columns]
        charge = np.bincount(event, weights=pixels[rows, columns] - background, minlength=count + 1)
        faint = charge[event] < self.minimum_charge
        struck[rows[faint], columns[faint]] = False


def _places(which: _Mask) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns of a few pixels: several times faster than `numpy.nonzero` of an image."""
    return np.unravel_index(np.flatnonzero(which), which.shape)
