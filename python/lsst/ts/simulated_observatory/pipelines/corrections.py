"""The steps of instrument signature removal on pixels, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .images import Amplifier, DetectorImage, MaskPlane

__all__ = [
    "assemble",
    "interpolate",
    "linearize",
    "subtract_crosstalk",
]

ROWS = 64
"""Rows of all amplifiers that are corrected for crosstalk at a time, so that they stay in the cache."""


def subtract_crosstalk(pixels: Mapping[str, NDArray[np.float32]], coefficients: NDArray[np.float64]) -> None:
    """Subtract what other amplifiers, read at the same time, add to each amplifier; in place.

    Parameters
    ----------
    pixels
        Imaging areas as read out, adu, by amplifier; all of the same shape.
    coefficients
        ``coefficients[i, j]``: part of the signal of amplifier j that appears in amplifier i, in the order of
        ``pixels``. Signals are taken as recorded: the crosstalk of crosstalk is below 1e-8.
    """
    matrix = coefficients.astype(np.float32)
    planes = list(pixels.values())
    rows, columns = planes[0].shape
    for start in range(0, rows, ROWS):
        strips = [plane[start : start + ROWS] for plane in planes]
        source = np.stack(strips).reshape(len(strips), -1)
        for strip, added in zip(strips, matrix @ source, strict=True):
            strip -= added.reshape(-1, columns)


def linearize(pixels: NDArray[np.float32], coefficients: Sequence[float]) -> NDArray[np.float32]:
    """Correct the non-linearity of an amplifier: s = r (1 + c[0] r + c[1] r^2 + ...).

    Parameters
    ----------
    pixels, coefficients
        Recorded signal r, adu, shape (rows, columns); c, the unit of ``c[n]`` is adu^-(n + 1).

    Returns
    -------
    signal
        s, adu, same shape.
    """
    factor = np.zeros_like(pixels)
    for coefficient in reversed(coefficients):
        factor += np.float32(coefficient)
        factor *= pixels
    factor += 1.0
    factor *= pixels
    return factor


def assemble(
    shape: tuple[int, int], pixels: Mapping[str, NDArray[np.float32]], amplifiers: Mapping[str, Amplifier]
) -> DetectorImage:
    """Put amplifiers together to the image of the detector.

    Parameters
    ----------
    shape
        Rows and columns of the detector.
    pixels, amplifiers
        Imaging areas as read out, and where they belong, by name.

    Returns
    -------
    image
        With NO_DATA where pixels are not finite, and without metadata.
    """
    image = np.zeros(shape, dtype=np.float32)
    for name, amplifier in amplifiers.items():
        image[amplifier.box] = amplifier.mirrored(pixels[name])
    mask, finite = np.zeros(shape, dtype=np.uint16), np.isfinite(image)
    if not finite.all():
        mask[~finite] |= np.uint16(MaskPlane.NO_DATA)
    return DetectorImage(image, mask, dict(amplifiers))


def interpolate(image: DetectorImage, planes: MaskPlane) -> None:
    """Replace masked pixels by a straight line between their good neighbours in the row; in place.

    Rows without any good pixel are left as they are. Replaced pixels are flagged INTRP.

    Parameters
    ----------
    image, planes
        The image, and which pixels to replace.
    """
    bad = (image.mask & np.uint16(planes)) != 0
    columns = np.arange(bad.shape[1])
    for row in np.flatnonzero(bad.any(axis=1) & ~bad.all(axis=1)):
        hole, pixels = bad[row], image.image[row]
        pixels[hole] = np.interp(columns[hole], columns[~hole], pixels[~hole])
        image.mask[row, hole] |= np.uint16(MaskPlane.INTRP)
