"""Fit of the photon transfer curve of one amplifier: mean and variance of pairs of flats."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

__all__ = ["CurveFit", "fit_curve", "variance_model"]

A00_UNIT = 1e-6
"""Unit in which a00 is fitted, so that all parameters are of order one."""

LINEAR_LIMIT = 50_000.0
"""Signal (electron) below which the first fit is made."""

ROUNDS = 10
"""Most fits that are made to find the points that follow the curve."""

TOLERANCE = 0.03
"""Relative misfit that is put up with: the model is no better than that near saturation."""

START_A00 = -2.0
"""First guess of a00, in `A00_UNIT`."""


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

    @property
    def noise_fitted(self) -> bool:
        """Whether the noise was fitted, and not held."""
        return math.isfinite(self.noise_error)


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
        All NaN if there are too few points.

    Notes
    -----
    The curve is first fitted, robustly, where it is nearly straight. Points that then lie off by more than
    ``rejection`` sigma and 3 per cent are rejected, with all that are brighter than the first of those above
    the straight part: this is the turnoff, where full wells or the converter saturate.
    """
    mean, variance, number = (np.asarray(each, dtype=np.float64) for each in (means, variances, pixels))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(mean) & np.isfinite(variance) & (variance > 0.0) & (mean > 0.0)
    failed = CurveFit(*(math.nan,) * 8, used=np.zeros(mean.shape, dtype=bool))
    if np.count_nonzero(good) < 2:
        return failed
    points = _Points(mean, variance, variance * np.sqrt(2.0 / np.maximum(number, 1.0)), noise)
    if points.noise_error(good) < noise_precision * noise:
        points.free = 3
    used = _on_the_curve(points, good, rejection)
    if np.count_nonzero(used) < points.free:
        return failed
    fit = points.fit(used)
    errors = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)))
    a00, gain, square = points.parameters(fit.x)
    return CurveFit(
        gain=gain,
        gain_error=float(errors[1]),
        a00=a00,
        a00_error=float(errors[0]) * A00_UNIT,
        noise=math.sqrt(square),
        noise_error=float(errors[2]) / (2.0 * math.sqrt(square)) if points.free == 3 else math.nan,
        turnoff=float(mean[used].max()),
        turnoff_error=_step(mean[good], float(mean[used].max())) / 2.0,
        used=used,
    )


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

    def guess(self, used: NDArray[np.bool_]) -> tuple[float, float, float]:
        """First guess of the parameters.

        A free noise begins with what the faintest point says: from far off, a robust fit would rather give
        that point up.
        """
        mean, variance = self.mean[used], self.variance[used]
        gain = float(np.median(mean / np.maximum(variance - self.noise**2, 0.1 * variance)))
        faintest = int(np.argmin(mean))
        rest = float(variance[faintest] - mean[faintest] / gain)
        square = self.noise**2 if self.free == 2 else max(rest, 0.1 * self.noise**2)
        return START_A00, min(max(gain, 0.11), 9.9), square

    def parameters(self, values: NDArray[np.float64]) -> tuple[float, float, float]:
        """a00 (1/electron), gain (electron/adu) and squared noise (adu^2) of fitted values."""
        return (
            float(values[0]) * A00_UNIT,
            float(values[1]),
            float(values[2]) if self.free == 3 else self.noise**2,
        )

    def model(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Variances, adu^2."""
        a00, gain, square = self.parameters(values)
        return variance_model(self.mean, gain, a00, math.sqrt(square))

    def fit(self, used: NDArray[np.bool_], *, robust: bool = False) -> optimize.OptimizeResult:
        """Weighted fit; a robust one is not led astray by single bad points."""
        return optimize.least_squares(
            lambda values: ((self.model(values) - self.variance) / self.error)[used],
            x0=self.guess(used)[: self.free],
            bounds=((-100.0, 0.1, 0.0)[: self.free], (10.0, 10.0, math.inf)[: self.free]),
            loss="cauchy" if robust else "linear",
            x_scale="jac",
        )

    def noise_error(self, used: NDArray[np.bool_]) -> float:
        """Error of the noise, adu, with which a fit of all three parameters would determine it."""
        if np.count_nonzero(used) < 4 or not self.noise > 0.0:
            return math.inf
        mean = self.mean[used]
        derivatives = optimize.approx_fprime(
            self.guess(used)[:2],
            lambda values: variance_model(mean, values[1], values[0] * A00_UNIT, 0.0),
            (0.01, 1e-4),
        )
        design = np.column_stack([derivatives, np.ones_like(mean)]) / self.error[used][:, None]
        return math.sqrt(float(np.linalg.pinv(design.T @ design)[2, 2])) / (2.0 * self.noise)


def _on_the_curve(points: _Points, good: NDArray[np.bool_], rejection: float) -> NDArray[np.bool_]:
    """Which points follow the curve that starts with the faint ones, see `fit_curve`.

    The set grows towards the bright points: each fit reaches a little further than the one before.
    """
    mean = points.mean
    charge = mean * points.guess(good)[1]
    faint = good & (charge <= LINEAR_LIMIT)
    used = faint if np.count_nonzero(faint) > points.free else good
    for _ in range(ROUNDS):
        misfit = np.abs(points.variance - points.model(points.fit(used, robust=True).x))
        off = good & (misfit > np.maximum(rejection * points.error, TOLERANCE * points.variance))
        bright = mean[off & (charge > LINEAR_LIMIT)]
        kept = good & ~off & (mean < (bright.min() if bright.size else math.inf))
        if np.count_nonzero(kept) < points.free or np.array_equal(kept, used):
            return kept
        used = kept
    return used


def _step(means: NDArray[np.float64], turnoff: float) -> float:
    """Distance of the turnoff to the next point above it, or below it if there is none."""
    above, below = means[means > turnoff], means[means < turnoff]
    if above.size:
        return float(above.min()) - turnoff
    return turnoff - float(below.max()) if below.size else math.nan
