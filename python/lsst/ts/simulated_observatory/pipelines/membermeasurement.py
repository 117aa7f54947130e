"""Images measured by amplifier before they are combined: level, noise, shape, usable and saturated parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import DetectorImage, MaskPlane
from .statistics import IQR_TO_SIGMA, clipped_statistics

__all__ = ["BLOCKS", "Member", "copies", "level_error", "measure_member", "shared_structure"]

BLOCKS = 4
"""Blocks on each side of an amplifier, whose levels are its shape."""

SAMPLE = 60_000
"""Pixels of an amplifier that are measured: whole rows, evenly spaced."""

LINES = 1_500
"""Pixels of an amplifier that are kept in rows, and in columns; at least `LEAST_LINES` of each, and so many
that every row is in a part of a column, and every column in one of a row."""

LEAST_LINES = 3

COPY = 0.4
"""Variance of the difference of two images, in units of the sum of theirs, below which one is a copy: it is 1
for independent noise, and 0.33 for a copy to which as much noise was added as the image has."""

SAME = 0.1
"""Least noise of an image that is looked for, in units of what neighbouring pixels differ by: where all
images are copies of one, nothing else differs."""

MOST_OF_PIXEL = 3.0
"""Deviation of a pixel that counts in the structure of an image, in units of its noise: cosmic rays that are
not flagged have little of it."""

IN_COMMON = 0.05
"""Part of the pairs of neighbours of an image that all that are compared must have: they tell the noise."""

OF_BIAS = 1.0 / 3.0
"""Variance of the noise of a combined bias, of three at least, in units of that of a dark."""

EIGHTHS = 2.3007
"""Difference of the first and the last eighth of a normal distribution, in units of sigma: as an estimate it
scatters by 0.8 of what quartiles do."""

OVERSCAN = (58, 42)
"""Columns and rows of the overscans, of which medians are subtracted from each row and each column."""

_UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.CR | MaskPlane.NO_DATA)

_TINY = np.finfo(np.float64).tiny

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Member:
    """What was measured of an image.

    Parameters
    ----------
    amplifiers
        Names. All arrays have one value for each, NaN where an amplifier consists of defects.
    level, noise
        Clipped mean, and noise of a pixel: that of the differences of neighbours in a row over sqrt(2), so
        that neither structure nor gradients contribute. In the unit of the image.
    error
        Of the level: that of the pixels, and that of the medians of the overscans, in the same unit.
    blocks
        Medians of the blocks; shape (amplifiers, `BLOCKS` squared).
    block_error
        Of a block, relative to the level, in the same unit; shape (amplifiers,).
    count
        Pixels that were measured.
    usable, saturated
        Parts of the pixels outside of defects.
    rows, columns
        Some of each amplifier, as long as its shorter side, NaN where a pixel is not usable; shape
        (amplifiers, lines, pixels).
    """

    amplifiers: tuple[str, ...]
    level: _Array
    noise: _Array
    error: _Array
    blocks: _Array
    block_error: _Array
    count: _Array
    usable: _Array
    saturated: _Array
    rows: NDArray[np.float32]
    columns: NDArray[np.float32]


def measure_member(image: DetectorImage) -> Member:
    """Measure an image before it is combined with others.

    Parameters
    ----------
    image
        Of a whole detector.

    Returns
    -------
    member
        Levels, noise and shapes of its amplifiers.

    Raises
    ------
    RuntimeError
        The amplifiers differ in size.
    """
    sizes = {(each.height, each.width) for each in image.amplifiers.values()}
    if len(sizes) > 1:
        raise RuntimeError(f"amplifiers of different sizes cannot be compared: {sorted(sizes)}")
    found = [_measure_amplifier(image.pixels(name), image.flags(name)) for name in image.amplifiers]
    level, noise, count, usable, saturated = np.array([each[:5] for each in found]).T
    blocks = np.array([each[5] for each in found])
    rows, columns = (np.array([each[place] for each in found]) for place in (6, 7))
    height, width = np.array([(each.height, each.width) for each in image.amplifiers.values()]).T
    error = level_error(noise, np.maximum(count, 1.0), height, width)
    block = (
        noise
        * math.sqrt(BLOCKS)
        * level_error(1.0, np.maximum(count, 1.0) * 2.0 / math.pi / BLOCKS, height, width)
    )
    return Member(
        tuple(image.amplifiers), level, noise, error, blocks, block, count, usable, saturated, rows, columns
    )


def level_error(noise: Any, count: Any, height: Any, width: Any) -> Any:
    """Error of the level of an amplifier: that of its pixels, and of the medians of the overscans.

    Where the medians of the few rows of the parallel overscan are off, so are those of all columns: at every
    size of the amplifier the level is off by 0.025 of the noise. The variance of a median of n is pi / 2 n.

    Parameters
    ----------
    noise, count
        Of a pixel, and number of pixels.
    height, width
        Rows and columns of the amplifier.

    Returns
    -------
    error
        In the unit of the noise; arrays give arrays.
    """
    columns, rows = OVERSCAN
    overscan = math.pi / 2.0 * (1.0 / (columns * height) + 1.0 / (rows * width) + 1.0 / (rows * columns))
    return noise * np.sqrt(1.0 / count + overscan) if np.all(count) else math.nan


def shared_structure(
    members: Sequence[Member], scales: _Array
) -> tuple[_Array, NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    r"""What some images have in common that others have not: fringes, waves, noise of rows, patterns.

    An image is noise, beside what all have in common. The covariances of such images, in units of their
    noise, have eigenvalues of 1, and one of 0 for what is subtracted; of N images with M pixels (no more than
    there are pairs of neighbours, which tell the noise) up to
    :math:`(1 + \sqrt{N / M})^2` by chance (Marchenko and Pastur 1967). A pattern that `k` of them have, of a
    scatter of `f` times the noise, adds :math:`f^2 k (N - k) / N` to the largest: where k is half of N, that
    is the square of what the pattern is in their mean, in units of the noise of this mean. Darks and flats
    of unlike depth share the noise of the combined bias as well: `OF_BIAS`.

    Parameters
    ----------
    members, scales
        Images, and by what each is divided.

    Returns
    -------
    excess
        Of the largest eigenvalue over chance, in rows and in columns; shape (amplifiers, 2).
    few
        Whether an image is one of the few, at most half, that differ; shape (amplifiers, 2, images).
    compared, lacking
        Whether an image was compared, and whether it was not though it has some of the amplifier: too few
        pixels in common with the others; shape (amplifiers, images).
    """
    number, by = len(members), scales.astype(np.float32)[:, None, None, None]
    lines = [np.array([getattr(each, name) for each in members]) / by for name in ("rows", "columns")]
    lines, lacking = zip(*(_of_all(each) for each in lines), strict=True)
    changes = [_flat(np.diff(each, axis=-1)) for each in lines]
    depth, pairs = _depth(changes), np.max([np.isfinite(each).sum(axis=-1) for each in changes], axis=(0, 1))
    unscaled = depth.T / scales
    unscaled /= np.maximum(unscaled.max(axis=1, keepdims=True), _TINY)
    norm = np.maximum(np.sum(depth**2, axis=0), _TINY)[:, None, None]
    compared = depth.T > 0.0
    rest = np.eye(number) - depth.T[:, :, None] * depth.T[:, None, :] / norm  # without what all have
    of_bias = OF_BIAS * np.sum((rest @ unscaled[..., None]) ** 2, axis=(1, 2))
    excess, few = [], []
    for each in lines:
        pixels = np.maximum(np.isfinite(each).sum(axis=(2, 3)).max(axis=0), 1.0)  # of those that have it
        units = (each - _weighted_median(each, depth[..., None, None] ** 2)) * depth[..., None, None]
        units = np.clip(np.nan_to_num(units), -MOST_OF_PIXEL, MOST_OF_PIXEL)
        units = (rest @ _flat(units).swapaxes(0, 1)).reshape(len(rest), number, *each.shape[2:])
        units = (units - np.median(units, axis=-1, keepdims=True)).reshape(len(rest), number, -1)
        values, vectors = np.linalg.eigh(units @ units.swapaxes(1, 2) / pixels[:, None, None])
        side = _side(vectors[:, :, -1], depth.T) & compared
        many = 2 * side.sum(axis=1) > compared.sum(axis=1)
        few.append(np.where(many[:, None], compared & ~side, side))
        chance = (1.0 + np.sqrt(number / np.clip(pixels, 1.0, np.maximum(pairs, 1.0)))) ** 2
        excess.append(values[:, -1] - chance - of_bias)
    return np.stack(excess, axis=1), np.stack(few, axis=1), compared, np.all(lacking, axis=0).T


def _of_all(lines: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Lines without pixels that only some images have, and images (images, amplifiers) that have few of them.

    Only the images that have a pixel know the error of its median. Noise is measured of neighbours.
    """
    known = np.isfinite(lines)
    while True:
        pairs = known[..., 1:] & known[..., :-1]
        has = known.any(axis=(2, 3), keepdims=True)
        own = pairs.sum(axis=(2, 3))
        few = (pairs | ~has).all(axis=0).sum(axis=(1, 2)) < IN_COMMON * own.max(axis=0)
        if not few.any():
            break
        fewest = np.argmin(np.where(has[..., 0, 0], own, pairs.size), axis=0)
        known[fewest[few], np.flatnonzero(few)] = False
    lacking = np.isfinite(lines).any(axis=(2, 3)) & ~has[..., 0, 0]
    return np.where(has & (known | ~has).all(axis=0), lines, np.float32(math.nan)), lacking


