"""The charge that pixels have collected when they are read: Poisson, brighter-fatter effect, cosmic rays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .mean_noise import MeanNoise
from .patterns import Image

__all__ = ["PixelCharges", "brighter_fatter", "collect_charge", "cosmic_rays"]

NORMAL_ABOVE = 100.0
"""Mean from which Poisson numbers are drawn from a normal distribution, electron."""

SPARSE_BELOW = 3.0
"""Mean below which single electrons are scattered over the pixels: exact, and fast."""

NEIGHBOURS = (0.20, 0.12, 0.05, 0.04)
"""Brighter-fatter coefficients in units of abs(a00): next pixel along the column (parallel), along the row
(serial), diagonal and two pixels away along either. With a00 they add up to zero: no charge is lost."""

_ORDERS = (1 / 2, 5 / 24, 1 / 16)
"""sqrt([exp(2 x) - 1] / (2 x)) = 1 + x/2 + 5/24 x^2 + 1/16 x^3 + ..."""

_LARGEST = 1.0 + 2.0 * (NEIGHBOURS[0] + NEIGHBOURS[1]) - 4.0 * (NEIGHBOURS[2] + NEIGHBOURS[3])
"""Largest absolute value of the Fourier transform of the coefficients in units of abs(a00), at the
Nyquist frequency of both directions."""

_NEGLIGIBLE = 1e-5
"""Relative change of fluctuations below which an order is left out."""

COSMIC_RAY_RATE = 3.0
"""Cosmic rays per square centimetre and minute: some 25 in a dark of 30 s with a CCD of 4k x 4k."""

PIXEL_SIDE = 10.0
"""Side of a pixel, um."""

THICKNESS = 100.0
"""Thickness of the silicon, um."""

CHARGE_PER_UM = 75.0
"""Most probable ionisation by a muon, electron/um."""

SLOW_ELECTRONS = 0.3
"""Part of the cosmic rays that are slow electrons, with short crooked tracks, rather than muons."""

DIFFUSION = 0.35
"""Rms width of a track, pixels."""

PACKET = 50.0
"""Charge that is moved together, electron."""


class PixelCharges(NamedTuple):
    """Charges of single pixels, of which one may come several times."""

    x: npt.NDArray[np.intp]
    """Column."""
    y: npt.NDArray[np.intp]
    """Row."""
    charge: Image
    """electron."""


def collect_charge(
    rng: np.random.Generator,
    light: float,
    pattern: Image,
    uniform: float,
    *,
    a00: float,
    extra: PixelCharges,
) -> Image:
    """Charge in the imaging area of an amplifier, full wells left aside.

    Parameters
    ----------
    rng
        Random numbers.
    light, uniform
        Mean charge from light where the pattern is 1, and from other sources in every pixel, electron.
    pattern
        Response of the pixels to the flat field.
    a00
        Brighter-fatter coefficient, 1/electron.
    extra
        Hot pixels and cosmic rays, as the imaging area is read out; they have no brighter-fatter effect.

    Returns
    -------
    charge
        As the pattern, electron.
    """
    mean: Image | float = uniform
    if light > 0:
        mean = pattern * np.float32(light)
        mean += np.float32(uniform)
    charge = _poisson(rng, mean, light + uniform, pattern.shape)
    brighter_fatter(charge, mean, a00)
    np.add.at(charge, (extra.y, extra.x), extra.charge)
    return charge


def _poisson(rng: np.random.Generator, mean: Image | float, level: float, shape: tuple[int, ...]) -> Image:
    """Poisson numbers of a mean that is the same in each pixel, or near ``level`` in most."""
    if level < SPARSE_BELOW and isinstance(mean, float) and not isinstance(rng, MeanNoise):
        charge = np.zeros(shape, dtype=np.float32)
        places = rng.integers(0, charge.size, rng.poisson(mean * charge.size))
        np.add.at(charge.reshape(-1), places, np.float32(1.0))
        return charge
    if level < NORMAL_ABOVE:
        return rng.poisson(mean, shape).astype(np.float32)
    charge = rng.standard_normal(shape, dtype=np.float32)
    charge *= np.sqrt(mean, dtype=np.float32)
    charge += np.asarray(mean, dtype=np.float32)
    # Only dead pixels are so dark that the normal distribution reaches below zero.
    return np.maximum(charge, np.float32(0.0), out=charge)


def brighter_fatter(charge: Image, mean: Image | float, a00: float) -> None:
    """Let the charge of a flat field push the borders of its pixels outwards, in place.

    To third order in the flux, this gives exactly the covariances of a flat field that Astier et al. 2019
    (A&A 629, A36) derive for coefficients b of zero: in Fourier space var = [exp(2 a mu) - 1] / (2 a), the
    form of their equation 16, of which the square root, expanded, is applied to the charge as a filter.

    Parameters
    ----------
    charge, mean
        Charge as it was generated, rows by columns, and its expectation, which may be one number; electron.
    a00
        Coefficient of a pixel on itself, 1/electron; negative.
    """
    level = float(np.max(mean))
    # a00 is taken into the mean, so that the stencil has numbers of order one.
    weight = np.multiply(mean, np.float32(abs(a00)), dtype=np.float32)
    term = charge
    size = 1.0
    total = np.zeros_like(charge)
    for order in _ORDERS:
        size *= _LARGEST * abs(a00) * level
        if order * size < _NEGLIGIBLE:
            break
        term = _stencil(term)
        term *= weight
        total += np.float32(order) * term
    charge += total


def _stencil(image: Image) -> Image:
    """Convolve with the coefficients in units of abs(a00); beyond the edge pixels are like those at it."""
    parallel, serial, diagonal, second = map(np.float32, NEIGHBOURS)
    padded = np.pad(image, 2, mode="edge")
    inner = padded[:, 2:-2]
    sides = padded[:, 1:-3] + padded[:, 3:-1]
    rows = parallel * inner
    rows += diagonal * sides
    result = serial * sides[2:-2]
    result -= image
    result += rows[1:-3]
    result += rows[3:-1]
    far = padded[2:-2, :-4] + padded[2:-2, 4:]
    far += inner[:-4]
    far += inner[4:]
    far *= second
    result += far
    return result


def cosmic_rays(rng: np.random.Generator, width: int, height: int, time: float) -> PixelCharges:
    """Draw the cosmic rays of one exposure.

    Parameters
    ----------
    rng
        Random numbers.
    width, height
        Pixels of the detector.
    time
        For which it collects them, s.

    Returns
    -------
    rays
        In coordinates of the detector.
    """
    area = width * height * (PIXEL_SIDE * 1e-4) ** 2
    number = int(rng.poisson(COSMIC_RAY_RATE / 60.0 * area * time))
    tracks = [_electron(rng) if rng.random() < SLOW_ELECTRONS else _muon(rng) for _ in range(number)]
    points = [track + rng.uniform((0.0, 0.0), (width, height)) for track in tracks]
    place = np.concatenate([np.empty((0, 2)), *points])
    place = np.floor(place + rng.normal(0.0, DIFFUSION, place.shape)).astype(np.intp)
    x, y = place[:, 0], place[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return PixelCharges(x[inside], y[inside], np.full(int(inside.sum()), PACKET, dtype=np.float32))


def _muon(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Straight track through the silicon: places of its packets of charge relative to its begin, pixels.

    Intensity goes with the squared cosine of the zenith angle, as seen by a horizontal area; the ionisation
    follows Moyal's approximation of the Landau distribution.
    """
    cosine = max(float(rng.random()) ** 0.25, 0.05)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    length = THICKNESS * np.sqrt(1.0 / cosine**2 - 1.0) / PIXEL_SIDE
    ionisation = min(CHARGE_PER_UM * (1.0 - 0.09 * np.log(rng.standard_normal() ** 2)), 10.0 * CHARGE_PER_UM)
    packets = max(1, round(ionisation * THICKNESS / cosine / PACKET))
    along = np.linspace(0.0, length, packets)
    return np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1)


def _electron(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Track of a slow electron that is scattered on its way, with a charge of 3000 to 50000 electrons."""
    packets = int(np.exp(rng.uniform(np.log(3e3), np.log(5e4))) / PACKET)
    direction = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(rng.normal(0.0, 2.0 / np.sqrt(packets), packets))
    step = rng.uniform(2.0, 15.0) / packets
    return step * np.cumsum(np.stack([np.cos(direction), np.sin(direction)], axis=1), axis=0)
