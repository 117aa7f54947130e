"""Tracks of cosmic rays in a thick CCD."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["cosmic_rays"]

RATE = 3.0
"""Events per square centimetre and minute: some 25 in a dark of 30 s with a CCD of 4k x 4k."""

PIXEL = 10.0
"""Side of a pixel, um."""

THICKNESS = 100.0
"""Thickness of the silicon, um."""

CHARGE_PER_UM = 75.0
"""Most probable ionisation by a muon, electron/um."""

ELECTRONS = 0.3
"""Part of the events that are slow electrons, with short crooked tracks, rather than muons."""

DIFFUSION = 0.35
"""Rms width of a track, pixels."""

PACKET = 50.0
"""Charge that is moved together, electron."""


def cosmic_rays(
    rng: np.random.Generator, width: int, height: int, time: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
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
    x, y, charge
        Column and row (a pixel may come several times) and charge, electron.
    """
    area = width * height * (PIXEL * 1e-4) ** 2
    number = int(rng.poisson(RATE / 60.0 * area * time))
    tracks = [_electron(rng) if rng.random() < ELECTRONS else _muon(rng) for _ in range(number)]
    points = [track + rng.uniform((0.0, 0.0), (width, height)) for track in tracks]
    place = np.concatenate([np.empty((0, 2)), *points])
    place = np.floor(place + rng.normal(0.0, DIFFUSION, place.shape)).astype(np.intp)
    x, y = place[:, 0], place[:, 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return x[inside], y[inside], np.full(int(inside.sum()), PACKET, dtype=np.float32)


def _muon(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Straight track through the silicon: places of its packets of charge relative to its begin, pixels.

    Intensity goes with the squared cosine of the zenith angle, as seen by a horizontal area; the ionisation
    follows Moyal's approximation of the Landau distribution.
    """
    cosine = max(float(rng.random()) ** 0.25, 0.05)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    length = THICKNESS * np.sqrt(1.0 / cosine**2 - 1.0) / PIXEL
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
