"""The steps of instrument signature removal on pixels, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .cosmicrays import CosmicRayFinder
from .images import Amplifier, DetectorImage, MaskPlane
from .metadata import units
from .statistics import clipped_statistics
from .tables import Defects

__all__ = [
    "assemble",
    "divide",
    "flag_cosmic_rays",
    "flag_defects",
    "interpolate",
    "linearize",
    "subtract",
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
    pixels
        Recorded signal r, adu, shape (rows, columns).
    coefficients
        c; the unit of ``c[n]`` is adu^-(n + 1).

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
    pixels
        Imaging areas as read out, by amplifier.
    amplifiers
        Where they belong, and how they are mirrored.

    Returns
    -------
    image
        With NO_DATA where pixels are not finite, and without metadata.
    """
    image = np.zeros(shape, dtype=np.float32)
    for name, amplifier in amplifiers.items():
        image[amplifier.box] = amplifier.mirrored(pixels[name])
    mask = np.zeros(shape, dtype=np.uint16)
    finite = np.isfinite(image)
    if not finite.all():
        mask[~finite] |= MaskPlane.NO_DATA
    return DetectorImage(image, mask, dict(amplifiers))


def subtract(image: DetectorImage, calibration: DetectorImage, name: str, factor: float = 1.0) -> None:
    """Subtract a combined calibration, times a factor; in place.

    Parameters
    ----------
    image
        Image to change.
    calibration
        Combined calibration, in the unit of the image divided by that of the factor.
    name
        What it is, for the message.
    factor
        E.g. the dark time, s.

    Raises
    ------
    RuntimeError
        Size or unit differ.
    """
    _check(image, calibration, name)
    if units(calibration.metadata) != units(image.metadata):
        raise RuntimeError(
            f"the combined {name} is in {units(calibration.metadata)}, the exposure in"
            f" {units(image.metadata)}: make both with the same isr:doApplyGains"
        )
    image.image -= calibration.image if factor == 1.0 else calibration.image * np.float32(factor)
    image.mask |= calibration.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)


def divide(image: DetectorImage, flat: DetectorImage) -> None:
    """Divide by a combined flat; in place. Where the flat is not positive, there are no data.

    Parameters
    ----------
    image
        Image to change.
    flat
        Combined flat, relative to its mean.

    Raises
    ------
    RuntimeError
        The sizes differ.
    """
    _check(image, flat, "flat")
    dark = ~(flat.image > 0.0)
    image.image /= np.where(dark, np.float32(1.0), flat.image)
    image.mask |= flat.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)
    image.mask[dark] |= np.uint16(MaskPlane.NO_DATA)


def flag_defects(image: DetectorImage, defects: Defects) -> None:
    """Flag defects as BAD; in place.

    Parameters
    ----------
    image
        Image to change.
    defects
        Those of its detector.

    Raises
    ------
    RuntimeError
        The sizes differ.
    """
    if tuple(defects.shape) != image.image.shape:
        raise RuntimeError(
            f"the defects are those of an image of {tuple(defects.shape)} pixels, "
            f"the exposure has {image.image.shape}"
        )
    for x0, y0, width, height in defects.boxes:
        image.mask[y0 : y0 + height, x0 : x0 + width] |= np.uint16(MaskPlane.BAD)


def flag_cosmic_rays(image: DetectorImage, finder: CosmicRayFinder) -> None:
    """Flag cosmic rays as CR, amplifier by amplifier; in place.

    Parameters
    ----------
    image
        Image to change.
    finder
        Finds them.

    Raises
    ------
    TooManyCosmicRaysError
        The image is not one in which cosmic rays can be distinguished from something else.
    """
    for name in image.amplifiers:
        pixels, flags = image.pixels(name), image.flags(name)
        unusable = (flags & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)) != 0
        good = clipped_statistics(pixels[~unusable])
        struck = finder.find(pixels, good.mean, good.sigma)
        flags[struck & ~unusable] |= np.uint16(MaskPlane.CR)


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


def _check(image: DetectorImage, calibration: DetectorImage, name: str) -> None:
    """Refuse a calibration of another size."""
    if calibration.image.shape != image.image.shape:
        raise RuntimeError(
            f"the combined {name} has {calibration.image.shape} pixels, "
            f"the exposure {image.image.shape}: both must be of the same detector and scale"
        )
