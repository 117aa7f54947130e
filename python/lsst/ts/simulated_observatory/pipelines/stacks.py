"""Stacks of stored images, read and combined in strips of rows so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv

from .clippedmean import THRESHOLD, clipped_mean
from .constantpixels import NO_CHANCE, constant_pixels, frozen_pixels
from .images import DetectorImage, Key, MaskPlane
from .residualnoise import ResidualNoise

__all__ = ["ImageHandle", "combine_images", "combined_mask", "common_shape", "metadata_of"]

EXCLUDED = np.uint16(MaskPlane.CR | MaskPlane.SAT | MaskPlane.NO_DATA)
"""Pixels that a combination does not use."""

FEW = 10
"""Values from which the variance of a pixel is measured by itself: then 7e-4 of the errors are beyond five of
what is said by chance (Student's t distribution), and with fewer, more."""

UNLIKELY = 1e-3
"""Chance of a pixel's variance that the pixel keeps: chance makes the error of one good pixel in a thousand
too large. One of less than `NO_CHANCE` does not count in the mean of the amplifier."""

ENOUGH_TO_POOL = 50_000
"""Pixels of an amplifier whose variances have a mean that is known to 0.6 %, of two values each."""


class ImageHandle(Protocol):
    """A stored image that is read when needed, whole or some of its rows (the Butler's deferred handle)."""

    def get(self, *, parameters: dict[str, tuple[int, int]] | None = None) -> DetectorImage:
        """Read the image.

        Parameters
        ----------
        parameters
            ``rows``, a pair (first, last + 1): these rows only.

        Returns
        -------
        image
            The image, or its rows.
        """
        ...


def metadata_of(handles: Sequence[ImageHandle]) -> list[dict[str, Any]]:
    """Metadata of stored images; one row of pixels is read with each.

    Parameters
    ----------
    handles
        The images.

    Returns
    -------
    metadata
        Of each image.
    """
    return [handle.get(parameters={"rows": (0, 1)}).metadata for handle in handles]


def common_shape(headers: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Rows and columns that images have.

    Parameters
    ----------
    headers
        Their metadata.

    Returns
    -------
    rows, columns
        Of each of them.

    Raises
    ------
    RuntimeError
        The images differ in size.
    """
    shapes = {tuple(header["IMAGE SHAPE"]) for header in headers}
    if len(shapes) != 1:
        raise RuntimeError(f"images of different sizes cannot be combined: {sorted(shapes)}")
    rows, columns = (int(side) for side in shapes.pop())
    return rows, columns


def combine_images(
    handles: Sequence[ImageHandle],
    headers: Sequence[Mapping[str, Any]],
    scales: Sequence[float],
    weights: Sequence[float],
    *,
    noise: NDArray[np.float64] | None = None,
    measure_noise: bool = False,
    memory: int = 400_000_000,
    threshold: float = 3.0,
    iterations: int = 3,
) -> DetectorImage:
    """Combine images of one detector pixel by pixel.

    Parameters
    ----------
    handles, headers
        The images and their metadata, see `metadata_of`.
    scales, weights
        By which each one is divided, and its weight after the division.
    noise
        Of a pixel of each image, before it is divided; shape (images, amplifiers). Where it is known,
        outliers among few images are found.
    measure_noise
        Whether to measure the noise of a single scaled image, too.
    memory
        Bytes that the pixels of a strip may take.
    threshold, iterations
        Clipping, see `clipped_mean`.

    Returns
    -------
    image
        The combination with the amplifiers of the images and its variance (of pixels with fewer values than
        `FEW`, the mean of the amplifier); its metadata are the unit and the noise. A pixel
        without a good value is BAD: one that is bad, saturated or without data in more than half of the
        images, that a cosmic ray hit in the only image or in both of two, in which two images differ, or
        that has one value in all images by more than chance (it has no variance). One that has no value at
        all has the median of its amplifier. Saturation and cosmic rays in more than half of the images are
        flagged as such; a pixel that is saturated in some, or takes most of three or more images for cosmic
        rays as hot ones do, is SUSPECT.

    Raises
    ------
    RuntimeError
        The images differ in size, or an image has no finite scale.
    """
    if not np.isfinite(scales).all():
        raise RuntimeError("an image has no finite scale")
    rows, columns = common_shape(headers)
    first_row = handles[0].get(parameters={"rows": (0, 1)})
    result = DetectorImage(
        np.empty((rows, columns), np.float32),
        np.zeros((rows, columns), np.uint16),
        first_row.amplifiers,
        {Key.UNITS: first_row.unit},
        np.empty((rows, columns), np.float32),
    )
    assert result.variance is not None
    residuals = ResidualNoise(result.amplifiers, len(handles))
    share = np.asarray(weights, dtype=np.float64)
    sigma = None if noise is None else _expected_noise(result, noise, scales, share)
    # Half of the images or more have a value in each pixel.
    planes = (rows, columns) if len(handles) < 2 * FEW else (0, 0)
    number, part = np.empty(planes, np.uint8), np.empty(planes, np.float32)
    used = np.empty((rows, columns), np.uint16)
    # Pixels, squares and mask take up to nine bytes a pixel.
    height = max(1, min(rows, memory // (9 * columns * len(handles))))
    of_all = len(handles), height, columns
    all_pixels, all_masks = np.empty(of_all, np.float32), np.empty(of_all, np.uint16)
    for first in range(0, rows, height):
        strip = slice(first, min(first + height, rows))
        stack, masks = all_pixels[:, : strip.stop - first], all_masks[:, : strip.stop - first]
        _read(handles, scales, strip, stack, masks)
        excluded = np.array([(each & EXCLUDED) != 0 for each in masks])
        mean = result.image[strip] = clipped_mean(
            stack,
            share,
            excluded if excluded.any() else None,
            sigma=None if sigma is None else sigma[strip],
            threshold=threshold,
            iterations=iterations,
            variance=result.variance[strip],
        )
        result.mask[strip] = combined_mask(masks)
        if sigma is not None and len(handles) == 2:
            result.mask[strip][_differ(stack, excluded, share, sigma[strip])] |= np.uint16(MaskPlane.BAD)
        lost = _count(excluded)
        lost[lost > len(handles) // 2] = 0  # all are used where most are excluded
        used[strip] = len(handles) - lost
        if number.size:
            number[strip], part[strip] = _used(stack, excluded, share)
        if measure_noise:
            residuals.add(stack, excluded, mean, first)
    if measure_noise:
        result.metadata |= {
            Key.COMBINED_NOISE.format(name): value for name, value in residuals.noise().items()
        }
    constant = frozen_pixels(result, headers, scales, share, used)
    if noise is not None:
        constant |= constant_pixels(result, headers[0], noise)
    result.mask[constant] |= np.uint16(MaskPlane.BAD)
    if number.size:
        _pool_variance(result, number, part)
    result.variance[constant] = math.nan
    _fill(result)
    return result


def _used(
    stack: NDArray[np.float32], excluded: NDArray[np.bool_], weights: NDArray[np.float64]
) -> tuple[NDArray[np.uint8] | int, NDArray[np.float32] | float]:
    """Number of values that make each pixel (rows, columns), and their part of the weights."""
    unused = ~np.isfinite(stack)
    if excluded.any():
        unused |= excluded & (_count(excluded) <= len(excluded) // 2)  # of more, all are used
    elif not unused.any():
        return len(stack), 1.0
    lost = _count(unused)
    part, some = np.ones(lost.shape, np.float32), (lost > 0) & (lost < len(stack))
    part[some] -= weights / weights.sum() @ unused[:, some]
    return np.uint8(len(stack)) - lost, part


def _count(flags: NDArray[np.bool_]) -> NDArray[Any]:
    """In how many images a pixel is flagged."""
    found = np.zeros(flags.shape[1:], np.min_scalar_type(len(flags)))
    for each in flags:
        found += each.view(np.uint8)
    return found


def _pool_variance(image: DetectorImage, number: NDArray[np.uint8], part: NDArray[np.float32]) -> None:
    """Make the variance of pixels with few values what it can be known to be; in place.

    The scatter of fewer than `FEW` values says little of its variance: such pixels of an amplifier have the
    mean of all, over the part of the weights that was used in the pixel, but those whose own variance is
    unlikely beside the mean: their values differ, and they keep it. ``number`` and ``part`` are those of
    `_used`. (cp_pipe takes the variances that it expects of the inputs there.)
    """
    assert image.variance is not None
    # The variance of n normal values, in units of its expectation, is chi-square over n - 1.
    half = np.maximum(np.arange(2 * FEW) - 1, 1) / 2.0
    no_chance, unlikely = (
        np.asarray(gammainccinv(half, chance) / half, np.float32) for chance in (NO_CHANCE, UNLIKELY)
    )
    for name, amplifier in image.amplifiers.items():
        plane, counts, share = image.variance[amplifier.box], number[amplifier.box], part[amplifier.box]
        few = counts < FEW
        if not few.any():
            continue
        rows = slice(None, None, max(1, few.size // ENOUGH_TO_POOL) | 1)
        own, known = plane[rows] * share[rows], np.isfinite(plane[rows])
        if (whole := known & (image.flags(name)[rows] == 0)).any():
            known = whole
        values, limits, pooled = own[known], no_chance[counts[rows][known]], math.nan
        for _ in range(3):
            pooled = float(np.mean(values, dtype=np.float64)) if values.size else math.nan
            near = values <= limits * pooled
            values, limits = values[near], limits[near]
        few &= ~(plane * share > unlikely[counts] * np.float32(pooled))
        plane[few] = np.float32(pooled) / share[few]


def _read(
    handles: Sequence[ImageHandle],
    scales: Sequence[float],
    strip: slice,
    stack: NDArray[np.float32],
    masks: NDArray[np.uint16],
) -> None:
    """Read scaled pixels of a strip of all images, and their masks, into arrays (images, rows, columns)."""
    for index, (handle, scale) in enumerate(zip(handles, scales, strict=True)):
        part = handle.get(parameters={"rows": (strip.start, strip.stop)})
        np.divide(part.image, np.float32(scale), out=stack[index])
        masks[index] = part.mask
        if not (finite := np.isfinite(stack[index])).all():
            masks[index][~finite] |= np.uint16(MaskPlane.NO_DATA)


def combined_mask(masks: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Mask of a combination, see `combine_images`.

    Parameters
    ----------
    masks
        Of the images, shape (images, rows, columns).

    Returns
    -------
    mask
        Shape (rows, columns).
    """
    mask = np.zeros(masks.shape[1:], dtype=np.uint16)
    flagged = np.bitwise_or.reduce(masks, axis=0) != 0  # few pixels: all would take longer
    mask[flagged] = _mask_of_flagged(masks[:, flagged])
    return mask


def _mask_of_flagged(masks: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Mask of some pixels, see `combine_images`; shapes (images, pixels) and (pixels,)."""
    number = len(masks)
    mask = np.zeros(masks.shape[1], dtype=np.uint16)

    def count(planes: int) -> NDArray[np.int64]:
        return np.asarray(np.count_nonzero(masks & np.uint16(planes), axis=0))

    saturated, struck = count(MaskPlane.SAT), count(MaskPlane.CR)
    lost = count(MaskPlane.SAT | MaskPlane.NO_DATA) * 2 > number
    lost |= count(MaskPlane.BAD | MaskPlane.NO_DATA) * 2 > number
    # Without one good value, unless it is hot in all of three or more images.
    lost |= (count(int(EXCLUDED)) * 2 > number) & ((number < 3) | (struck * 2 <= number))
    mask[lost] = MaskPlane.BAD
    mask[(saturated > 0) & ~lost] |= np.uint16(MaskPlane.SUSPECT)
    mask[saturated * 2 > number] |= np.uint16(MaskPlane.SAT)
    mask[struck * 2 > number] |= np.uint16(MaskPlane.CR)
    mask[(struck * 2 > number) & ~lost] |= np.uint16(MaskPlane.SUSPECT)
    return mask


def _expected_noise(
    image: DetectorImage, noise: NDArray[np.float64], scales: Sequence[float], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Noise of a scaled image with the mean weight, shape (rows, columns); infinite where it is not known."""
    scaled = noise / np.asarray(scales, dtype=np.float64)[:, None]
    by_amplifier = np.median(scaled * np.sqrt(weights / weights.mean())[:, None], axis=0)
    sigma = np.full(image.image.shape, math.inf, dtype=np.float32)
    for amplifier, value in zip(image.amplifiers.values(), by_amplifier, strict=True):
        sigma[amplifier.box] = value if value > 0.0 else math.inf
    return sigma


def _differ(
    stack: NDArray[np.float32],
    excluded: NDArray[np.bool_],
    weights: NDArray[np.float64],
    sigma: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Pixels in which two images differ by more than noise, and nothing says which of them is right."""
    spread = math.sqrt(float(np.sum(weights.mean() / weights)))
    far = ~(np.abs(stack[0] - stack[1]) <= np.float32(THRESHOLD * spread) * sigma)
    return np.asarray(far & ~excluded.any(axis=0) & np.isfinite(stack).all(axis=0))


def _fill(image: DetectorImage) -> None:
    """Give pixels that have no value the median of their amplifier, and flag them; in place."""
    empty = ~np.isfinite(image.image)
    for amplifier in image.amplifiers.values():
        pixels, holes = image.image[amplifier.box], empty[amplifier.box]
        if holes.any():
            pixels[holes] = 0.0 if holes.all() else np.median(pixels[~holes])
    image.mask[empty] |= np.uint16(MaskPlane.BAD)
    if image.variance is not None:
        image.variance[empty] = math.nan
