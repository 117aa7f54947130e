"""Points of a photon transfer curve, and fits to some of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from .leastsquares import Faults, Solution, solution

__all__ = [
    "A00_UNIT",
    "TOGETHER_SIZE",
    "Points",
    "faults_together",
    "levels",
    "of_the_level",
    "variance_model",
]

A00_UNIT = 1e-6
"""Unit in which a00 is fitted, so that all parameters are of order one."""

LEVEL = 0.01
"""Relative difference from which means are different levels."""

TOGETHER = 0.25
"""Prior probability that pairs that follow each other in light, or all but these, are off together: two at
least, and not all but one."""

TOGETHER_SIZE = 0.02
"""By what part of the variance these then are off, and a single pair that no other checks."""

MOST_BENT = 2.0
"""Twice a00 times the light of the brightest point, electron, that is looked for: its variance is 0.43 or 3.2
times that of a straight line. Full wells and the brighter-fatter effect of real detectors come to 0.9."""

NEARLY = 0.99
"""Part of the limit at which a fit is at the limit."""

FITTED_GAINS = 0.01, 100.0
"""Gains, electron/adu, among which that of a curve is looked for: wider than those of amplifiers, so that
one that none has is seen, and does not end at the limit with another a00 that makes up for it."""


def variance_model(mean: NDArray[np.float64], gain: float, a00: float, noise: float) -> NDArray[np.float64]:
    """Variance (adu^2) of flats of some means (adu): Astier et al. 2019, equation 16.

    Parameters
    ----------
    mean
        adu, shape (n,).
    gain, a00, noise
        Electron per adu, 1/electron, and adu (without light).

    Returns
    -------
    variance
        adu^2, shape (n,).
    """
    return np.asarray(mean / gain * special.exprel(2.0 * a00 * gain * mean) + noise**2)


def levels(means: NDArray[np.float64]) -> int:
    """How many levels of light some means have that differ by more than `LEVEL`.

    Parameters
    ----------
    means
        Positive, adu, shape (n,).

    Returns
    -------
    levels
        Their number.
    """
    ordered = np.sort(means)
    return int(means.size > 0) + int(np.count_nonzero(np.diff(ordered) > LEVEL * ordered[1:]))


def of_the_level(means: NDArray[np.float64], level: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which means differ by no more than `LEVEL` from that of a level.

    Parameters
    ----------
    means, level
        Positive, adu; shapes that can be compared.

    Returns
    -------
    near
        Of their common shape.
    """
    return np.asarray(np.abs(means - level) <= LEVEL * level)


def faults_together(means: NDArray[np.float64], relative: NDArray[np.float64], middle: bool = True) -> Faults:
    """Pairs that follow each other in light are off together, in the same proportion.

    Parameters
    ----------
    means, relative
        Of the pairs: any unit, and variance in units of its error; shape (n,).
    middle
        Whether there may be fainter as well as brighter ones that are not off.

    Returns
    -------
    faults
        Of two pairs to all but two: those between two means, or all others; pairs of one level are off
        together or not at all.
    """
    ordered = np.sort(means)
    starts = ordered[1:][np.diff(ordered) > LEVEL * ordered[1:]]
    ends = np.concatenate([[-math.inf], starts, [math.inf]])
    first, last = np.triu_indices(ends.size, 1)
    inside = (means[:, None] >= ends[first]) & (means[:, None] < ends[last])
    possible = np.minimum(inside.sum(axis=0), (~inside).sum(axis=0)) >= 2
    possible &= middle | (first == 0) | (last == ends.size - 1)
    between = possible & (first > 0) & (last < ends.size - 1)
    inside = np.hstack([inside[:, possible], ~inside[:, between]])
    columns = inside * relative[:, None] * TOGETHER_SIZE
    return Faults(columns, np.full(columns.shape[1], TOGETHER / max(columns.shape[1], 1)))


