"""The tests of verification: statistics of an image, and what they have to be like.

The criteria are those of DMTN-101 and cp_verify, with the two-sided NOISE test. A statistic that is not
finite never passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .images import DetectorImage, MaskPlane
from .removal import image_noise_key
from .statistics import clipped_statistics, mean_and_sigma

__all__ = [
    "measure_dark_image",
    "measure_flat",
    "verify_dark_image",
    "verify_exposure_scatter",
    "verify_flat",
]

TOLERANCE = 0.05
"""Relative deviation that the tests allow."""

CORNER = 200
"""Side of the box at the readout corner, pixels."""

_UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)

AmplifierStatistics = dict[str, dict[str, float]]
AmplifierResults = dict[str, dict[str, bool]]


def measure_dark_image(image: DetectorImage, finder: CosmicRayFinder, *, corner: bool) -> AmplifierStatistics:
    """Statistics of the amplifiers of a bias or dark.

    Parameters
    ----------
    image
        In electrons.
    finder
        Finds cosmic rays.
    corner
        Whether to record the mean at the readout corner (AMP_CORNER), which no test looks at.

    Returns
    -------
    statistics
        MEAN (not clipped), NOISE (clipped sigma), CR_NOISE (sigma without cosmic rays, not clipped) by
        amplifier; FORCE_FAILURE instead of CR_NOISE everywhere if cosmic rays cannot be found.
    """
    statistics: AmplifierStatistics = {}
    too_many = False
    for name, amplifier in image.amplifiers.items():
        pixels, good = _pixels(image, name)
        clipped = clipped_statistics(pixels[good])
        values = {"MEAN": mean_and_sigma(pixels[good])[0], "NOISE": clipped.sigma}
        try:
            struck = finder.find(pixels, clipped.mean, clipped.sigma)
            values["CR_NOISE"] = mean_and_sigma(pixels[good & ~struck])[1]
        except TooManyCosmicRaysError:
            too_many = True
        if corner:
            values["AMP_CORNER"] = float(np.mean(image.image[amplifier.corner(CORNER)]))
        statistics[name] = values
    if too_many:
        for values in statistics.values():
            values.pop("CR_NOISE", None)
            values["FORCE_FAILURE"] = 1.0
    return statistics


def verify_dark_image(statistics: AmplifierStatistics, metadata: Mapping[str, Any]) -> AmplifierResults:
    """Test the amplifiers of a bias or dark (DMTN-101 sections 4 and 5).

    READ_NOISE_CONSISTENT, the noise of the overscan against the read noise of the photon transfer curve, is
    reported but does not count for SUCCESS.

    Parameters
    ----------
    statistics
        From `measure_dark_image`.
    metadata
        Of the image: nominal noise, gain and overscan noise.
    """
    results: AmplifierResults = {}
    for name, values in statistics.items():
        nominal = _number(metadata.get(image_noise_key(name)))
        noise, cleaned = values["NOISE"], values.get("CR_NOISE", math.nan)
        tests = {
            "MEAN": abs(values["MEAN"]) < noise,
            "NOISE": abs(_deviation(noise, nominal)) <= TOLERANCE,
            "CR_NOISE": abs(_deviation(noise, cleaned)) <= TOLERANCE,
        }
        if "FORCE_FAILURE" in values:
            tests["PROCESSING"] = False
        tests["SUCCESS"] = all(tests.values())
        gain = _number(metadata.get(f"LSST ISR GAIN {name}"))
        read_noise = _number(metadata.get(f"LSST ISR READNOISE {name}"))
        tests["READ_NOISE_CONSISTENT"] = (
            _deviation(gain * read_noise_adu(metadata, name), read_noise) <= TOLERANCE
        )
        results[name] = tests
    return results


def read_noise_adu(metadata: Mapping[str, Any], amplifier: str) -> float:
    """Noise of the serial overscan of an image, adu."""
    return _number(metadata.get(f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {amplifier}"))


def measure_flat(image: DetectorImage) -> tuple[AmplifierStatistics, dict[str, float]]:
    """Statistics of the amplifiers of a flat, and of the detector.

    Returns
    -------
    amplifiers
        MEAN (not clipped) and NOISE (clipped sigma), electron.
    detector
        MEAN and SCATTER: mean and standard deviation of the amplifiers' means.
    """
    statistics: AmplifierStatistics = {}
    for name in image.amplifiers:
        pixels, good = _pixels(image, name)
        statistics[name] = {
            "MEAN": mean_and_sigma(pixels[good])[0],
            "NOISE": clipped_statistics(pixels[good]).sigma,
        }
    means = np.array([values["MEAN"] for values in statistics.values()])
    return statistics, {"MEAN": float(np.mean(means)), "SCATTER": float(np.std(means))}


def verify_flat(
    statistics: AmplifierStatistics, detector: Mapping[str, float]
) -> tuple[AmplifierResults, dict[str, bool]]:
    """Test a flat: noise not above that of its photons, amplifiers that agree (cp_verify, verifyFlat).

    Parameters
    ----------
    statistics, detector
        From `measure_flat`.

    Returns
    -------
    amplifiers, detector
        Results of the tests.
    """
    results: AmplifierResults = {}
    for name, values in statistics.items():
        passed = values["MEAN"] > 0.0 and values["NOISE"] <= math.sqrt(values["MEAN"])
        results[name] = {"NOISE": passed, "SUCCESS": passed}
    agree = detector["MEAN"] > 0.0 and detector["SCATTER"] / detector["MEAN"] <= TOLERANCE
    return results, {"SCATTER": agree, "SUCCESS": agree}


def verify_exposure_scatter(detector_means: list[float]) -> tuple[float, bool]:
    """Standard deviation of the detectors' means of one flat (electron), and whether it is at most 0.05.

    The limit is not a ratio in cp_verify; with several detectors it can hardly be kept, and is reported only.
    """
    scatter = float(np.std(detector_means)) if detector_means else math.nan
    return scatter, scatter <= TOLERANCE


def _pixels(image: DetectorImage, amplifier: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Pixels of an amplifier, and which of them count."""
    return image.pixels(amplifier), (image.flags(amplifier) & _UNUSABLE) == 0


def _deviation(value: float, nominal: float) -> float:
    """Relative deviation; NaN, with which every comparison is False, where it has no meaning."""
    return (value - nominal) / nominal if nominal > 0.0 else math.nan


def _number(value: Any) -> float:
    """A number of the metadata, NaN if it is not there."""
    return math.nan if value is None else float(value)
