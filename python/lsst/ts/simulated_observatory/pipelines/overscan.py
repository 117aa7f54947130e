"""Subtraction of the bias level, measured in the overscan regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .raws import RawAmplifier
from .statistics import clipped_statistics

__all__ = ["FIT_TYPES", "OverscanResult", "subtract_overscan"]


def _rows(function: Callable[..., Any]) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """One level for each row of an overscan."""
    return lambda strip: np.asarray(function(strip, axis=1), dtype=np.float32)


def _constant(function: Callable[..., Any]) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """One level for all rows of an overscan."""
    return lambda strip: np.full(strip.shape[0], function(strip), dtype=np.float32)


FIT_TYPES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "MEDIAN_PER_ROW": _rows(np.median),
    "MEAN_PER_ROW": _rows(np.mean),
    "MEDIAN": _constant(np.median),
    "MEAN": _constant(np.mean),
}
"""How the level of each line is found, by the name that pipelines use."""


@dataclass(frozen=True, eq=False)
class OverscanResult:
    """An amplifier without its bias level.

    Parameters
    ----------
    pixels
        Imaging area, adu, as read out (not mirrored).
    serial_median
        Median of the levels of the rows, adu.
    residual_sigma
        Clipped standard deviation of the serial overscan after its own subtraction, adu: the read noise.
    """

    pixels: NDArray[np.float32]
    serial_median: float
    residual_sigma: float


def subtract_overscan(
    raw: RawAmplifier,
    *,
    fit_type: str = "MEDIAN_PER_ROW",
    leading: int = 3,
    trailing: int = 3,
    parallel: bool = True,
) -> OverscanResult:
    """Subtract the serial overscan of each row, then the parallel overscan of each column.

    Parameters
    ----------
    raw
        Amplifier as read out.
    fit_type
        Key of `FIT_TYPES`, for rows and for columns.
    leading, trailing
        Lines of each overscan region that are not used, at its beginning and its end.
    parallel
        Whether to do the second step.

    Returns
    -------
    result
        Pixels of the imaging area, level and noise of the overscan.

    Raises
    ------
    ValueError
        An overscan region is too small to have lines left.
    """
    rows, columns = raw.imaging
    serial = slice(columns.stop + leading, raw.array.shape[1] - trailing)
    if serial.stop <= serial.start:
        raise ValueError(f"amplifier {raw.amplifier.name} has too few columns of serial overscan")
    level = FIT_TYPES[fit_type]
    strip = raw.array[:, serial].astype(np.float32)
    serial_level = level(strip)
    residual = strip[rows] - serial_level[rows, None]
    pixels = raw.array[:, columns].astype(np.float32)
    pixels -= serial_level[:, None]
    if parallel:
        lines = slice(rows.stop + leading, raw.array.shape[0] - trailing)
        if lines.stop <= lines.start:
            raise ValueError(f"amplifier {raw.amplifier.name} has too few rows of parallel overscan")
        pixels[rows] -= level(np.ascontiguousarray(pixels[lines].T))
    return OverscanResult(
        pixels=pixels[rows],
        serial_median=float(np.median(serial_level[rows])),
        residual_sigma=clipped_statistics(residual).sigma,
    )
