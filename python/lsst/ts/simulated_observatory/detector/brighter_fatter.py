"""The brighter-fatter effect: charge in a pixel pushes its borders outwards.

To third order in the flux, this gives exactly the covariances of a flat field that Astier et al. 2019
(A&A 629, A36) derive for coefficients b of zero: in Fourier space var = [exp(2 a mu) - 1] / (2 a), the form
of their equation 16, of which the square root, expanded, is applied to the charge as a filter.
"""

from __future__ import annotations

import numpy as np

from .patterns import Image

__all__ = ["NEIGHBOURS", "brighter_fatter"]

NEIGHBOURS = (0.20, 0.12, 0.05, 0.04)
"""Coefficients in units of abs(a00): next pixel along the column (parallel), along the row (serial), diagonal
and two pixels away along either. With a00 they add up to zero, as charge is moved and not lost."""

_ORDERS = (1 / 2, 5 / 24, 1 / 16)
"""sqrt([exp(2 x) - 1] / (2 x)) = 1 + x/2 + 5/24 x^2 + 1/16 x^3 + ..."""

_LARGEST = 1.0 + 2.0 * (NEIGHBOURS[0] + NEIGHBOURS[1]) - 4.0 * (NEIGHBOURS[2] + NEIGHBOURS[3])
"""Largest absolute value of the Fourier transform of the coefficients in units of abs(a00), at the
Nyquist frequency of both directions."""

_NEGLIGIBLE = 1e-5
"""Relative change of fluctuations below which an order is left out."""


def brighter_fatter(charge: Image, mean: Image | float, a00: float) -> None:
    """Let the charge of a flat field move to neighbouring pixels, in place.

    Parameters
    ----------
    charge
        Charge as it was generated, rows by columns, electron.
    mean
        Its expectation, electron; an image, or one number for all pixels.
    a00
        Coefficient of a pixel on itself, 1/electron; negative.
    """
    level = float(np.max(mean))
    # a00 is taken into the mean, so that the stencil has numbers of order one.
    weight = np.multiply(mean, np.float32(abs(a00)), dtype=np.float32)
    term = charge
    size = 1.0
    total = np.zeros_like(charge)
    for order in _ORDERS:
        size *= _LARGEST * abs(a00) * level
        if order * size < _NEGLIGIBLE:
            break
        term = _stencil(term)
        term *= weight
        total += np.float32(order) * term
    charge += total


def _stencil(image: Image) -> Image:
    """Convolve with the coefficients in units of abs(a00); beyond the edge pixels are like those at it."""
    parallel, serial, diagonal, second = map(np.float32, NEIGHBOURS)
    padded = np.pad(image, 2, mode="edge")
    inner = padded[:, 2:-2]
    sides = padded[:, 1:-3] + padded[:, 3:-1]
    rows = parallel * inner
    rows += diagonal * sides
    result = serial * sides[2:-2]
    result -= image
    result += rows[1:-3]
    result += rows[3:-1]
    far = padded[2:-2, :-4] + padded[2:-2, 4:]
    far += inner[:-4]
    far += inner[4:]
    far *= second
    result += far
    return result
