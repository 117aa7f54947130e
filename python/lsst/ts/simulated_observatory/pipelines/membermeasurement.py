"""Images measured by amplifier before they are combined: level, noise, shape, usable and saturated parts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import DetectorImage, MaskPlane
from .statistics import IQR_TO_SIGMA, clipped_statistics, finite_median

__all__ = ["BLOCKS", "Member", "level_error", "measure_member", "own_structure"]

BLOCKS = 4
"""Blocks on each side of an amplifier, whose levels are its shape."""

SAMPLE = 60_000
"""Pixels of an amplifier that are measured: whole rows, evenly spaced."""

ROWS = 3
"""Rows of an amplifier that are kept pixel by pixel."""

OVERSCAN = (58, 42)
"""Columns and rows of the overscans, of which medians are subtracted from each row and each column."""

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
    rows
        `ROWS` of each amplifier, NaN where a pixel is not usable; shape (amplifiers, `ROWS`, width).
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
    """
    found = [_measure_amplifier(image.pixels(name), image.flags(name)) for name in image.amplifiers]
    level, noise, count, usable, saturated = np.array([each[:5] for each in found]).T
    blocks = np.array([each[5] for each in found])
    rows = np.array([each[6] for each in found])
    height, width = np.array([(each.height, each.width) for each in image.amplifiers.values()]).T
    error = level_error(noise, np.maximum(count, 1.0), height, width)
    block = (
        noise
        * math.sqrt(BLOCKS)
        * level_error(1.0, np.maximum(count, 1.0) * 2.0 / math.pi / BLOCKS, height, width)
    )
    return Member(tuple(image.amplifiers), level, noise, error, blocks, block, count, usable, saturated, rows)


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


def own_structure(members: Sequence[Member], scales: _Array) -> tuple[_Array, _Array]:
    """What an image has that the others have not, within a row: fringes of another filter, pick-up, waves.

    Parameters
    ----------
    members, scales
        Images, and by what each is divided.

    Returns
    -------
    scatter, error
        Scatter of what a row has beside that of most images, relative to what the differences of neighbours
        make of it, 1 for noise without structure, and its error; shape (images, amplifiers).
    """
    rows = np.array([each.rows / scale for each, scale in zip(members, scales, strict=True)])
    rows -= finite_median(rows)
    rows -= finite_median(rows, axis=-1)[..., None]
    rows = rows.reshape(*rows.shape[:2], -1)
    change = np.diff(rows, axis=-1)
    number = np.count_nonzero(np.isfinite(change), axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scatter = math.sqrt(2.0) * _spread(rows) / _spread(change)
        return np.where(scatter > 0.0, scatter, math.nan), 1.2 * scatter / np.sqrt(number)


def _spread(values: _Array) -> _Array:
    """Difference of the quartiles along the last axis, without what is not finite."""
    if not np.isfinite(values).any():
        return np.full(values.shape[:-1], math.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all of an amplifier may be missing
        low, high = np.nanpercentile(values, (25, 75), axis=-1)
    return np.asarray(high - low)


def _measure_amplifier(
    pixels: NDArray[np.float32], flags: NDArray[np.uint16]
) -> tuple[float, float, float, float, float, _Array, NDArray[np.float32]]:
    """Level, noise, number of pixels, usable and saturated parts, medians of blocks, some rows."""
    step = max(1, pixels.size // SAMPLE) | 1  # odd, so that it sees even and odd rows
    pixels, flags = pixels[::step], flags[::step]
    known = (flags & np.uint16(MaskPlane.BAD)) == 0
    bad = (flags & np.uint16(MaskPlane.SAT | MaskPlane.CR | MaskPlane.NO_DATA)) != 0
    good = known & ~bad & np.isfinite(pixels)
    values = np.where(good, pixels, np.float32(math.nan))
    rows = values[(2 * np.arange(ROWS) + 1) * len(values) // (2 * ROWS)]
    all_known = np.count_nonzero(known)
    if not all_known:
        return math.nan, math.nan, math.nan, math.nan, math.nan, np.full(BLOCKS**2, math.nan), rows
    saturated = np.count_nonzero(known & ((flags & np.uint16(MaskPlane.SAT)) != 0)) / all_known
    usable = np.count_nonzero(good) / all_known
    found = clipped_statistics(pixels[good])
    differences = np.diff(values, axis=1)
    differences = differences[np.isfinite(differences)]
    noise = math.nan
    if differences.size:
        low, high = np.percentile(differences, (25, 75))
        noise = IQR_TO_SIGMA * float(high - low) / math.sqrt(2.0)
    blocks = [
        _block_median(block)
        for band in np.array_split(values, BLOCKS, axis=0)
        for block in np.array_split(band, BLOCKS, axis=1)
    ]
    return found.mean, noise, float(found.count), usable, saturated, np.array(blocks), rows


def _block_median(block: NDArray[np.float32]) -> float:
    """Median of a block, NaN if less than half of it is good."""
    good = block[np.isfinite(block)]
    return float(np.median(good)) if 2 * good.size > block.size else math.nan
