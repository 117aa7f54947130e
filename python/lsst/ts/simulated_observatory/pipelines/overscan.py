"""Bias level of an amplifier from its overscans, and what saturated, bled or was clipped."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .raws import RawAmplifier
from .statistics import IQR_TO_SIGMA, clipped_statistics, sample

__all__ = ["FIT_TYPES", "OverscanResult", "subtract_overscan"]

FIT_TYPES = ("MEDIAN_PER_ROW", "MEAN_PER_ROW", "MEDIAN", "MEAN")
"""How the level of each line, or one for all, is found, by the names that pipelines use."""

CHARGE = 100.0
"""Least deviation of an overscan, adu, that is charge and no bias level: a parallel overscan does not deviate
by so much (ip_isr, OverscanAmpConfig), nor a serial one whose rows are alike."""

TRAIL = 8.0, 0.1
"""Deviation of a column of a parallel overscan from the others that can be charge, in sigma of what they
differ by, and part of the signal of the column that it is at most: a bias level is in the image, too."""

MANY_TRAILS = 0.01
"""Part of the signal from which it can be charge in most columns, too, that differ from the lowest quarter: a
smaller one may be the bias level of every other column."""

MOST_CHARGE = 1000.0
"""Deviation of a serial overscan, adu, that is charge, however the rows differ (the same, maxDeviation)."""

SCATTER = 10.0
"""Deviation of an overscan that is charge, in sigma of its noise and of the levels of its rows."""

MAD_TO_SIGMA = 1.4826
"""Sigma of a normal distribution, in units of its median absolute deviation."""

OUTLIER = 5.0
"""Deviation from the median of its line, in sigma, from which a pixel does not count in a mean."""

CEILING = 10
"""Least number of pixels at the highest value of all that show the end of a converter's range."""

ENOUGH_ROWS = 10
"""Rows from which it is known what they have in common."""


@dataclass(frozen=True, eq=False)
class OverscanResult:
    """An amplifier without its bias level.

    Parameters
    ----------
    pixels
        Imaging area, adu, as read out (not mirrored), shape (rows, columns).
    saturated
        Pixels that saturate, that the converter clipped, and those of rows and columns that bleed into their
        overscan; same shape.
    serial_median, residual_sigma
        Median of the levels of the rows, and clipped standard deviation of the serial overscan after its own
        subtraction, corrected for what that takes of it, adu: the read noise.
    level_error
        Standard error of the level that all pixels have in common, adu.
    """

    pixels: NDArray[np.float32]
    saturated: NDArray[np.bool_]
    serial_median: float
    residual_sigma: float
    level_error: float