def _depth(changes: Sequence[NDArray[Any]]) -> _Array:
    """Inverse of the noise of images, by amplifier, of differences of neighbours in rows and in columns.

    What all images have, the mean with weights `w`, is subtracted: 1 - w of the variance is left.
    """
    left, kept = list(changes), np.ones(changes[0].shape[:2])
    with np.errstate(invalid="ignore", divide="ignore"):
        for _turn in range(3):
            spread = np.fmin(*(_spread(each, 8) for each in left))
            depth = np.where(spread > 0.0, EIGHTHS * np.sqrt(2.0 * kept) / spread, 0.0)
            weights = depth**2 / np.maximum(np.sum(depth**2, axis=0), _TINY)
            kept = 1.0 - weights
            part = weights[..., None].astype(np.float32)
            left = [each - np.sum(np.where(part > 0.0, part * each, 0.0), axis=0) for each in changes]
    return depth


def _side(vectors: _Array, depth: _Array) -> NDArray[np.bool_]:
    """Images beyond the limit that divides a vector best: with the least scatter on both sides of it.

    The sign of a component is not enough: where one of N images has a pattern, those of the others are 1 / N
    below zero, and their noise may be as large.
    """
    weights = np.maximum(depth**2, _TINY)
    values = depth * vectors / weights
    order = np.argsort(values, axis=-1)
    part, below = (
        np.cumsum(np.take_along_axis(each, order, axis=-1), axis=-1) for each in (weights, weights * values)
    )
    part, below = part / part[..., -1:], below / part[..., -1:]
    between = (below - part * below[..., -1:])[..., :-1] ** 2 / (part * (1.0 - part))[..., :-1]
    last = np.argmax(between, axis=-1)[..., None]
    return np.asarray(values > np.take_along_axis(np.take_along_axis(values, order, axis=-1), last, axis=-1))


