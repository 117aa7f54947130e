"""Fit of the photon transfer curve of one amplifier: mean and variance of pairs of flats."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .curvepoints import A00_UNIT, TOGETHER_SIZE, Points, levels, of_the_level
from .curverejection import on_the_curve
from .flatpairs import GAINS
from .leastsquares import estimate, single_faults, unchecked

__all__ = ["OFF", "SATURATED", "CurveFit", "fit_curve"]

MISFIT = 0.05
"""Relative misfit, rms, of points that follow no curve of photons, if it is beyond five sigma, too."""

GAIN_ERROR = 0.1
"""Relative error of a gain that says nothing any more."""

MOST_REJECTED = 0.25
"""Part of the pairs that may be off the curve of the others; one always may. Where more are, nothing says
which of them are right."""

LEAST = 1e-9
"""Variance in units of the mean, adu, from which there is any: amplifiers that are full have some 1e-5."""

SATURATED = 0.15
"""Part of its variance that a saturated pair lacks at least; one that lacks less is off as any other."""


OFF = 0.3, 0.1
"""Prior probability that one of the pairs is off, if none has been rejected so far, and after that.
One that no other checks is off with the first of these (two pairs: one of both)."""


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
    is brighter is left out. So are, before all else, the brightest pairs with less than half of the variance
    of two fainter ones, if they are fewer than half. What remains in doubt is in the errors, see
    `leastsquares.estimate`.
    """
    mean, variance, number = (np.asarray(each, dtype=np.float64) for each in (means, variances, pixels))
    good = np.isfinite(mean) & np.isfinite(variance) & np.isfinite(number)
    good[good] = (mean[good] > 0.0) & (variance[good] > LEAST * mean[good]) & (number[good] > 1.0)
    known = mean[np.isfinite(mean)]
    mean, variance, number = mean[good], variance[good], number[good]
    if 2 * np.count_nonzero(full := _full(mean, variance)) < mean.size:
        good[good] = ~full
        mean, variance, number = mean[~full], variance[~full], number[~full]
    if not (math.isfinite(noise) and noise >= 0.0):
        return _none(good, "the noise of images without light is not known")
    if levels(mean) < 2:
        return _none(good, f"pairs that can be used have {levels(mean)} levels of light")
    points, all_points = Points(mean, variance, variance * np.sqrt(2.0 / number), noise), mean > 0.0
    used = all_points
    if points.noise_error(all_points) < noise_precision * noise:
        points.free = 3
        used = on_the_curve(points, rejection)
    if points.free == 2 or not points.noise_error(used) < noise_precision * noise:
        points.free = 2
        used = on_the_curve(points, rejection)
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


def _fitted(points: Points, used: NDArray[np.bool_]) -> CurveFit:
    """Parameters and errors, from the points that are used."""
    values, turnoff = points.fit(used), float(points.mean[used].max())
    residuals, found = points.misfit(values)[used], points.solution(values, used)
    number = np.count_nonzero(_full(points.mean, points.variance))
    full = f" ({number} of {points.mean.size} have low variances: are they saturated?)" if number else ""
    if found is None:
        return _none(used, f"the pairs do not determine gain and brighter-fatter coefficient{full}")
    relative = residuals * points.error[used] / points.variance[used]
    if min(_rms(relative) / MISFIT, _rms(residuals) / 5.0) > 1.0:
        return _none(used, f"the variances are off any curve of photons, by {_rms(relative):.0%}{full}")
    rejected = ~used & (points.misfit(values) * points.error < SATURATED * points.variance)
    many = np.count_nonzero(rejected) > max(1.0, MOST_REJECTED * np.count_nonzero(rejected | used))
    if many or (levels(points.mean[used]) == points.free and _is_split(points.mean, used, rejected)):
        few = f"{np.count_nonzero(rejected)} pairs are off the curve of {np.count_nonzero(used)}"
        return _none(used, f"{few}: which are right is open")
    off = OFF[bool(np.any(~used & (points.mean < turnoff)))]
    every = np.ones(residuals.size, dtype=bool)
    faults = single_faults(found, off, every) | points.together(used)
    doubt = estimate(found, residuals, faults, every, points.deviations(values, used)[rejected])
    if points.is_bent(used, values, values + doubt.shift):
        return _none(used, f"the variances bend more than those of photons can{full}")
    a00, gain, square = points.parameters(values + doubt.shift)
    if not GAINS[0] <= gain <= GAINS[1]:
        return _none(used, f"no amplifier has the gain that the variances have, {gain:.3g} electron/adu")
    alone = unchecked(found, TOGETHER_SIZE * points.variance[used] / points.error[used], OFF[0])
    errors = np.sqrt(np.diag(doubt.covariance + alone))
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


def _full(mean: NDArray[np.float64], variance: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The brightest pairs that have less than half of the variance of two fainter ones: photons never do."""
    order = np.argsort(mean, kind="stable")
    ordered = variance[order]
    low = np.array(
        [at > 1 and 2.0 * ordered[at] < np.sort(ordered[:at])[-2] for at in range(mean.size)], bool
    )
    low = np.logical_and.accumulate(low[::-1])[::-1]
    found = np.zeros(mean.size, bool)
    found[order[low]] = True
    return found


def _is_split(means: NDArray[np.float64], used: NDArray[np.bool_], rejected: NDArray[np.bool_]) -> bool:
    """Whether of a level of light no more pairs are used than were rejected."""
    near = of_the_level(means[:, None], means[rejected])
    return bool(np.any(near[used].sum(axis=0) <= near[rejected].sum(axis=0)))


def _rms(values: NDArray[np.float64]) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(values**2)))


def _step(means: NDArray[np.float64], turnoff: float) -> float:
    """Distance of the turnoff to the next point above it, or below it if there is none."""
    above, below = means[means > turnoff], means[means < turnoff]
    if above.size:
        return float(above.min()) - turnoff
    return turnoff - float(below.max()) if below.size else math.nan
