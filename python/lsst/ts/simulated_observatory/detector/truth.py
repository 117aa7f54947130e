"""What a simulated detector really is: everything drawn once from a seed, before any exposure."""

from __future__ import annotations

import zlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..cameras import CAMERAS
from ..cameras.models import AmplifierModel, DetectorModel

__all__ = ["AmplifierTruth", "Defect", "DetectorTruth", "draw_truth", "hot_rate", "random_stream", "vampire"]

DARK_CURRENT = 0.02
"""Mean dark current, electron/s: with 0.1 a dark of 30 s would hardly keep NOISE (DMTN-101 section 5.3)."""

SHUTTER_OFFSET = 0.003
"""By how much the shutter is open longer than asked for, s."""

ILLUMINATION_SPREAD = 0.02
"""Greatest relative deviation of the light on a detector of several from that on all."""

FULL_WELL = 0.96, 1.06
"""Where the pixels of an amplifier are full, in units of the level from which they count as saturated: lowest
and highest. Chosen, so that some amplifiers are full below that level."""

LEAST_FULL_WELL = 122_000.0
"""Least full well with the mean light of the camera, electron; more light, higher full wells. Chosen: a flat
of 35 s, the longest of the documented curve, is below."""

DEFERRED_CHARGE = 1e-6, 1e-5
"""Part of a charge that stays behind at each transfer along the serial register: lowest and highest. Chosen;
for the effect see Snyder and Roodman 2019 (JATIS 5, 041509)."""

HOT_PIXELS = 6e-4
"""Part of all pixels with a high dark current; a sixth of them is above the limit for defects."""

HOT_RATES = 0.5, 100.0
"""Lowest and highest additional dark current of a hot pixel, electron/s. The number of pixels above a rate
goes with its inverse, a power law across the limit for defects, 3 electron/s. Chosen."""

COLD_PIXELS = 2e-5
"""Part of all pixels with a low response."""

DEAD_PIXELS = 5e-6
"""Part of all pixels with next to no response."""

BRIGHT_PIXELS = 1e-5
"""Part of all pixels with too high a response, which have no neighbours that lack it."""

VAMPIRE_PIXELS = 2e-6
"""Part of all pixels that collect charge of their neighbours, as in ITL CCDs (SITCOMTN-148). Chosen."""


@dataclass(frozen=True)
class Defect:
    """A rectangle of pixels that are not as the others, in the assembled and trimmed detector."""

    kind: str
    """``hot pixel``, ``hot column``, ``cold pixel``, ``dead pixel``, ``bright pixel``, ``trap``, ``vampire``,
    or ``vampire ring`` for it and its neighbours."""
    x: int
    """First column, from 0."""
    y: int
    """Lowest row, from 0."""
    width: int = 1
    """Columns."""
    height: int = 1
    """Rows."""
    rate: float = 0.0
    """Additional dark current of each pixel, electron/s."""
    response: float = 1.0
    """Factor of its response to light."""


@dataclass(frozen=True)
class AmplifierTruth:
    """One amplifier as it is."""

    name: str
    """E.g. ``C05``."""
    gain: float
    """electron/adu."""
    read_noise: float
    """electron."""
    a00: float
    """Brighter-fatter coefficient of a pixel on itself, 1/electron."""
    dark_current: float
    """electron/s."""
    nonlinearity: float
    """s - nonlinearity s^2 adu are recorded for a signal of s adu, 1/adu."""
    full_well: float
    """Charge that a pixel holds at most, electron."""
    deferred_charge: float
    """Part of the charge that stays behind at each transfer along the serial register."""
    pedestal: float
    """Level of no signal, adu."""