@dataclass
class Points:
    """The points of a curve, and how many of the parameters (a00, gain, squared noise) are fitted to them.

    a00 is in `A00_UNIT`, the others in adu.

    Parameters
    ----------
    mean, variance, error
        Of the pairs, adu and adu^2, and the error of the variance; shape (n,).
    noise
        At which it is held, adu.
    free
        How many parameters are fitted: 3 with the noise.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    error: NDArray[np.float64]
    noise: float
    free: int = 2

    def guess(self, used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """First guess of the parameters, which half of the points cannot lead astray.

        The logarithm of variance / mean is nearly linear in the mean; its slope is a repeated median (Siegel
        1982, Biometrika 69, 242).

        Parameters
        ----------
        used
            Which points, shape (n,).

        Returns
        -------
        values
            Of the parameters, shape (free,).
        """
        mean, variance = self.mean[used], self.variance[used]
        log = np.log(np.maximum(variance - self.noise**2, 0.1 * variance) / mean)
        distance = mean[:, None] - mean
        distance[np.abs(distance) <= LEVEL * np.maximum(mean[:, None], mean)] = math.nan
        slope = float(np.median(np.nanmedian((log[:, None] - log) / distance, axis=1)))
        low, high = FITTED_GAINS
        gain = min(max(math.exp(-float(np.median(log - slope * mean))), 1.1 * low), NEARLY * high)
        faintest = int(np.argmin(mean))
        square = max(float(variance[faintest] - mean[faintest] / gain), 0.1 * self.noise**2)
        most = NEARLY * self.most_a00(gain, used)
        return np.array([min(max(slope / gain / A00_UNIT, -most), most), gain, square])[: self.free]

    def is_bent(self, used: NDArray[np.bool_], *curves: NDArray[np.float64]) -> bool:
        """Whether a curve is at the limit of what is looked for, or beyond: then it is none of photons.

        Parameters
        ----------
        used
            Which points the curves were fitted to, shape (n,).
        *curves
            Of each a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.

        Returns
        -------
        is_bent
            Whether any of them is; True also if a gain is not positive.
        """
        most = NEARLY * self.most_a00(float(self.guess(used)[1]), used)
        return not all(abs(each[0]) < most and each[1] > 0.0 for each in curves)

    def most_a00(self, gain: float, used: NDArray[np.bool_]) -> float:
        """Largest a00 that is looked for, see `MOST_BENT`.

        Parameters
        ----------
        gain, used
            Electron per adu, and which points, shape (n,).

        Returns
        -------
        most
            In `A00_UNIT`; the lowest is as far below 0.
        """
        return MOST_BENT / (2.0 * gain * float(self.mean[used].max())) / A00_UNIT

    def parameters(self, values: NDArray[np.float64]) -> tuple[float, float, float]:
        """Parameters in their units.

        Parameters
        ----------
        values
            a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.

        Returns
        -------
        a00, gain, square
            1/electron, electron/adu, and squared noise, adu^2.
        """
        return (
            float(values[0]) * A00_UNIT,
            float(values[1]),
            float(values[2]) if self.free == 3 else self.noise**2,
        )

    def misfit(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Model minus data, in sigma, of all points.

        Parameters
        ----------
        values
            a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.

        Returns
        -------
        misfit
            Shape (n,).
        """
        a00, gain, square = self.parameters(values)
        return (variance_model(self.mean, gain, a00, 0.0) + square - self.variance) / self.error

    def _derivatives(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of the misfit by the parameters, shape (n, free)."""
        steps = (0.01, 1e-4, max(1e-4 * self.noise**2, 1e-6))[: self.free]
        return np.asarray(optimize.approx_fprime(values, self.misfit, steps))

    def fit(self, used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Fit to some points, weighted.

        Parameters
        ----------
        used
            Which points, shape (n,).

        Returns
        -------
        values
            Of the parameters, shape (free,).
        """
        guess = self.guess(used)
        most, (low, high) = self.most_a00(float(guess[1]), used), FITTED_GAINS
        found = optimize.least_squares(
            lambda values: self.misfit(values)[used],
            x0=guess,
            bounds=((-most, low, 0.0)[: self.free], (most, high, math.inf)[: self.free]),
            x_scale="jac",
        )
        return np.asarray(found.x)

    def solution(self, values: NDArray[np.float64], used: NDArray[np.bool_]) -> Solution | None:
        """Find out what a fit to some points knows.

        Parameters
        ----------
        values
            a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.
        used
            Which points, shape (n,).

        Returns
        -------
        solution
            None if they do not determine the parameters.
        """
        return solution(self._derivatives(values)[used], self.misfit(values)[used])

    def deviations(self, values: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Misfit of all points, in sigma of what all others of those that are used predict.

        Parameters
        ----------
        values
            a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.
        used
            Which points, shape (n,).

        Returns
        -------
        deviations
            Shape (n,).
        """
        deviations, found = self.misfit(values), self.solution(values, used)
        if found is not None:
            slopes = self._derivatives(values)
            deviations /= np.sqrt(1.0 + np.einsum("ij,jk,ik->i", slopes, found.covariance, slopes))
            deviations[used] = found.deviations
        return deviations

    def together(self, used: NDArray[np.bool_]) -> Faults:
        """Some of those that are used are off together.

        Parameters
        ----------
        used
            Which points, shape (n,).

        Returns
        -------
        faults
            See `faults_together`.
        """
        return faults_together(self.mean[used], self.variance[used] / self.error[used])

    def deviation_together(self, values: NDArray[np.float64], used: NDArray[np.bool_]) -> float:
        """By how many sigma the faintest or brightest of the points are off together, at most.

        Parameters
        ----------
        values
            a00 (in `A00_UNIT`), gain and, if it is free, the squared noise.
        used
            Which points, shape (n,).

        Returns
        -------
        deviation
            0 if no such points can be off unseen.
        """
        relative = self.variance[used] / self.error[used]
        found, columns = (
            self.solution(values, used),
            faults_together(self.mean[used], relative, False).columns,
        )
        free = np.zeros(0) if found is None else found.free(columns)
        along = (self.misfit(values)[used] @ columns)[free > 0.0]
        return float(np.max(np.abs(along) / np.sqrt(free[free > 0.0]), initial=0.0))

    def noise_error(self, used: NDArray[np.bool_]) -> float:
        """Error of the noise with which a fit of all three parameters would determine it.

        Parameters
        ----------
        used
            Which points, shape (n,).

        Returns
        -------
        error
            adu; infinite if it would not.
        """
        if levels(self.mean[used]) < 4 or not self.noise > 0.0:
            return math.inf
        points = replace(self, free=3)
        found = points.solution(points.guess(used), used)
        return math.inf if found is None else math.sqrt(float(found.covariance[2, 2])) / (2.0 * self.noise)
