"""What a least-squares fit knows: rank, errors, points that are off. Linear algebra at the solution."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Estimate", "Faults", "Solution", "estimate", "single_faults", "solution", "unchecked"]

CONDITION = 1e6
"""Condition number of the derivatives (columns of length one) from which parameters count as undetermined."""

LEFT = 0.01
"""Part of a fault, squared, that the parameters must not be able to take up: where less is left, the points
do not tell, and the little would be read as a fault of any size."""

OFF_SCALE = 15.0
"""How far a point is off that is off, in sigma: what is farther from the others and known to be off was
rejected."""

WIDEST = 3.0
"""A fault has its usual size, or the size it must have to lie within so many sigma of what was expected."""

SCATTER = 0.07
"""Prior probability that all points scatter by more than their errors."""

SCATTERS = np.geomspace(1.5, 20.0, 12)
"""By so many of their errors: they are equally probable."""

REJECTED = 0.04
"""Prior probability that one of the rejected points is off, and does not scatter as all others do."""

CHECKED = 0.9
"""Leverage up to which others check a point."""

SEEN = 3.5
"""Sigma from which a fault shows in the residual of its own point."""

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
    directions
        Changes of the parameters with each point, shape (n, p).
    basis
        What the parameters can take up of the residuals, orthonormal, shape (n, p).
    """

    covariance: Array
    leverage: Array
    deviations: Array
    directions: Array
    basis: Array

    def free(self, faults: Array) -> Array:
        """Squared length of what the parameters cannot take up.

        Parameters
        ----------
        faults
            What may be added to the residuals, shape (n, m).

        Returns
        -------
        free
            Shape (m,); 0 where less than `LEFT` of it is left.
        """
        whole = np.sum(faults**2, axis=0)
        left = whole - np.sum((self.basis.T @ faults) ** 2, axis=0)
        return np.asarray(np.where(left > LEFT * whole, left, 0.0))


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
    rest[rest * CONDITION <= 1.0] = math.inf
    return Solution(root @ root.T, leverage, residuals / np.sqrt(rest), left @ root.T, left)


@dataclass(frozen=True)
class Faults:
    """What may be off, one of it at most.

    Parameters
    ----------
    columns
        What each fault of the usual size adds to the residuals, in sigma, shape (n, m).
    probability
        Prior probability of each, shape (m,).
    """

    columns: Array
    probability: Array

    def __or__(self, other: Faults) -> Faults:
        """One of these or of the others."""
        return Faults(
            np.hstack([self.columns, other.columns]),
            np.concatenate([self.probability, other.probability]),
        )


def single_faults(found: Solution, off: float, suspects: NDArray[np.bool_]) -> Faults:
    """One of the points is off.

    Parameters
    ----------
    found
        Of the fit.
    off, suspects
        Prior probability that one of the points is off, and which can be, shape (n,).

    Returns
    -------
    faults
        Points that pull harder are suspected more, in proportion to h (1 - h) with the leverage h, as long as
        others check them: otherwise the errors are too small just where a point that is off does most harm.
    """
    prior = np.where(suspects, found.leverage * (1.0 - found.leverage), 0.0)
    return Faults(
        OFF_SCALE * np.eye(suspects.size)[:, suspects], off * prior[suspects] / max(prior.sum(), 1e-300)
    )


def unchecked(found: Solution, sizes: Array, off: float) -> Array:
    """What points that no others check add to the covariance of the parameters.

    Parameters
    ----------
    found
        Of the fit.
    sizes, off
        By how much a point that is off is off, sigma, shape (n,), and the prior probability that one is.

    Returns
    -------
    covariance
        Shape (p, p); 0 where others check each point, or it would show that it is off.
    """
    seen = sizes * np.sqrt(1.0 - found.leverage)  # in sigma of the residual that is left of it
    alone = (found.leverage > CHECKED) & (sizes > 0.0) & (seen < SEEN)
    changes = (sizes[:, None] * found.directions)[alone]
    return np.asarray(off * changes.T @ changes / max(len(changes), 1))


@dataclass(frozen=True)
class Estimate:
    """Parameters with the doubt that something is off.

    Parameters
    ----------
    shift, covariance
        What is to be added to the fitted parameters, shape (p,), and their covariance, shape (p, p).
    """

    shift: Array
    covariance: Array


def estimate(
    found: Solution,
    residuals: Array,
    faults: Faults,
    points: NDArray[np.bool_],
    rejected: Array | None = None,
) -> Estimate:
    """Average over what may be: all points are good, there is one of some faults, or all scatter.

    A point that is off by some sigma is neither found for certain nor harmless. Each possibility has the
    weight with which the points speak for it, so that the errors grow as far as they leave it open.

    Parameters
    ----------
    found, residuals
        Of the fit, model minus data in sigma, shape (n,).
    faults
        What may be off.
    points
        Which may scatter by more than their errors, all by the same factor, shape (n,).
    rejected
        Deviations of further ones that were rejected, sigma: they may be off, or scatter as all others.

    Returns
    -------
    estimate
        Mean and covariance.

    Notes
    -----
    A mixture as in Hogg, Bovy & Lang 2010 (arXiv:1008.4686, section 3), with one fault at most. Where chi^2
    per degree of freedom, also without the fault, is larger than chance makes it (two of its sigma above 1),
    all errors are larger by its root.
    """
    chi_square, dof = float(np.sum(residuals**2)), residuals.size - len(found.covariance)
    free = found.free(faults.columns)
    can = (free > 0.0) & (faults.probability > 0.0)
    if dof < 1 or not can.any():
        return Estimate(np.zeros(len(found.covariance)), found.covariance)
    columns, probability, free = faults.columns[:, can], faults.probability[can], free[can]
    along = residuals @ columns
    gain = along**2 / free
    wide = np.maximum(free, gain / WIDEST**2 - 1.0)
    part = wide / (1.0 + wide)
    logs = np.log(probability) - 0.5 * np.log1p(wide) + 0.5 * gain * part
    logs = np.append(logs, math.log(1.0 - SCATTER - faults.probability.sum()))
    more = math.log(SCATTER / SCATTERS.size) + 0.5 * np.sum(residuals[points] ** 2) * (1.0 - SCATTERS**-2)
    logs = np.append(logs, more - np.sum(1.0 - found.leverage[points]) * np.log(SCATTERS))
    for square in [] if rejected is None else (rejected**2).tolist():
        width = max(OFF_SCALE**2, square / WIDEST**2 - 1.0)
        off = math.log(REJECTED) - 0.5 * (math.log1p(width) + square / (1.0 + width))
        logs[-SCATTERS.size :] -= off + np.log(SCATTERS) + 0.5 * square / SCATTERS**2
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    weights, scatters = weights[: -SCATTERS.size], weights[-SCATTERS.size :]
    changes = columns.T @ found.directions
    shifts = changes * (along / free * part)[:, None]
    shift = weights[:-1] @ shifts
    within = found.covariance + (changes.T * (weights[:-1] * part / free)) @ changes
    left = weights[:-1] @ (chi_square - gain) / max(dof - 1, 1) + weights[-1] * chi_square / dof
    left += scatters.sum()
    scatter = scatters @ (SCATTERS**2 - 1.0) * found.directions[points].T @ found.directions[points]
    between = (shifts.T * weights[:-1]) @ shifts - np.outer(shift, shift)
    chance = 1.0 + 2.0 * math.sqrt(2.0 / dof)
    return Estimate(shift, within * (left if left > chance else 1.0) + between + scatter)
