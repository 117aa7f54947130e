"""Defects of a CCD as drawn: hot pixels and columns, cold and dead pixels, traps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..cameras.models import AmplifierModel, DetectorModel

__all__ = ["Defect", "draw_defects"]

HOT_PIXELS = 1e-4
"""Part of all pixels with a high dark current."""

COLD_PIXELS = 2e-5
"""Part of all pixels with a low response."""

DEAD_PIXELS = 5e-6
"""Part of all pixels with next to no response."""


@dataclass(frozen=True)
class Defect:
    """A rectangle of pixels that are not as the others.

    Parameters
    ----------
    kind
        ``hot pixel``, ``hot column``, ``cold pixel``, ``dead pixel`` or ``trap``.
    x, y
        Lower left pixel, in coordinates of the assembled and trimmed detector, from 0.
    width, height
        Columns and rows.
    rate
        Additional dark current of each pixel, electron/s.
    response
        Factor of its response to light.
    """

    kind: str
    x: int
    y: int
    width: int = 1
    height: int = 1
    rate: float = 0.0
    response: float = 1.0


def draw_defects(model: DetectorModel, rng: np.random.Generator) -> tuple[Defect, ...]:
    """Draw the defects of a detector; their number goes with its area, at least one of each kind.

    Parameters
    ----------
    model
        Camera model.
    rng
        Random numbers.

    Returns
    -------
    defects
        Hot pixels first, then cold and dead ones, hot columns and traps.
    """
    pixels = model.width * model.height

    def places(fraction: float) -> list[tuple[int, int]]:
        number = max(1, round(fraction * pixels))
        chosen = rng.choice(pixels, number, replace=False)
        return [(int(index % model.width), int(index // model.width)) for index in chosen]

    # Rates are spread evenly in their logarithm, above the limit for defects of 3 electron/s.
    found = [
        Defect("hot pixel", x, y, rate=float(10 ** rng.uniform(0.65, 2.0))) for x, y in places(HOT_PIXELS)
    ]
    found += [
        Defect("cold pixel", x, y, response=float(rng.uniform(0.2, 0.8))) for x, y in places(COLD_PIXELS)
    ]
    found += [
        Defect("dead pixel", x, y, response=float(rng.uniform(0.0, 0.05))) for x, y in places(DEAD_PIXELS)
    ]
    columns = max(1, round(3 / model.scale))
    for amplifier in rng.choice(len(model.amplifiers), 2 * columns, replace=False)[:columns]:
        found.append(_column(model.amplifiers[amplifier], "hot column", rng))
    for amplifier in rng.choice(len(model.amplifiers), 2 * columns, replace=False)[columns:]:
        found.append(_column(model.amplifiers[amplifier], "trap", rng))
    return tuple(found)


def _column(amplifier: AmplifierModel, kind: str, rng: np.random.Generator) -> Defect:
    """A defect in one column: it harms what is read through it, from its row to the far end."""
    x = amplifier.x0 + int(rng.integers(5, amplifier.width - 5))
    length = int(amplifier.height * rng.uniform(0.3, 0.8))
    # Each half of the detector is read at its outer edge: what passes a place comes from nearer the middle.
    y = amplifier.y0 if amplifier.flip_y else amplifier.y0 + amplifier.height - length
    if kind == "hot column":
        return Defect(kind, x, y, height=length, rate=float(rng.uniform(8.0, 15.0)))
    return Defect(kind, x, y, height=length, response=float(rng.uniform(0.5, 0.85)))
