"""Fit of the photon transfer curve of one amplifier: mean and variance of pairs of flats."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from .leastsquares import Solution, estimate, solution

__all__ = ["OFF", "CurveFit", "fit_curve", "levels", "variance_model"]

A00_UNIT = 1e-6
"""Unit in which a00 is fitted, so that all parameters are of order one."""

LINEAR_LIMIT = 50_000.0
"""Signal (electron) below which the first fit is made."""

ROUNDS = 50
"""Most fits that are made to find the points that follow the curve."""

TOLERANCE = 0.03
"""Relative misfit of the first guess that is put up with, and by how much saturation at least lowers a
variance. Points that follow the curve are found without it."""

READMISSION = 0.9
"""Part of the limit of rejection from which a point is taken in again."""

LEVEL = 0.01
"""Relative difference from which means are different levels."""

MISFIT = 0.05
"""Relative misfit, rms, of points that follow no curve of photons, if it is beyond five sigma, too."""

GAIN_ERROR = 0.1
"""Relative error of a gain that says nothing any more."""

MOST_REJECTED = 0.25
"""Part of the pairs that may be off the curve of the others; one always may. Where more are, nothing says
which of them are right."""

SATURATED = 0.15
"""Part of its variance that a saturated pair lacks at least; one that lacks less is off as any other."""


OFF = 0.8, 0.3
"""Prior probability that one of the pairs is off, if none has been rejected so far, and after that."""


@dataclass(frozen=True)
class CurveFit:
    """Result of a fit; all NaN if it was not possible.

    Parameters
    ----------
    gain, gain_error, a00, a00_error
        Electron per adu; brighter-fatter coefficient, 1/electron.
    noise, noise_error
        Noise without light, adu; the error is NaN if it was not fitted.
    turnoff, turnoff_error
        Largest mean that still follows the curve, adu, and half the distance to the next point, or to the one
        before if there is none.
    used
        Which points were used.
    chi_square, dof
        Of the points that were used: chi^2 divided by the degrees of freedom, and their number; NaN if it is
        0.
    reason
        Why there is no result; empty if there is one.
    """

    gain: float
    gain_error: float
    a00: float
    a00_error: float
    noise: float
    noise_error: float
    turnoff: float
    turnoff_error: float
    used: NDArray[np.bool_]
    chi_square: float = math.nan
    dof: int = 0
    reason: str = ""

    @property
    def noise_fitted(self) -> bool:
        """Whether the noise was fitted, and not held."""
        return math.isfinite(self.noise_error)

    def without_result(self, reason: str) -> CurveFit:
        """The same points, and NaN for all that was to be fitted.

        Parameters
        ----------
        reason
            Why.

        Returns
        -------
        fit
            Turnoff and points are kept.
        """
        return replace(
            _none(self.used, reason), used=self.used, turnoff=self.turnoff, turnoff_error=self.turnoff_error
        )


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


def fit_curve(
    means: ArrayLike,
    variances: ArrayLike,
    pixels: ArrayLike,
    noise: float,
    *,
    rejection: float = 5.0,
    noise_precision: float = 0.01,
) -> CurveFit:
    """Fit gain, a00 and, where the pairs determine it, the noise to means and variances of pairs of flats.

    Parameters
    ----------
    means, variances, pixels
        Of the pairs: adu, adu^2 and pixels used; shape (n,). Points that are not finite are left out.
    noise
        Noise without light of images processed in the same way, adu, as measured otherwise.
    rejection
        Misfit, in sigma, from which a point no longer follows the curve.
    noise_precision
        The noise is held at the measured one unless the pairs determine it with a smaller relative error than
        this: bright flats say next to nothing about it, and a free noise would spoil the gain.

    Returns
    -------
    fit
        All NaN, with the reason, if the points do not determine it.

    Notes
    -----
    The fit begins with the points that a robust guess has within 3 per cent, and takes others in or leaves
    them out, one at a time. A point that lies off by more than ``rejection`` sigma of what all others predict
    is rejected. Where points brighter than 50 000 electron begin to be too low, by 3 per cent at least and up
    to the brightest or two in a row, full wells or the converter saturate: this is the turnoff, and all that
    is brighter is left out. What remains in doubt is in the errors, see `leastsquares.estimate`.
    """
    mean, variance, number = (np.asarray(each, dtype=np.float64) for each in (means, variances, pixels))
    good = np.isfinite(mean) & np.isfinite(variance) & np.isfinite(number)
    good[good] = (mean[good] > 0.0) & (variance[good] > 0.0) & (number[good] > 1.0)
    known = mean[np.isfinite(mean)]
    mean, variance, number = mean[good], variance[good], number[good]
    if not (math.isfinite(noise) and noise >= 0.0):
        return _none(good, "the noise of images without light is not known")
    if levels(mean) < 2:
        return _none(good, f"pairs that can be used have {levels(mean)} levels of light")
    points, all_points = _Points(mean, variance, variance * np.sqrt(2.0 / number), noise), mean > 0.0
    used = all_points
    if points.noise_error(all_points) < noise_precision * noise:
        points.free = 3
        used = _on_the_curve(points, rejection)
    if points.free == 2 or not points.noise_error(used) < noise_precision * noise:
        points.free = 2
        used = _on_the_curve(points, rejection)
    if levels(mean[used]) < points.free:
        return _none(good, f"pairs that follow a curve have {levels(mean[used])} levels of light")
    fit = _fitted(points, used)
    if fit.reason:
        return _none(good, fit.reason)
    good[good] = used
    return replace(fit, used=good, turnoff_error=_step(known, fit.turnoff) / 2.0)


def _none(points: NDArray[np.bool_], reason: str) -> CurveFit:
    """No fit to some points."""
    return CurveFit(*(math.nan,) * 8, used=np.zeros_like(points), reason=reason)


def _fitted(points: _Points, used: NDArray[np.bool_]) -> CurveFit:
    """Parameters and errors, from the points that are used."""
    values, turnoff = points.fit(used), float(points.mean[used].max())
    residuals, found = points.misfit(values)[used], points.solution(values, used)
    if found is None:
        return _none(used, "the pairs do not determine gain and brighter-fatter coefficient")
    relative = residuals * points.error[used] / points.variance[used]
    if min(_rms(relative) / MISFIT, _rms(residuals) / 5.0) > 1.0:
        return _none(used, f"the variances are off any curve of photons, by {_rms(relative):.0%}")
    off = ~used & (points.misfit(values) * points.error < SATURATED * points.variance)
    if np.count_nonzero(off) > max(1.0, MOST_REJECTED * np.count_nonzero(off | used)):
        few = f"{np.count_nonzero(off)} pairs are off the curve of {np.count_nonzero(used)}"
        return _none(used, f"{few}: which are right is open")
    doubt = estimate(found, residuals, OFF[bool(np.any(~used & (points.mean < turnoff)))])
    a00, gain, square = points.parameters(values + doubt.shift)
    errors = np.sqrt(np.diag(doubt.covariance))
    if not errors[1] < GAIN_ERROR * gain:
        return _none(used, f"the pairs leave the gain open by {100.0 * errors[1] / gain:.0f} per cent")
    noise, dof = math.sqrt(square) if square >= 0.0 else math.nan, residuals.size - points.free
    return CurveFit(
        gain=gain,
        gain_error=float(errors[1]),
        a00=a00,
        a00_error=float(errors[0]) * A00_UNIT,
        noise=noise,
        noise_error=float(errors[2]) / max(2.0 * noise, 1e-9) if points.free == 3 else math.nan,
        turnoff=turnoff,
        turnoff_error=math.nan,
        used=used,
        chi_square=float(np.sum(residuals**2)) / dof if dof else math.nan,
        dof=dof,
    )


def _rms(values: NDArray[np.float64]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


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


@dataclass
class _Points:
    """The points of a curve, and how many of the parameters (a00, gain, squared noise) are fitted to them.

    a00 is in `A00_UNIT`, the others in adu.
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
        """
        mean, variance = self.mean[used], self.variance[used]
        log = np.log(np.maximum(variance - self.noise**2, 0.1 * variance) / mean)
        distance = mean[:, None] - mean
        distance[np.abs(distance) <= LEVEL * np.maximum(mean[:, None], mean)] = math.nan
        slope = float(np.median(np.nanmedian((log[:, None] - log) / distance, axis=1)))
        gain = min(max(math.exp(-float(np.median(log - slope * mean))), 0.11), 9.9)
        faintest = int(np.argmin(mean))
        square = max(float(variance[faintest] - mean[faintest] / gain), 0.1 * self.noise**2)
        return np.array([min(max(slope / gain / A00_UNIT, -99.0), 9.9), gain, square])[: self.free]

    def parameters(self, values: NDArray[np.float64]) -> tuple[float, float, float]:
        """a00 (1/electron), gain (electron/adu) and squared noise (adu^2) of fitted values."""
        return (
            float(values[0]) * A00_UNIT,
            float(values[1]),
            float(values[2]) if self.free == 3 else self.noise**2,
        )

    def misfit(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Model minus data, in sigma, of all points."""
        a00, gain, square = self.parameters(values)
        return (variance_model(self.mean, gain, a00, 0.0) + square - self.variance) / self.error

    def derivatives(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivatives of the misfit, shape (n, free)."""
        steps = (0.01, 1e-4, max(1e-4 * self.noise**2, 1e-6))[: self.free]
        return np.asarray(optimize.approx_fprime(values, self.misfit, steps))

    def fit(self, used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Weighted fit to some points."""
        found = optimize.least_squares(
            lambda values: self.misfit(values)[used],
            x0=self.guess(used),
            bounds=((-100.0, 0.1, 0.0)[: self.free], (10.0, 10.0, math.inf)[: self.free]),
            x_scale="jac",
        )
        return np.asarray(found.x)

    def solution(self, values: NDArray[np.float64], used: NDArray[np.bool_]) -> Solution | None:
        """What a fit to some points knows."""
        return solution(self.derivatives(values)[used], self.misfit(values)[used])

    def deviations(self, values: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Misfit of all points, in sigma of what all others of those that are used predict."""
        deviations, found = self.misfit(values), self.solution(values, used)
        if found is not None:
            slopes = self.derivatives(values)
            deviations /= np.sqrt(1.0 + np.einsum("ij,jk,ik->i", slopes, found.covariance, slopes))
            deviations[used] = found.deviations
        return deviations

    def noise_error(self, used: NDArray[np.bool_]) -> float:
        """Error of the noise, adu, with which a fit of all three parameters would determine it."""
        if levels(self.mean[used]) < 4 or not self.noise > 0.0:
            return math.inf
        points = replace(self, free=3)
        found = points.solution(points.guess(used), used)
        return math.inf if found is None else math.sqrt(float(found.covariance[2, 2])) / (2.0 * self.noise)


def _on_the_curve(points: _Points, rejection: float) -> NDArray[np.bool_]:
    """Which points follow the curve that starts with the faint ones, see `fit_curve`."""
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
        if off[worst] > rejection and _identified(mean, used & before, worst, points.free):
            kept = used & before
            kept[worst] = False
        else:
            kept = before & (used | (np.abs(deviations) <= READMISSION * rejection))
        if levels(mean[kept]) < points.free or np.array_equal(kept, used):
            return kept
        used = kept
    return used


def _first_points(points: _Points) -> NDArray[np.bool_]:
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
    near = np.abs(mean[others] - mean[point]) <= LEVEL * mean[point]
    return levels(mean[others]) > free or int(np.count_nonzero(near)) >= 2


def _step(means: NDArray[np.float64], turnoff: float) -> float:
    """Distance of the turnoff to the next point above it, or below it if there is none."""
    above, below = means[means > turnoff], means[means < turnoff]
    if above.size:
        return float(above.min()) - turnoff
    return turnoff - float(below.max()) if below.size else math.nan