def subtract_overscan(
    raw: RawAmplifier,
    *,
    fit_type: str = "MEDIAN_PER_ROW",
    leading: int = 3,
    trailing: int = 3,
    parallel: bool = True,
    saturation: float = math.inf,
) -> OverscanResult:
    """Subtract the serial overscan of each row, then the parallel overscan of each column.

    Saturated pixels are found in between: where columns bleed, the parallel overscan has their charge. Pixels
    of an overscan with charge do not count. A row or column with charge in more than half of its overscan has
    the level of the others, is saturated, and does not count for other levels. So has a column with a little
    more in its overscan than the others, which may be charge that its signal left there.

    Parameters
    ----------
    raw, fit_type
        Amplifier as read out, and one of `FIT_TYPES`, for rows and for columns.
    leading, trailing
        Lines of each overscan region that are not used, at its beginning and its end.
    parallel
        Whether to do the second step.
    saturation
        Signal, adu, above which a pixel is saturated.

    Returns
    -------
    result
        Pixels, level and noise.

    Raises
    ------
    ValueError
        An overscan region is too small to have lines left.
    """
    rows, columns = raw.imaging
    serial = slice(columns.stop + leading, raw.array.shape[1] - trailing)
    if serial.stop <= serial.start:
        raise ValueError(f"amplifier {raw.amplifier.name} has too few columns of serial overscan")
    lines = slice(rows.stop + leading, raw.array.shape[0] - trailing)
    if parallel and lines.stop <= lines.start:
        raise ValueError(f"amplifier {raw.amplifier.name} has too few rows of parallel overscan")
    strip = raw.array[:, serial].astype(np.float32)
    medians = np.median(strip, axis=1)
    noise = MAD_TO_SIGMA * float(np.median(np.abs(sample(strip - medians[:, None]))))
    least = max(CHARGE, SCATTER * noise)
    good, usual = _serial_without_charge(strip, medians, raw.array[:, : columns.start], least)
    level, row_bleeds = _levels(strip, good, fit_type, medians, usual)
    residual = np.where(good, strip - level[:, None], np.float32(np.nan))[rows]
    pixels = raw.array[:, columns].astype(np.float32)
    pixels -= level[:, None]
    saturated = (pixels[rows] > saturation) | row_bleeds[rows, None]
    saturated |= _at_ceiling(raw.array[rows, columns], float(np.median(level)) + MOST_CHARGE)
    if parallel:
        overscan = np.ascontiguousarray(pixels[lines].T)
        usable = (np.abs(overscan) <= least) & ~row_bleeds[lines]
        offset, column_bleeds = _levels(overscan, usable, fit_type, np.median(overscan, axis=1), 0.0)
        least_error = noise * math.sqrt(math.pi / 2.0 / overscan.shape[1])
        trails = ~column_bleeds & _trails(offset, offset[~column_bleeds], pixels[rows], least_error)
        offset[trails] = np.median(offset[~trails])
        pixels[rows] -= offset
        saturated |= column_bleeds | trails
    sigma = _noise(residual, strip.shape, fit_type)
    return OverscanResult(
        pixels=pixels[rows],
        saturated=saturated,
        serial_median=float(np.median(level[rows])),
        residual_sigma=sigma,
        level_error=sigma
        * _relative_level_error(pixels[rows].shape, strip.shape[1], lines, fit_type, parallel),
    )


def _serial_without_charge(
    strip: NDArray[np.float32], medians: NDArray[np.float32], prescan: NDArray[Any], least: float
) -> tuple[NDArray[np.bool_], float]:
    """Pixels of a serial overscan without charge, and its usual level.

    Charge is what deviates from the usual level of the rows by more than ``least`` and more than they differ
    among each other. If all have charge, it is the prescan, read before any charge, that has the level.
    """
    low, usual, high = np.percentile(medians, (25, 50, 75))
    limit = max(least, min(SCATTER * IQR_TO_SIGMA * float(high - low), MOST_CHARGE))
    if prescan.size and usual - (before := float(np.median(prescan))) > MOST_CHARGE:
        usual, limit = before, max(least, MOST_CHARGE)
    return np.abs(strip - np.float32(usual)) <= limit, float(usual)


