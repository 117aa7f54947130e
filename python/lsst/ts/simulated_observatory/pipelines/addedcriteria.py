"""Tests that cp_verify does not have: levels judged by their errors, absolute limits, a floor of the noise.

They are reported and not counted in the documented acceptance, see ``UNCOUNTED_TESTS`` of the verification.

- LEVEL (bias, dark): the clipped mean of an amplifier is within `N_SIGMA` of its error, or a tenth of the
  noise of a pixel. The documented MEAN allows a whole sigma of a pixel, twice a leak of 4 electron.
- DARK_CURRENT (dark): what was subtracted and what is left, per second, is not above `MOST_DARK_CURRENT`.
- NOISE_FLOOR (flat): the variance is not below `LEAST_OF_PREDICTED` of that of photons and readout, as it is
  in an amplifier that is saturated or clipped. The documented NOISE has an upper limit only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .images import DetectorImage, Key, MaskPlane, amplifier_value, dark_time
from .memberfigures import N_SIGMA
from .membermeasurement import level_error
from .members import LEAST_USABLE
from .statistics import ClippedStatistics, clipped_statistics

__all__ = [
    "LEAST_INPUTS",
    "UNUSABLE",
    "added_tests",
    "clipped_amplifiers",
    "is_compared_with_itself",
    "merged",
    "predicted_variance",
    "usable_pixels",
]

UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)
"""Flags of pixels that say nothing of an amplifier."""

LEAST_INPUTS = 3
"""Flats of which a combined flat must be made for these flats to be compared with it."""

MOST_DARK_CURRENT = 0.1
"""Dark current of an amplifier, electron/s: five times the nominal one."""

LEAST_OF_PREDICTED = 0.8
"""Part of the predicted variance that a flat must have."""

LOWEST_A00 = -4.56e-6
"""Strongest brighter-fatter effect of the detectors, 1/electron (DM-30171)."""

LEVEL_TOLERANCE = 0.1
"""Level that does no harm, in units of the noise of a pixel."""

_Tests = dict[str, dict[str, bool]]


def usable_pixels(pixels: NDArray[np.float32], flags: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Pixels that are neither bad nor without data.

    Parameters
    ----------
    pixels, flags
        Of an amplifier or a part of it, any shape.

    Returns
    -------
    usable
        Shape (n,); empty where they are less than `LEAST_USABLE` of all, so that nothing can be measured.
    """
    usable: NDArray[np.float32] = pixels[(flags & UNUSABLE) == 0]
    return usable if usable.size >= LEAST_USABLE * pixels.size else usable[:0]


def is_compared_with_itself(flat: DetectorImage) -> bool:
    """Whether a flat was divided by a combination of fewer than `LEAST_INPUTS` flats, one of them itself.

    One flat is without noise then, and two differ from their mean by the same amounts: nothing shows whether
    they are good.

    Parameters
    ----------
    flat
        Its metadata say what it was divided by.

    Returns
    -------
    is_compared_with_itself
        False for a flat that is none of those that were combined.
    """
    inputs = flat.metadata.get(Key.FLAT_INPUTS)
    return inputs is not None and inputs < LEAST_INPUTS


def clipped_amplifiers(image: DetectorImage) -> dict[str, ClippedStatistics]:
    """Clipped statistics of the usable pixels of each amplifier.

    Parameters
    ----------
    image
        The image.

    Returns
    -------
    statistics
        By amplifier; NaN where too few pixels are usable, see `usable_pixels`.
    """
    return {
        name: clipped_statistics(usable_pixels(image.pixels(name), image.flags(name)))
        for name in image.amplifiers
    }


def added_tests(
    image: DetectorImage, kind: str, statistics: Mapping[str, ClippedStatistics]
) -> tuple[_Tests, dict[str, dict[str, Any]]]:
    """Make the tests that are added for a type of image.

    Parameters
    ----------
    image, kind, statistics
        In electrons; BIAS, DARK or FLAT; what `clipped_amplifiers` gives.

    Returns
    -------
    tests, metadata
        Whether they passed, by amplifier and name; what cannot be measured never passes. By the same, what
        was measured (ADDED), what it should be (REFERENCES), and lowest and highest value that pass (LIMITS).
    """
    tests: _Tests = {}
    metadata: dict[str, dict[str, Any]] = {"ADDED": {}, "REFERENCES": {}, "LIMITS": {}}
    for name, amplifier in image.amplifiers.items():
        made: dict[str, tuple[float, float | None, float | None, float | None]]
        found = statistics[name]
        if kind == "FLAT":
            noise = amplifier_value(image.metadata, Key.IMAGE_NOISE, name)
            predicted = predicted_variance(
                found.mean, 0.0 if math.isnan(noise) else noise, inputs=image.metadata.get(Key.FLAT_INPUTS)
            )
            known = predicted >= 0.0 and not is_compared_with_itself(image)
            expected = math.sqrt(predicted) if known else math.nan
            made = {"NOISE_FLOOR": (found.sigma, expected, math.sqrt(LEAST_OF_PREDICTED) * expected, None)}
        else:
            error = float(level_error(found.sigma, found.count, amplifier.height, amplifier.width))
            most = max(N_SIGMA * error, LEVEL_TOLERANCE * found.sigma) if found.sigma > 0.0 else math.nan
            made = {"LEVEL": (found.mean, 0.0, -most, most)}
        if kind == "DARK":
            time = dark_time(image.metadata)
            time = time if time > 0.0 else math.nan
            rate = amplifier_value(image.metadata, Key.DARK_RATE, name) + found.mean / time
            made["DARK_CURRENT"] = rate, None, None, MOST_DARK_CURRENT + N_SIGMA * error / time
        tests[name] = {
            test: (lowest is None or value >= lowest) and (highest is None or value <= highest)
            for test, (value, _, lowest, highest) in made.items()
        }
        metadata["ADDED"][name] = {test: each[0] for test, each in made.items()}
        metadata["REFERENCES"][name] = {test: each[1] for test, each in made.items()}
        metadata["LIMITS"][name] = {test: list(each[2:]) for test, each in made.items()}
    return tests, metadata


def predicted_variance(
    mean: float, noise: float, *, a00: float = LOWEST_A00, inputs: int | None = None
) -> float:
    """Variance of a flat that was divided by a combined flat without noise of its own.

    mean (exp(2 a00 mean) - 1) / (2 a00 mean) + noise^2 (Astier et al. 2019, equation 16), times 1 - 1/N where
    the combined flat was made of N flats and this is one of them.

    Parameters
    ----------
    mean, noise, a00
        Electron, electron and 1/electron.
    inputs
        N; None if the flat is none of them.

    Returns
    -------
    variance
        electron^2; NaN without light.
    """
    if not mean > 0.0:
        return math.nan
    variance = math.expm1(2.0 * a00 * mean) / (2.0 * a00) + noise**2
    return variance * (1.0 - 1.0 / inputs) if inputs else variance


def merged(
    tests: Mapping[str, Mapping[str, Any]], added: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Put together tests of amplifiers, or what belongs to them.

    Parameters
    ----------
    tests, added
        Results by amplifier and name.

    Returns
    -------
    tests
        The first with the second after them.
    """
    return {name: {**each, **added.get(name, {})} for name, each in tests.items()}
