"""Fit of the covariances of flats of one amplifier: the full photon transfer curve."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from .curvepoints import TOGETHER_SIZE, faults_together, levels, variance_model
from .leastsquares import Faults, estimate, single_faults, solution, unchecked
from .ptcfit import OFF, CurveFit

__all__ = ["CovarianceFit", "covariance_model", "fit_covariances"]

A_UNIT, C_UNIT = 1e-6, 1e-12
"""Units of a (1/electron) and of a x b (1/electron^2) in the fit, so that all parameters are of order one."""

B_SIDE = 3
"""Lags at which b is fitted; where a itself is next to nothing, its change would be noise alone."""

B_SCATTER = 2e-6
"""What b is expected to be like, 1/electron: 1e5 electron change a by some 20 per cent.

Without it, gain, a and b of small images or few pairs are traded for each other; good data overrule it.
"""

B_KNOWN = 0.7
"""Error of b at lag 0, in units of what it is expected to be like, from which it is not fitted: the squares
of a badly known a would make the gain too high."""

CLIPPING = 5.0
"""Misfit of a single covariance, in sigma of what all others predict, from which it is left out."""

OFF_WITH_B = 0.4, 0.12
"""As `ptcfit.OFF`. With b, each variance decides more of the result and the others check less of it: the same
doubt would make the errors of good pairs a third too large, and less would deny pairs that are off by 1 %."""

ROUNDS = 5
"""Most fits that are made to find these."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CovarianceFit(CurveFit):
    """Result of a fit of covariances; its ``a00`` is ``a[0, 0]``, turnoff and points are of the first fit.

    Parameters
    ----------
    a, a_error
        Coefficients of the brighter-fatter effect, 1/electron, shape (side, side).
    b
        How these coefficients change with the charge, 1/electron, same shape.
    noise_matrix
        Covariances without light, adu^2, same shape; ``[0, 0]`` is the square of the noise.
    """

    a: Matrix
    a_error: Matrix
    b: Matrix
    noise_matrix: Matrix


def covariance_model(mean: Matrix, gain: float, a: Matrix, c: Matrix) -> Matrix:
    """Covariances (adu^2) of flats of some means (adu) without read noise: Astier et al. 2019, equation 20.

    Parameters
    ----------
    mean, gain
        adu, shape (n,), and electron per adu.
    a, c
        a (1/electron) and a times b element by element (1/electron^2), shape (side, side).

    Returns
    -------
    covariances
        Shape (n, side, side).
    """
    powers = _coefficients(a, c)
    charge = np.asarray(mean, dtype=np.float64)[:, None, None] * gain
    return np.asarray(sum(matrix * charge**power for power, matrix in enumerate(powers, start=1)) / gain**2)


