"""Levels of flats: one for each exposure, so that detectors under one lamp keep their ratios."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .statistics import finite_median

__all__ = ["exposure_levels"]

_TURNS = 20


def exposure_levels(
    levels: NDArray[Any], pixels: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Separate the levels of flats into those of exposures and factors of detectors.

    A level is taken to be the product of both. Alternating medians of the ratios make the solution, so that
    one detector that is off in one exposure changes neither. The factors have a mean of 1, weighted with the
    pixels of the detectors, and stay in the combined flats (cp_pipe, cpFlatNorm): a flat that were divided by
    the level of its own detector would remove the ratios of the detectors from all images.

    Parameters
    ----------
    levels
        Shape (exposures, detectors); what is not positive and finite is not known.
    pixels
        From which the level of a detector was measured, shape (detectors,).

    Returns
    -------
    exposures, detectors, common
        Level of each exposure, in the unit of the levels, and factor of each detector; NaN where nothing is
        known. One detector has the factor 1. A detector that has no exposure in common with the others is
        not known: only the same light shows a ratio. And the number of exposures that each detector has in
        common with those that were known before it: its ratio to them is their median, so that of fewer than
        three a single one can be wrong without notice.
    """
    levels = np.asarray(levels, dtype=np.float64)
    levels = np.where(levels > 0.0, levels, np.nan)
    factors, common = _first_factors(levels)
    levels[:, np.isnan(factors)] = np.nan
    for _ in range(_TURNS):
        exposures = finite_median(levels / factors, axis=1)
        factors = finite_median(levels / exposures[:, None])
        weights = np.where(np.isfinite(factors), pixels, 0.0)
        if weights.any():
            factors = factors * weights.sum() / np.nansum(factors * weights)
    return finite_median(levels / factors, axis=1), factors, common


def _first_factors(levels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Factors of the detectors from the exposures that they have in common, and the numbers of these.

    One detector after another, with the most of them first; the first one has all of its exposures.

    The alternating medians do not find them: an exposure that a single detector has is at the level that the
    factor of this detector makes of it, and so confirms any.
    """
    known = np.isfinite(levels)
    common = known.T.astype(int) @ known
    factors = np.full(levels.shape[1], np.nan)
    new = int(np.argmax(common.sum(axis=0)))
    factors[new], number = 1.0, np.diag(common).copy()
    while True:
        exposures = finite_median(levels / factors, axis=1)
        shared = np.count_nonzero(known & np.isfinite(exposures)[:, None], axis=0)
        new = int(np.argmax(np.where(np.isnan(factors), shared, 0)))
        if not (np.isnan(factors[new]) and shared[new]):
            return factors, number
        number[new] = shared[new]
        factors[new] = finite_median(levels[:, new : new + 1] / exposures[:, None])[0]