def _levels(
    strip: NDArray[np.float32],
    good: NDArray[np.bool_],
    fit_type: str,
    medians: NDArray[np.float32],
    usual: float,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Levels of the lines of an overscan from its good pixels, and which have too few of them.

    Shapes (lines, pixels in each), the same, and (lines,) for the medians of all pixels and both results.
    Lines with too few have the median of the others, or the usual level if there are none.
    """
    bleeds = np.count_nonzero(good, axis=1) * 2 < strip.shape[1]
    per_line, complete = fit_type.endswith("PER_ROW"), bool(good.all())
    kept = strip if complete else np.where(good & ~bleeds[:, None], strip, np.float32(np.nan))
    kept = kept if per_line else kept.reshape(1, -1)
    level = medians.copy() if per_line and complete else _median(kept)
    if fit_type.startswith("MEAN"):
        residual = kept - level[:, None]
        low, high = np.nanpercentile(residual, (25, 75)) if np.isfinite(level).any() else (0.0, 0.0)
        inside = np.abs(residual) <= OUTLIER * IQR_TO_SIGMA * float(high - low)
        with np.errstate(invalid="ignore"):
            level += np.where(inside, residual, np.float32(0.0)).sum(axis=1) / inside.sum(axis=1)
    level = np.broadcast_to(level, bleeds.shape).copy()
    level[bleeds] = usual if bleeds.all() else np.median(level[~bleeds])
    return level, bleeds


def _trails(
    offset: NDArray[np.float32], good: NDArray[np.float32], pixels: NDArray[np.float32], least_error: float
) -> NDArray[np.bool_]:
    """Columns whose overscan may have charge of their signal: its level, or theirs, cannot be told."""
    lowest, low, usual, high = np.percentile(good, (5, 25, 50, 75)) if good.size else (0.0,) * 4
    least, more = max(least_error, 1.0), offset - low
    alone = offset - usual > TRAIL[0] * max(IQR_TO_SIGMA * float(high - low), least)
    found = alone | (more > TRAIL[0] * max(float(low - lowest), least))
    part = more[found] / np.maximum(np.median(pixels[:, found], axis=0), 1e-30)
    found[found] = (part < TRAIL[1]) & (alone[found] | (part > MANY_TRAILS))
    return np.asarray(found)


def _median(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median of the finite pixels of each line; NaN if it has none."""
    level = np.median(lines, axis=1)
    for line in np.flatnonzero(np.isnan(level)):
        if (finite := lines[line][np.isfinite(lines[line])]).size:
            level[line] = np.median(finite)
    return np.asarray(level, dtype=np.float32)


def _at_ceiling(pixels: NDArray[Any], least: float) -> NDArray[np.bool_] | np.bool_:
    """Pixels at the highest of all values, if so many are there that the range of the converter ends there.

    Of a signal with noise there are no more pixels at its highest value than just below. Values up to
    ``least`` are no signal: a dead amplifier may have one value everywhere.
    """
    top = float(pixels.max())
    if top <= least:
        return np.False_
    at_top = pixels == top
    number = np.count_nonzero(at_top)
    if number >= CEILING and number > np.count_nonzero((pixels < top) & (pixels >= top - 3.0)):
        return np.asarray(at_top)
    return np.False_


def _noise(residual: NDArray[np.float32], shape: tuple[int, ...], fit_type: str) -> float:
    """Noise of an overscan from what is left of it without its level.

    What all of its rows have in common (settling, a slope, odd and even columns) is no noise: the median of
    each column is subtracted, which takes up 2 - pi / 2 of one of its values.
    """
    left = _residual_noise(shape, fit_type)
    if len(residual) >= ENOUGH_ROWS:
        residual = residual - _median(residual.T)
        left *= math.sqrt(1.0 - (2.0 - 0.5 * math.pi) / len(residual))
    return clipped_statistics(residual).sigma / left


def _residual_noise(shape: tuple[int, ...], fit_type: str) -> float:
    """Noise of an overscan (lines, pixels in each) about its own level, in units of its noise.

    The level of n pixels follows each by 1 / n: the variance about their mean is 1 - 1 / n, and about their
    median, whose variance is pi / 2 n, 1 - (2 - pi / 2) / n.
    """
    number = max(shape[1] if fit_type.endswith("PER_ROW") else shape[0] * shape[1], 2)
    return math.sqrt(1.0 - (2.0 - 0.5 * math.pi if fit_type.startswith("MEDIAN") else 1.0) / number)


def _relative_level_error(
    shape: tuple[int, ...], serial: int, lines: slice, fit_type: str, parallel: bool
) -> float:
    """Error of the level of an amplifier, in units of the read noise.

    Where the level of the rows of the parallel overscan is off, all columns are: these few rows dominate. The
    variance of a median of n values is pi/2 n.
    """
    rows, columns = shape
    variance = 1.0 / (serial * rows)
    if parallel:
        number = lines.stop - lines.start
        variance += 1.0 / (serial * number) + 1.0 / (number * columns)
    return math.sqrt(variance * (0.5 * math.pi if fit_type.startswith("MEDIAN") else 1.0))