def fit_covariances(
    means: Matrix, covariances: Matrix, pixels: Matrix, start: CurveFit, *, with_b: bool = True
) -> CovarianceFit:
    """Fit gain, a, b and, where it was fitted before, the noise to covariances of pairs of flats.

    Parameters
    ----------
    means, pixels
        Of the pairs, adu and number; shape (n,).
    covariances
        adu^2, shape (n, side, side).
    start
        Fit of the variances alone: it says which points follow the curve, and whether the noise is held.
    with_b
        Whether to fit b; else it is 0.

    Returns
    -------
    fit
        All NaN, with the reason, if the points do not determine it.

    Notes
    -----
    Single covariances that lie off by more than `CLIPPING` are left out. That the variance of a pair may be
    off is in the errors, see `leastsquares.estimate`. Where the noise is held there are no covariances of it
    either. Lags that are not measured count as 0, and so does b at more than `B_SIDE` - 1 pixels; it is drawn
    to 0 as `B_SCATTER` says, and held there if the pairs say nothing of it, see `B_KNOWN`.
    """
    side = covariances.shape[-1]
    used = start.used & np.isfinite(covariances).all(axis=(1, 2))
    if levels(means[used]) < 2 + with_b + start.noise_fitted:
        few = f"pairs that follow a curve have {levels(means[used])} levels of light: too few for covariances"
        return _none(start, side, start.reason or few)
    data = _Data(means[used], covariances[used], pixels[used], start, with_b)
    for _ in range(ROUNDS):
        fit = optimize.least_squares(
            data.residuals, data.start(), jac=data.jacobian, method="lm", x_scale="jac"
        )
        found = solution(fit.jac, fit.fun)
        if found is None or not data.clip(found.deviations):
            break
    if found is None:
        return _none(start, side, "the pairs do not determine the coefficients of the covariances")
    if with_b and math.sqrt(found.covariance[side**2 + 1, side**2 + 1]) > B_KNOWN * data.pull:
        return fit_covariances(means, covariances, pixels, start, with_b=False)
    off = (OFF_WITH_B if data.near else OFF)[bool(np.any(~start.used))]
    faults = single_faults(found, off, data.variances) | data.together()
    doubt = estimate(found, fit.fun, faults, data.variances)
    alone = unchecked(found, TOGETHER_SIZE * data.of_variances(), OFF[0])
    values, errors = fit.x + doubt.shift, np.sqrt(np.diag(doubt.covariance + alone))
    gain, a, c, noise = data.parameters(values)
    square, dof = (
        float(noise[0, 0]),
        int(np.count_nonzero(np.isfinite(data.errors))) + data.near**2 - errors.size,
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        b = np.where(a != 0.0, c / a, 0.0)
        read = float(np.sqrt(square))
        noise_error = float(errors[-(side**2)] / (2.0 * read)) if start.noise_fitted else math.nan
    a_error = errors[1 : 1 + side**2].reshape(side, side) * A_UNIT
    fitted = vars(start) | {
        "gain": gain,
        "gain_error": float(errors[0]),
        "a00": float(a[0, 0]),
        "a00_error": float(a_error[0, 0]),
        "noise": read,
        "noise_error": noise_error,
        "chi_square": float(np.sum(fit.fun**2)) / dof if dof > 0 else math.nan,
        "dof": max(dof, 0),
    }
    return CovarianceFit(**fitted, a=a, a_error=a_error, b=b, noise_matrix=noise)


def _none(start: CurveFit, side: int, reason: str) -> CovarianceFit:
    """No fit; turnoff and points are those of the first one."""
    nothing = np.full((side, side), math.nan)
    failed = vars(start.without_result(reason))
    return CovarianceFit(**failed, a=nothing, a_error=nothing, b=nothing, noise_matrix=nothing)


class _Data:
    """The points of one amplifier, and the model as the fit needs it.

    Values are the gain, then a, then c at the nearest lags (with b), then the covariances of the noise in
    adu^2 (if not held).
    """

    def __init__(
        self, means: Matrix, covariances: Matrix, pixels: Matrix, start: CurveFit, with_b: bool
    ) -> None:
        self.means, self.covariances, self.first = means, covariances, start
        self.side = covariances.shape[-1]
        self.near = min(B_SIDE, self.side) if with_b else 0
        self.pull = A_UNIT / C_UNIT * B_SCATTER * max(abs(start.a00) / A_UNIT, 0.1)
        # Both diagonal directions are averaged, and a variance scatters more than a covariance.
        share = np.full((self.side, self.side), 0.5)
        share[0, :] = share[:, 0] = 1.0
        share[0, 0] = 2.0
        # Errors from the measured variances would give most weight to those that are too small by chance.
        expected = variance_model(means, start.gain, start.a00, start.noise)[:, None, None]
        self.errors = expected * np.sqrt(share / np.maximum(pixels, 1.0)[:, None, None])

    @property
    def variances(self) -> NDArray[np.bool_]:
        """Which residuals are those of variances."""
        found = np.zeros(self.covariances.size + self.near**2, dtype=bool)
        found[: self.covariances.size : self.side**2] = True
        return found

    def of_variances(self) -> Matrix:
        """Variances in units of their errors; 0 for all other residuals."""
        found = np.zeros(self.variances.size)
        found[self.variances] = self.covariances[:, 0, 0] / self.errors[:, 0, 0]
        return found

    def together(self) -> Faults:
        """Some of the variances are off together."""
        found = faults_together(self.means, self.of_variances()[self.variances])
        columns = np.zeros((self.variances.size, found.probability.size))
        columns[self.variances] = found.columns
        return Faults(columns, found.probability)

    def clip(self, deviations: Matrix) -> bool:
        """Leave covariances, not variances, out that are off by some sigma; whether there were any."""
        off = (np.abs(deviations) > CLIPPING) & ~self.variances
        off = off[: self.covariances.size].reshape(self.covariances.shape)
        self.errors[off] = math.inf
        return bool(off.any())

    def start(self) -> Matrix:
        """First guess."""
        number = self.side**2
        values = np.zeros(1 + number * (1 + self.first.noise_fitted) + self.near**2)
        values[:2] = self.first.gain, self.first.a00 / A_UNIT
        if self.first.noise_fitted:
            values[-number] = self.first.noise**2
        return values

    def parameters(self, values: Matrix) -> tuple[float, Matrix, Matrix, Matrix]:
        """Gain, a, c and the covariances of the noise (adu^2)."""
        shape, ends = (self.side, self.side), np.cumsum([1, self.side**2, self.near**2])
        _, a, near, noise = np.split(values, ends)
        c, held = np.zeros(shape), np.zeros(shape)
        c[: self.near, : self.near] = near.reshape(self.near, self.near) * C_UNIT
        held[0, 0] = self.first.noise**2
        return float(values[0]), a.reshape(shape) * A_UNIT, c, noise.reshape(shape) if noise.size else held

    def residuals(self, values: Matrix) -> Matrix:
        """Misfit of all covariances, in sigma, and of b."""
        gain, a, c, noise = self.parameters(values)
        model = covariance_model(self.means, gain, a, c) + noise
        near = c[: self.near, : self.near].ravel() / (C_UNIT * self.pull)
        return np.concatenate([((model - self.covariances) / self.errors).ravel(), near])

    def jacobian(self, values: Matrix) -> Matrix:
        """Derivatives of the residuals, shape (residuals, values)."""
        gain, a, c, _ = self.parameters(values)
        number, (at_a, at_c, at_square) = self.side**2, map(_convolution, (a, c, _convolve(a, a)))
        charge = (self.means * gain)[:, None, None]
        one, near = np.eye(number), np.zeros((self.side, self.side), dtype=bool)
        near[: self.near, : self.near] = True
        cubic = (at_square + 2.0 * at_a @ at_a) / 3.0 + (5.0 / 6.0) * at_c
        by_a = charge**2 * (one + charge * (4.0 / 3.0) * at_a + charge**2 * cubic)
        by_c = (charge**3 * ((2.0 / 3.0) * one + charge * (5.0 / 6.0) * at_a))[:, :, near.ravel()]
        columns = [self._by_gain(gain, a, c), A_UNIT / gain**2 * by_a, C_UNIT / gain**2 * by_c]
        if self.first.noise_fitted:
            columns.append(np.broadcast_to(one, (len(self.means), number, number)))
        derivatives = np.concatenate(columns, axis=2) / self.errors.reshape(-1, number, 1)
        pull = np.zeros((self.near**2, derivatives.shape[2]))
        pull[:, 1 + number : 1 + number + self.near**2] = np.eye(self.near**2) / self.pull
        return np.concatenate([derivatives.reshape(-1, derivatives.shape[2]), pull])

    def _by_gain(self, gain: float, a: Matrix, c: Matrix) -> Matrix:
        """Derivative by the gain, shape (n, side^2, 1): powers p of the charge have gain^(p - 2)."""
        charge = self.means[:, None, None] * gain
        terms = (
            (power - 2) * matrix * charge**power for power, matrix in enumerate(_coefficients(a, c), start=1)
        )
        return np.asarray(sum(terms) / gain**3).reshape(len(self.means), -1, 1)


def _coefficients(a: Matrix, c: Matrix) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Covariances in electrons are polynomials of the charge without constant: their coefficients."""
    photons = np.zeros_like(a)
    photons[0, 0] = 1.0
    square = _convolve(a, a)
    return (
        photons,
        a,
        (2.0 / 3.0) * (square + c),
        _convolve(square, a) / 3.0 + (5.0 / 6.0) * _convolve(a, c),
    )


def _convolve(one: Matrix, two: Matrix) -> Matrix:
    """Convolution of two matrices that are one quadrant of something symmetric; what lies beyond is 0."""
    return np.asarray((_convolution(one) @ two.ravel()).reshape(one.shape))


def _convolution(matrix: Matrix) -> Matrix:
    """Convolution with a matrix, as a matrix of the shape (side^2, side^2) that acts on elements."""
    side = matrix.shape[0]
    padded = np.zeros((2 * side, 2 * side))
    padded[:side, :side] = matrix
    lag = np.arange(side)
    # The element k of the other stands for the lags k and -k, but lag 0 is there only once.
    near, far = np.abs(lag[:, None] - lag), np.where(lag == 0, 2 * side - 1, lag[:, None] + lag)
    result = sum(padded[x[:, None, :, None], y[None, :, None, :]] for x in (near, far) for y in (near, far))
    return np.asarray(result).reshape(side**2, side**2)
