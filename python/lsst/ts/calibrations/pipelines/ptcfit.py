"""Fit of the photon transfer curve of one amplifier."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

__all__ = ["CurveFit", "fit_curve", "variance_model"]

A00_UNIT = 1e-6
"""Unit in which a00 is fitted, so that all parameters are of order one."""

LINEAR_LIMIT = 50_000.0
"""Signal (electron) below which the first fit is made."""

ROUNDS = 10
"""Most fits that are made to find the points that follow the curve."""

TOLERANCE = 0.03
"""Relative misfit that is put up with: the model is no better than that near saturation."""


@dataclass(frozen=True)
class CurveFit:
    """Result of a fit; all NaN if it was not possible.

    Parameters
    ----------
    gain, gain_error
        Electron per adu.
    a00, a00_error
        Brighter-fatter coefficient, 1/electron.
    turnoff
        Largest mean that still follows the curve, adu.
    used
        Which points were used.
    """

    gain: float
    gain_error: float
    a00: float
    a00_error: float
    turnoff: float
    used: NDArray[np.bool_]


def variance_model(mean: NDArray[np.float64], gain: float, a00: float, noise: float) -> NDArray[np.float64]:
    """Variance (adu^2) of flats of some means (adu): Astier et al. 2019, equation 16.

    Parameters
    ----------
    mean
        adu, shape (n,).
    gain
        Electron per adu.
    a00
        1/electron.
    noise
        Noise without light, adu.
    """
    exponent = 2.0 * a00 * gain * np.asarray(mean, dtype=np.float64)
    growth = np.where(
        np.abs(exponent) < 1e-12, 1.0, np.expm1(exponent) / np.where(exponent == 0, 1.0, exponent)
    )
    return np.asarray(mean / gain * growth + noise**2, dtype=np.float64)


def fit_curve(
    means: ArrayLike, variances: ArrayLike, pixels: ArrayLike, noise: float, *, rejection: float = 5.0
) -> CurveFit:
    """Fit gain and a00 to the means and variances of pairs of flats.

    The noise without light is not fitted: it is known better from the combined bias than bright flats can
    tell it.

    Parameters
    ----------
    means, variances, pixels
        Of the pairs: adu, adu^2 and pixels used; shape (n,). Points that are not finite are left out.
    noise
        Noise without light of images processed in the same way, adu.
    rejection
        Misfit, in sigma, from which a point no longer follows the curve.

    Notes
    -----
    The curve is first fitted, robustly, where it is nearly straight. Points that then lie off by more than
    ``rejection`` sigma and 3 per cent are rejected, with all that are brighter than the first of those above
    the straight part: this is the turnoff, where full wells or the converter saturate.
    """
    mean, variance, number = (np.asarray(each, dtype=np.float64) for each in (means, variances, pixels))
    with np.errstate(invalid="ignore"):
        good = np.isfinite(mean) & np.isfinite(variance) & (variance > noise**2) & (mean > 0)
    failed = CurveFit(*(math.nan,) * 5, used=np.zeros(mean.shape, dtype=bool))
    if np.count_nonzero(good) < 2:
        return failed
    error = variance * np.sqrt(2.0 / np.maximum(number, 1.0))
    guess = float(np.median(mean[good] / (variance[good] - noise**2)))
    used = _on_the_curve(mean, variance, error, good, noise, guess, rejection)
    if np.count_nonzero(used) < 2:
        return failed
    fit = _least_squares(mean[used], variance[used], error[used], noise, guess, robust=False)
    errors = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac)))
    return CurveFit(
        gain=float(fit.x[1]),
        gain_error=float(errors[1]),
        a00=float(fit.x[0]) * A00_UNIT,
        a00_error=float(errors[0]) * A00_UNIT,
        turnoff=float(mean[used].max()),
        used=used,
    )


def _on_the_curve(
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    error: NDArray[np.float64],
    good: NDArray[np.bool_],
    noise: float,
    guess: float,
    rejection: float,
) -> NDArray[np.bool_]:
    """Which points follow the curve that starts with the faint ones, see `fit_curve`.

    The set grows towards the bright points: each fit reaches a little further than the one before.
    """
    faint = good & (mean * guess <= LINEAR_LIMIT)
    used = faint if np.count_nonzero(faint) > 2 else good
    for _ in range(ROUNDS):
        fit = _least_squares(mean[used], variance[used], error[used], noise, guess, robust=True)
        misfit = np.abs(variance - variance_model(mean, fit.x[1], fit.x[0] * A00_UNIT, noise))
        off = good & (misfit > np.maximum(rejection * error, TOLERANCE * variance))
        bright = mean[off & (mean * guess > LINEAR_LIMIT)]
        kept = good & ~off & (mean < (bright.min() if bright.size else math.inf))
        if np.count_nonzero(kept) < 2 or np.array_equal(kept, used):
            return kept
        used = kept
    return used


def _least_squares(
    mean: NDArray[np.float64],
    variance: NDArray[np.float64],
    error: NDArray[np.float64],
    noise: float,
    guess: float,
    *,
    robust: bool,
) -> optimize.OptimizeResult:
    """Weighted fit of (a00 in `A00_UNIT`, gain); a robust one is not led astray by single bad points."""
    return optimize.least_squares(
        lambda p: (variance_model(mean, p[1], p[0] * A00_UNIT, noise) - variance) / error,
        x0=(-2.0, min(max(guess, 0.11), 9.9)),
        bounds=((-100.0, 0.1), (10.0, 10.0)),
        loss="cauchy" if robust else "linear",
    )