def copies(members: Sequence[Member], scales: _Array) -> NDArray[np.bool_]:
    """Images that are others of the set, but for a factor, a level and a little noise.

    Parameters
    ----------
    members, scales
        Images, and by what each is divided.

    Returns
    -------
    copies
        Whether the noise of an amplifier is that of an image before: the noise of two that are independent
        adds up in their difference. Neighbours in rows are compared, and what all images have in common is
        subtracted, weighted with the inverse variances. Shape (images, amplifiers).
    """
    changes = _flat(np.array([np.diff(each.rows, axis=-1) for each in members], dtype=np.float64))
    found = np.zeros(changes.shape[:2], dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        changes /= scales[:, None, None]
        own = _spread(changes)
        weights = np.where((own > 0.0) & np.isfinite(own), own**-2.0, 0.0)[..., None]
        good = np.where(np.isfinite(changes), weights, 0.0)
        usual = np.sum(good * np.where(good > 0.0, changes, 0.0), axis=0) / np.sum(good, axis=0)
        noise = np.fmax(_spread(changes - usual), SAME * own) ** 2
        for place in range(1, len(members)):
            difference = _spread(changes[:place] - changes[place]) ** 2
            found[place] = (difference < COPY * (noise[:place] + noise[place])).any(axis=0)
    return found


def _weighted_median(values: NDArray[Any], weights: _Array) -> NDArray[Any]:
    """The value below which half of the weight of the images is, of what is finite."""
    order = np.argsort(values, axis=0)
    below = np.cumsum(np.take_along_axis(np.where(np.isfinite(values), weights, 0.0), order, axis=0), axis=0)
    place = np.argmax(below >= 0.5 * below[-1], axis=0)
    return np.asarray(np.take_along_axis(values, np.take_along_axis(order, place[None], axis=0), axis=0)[0])


def _flat(lines: _Array) -> _Array:
    """All lines of an amplifier in one; shape (images, amplifiers, pixels)."""
    return lines.reshape(*lines.shape[:2], -1)


def _spread(values: NDArray[Any], parts: int = 4) -> NDArray[Any]:
    """Difference of the quartiles (or eighths) along the last axis, of finite values; NaN without any."""
    ordered = np.sort(np.where(np.isfinite(values), values, np.float32(math.nan)), axis=-1)  # NaN comes last
    last = np.maximum(np.count_nonzero(np.isfinite(ordered), axis=-1, keepdims=True) - 1, 0)
    if not ordered.size:
        return np.full(values.shape[:-1], math.nan)
    low, high = (
        np.take_along_axis(ordered, place, axis=-1) for place in (last // parts, last - last // parts)
    )
    return np.asarray((high - low)[..., 0])


def _measure_amplifier(
    pixels: NDArray[np.float32], flags: NDArray[np.uint16]
) -> tuple[float, float, float, float, float, _Array, NDArray[np.float32], NDArray[np.float32]]:
    """Level, noise, number of pixels, usable and saturated parts, medians of blocks, rows, columns."""
    rows, columns = _lines(pixels, flags), _lines(pixels.T, flags.T)
    step = max(1, pixels.size // SAMPLE) | 1  # odd, so that it sees even and odd rows
    pixels, flags = pixels[::step], flags[::step]
    known = (flags & np.uint16(MaskPlane.BAD)) == 0
    good, values = _usable(pixels, flags)
    all_known = np.count_nonzero(known)
    if not all_known:
        return math.nan, math.nan, math.nan, math.nan, math.nan, np.full(BLOCKS**2, math.nan), rows, columns
    saturated = np.count_nonzero(known & ((flags & np.uint16(MaskPlane.SAT)) != 0)) / all_known
    usable = np.count_nonzero(good) / all_known
    found = clipped_statistics(pixels[good])
    noise = math.nan
    for apart in (1, 2):  # neighbours, or the next where every second pixel is a defect
        differences = values[:, apart:] - values[:, :-apart]
        differences = differences[np.isfinite(differences)]
        if differences.size:
            low, high = np.percentile(differences, (25, 75))
            noise = IQR_TO_SIGMA * float(high - low) / math.sqrt(2.0)
            break
    blocks = [
        _block_median(block)
        for band in np.array_split(values, BLOCKS, axis=0)
        for block in np.array_split(band, BLOCKS, axis=1)
    ]
    return found.mean, noise, float(found.count), usable, saturated, np.array(blocks), rows, columns


def _lines(pixels: NDArray[np.float32], flags: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Parts of rows, evenly spaced from corner to corner, with NaN for what is not usable."""
    length = min(pixels.shape)
    number = min(len(pixels), max(LEAST_LINES, LINES // length, -(-pixels.shape[1] // length)))
    place = (2 * np.arange(number) + 1) * len(pixels) // (2 * number)
    first = np.arange(number) * (pixels.shape[1] - length) // max(1, number - 1)
    box = place[:, None], first[:, None] + np.arange(length)
    return _usable(pixels[box], flags[box])[1]


def _usable(
    pixels: NDArray[np.float32], flags: NDArray[np.uint16]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which pixels are usable, and the pixels with NaN for the others."""
    good = ((flags & _UNUSABLE) == 0) & np.isfinite(pixels)
    return good, np.where(good, pixels, np.float32(math.nan))


def _block_median(block: NDArray[np.float32]) -> float:
    """Median of a block, NaN if less than half of it is good."""
    good = block[np.isfinite(block)]
    return float(np.median(good)) if 2 * good.size > block.size else math.nan
