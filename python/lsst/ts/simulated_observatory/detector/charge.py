"""The charge that the pixels of one amplifier have collected when they are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .brighter_fatter import brighter_fatter
from .patterns import Image

__all__ = ["Extra", "collect_charge"]

NORMAL_ABOVE = 100.0
"""Mean from which Poisson numbers are drawn from a normal distribution, electron."""

SPARSE_BELOW = 3.0
"""Mean below which single electrons are scattered over the pixels: exact, and fast."""


@dataclass(frozen=True)
class Extra:
    """What single pixels have besides: hot pixels and cosmic rays.

    Parameters
    ----------
    row, column
        In the imaging area as it is read out.
    charge
        electron.
    """

    row: npt.NDArray[np.intp]
    column: npt.NDArray[np.intp]
    charge: Image


def collect_charge(
    rng: np.random.Generator,
    light: float,
    pattern: Image,
    uniform: float,
    *,
    a00: float,
    full_well: float,
    extra: Extra,
) -> Image:
    """Charge in the imaging area of an amplifier.

    Parameters
    ----------
    rng
        Random numbers.
    light
        Mean charge from light where the pattern is 1, electron.
    pattern
        Response of the pixels to the flat field.
    uniform
        Mean charge from other sources, the same in each pixel, electron.
    a00
        Brighter-fatter coefficient, 1/electron.
    full_well
        At which the charge is clipped, electron.
    extra
        Charge of single pixels; it comes at once, without brighter-fatter effect.

    Returns
    -------
    charge
        As the pattern, electron.
    """
    if light > 0:
        mean = pattern * np.float32(light)
        mean += np.float32(uniform)
        charge = _poisson(rng, mean, light + uniform)
        brighter_fatter(charge, mean, a00)
    else:
        charge = _uniform_poisson(rng, uniform, pattern.shape)
        brighter_fatter(charge, uniform, a00)
    np.add.at(charge, (extra.row, extra.column), extra.charge)
    np.minimum(charge, np.float32(full_well), out=charge)
    return charge


def _poisson(rng: np.random.Generator, mean: Image, level: float) -> Image:
    """Poisson numbers of a mean that differs from pixel to pixel and is near ``level`` in most."""
    if level < NORMAL_ABOVE:
        return rng.poisson(mean).astype(np.float32)
    charge = rng.standard_normal(mean.shape, dtype=np.float32)
    charge *= np.sqrt(mean)
    charge += mean
    # Only dead pixels are so dark that the normal distribution reaches below zero.
    return np.maximum(charge, np.float32(0.0), out=charge)


def _uniform_poisson(rng: np.random.Generator, mean: float, shape: tuple[int, ...]) -> Image:
    """Poisson numbers of the same mean in each pixel."""
    if mean >= NORMAL_ABOVE:
        return _poisson(rng, np.full(shape, mean, dtype=np.float32), mean)
    if mean >= SPARSE_BELOW:
        return rng.poisson(mean, shape).astype(np.float32)
    charge = np.zeros(shape, dtype=np.float32)
    places = rng.integers(0, charge.size, rng.poisson(mean * charge.size))
    np.add.at(charge.reshape(-1), places, np.float32(1.0))
    return charge