@dataclass(frozen=True, eq=False)  # by identity: patterns are cached by it
class DetectorTruth:
    """One detector as it is."""

    model: DetectorModel
    """Its camera model."""
    seed: int
    """From which all was drawn."""
    amplifiers: tuple[AmplifierTruth, ...]
    """In the order of the model."""
    crosstalk: tuple[tuple[float, ...], ...]
    """As in the camera model."""
    illumination: float
    """Light that it gets, relative to the mean of the detectors of its camera."""
    vignetting: float
    """Part of the light that is missing in its corners."""
    gradient: tuple[float, float]
    """Relative change of the light from left to right and from bottom to top."""
    shutter_offset: float
    """By how much the shutter is open longer than asked for, s."""
    defects: tuple[Defect, ...]
    """Pixels that are not as the others."""

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON can hold it: amplifiers by name, defects as a list of dictionaries."""
        return {
            "instrument": self.model.instrument,
            "detector": self.model.id,
            "name": self.model.name,
            "scale": self.model.scale,
            "seed": self.seed,
            "width": self.model.width,
            "height": self.model.height,
            "amplifiers": {amplifier.name: asdict(amplifier) for amplifier in self.amplifiers},
            "crosstalk": self.crosstalk,
            "illumination": self.illumination,
            "vignetting": self.vignetting,
            "gradient": self.gradient,
            "shutter_offset": self.shutter_offset,
            "defects": [asdict(defect) for defect in self.defects],
        }


def random_stream(seed: int, *key: str | int) -> np.random.Generator:
    """A stream of random numbers that depends on the seed and on what it is for, and on nothing else.

    Parameters
    ----------
    seed, key
        Of the simulation, and what it is for; no number is negative.

    Returns
    -------
    rng
        Random numbers.
    """
    words = [zlib.crc32(part.encode()) if isinstance(part, str) else part for part in key]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *words])))


@lru_cache(maxsize=256)
def draw_truth(model: DetectorModel, seed: int) -> DetectorTruth:
    """Draw what a detector really is.

    The amplifiers and the illumination are the same at every scale; the defects are not.

    Parameters
    ----------
    model, seed
        Camera model, around which it is drawn, and seed of the simulation.

    Returns
    -------
    truth
        Always the same one.

    Raises
    ------
    ValueError
        The seed is negative.
    """
    rng = random_stream(seed, "truth", model.instrument, model.id)
    sensor_a00 = model.data.sensor.a00 * rng.uniform(0.97, 1.03)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    gradient = 0.003 * float(np.cos(angle)), 0.003 * float(np.sin(angle))
    vignetting = float(rng.uniform(0.02, 0.03))
    shutter_offset = SHUTTER_OFFSET * float(rng.uniform(0.9, 1.1))
    share = random_stream(seed, "illumination", model.instrument, model.id)
    alone = len(CAMERAS[model.instrument].detectors) == 1
    spread = 0.0 if alone else ILLUMINATION_SPREAD
    crosstalk = np.array(model.crosstalk) * rng.uniform(0.97, 1.03, (len(model.amplifiers),) * 2)
    illumination = 1.0 + spread * float(share.uniform(-1.0, 1.0))
    wells = random_stream(seed, "full well", model.instrument, model.id)
    return DetectorTruth(
        model=model,
        seed=seed,
        amplifiers=tuple(
            _draw_amplifier(each, sensor_a00, illumination, rng, wells) for each in model.amplifiers
        ),
        crosstalk=tuple(tuple(float(value) for value in row) for row in crosstalk),
        illumination=illumination,
        vignetting=vignetting,
        gradient=gradient,
        shutter_offset=shutter_offset,
        defects=_draw_defects(model, random_stream(seed, "defects", model.instrument, model.id, model.scale)),
    )


def _draw_amplifier(
    model: AmplifierModel,
    sensor_a00: float,
    illumination: float,
    rng: np.random.Generator,
    wells: np.random.Generator,
) -> AmplifierTruth:
    """Vary an amplifier by up to 3 %: verification compares with the camera model to 5 %.

    Full well and deferred charge, which it does not compare, have random numbers of their own, `wells`.
    """
    gain = model.gain * float(rng.uniform(0.97, 1.03))
    return AmplifierTruth(
        name=model.name,
        gain=gain,
        read_noise=model.read_noise * float(rng.uniform(0.97, 1.03)),
        a00=sensor_a00 * float(rng.uniform(0.99, 1.01)),
        dark_current=DARK_CURRENT * float(rng.uniform(0.9, 1.1)),
        nonlinearity=model.sensor.nonlinearity * float(rng.uniform(0.97, 1.03)),
        full_well=max(
            float(wells.uniform(*FULL_WELL)) * model.sensor.saturation * gain,
            LEAST_FULL_WELL * illumination,
        ),
        deferred_charge=float(np.exp(wells.uniform(*np.log(DEFERRED_CHARGE)))),
        pedestal=float(rng.uniform(17000.0, 23000.0)),
    )


def _draw_defects(model: DetectorModel, rng: np.random.Generator) -> tuple[Defect, ...]:
    """Draw the defects of a detector; their number goes with its area, at least one of each kind."""
    pixels = model.width * model.height

    def places(fraction: float) -> list[tuple[int, int]]:
        number = max(1, round(fraction * pixels))
        chosen = rng.choice(pixels, number, replace=False)
        return [(int(index % model.width), int(index // model.width)) for index in chosen]

    found = [
        *(Defect("hot pixel", *at, rate=hot_rate(float(rng.random()))) for at in places(HOT_PIXELS)),
        *(Defect("cold pixel", *at, response=float(rng.uniform(0.2, 0.8))) for at in places(COLD_PIXELS)),
        *(Defect("dead pixel", *at, response=float(rng.uniform(0.0, 0.05))) for at in places(DEAD_PIXELS)),
        *(
            Defect("bright pixel", *at, response=float(rng.uniform(1.05, 1.5)))
            for at in places(BRIGHT_PIXELS)
        ),
    ]
    for x, y in places(VAMPIRE_PIXELS):
        found += vampire(
            min(max(x, 1), model.width - 2), min(max(y, 1), model.height - 2), rng.uniform(1.1, 1.4)
        )
    columns = max(1, round(3 / model.scale))
    for kind, chosen in (("hot column", slice(columns)), ("trap", slice(columns, None))):
        for amplifier in rng.choice(len(model.amplifiers), 2 * columns, replace=False)[chosen]:
            found.append(_column(model.amplifiers[amplifier], kind, rng))
    return tuple(found)


def hot_rate(share: float) -> float:
    """Additional dark current of a hot pixel.

    Parameters
    ----------
    share
        Part of the hot pixels that have more, from 0 to 1.

    Returns
    -------
    rate
        electron/s; the number N above a rate r has dN/dr ~ 1 / r^2 between the two of `HOT_RATES`.
    """
    low, high = HOT_RATES
    return 1.0 / (share / low + (1.0 - share) / high)


def vampire(x: int, y: int, response: float) -> tuple[Defect, Defect]:
    """Make a pixel that takes the charge that it has too much from its eight neighbours, in equal parts.

    Parameters
    ----------
    x, y, response
        Column and row of the pixel, not at the edge, and factor of its response.

    Returns
    -------
    ring, pixel
        Two defects, whose responses multiply where they overlap.
    """
    lost = 1.0 - (response - 1.0) / 8.0
    ring = Defect("vampire ring", x - 1, y - 1, 3, 3, response=lost)
    return ring, Defect("vampire", x, y, response=response / lost)


def _column(amplifier: AmplifierModel, kind: str, rng: np.random.Generator) -> Defect:
    """A defect in one column: it harms what is read through it, from its row to the far end."""
    x = amplifier.x0 + int(rng.integers(5, amplifier.width - 5))
    length = int(amplifier.height * rng.uniform(0.3, 0.8))
    # Each half of the detector is read at its outer edge: what passes a place comes from nearer the middle.
    y = amplifier.y0 if amplifier.flip_y else amplifier.y0 + amplifier.height - length
    if kind == "hot column":
        return Defect(kind, x, y, height=length, rate=float(rng.uniform(8.0, 15.0)))
    return Defect(kind, x, y, height=length, response=float(rng.uniform(0.5, 0.85)))
