"""Corrections of pixels: crosstalk, linearity, assembly, interpolation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .images import Amplifier, DetectorImage, MaskPlane

__all__ = ["assemble", "interpolate", "linearize", "subtract_crosstalk"]

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
    """Signal s = r (1 + c[0] r + c[1] r^2 + ...) for the recorded signal r, adu."""
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
    pixels
        Imaging areas as read out, by amplifier.
    amplifiers
        Where they belong, and how they are mirrored.
    """
    image = np.zeros(shape, dtype=np.float32)
    for name, amplifier in amplifiers.items():
        image[amplifier.box] = pixels[name][
            :: -1 if amplifier.flip_y else 1, :: -1 if amplifier.flip_x else 1
        ]
    mask = np.zeros(shape, dtype=np.uint16)
    finite = np.isfinite(image)
    if not finite.all():
        mask[~finite] |= MaskPlane.NO_DATA
    return DetectorImage(image, mask, dict(amplifiers))


def interpolate(image: DetectorImage, planes: MaskPlane) -> None:
    """Replace masked pixels by a straight line between their good neighbours in the row; in place.

    Rows without any good pixel are left as they are. Replaced pixels are flagged INTRP.

    Parameters
    ----------
    image
        Image to change.
    planes
        Which pixels to replace.
    """
    bad = (image.mask & np.uint16(planes)) != 0
    rows, columns = np.nonzero(bad & ~bad.all(axis=1)[:, None])
    if rows.size == 0:
        return
    # First and last pixel of the run of bad pixels that each one belongs to.
    begins = np.r_[True, (np.diff(rows) != 0) | (np.diff(columns) != 1)]
    run = np.cumsum(begins) - 1
    first = columns[begins]
    last = columns[np.r_[begins[1:], True]]
    width = image.image.shape[1]
    left, right = first[run] - 1, last[run] + 1
    left, right = np.where(left < 0, right, left), np.where(right >= width, left, right)
    low, high = image.image[rows, left], image.image[rows, right]
    fraction = np.where(right > left, (columns - left) / np.maximum(right - left, 1), 0.0)
    image.image[rows, columns] = low + (high - low) * fraction.astype(np.float32)
    image.mask[rows, columns] |= np.uint16(MaskPlane.INTRP)
