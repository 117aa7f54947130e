"""What differs from night to night, and from exposure to exposure of a night, in lamp and electronics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .truth import random_stream

__all__ = ["Night", "draw_night", "idle_transient", "lamp_shape", "observing_day"]

GAIN_DRIFT = 3e-4
"""Largest relative change of a gain between nights. Chosen: FLAT NOISE, with the gains of another night, has
a margin of 7e-3."""

NOISE_DRIFT = 5e-3
"""Largest relative change of a read noise between nights. Chosen; the tests allow 5e-2."""

PEDESTAL_DRIFT = 20.0
"""Rms of the bias level of an amplifier from night to night, adu. Chosen."""

LAMP_DRIFT = 5e-3
"""Largest relative change of the lamp between nights. Chosen."""

SHAPE_DRIFT = 1.5e-3
"""Largest deviation of the light on one side of the detector from that on the other: two exposures differ by
up to 0.3 %. Chosen; if that came between two flats, their pair would show it."""

SHAPE_PERIOD = 200.0
"""Exposures in which the shape of the light goes there and back in a night, so that the two flats of a pair
differ by less than 1e-4 from side to side. Chosen."""

IDLE_LEVEL = 60.0
"""Excess of the rows that are read first after a long time without readout, adu. Chosen."""

IDLE_TIME = 120.0
"""Time without readout after which the excess is 63 % of that, s. Chosen: between images it is seconds."""

IDLE_ROWS = 1 / 40
"""Rows within which the excess decays, in units of all rows. Chosen."""


@dataclass(frozen=True)
class Night:
    """How a night differs from the truth of a detector, by amplifier in the order of the camera model."""

    lamp: float
    """Factor of the light."""
    gains: tuple[float, ...]
    """Factors of the gains."""
    noise: tuple[float, ...]
    """Factors of the read noise."""
    pedestals: tuple[float, ...]
    """To be added to the bias levels, adu."""


def observing_day(exposure_id: int) -> int:
    """Observing day of an exposure, YYYYMMDD.

    Parameters
    ----------
    exposure_id
        As in the Butler.

    Returns
    -------
    day
        Its leading digits.
    """
    return exposure_id // 100_000


def draw_night(seed: int, instrument: str, detector: int, amplifiers: int, day: int) -> Night:
    """Draw how a night differs from the truth.

    Parameters
    ----------
    seed, instrument, detector, amplifiers
        Of the simulation; which detector, and how many amplifiers it has.
    day
        Observing day, YYYYMMDD.

    Returns
    -------
    night
        Always the same one; the lamp is common to all detectors of the instrument.
    """
    lamp = random_stream(seed, "lamp of the night", instrument, day)
    rng = random_stream(seed, "night", instrument, detector, day)

    def factors(most: float) -> tuple[float, ...]:
        return tuple(float(each) for each in 1.0 + most * rng.uniform(-1.0, 1.0, amplifiers))

    return Night(
        lamp=1.0 + LAMP_DRIFT * float(lamp.uniform(-1.0, 1.0)),
        gains=factors(GAIN_DRIFT),
        noise=factors(NOISE_DRIFT),
        pedestals=tuple(float(each) for each in PEDESTAL_DRIFT * rng.standard_normal(amplifiers)),
    )


def lamp_shape(seed: int, instrument: str, exposure_id: int) -> tuple[float, float]:
    """By how much the light differs from its mean shape: a gradient that turns in the course of a night.

    Parameters
    ----------
    seed, instrument, exposure_id
        Of the simulation, and the exposure.

    Returns
    -------
    along_x, along_y
        Relative change of the light from one side of the detector to the other.
    """
    day, number = observing_day(exposure_id), exposure_id % 100_000
    rng = random_stream(seed, "lamp shape", instrument, day)
    size = SHAPE_DRIFT * np.sqrt(rng.random())
    angle = 2.0 * np.pi * (rng.random() + rng.choice((-1.0, 1.0)) * number / SHAPE_PERIOD)
    return float(size * np.cos(angle)), float(size * np.sin(angle))


def idle_transient(idle: float, rows: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Excess of the imaging area in the first frame after a time without readout; the overscan lacks it.

    Parameters
    ----------
    idle, rows
        Time since the last readout, s, and rows of the raw image.

    Returns
    -------
    excess
        Of each row, the one that is read first at the beginning, adu.
    """
    row = np.arange(rows, dtype=np.float32)
    level = -IDLE_LEVEL * np.expm1(-((idle / IDLE_TIME) ** 2))
    excess: np.ndarray[tuple[int], np.dtype[np.float32]] = np.exp(-row / (rows * IDLE_ROWS)) * np.float32(
        level
    )
    return excess
