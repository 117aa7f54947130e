"""Stacks of stored images, read and combined in strips of rows so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .images import Amplifier, DetectorImage, Key, MaskPlane
from .statistics import clipped_statistics

__all__ = ["ImageHandle", "clipped_mean", "combine_images", "metadata_of"]

EXCLUDED = np.uint16(MaskPlane.CR | MaskPlane.SAT | MaskPlane.NO_DATA)
"""Pixels that a combination does not use."""

FEW = 5
"""Images from which the variance of each pixel is measured by itself."""

THRESHOLD = 5.0
"""Residuals beyond so many sigma are not noise (DMTN-101 section 4.3 clips there, too)."""

ENOUGH = 2_000_000
"""Pixels of an amplifier, of all images together, that give its noise to 5e-4."""

BLOCK = 16_384
"""Pixels that are combined at a time: so many of all images fit into the processor's cache."""


def clipped_mean(
    stack: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
    excluded: NDArray[np.bool_] | None = None,
    *,
    threshold: float = 3.0,
    iterations: int = 3,
    variance: NDArray[np.float32] | None = None,
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
    threshold, iterations
        Where, in sigma, and how often to clip.
    variance
        Shape (rows, columns), filled with the variance of the mean if it is given: from the scatter of what
        was used, for weights that are the inverse of the variances but for a factor. NaN of a single image.

    Returns
    -------
    mean
        Shape (rows, columns).
    """
    # Nearly all pixels have no outlier: the mean of all images is made for all, and only the others are
    # clipped again.
    number, *shape = stack.shape
    weights = np.ones(number) if weights is None else weights
    flat = stack.reshape(number, -1)
    flags = None if excluded is None else excluded.reshape(number, -1)
    if flags is not None and (often := np.count_nonzero(flags, axis=0) * 2 > number).any():
        flags = flags & ~often
    share = (weights / weights.sum()).astype(np.float32)
    scale = np.sqrt(weights / weights.mean()).astype(np.float32)
    mean = np.empty(flat.shape[1], dtype=np.float32)
    spread = np.empty(flat.shape[1], dtype=np.float32) if variance is None else variance.reshape(-1)
    for start in range(0, flat.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        values = flat[:, part]
        mean[part] = share @ values
        square = (values - mean[part]) * scale[:, None]
        square *= square
        mean_square = square.mean(axis=0)
        spread[part] = mean_square / (number - 1) if number > 1 else math.nan
        again = square.max(axis=0) > threshold**2 * mean_square
        if flags is not None:
            again |= flags[:, part].any(axis=0)
        where = np.flatnonzero(again)
        if where.size:
            valid = np.ones((number, where.size), dtype=bool) if flags is None else ~flags[:, part][:, where]
            found = _clip(values[:, where], share, scale, valid, threshold, iterations)
            mean[start + where], spread[start + where] = found
    return mean.reshape(shape)


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


def combine_images(
    handles: Sequence[ImageHandle],
    headers: Sequence[Mapping[str, Any]],
    scales: Sequence[float],
    weights: Sequence[float],
    *,
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
    measure_noise
        Whether to measure the noise of a single scaled image, too.
    memory
        Bytes that the pixels of a strip may take.
    threshold, iterations
        Clipping, see `clipped_mean`.

    Returns
    -------
    image
        The combination with the amplifiers of the images and its variance (where the images are fewer than
        `FEW`, the mean of the amplifier); its metadata are the unit and the noise. A pixel
        that is bad in more than half of the images, or in which none is finite, is BAD; the latter has the
        median of its amplifier.

    Raises
    ------
    RuntimeError
        The images differ in size, or an image has no finite scale.
    """
    if not np.isfinite(scales).all():
        raise RuntimeError("an image has no finite scale")
    shapes = {tuple(header["IMAGE SHAPE"]) for header in headers}
    if len(shapes) != 1:
        raise RuntimeError(f"images of different sizes cannot be combined: {sorted(shapes)}")
    rows, columns = (int(side) for side in shapes.pop())
    first_row = handles[0].get(parameters={"rows": (0, 1)})
    result = DetectorImage(
        np.empty((rows, columns), np.float32),
        np.zeros((rows, columns), np.uint16),
        first_row.amplifiers,
        {Key.UNITS: first_row.unit},
        np.empty((rows, columns), np.float32),
    )
    assert result.variance is not None
    noise = _ResidualNoise(result.amplifiers, len(handles))
    used = np.ones((rows, columns) if len(handles) < FEW else 0, dtype=np.float32)
    # Pixels, squares and mask take up to nine bytes a pixel.
    height = max(1, min(rows, memory // (9 * columns * len(handles))))
    for first in range(0, rows, height):
        strip = slice(first, min(first + height, rows))
        stack, excluded, bad = _read(handles, scales, strip, columns)
        mean = result.image[strip] = clipped_mean(
            stack,
            np.asarray(weights, dtype=np.float64),
            excluded if excluded.any() else None,
            threshold=threshold,
            iterations=iterations,
            variance=result.variance[strip],
        )
        result.mask[strip][bad * 2 > len(handles)] |= np.uint16(MaskPlane.BAD)
        if len(handles) < FEW:
            left_out = np.tensordot(np.divide(weights, np.sum(weights)), excluded, axes=(0, 0))
            used[strip] = np.where(np.count_nonzero(excluded, axis=0) * 2 > len(handles), 1.0, 1.0 - left_out)
        if measure_noise:
            noise.add(stack, mean, first)
    if measure_noise:
        result.metadata |= {Key.COMBINED_NOISE.format(name): value for name, value in noise.noise().items()}
    if len(handles) < FEW:
        _pool_variance(result, used)
    _fill(result)
    return result


def _pool_variance(image: DetectorImage, used: NDArray[np.float32]) -> None:
    """Make the variance of a combination of few images what it can be known to be; in place.

    The scatter of fewer than `FEW` values of a pixel says little of its variance: there all pixels of an
    amplifier have their mean, over the part of the weights that was used in the pixel (rows, columns).
    (cp_pipe takes the variances that it expects of the inputs there.)
    """
    assert image.variance is not None
    for name, amplifier in image.amplifiers.items():
        plane, part = image.variance[amplifier.box], used[amplifier.box]
        good = np.isfinite(plane) & (image.flags(name) == 0)
        pooled = np.mean((plane * part)[good], dtype=np.float64) if good.any() else math.nan
        plane[:] = pooled / part


def _read(
    handles: Sequence[ImageHandle], scales: Sequence[float], strip: slice, columns: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.uint16]]:
    """Scaled pixels of a strip of all images, which are not used, and in how many images a pixel is bad."""
    stack = np.empty((len(handles), strip.stop - strip.start, columns), dtype=np.float32)
    excluded = np.empty(stack.shape, dtype=bool)
    bad = np.zeros(stack.shape[1:], dtype=np.uint16)
    for index, (handle, scale) in enumerate(zip(handles, scales, strict=True)):
        part = handle.get(parameters={"rows": (strip.start, strip.stop)})
        np.divide(part.image, np.float32(scale), out=stack[index])
        np.not_equal(part.mask & EXCLUDED, 0, out=excluded[index])
        bad += (part.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)) != 0
    return stack, excluded, bad


class _ResidualNoise:
    """Noise of single images by amplifier: adds their residuals up while the mean is made strip by strip."""

    def __init__(self, amplifiers: Mapping[str, Amplifier], images: int) -> None:
        self.amplifiers = amplifiers
        self.images = images
        self._sums = {name: np.zeros((images, 3)) for name in amplifiers}

    def add(self, stack: NDArray[np.float32], mean: NDArray[np.float32], row0: int) -> None:
        """Add the residuals of a strip (images, rows, columns) from its mean; ``row0`` is its first row."""
        for name, amplifier in self.amplifiers.items():
            first = max(amplifier.y0 - row0, 0)
            stop = min(amplifier.y0 + amplifier.height - row0, mean.shape[0])
            if first >= stop:
                continue
            step = max(1, self.images * amplifier.width * amplifier.height // ENOUGH)
            box = (slice(first, stop, step), slice(amplifier.x0, amplifier.x0 + amplifier.width))
            for index, image in enumerate(stack):
                found = clipped_statistics(image[box] - mean[box], threshold=THRESHOLD, iterations=2)
                if found.count:
                    moments = np.array([1.0, found.mean, found.sigma**2 + found.mean**2])
                    self._sums[name][index] += found.count * moments

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


def _clip(
    values: NDArray[np.float32],
    share: NDArray[np.float32],
    scale: NDArray[np.float32],
    valid: NDArray[np.bool_],
    threshold: float,
    iterations: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Clipped weighted means of some pixels, and their variances.

    ``values`` and ``valid`` have the shape (images, pixels).
    """
    given = valid
    for turn in range(iterations + 1):
        use = valid * share[:, None]
        mean = np.einsum("ij,ij->j", use, values) / use.sum(axis=0)
        square = ((values - mean) * scale[:, None]) ** 2
        number = valid.sum(axis=0)
        limit = threshold**2 * np.where(valid, square, 0.0).sum(axis=0) / number
        kept = valid & (square <= limit)
        if turn == iterations or np.array_equal(kept, valid):
            break
        valid = kept
    # What was clipped counts as if it were at the limit: noise is clipped, too, and would be missing.
    total = np.where(given, np.minimum(square, limit), 0.0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = total / (number - 1.0) / (valid * scale[:, None] ** 2).sum(axis=0)
    return mean, np.where(number > 1, variance, math.nan)
