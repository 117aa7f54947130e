"""What a least-squares fit knows: rank, errors, points that are off. Linear algebra at the solution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "Solution", "estimate", "solution"]

CONDITION = 1e6
"""Condition number of the derivatives (columns of length one) from which parameters count as undetermined."""

OFF_SCALE = 5.0
"""How far a point is off that is off, in sigma, or as far as it then must be: what is farther from the others
and known to be off was rejected."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """Errors of a fit of p parameters to n points, and what each point does to it.

    Parameters
    ----------
    covariance
        Of the parameters, shape (p, p).
    leverage
        Part of each point in its own prediction, 0 to 1, shape (n,).
    deviations
        Misfit of each point (model minus data), in sigma of the prediction by all others, shape (n,); 0 where
        the others predict nothing.
    shifts
        What is to be added to the parameters if a point is left out, shape (n, p).
    directions
        Changes of the parameters with each point, shape (n, p).
    """

    covariance: Array
    leverage: Array
    deviations: Array
    shifts: Array
    directions: Array


def solution(jacobian: Array, residuals: Array) -> Solution | None:
    """Errors of a fit, and what each point does to it.

    Parameters
    ----------
    jacobian, residuals
        Derivatives of the residuals by the parameters, shape (n, p); model minus data, in sigma, shape (n,).

    Returns
    -------
    solution
        None if the points do not determine all parameters: no error is given where a pseudo-inverse would
        give a small one.

    Notes
    -----
    Deletion formulas: Belsley, Kuh & Welsch 1980, Regression Diagnostics, section 2.1.
    """
    lengths = np.sqrt(np.sum(jacobian**2, axis=0))
    if len(jacobian) < len(lengths) or not np.all(np.isfinite(lengths) & (lengths > 0.0)):
        return None
    left, values, right = np.linalg.svd(jacobian / lengths, full_matrices=False)
    if values[-1] * CONDITION < values[0]:
        return None
    root = right.T / values / lengths[:, None]
    leverage = np.minimum(np.sum(left**2, axis=1), 1.0)
    rest = 1.0 - leverage
    predicted = rest > 1.0 / CONDITION
    rest[~predicted] = math.inf
    directions = left @ root.T
    return Solution(
        covariance=root @ root.T,
        leverage=leverage,
        deviations=residuals / np.sqrt(rest),
        shifts=directions * (residuals / rest)[:, None],
        directions=directions,
    )


@dataclass(frozen=True)
class Estimate:
    """Parameters with the doubt that one of the points is off.

    Parameters
    ----------
    shift, covariance
        What is to be added to the fitted parameters, shape (p,), and their covariance, shape (p, p).
    """

    shift: Array
    covariance: Array


def estimate(
    found: Solution, residuals: Array, off: float, suspects: NDArray[np.bool_] | None = None
) -> Estimate:
    """Average over what may be: all points are good, or one of them is off.

    A point that is off by some sigma is neither found for certain nor harmless. Each possibility has the
    weight with which the points speak for it, so that the errors grow as far as they leave it open.

    Parameters
    ----------
    found, residuals
        Of the fit, model minus data in sigma, shape (n,).
    off, suspects
        Prior probability that one of the points is off, and which can be, shape (n,); all if None.

    Returns
    -------
    estimate
        Mean and covariance.

    Notes
    -----
    A mixture as in Hogg, Bovy & Lang 2010 (arXiv:1008.4686, section 3), with one bad point at most. Points
    that pull harder are suspected more, in proportion to h (1 - h) with the leverage h, as long as others
    check them: otherwise the errors are too small just where a point that is off does most harm. What
    scatters more than it may, also without the point that is off, makes all errors larger by the root of
    chi^2 / degrees of freedom.
    """
    rest = 1.0 - found.leverage
    can = rest > 1.0 / CONDITION
    if suspects is not None:
        can &= suspects
    chi_square, dof = float(np.sum(residuals**2)), residuals.size - len(found.covariance)
    if dof < 1 or not can.any():
        return Estimate(np.zeros(len(found.covariance)), found.covariance)
    rest = np.where(can, rest, 1.0)
    prior = np.where(can, found.leverage * rest, 0.0)
    wide = np.maximum(OFF_SCALE**2 * rest, found.deviations**2)
    with np.errstate(divide="ignore"):
        logs = np.log(off * prior / prior.sum()) - 0.5 * np.log1p(wide)
    logs = np.append(logs + 0.5 * found.deviations**2 * wide / (1.0 + wide), math.log(1.0 - off))
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    shifts = np.where(can[:, None], found.shifts, 0.0)
    shift = weights[:-1] @ shifts
    each = weights[:-1] / rest
    within = found.covariance + (found.directions.T * each) @ found.directions
    left = (
        weights[:-1] @ (chi_square - found.deviations**2) / max(dof - 1, 1) + weights[-1] * chi_square / dof
    )
    between = (shifts.T * weights[:-1]) @ shifts - np.outer(shift, shift)
    return Estimate(shift, within * max(1.0, left) + between)
