"""Which points of a photon transfer curve follow the curve of one amplifier."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .curvepoints import Points, levels, of_the_level

__all__ = ["on_the_curve"]

LINEAR_LIMIT = 50_000.0
"""Signal (electron) below which the first fit is made."""

ROUNDS = 50
"""Most fits that are made to find the points that follow the curve."""

TOLERANCE = 0.03
"""Relative misfit of the first guess that is put up with, and by how much saturation at least lowers a
variance. Points that follow the curve are found without it."""

READMISSION = 0.9
"""Part of the limit of rejection from which a point is taken in again."""

CLEAR = 3.0
"""A point is rejected if that lowers chi^2 by the square of this more than any other point, or some that are
off together, would; else it remains, and the doubt is in the errors."""


def on_the_curve(points: Points, rejection: float) -> NDArray[np.bool_]:
    """Which points follow the curve that starts with the faint ones, see `ptcfit.fit_curve`.

    Parameters
    ----------
    points, rejection
        All points, and the misfit, in sigma, from which one no longer follows the curve.

    Returns
    -------
    used
        Shape (n,).
    """
    mean, variance = points.mean, points.variance
    used = _first_points(points)
    for _ in range(ROUNDS):
        values = points.fit(used)
        deviations = points.deviations(values, used)
        low = (deviations > rejection) & (mean * values[1] > LINEAR_LIMIT)
        low &= points.misfit(values) * points.error > TOLERANCE * variance
        before = mean < _turnoff(mean, low)
        if levels(mean[before]) <= points.free:  # the bright ones cannot be told from faint ones that are off
            before = mean > 0.0
        off = np.where(used & before, np.abs(deviations), 0.0)
        worst = int(np.argmax(off))
        others = max(points.deviation_together(values, used & before), float(np.sort(off)[-2]))
        alone = off[worst] > max(rejection, math.hypot(others, CLEAR))
        if alone and _identified(mean, used & before, worst, points.free):
            kept = used & before
            kept[worst] = False
        else:
            kept = before & (used | (np.abs(deviations) <= READMISSION * rejection))
        if levels(mean[kept]) < points.free or np.array_equal(kept, used):
            return kept
        used = kept
    return used


def _first_points(points: Points) -> NDArray[np.bool_]:
    """Points that are not far off: of all, or of the faint ones if less than half are then left."""
    mean, good = points.mean, points.mean > 0.0
    faint: NDArray[np.bool_] = mean * float(points.guess(good)[1]) <= LINEAR_LIMIT
    for limit in np.sort(mean):
        if levels(mean[faint]) > points.free:
            break
        faint = mean <= limit
    for some in (good, faint):
        misfit = np.abs(points.misfit(points.guess(some)) * points.error)
        near = some & (misfit <= np.maximum(5.0 * points.error, TOLERANCE * points.variance))
        if levels(mean[near]) > points.free and 2 * np.count_nonzero(near) > np.count_nonzero(some):
            return near
    return faint


def _turnoff(means: NDArray[np.float64], low: NDArray[np.bool_]) -> float:
    """Least mean of the points that are too low up to the brightest, or two in a row; infinite if none."""
    order = np.argsort(means)
    low = low[order]
    ends = np.flatnonzero(low & np.append(low[1:], True))
    return float(means[order][ends[0]]) if ends.size else math.inf


def _identified(mean: NDArray[np.float64], used: NDArray[np.bool_], point: int, free: int) -> bool:
    """Whether the others can say that it is this point that is off, and not another one."""
    others = used.copy()
    others[point] = False
    near = of_the_level(mean[others], mean[point])
    return levels(mean[others]) > free or int(np.count_nonzero(near)) >= 2
