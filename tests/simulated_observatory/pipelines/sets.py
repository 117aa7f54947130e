"""Sets of small images whose truth is known, and their comparison."""

from __future__ import annotations

import numpy as np

from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage
from lsst.ts.simulated_observatory.pipelines.membermeasurement import measure_member
from lsst.ts.simulated_observatory.pipelines.members import Comparison, compare_members

NOISE = 9.0
AMPLIFIERS = {f"C0{x}": Amplifier(f"C0{x}", 40 * x, 0, 40, 150) for x in range(4)}
C02 = AMPLIFIERS["C02"].box


def image(pixels: np.ndarray) -> DetectorImage:
    return DetectorImage(pixels.astype(np.float32), np.zeros(pixels.shape, np.uint16), AMPLIFIERS)


def dark_images(rng: np.random.Generator, number: int, level: float = 0.0) -> list[DetectorImage]:
    """A pattern, read noise, and what the subtraction of the overscan leaves in a whole amplifier."""
    pattern = rng.normal(0.0, 3.0, (150, 160))
    offsets = np.repeat(rng.normal(0.0, 0.3, (number, 4)), 40, axis=1)
    return [image(level + pattern + offset + rng.normal(0.0, NOISE, pattern.shape)) for offset in offsets]


def flats(rng: np.random.Generator, levels: list[float]) -> list[DetectorImage]:
    response = rng.normal(1.0, 0.005, (150, 160)) * np.linspace(0.97, 1.03, 160)
    return [image(rng.poisson(level * response) + rng.normal(0.0, NOISE, response.shape)) for level in levels]


def names(number: int) -> list[str]:
    return [str(index + 1) for index in range(number)]


def compared(images: list[DetectorImage], kind: str = "BIAS", **options: object) -> Comparison:
    return compare_members([measure_member(each) for each in images], kind, **options)  # type: ignore[arg-type]
