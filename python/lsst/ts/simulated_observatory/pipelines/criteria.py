"""The tests of verification: statistics of an image or curve, and the conditions that they have to meet.

The criteria are those of DMTN-101 and cp_verify, with the two-sided NOISE test. A statistic that is not
finite never passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .addedcriteria import (
    LEAST_INPUTS,
    UNUSABLE,
    added_tests,
    clipped_amplifiers,
    is_compared_with_itself,
    merged,
    usable_pixels,
)
from .cosmicrays import CosmicRayFinder, TooManyCosmicRaysError
from .images import DetectorImage, Key, MaskPlane, amplifier_value
from .members import LEAST_USABLE, MOST_SATURATED
from .statistics import ClippedStatistics, mean_and_sigma

__all__ = [
    "TOLERANCE",
    "AmplifierResults",
    "AmplifierStatistics",
    "dark_references",
    "detector_result",
    "relative_deviation",
    "verified_image",
    "verify_dark_image",
    "verify_flat",
]

TOLERANCE = 0.05
"""Relative deviation that the tests allow."""

CORNER = 200
"""Side of the box at the readout corner, pixels."""

DIGITISATION = 1.0 / math.sqrt(12.0)
"""Noise of the digitisation, adu: an overscan with less was not read."""

_NO_RAY = UNUSABLE | np.uint16(MaskPlane.SAT | MaskPlane.INTRP)
"""Pixels in which no cosmic rays are looked for."""

AmplifierStatistics = dict[str, dict[str, float]]
"""Values by amplifier and name, as cp_verify names them."""

AmplifierResults = dict[str, dict[str, bool]]
"""Whether a test passed, by amplifier and name of the test; SUCCESS: all that count."""


def verified_image(image: DetectorImage, kind: str, finder: CosmicRayFinder) -> dict[str, Any]:
    """Measure and test one image.

    Parameters
    ----------
    image
        In electrons.
    kind
        BIAS, DARK or FLAT: whose tests are made. For DEFECTS see `verified_defects`.
    finder
        Finds cosmic rays.

    Returns
    -------
    statistics
        See `detector_result`.
    """
    clipped = clipped_amplifiers(image)
    if kind == "FLAT":
        amplifiers, detector = _measure_flat(image, clipped)
        results, of_detector = verify_flat(amplifiers, detector)
        for name in filter(lambda name: _is_saturated(image, name), results):
            results[name] |= {"SATURATED": False, "SUCCESS": False}
        added, values = added_tests(image, kind, clipped)
        values["NOT_TESTED"] = _not_tested(image)
        return detector_result(
            amplifiers, merged(results, added), of_detector, detector=detector, metadata=values
        )
    amplifiers = _measure_dark_image(image, clipped, finder, corner=kind == "BIAS")
    noise = {name: amplifier_value(image.metadata, Key.OVERSCAN_NOISE, name) for name in image.amplifiers}
    added, values = added_tests(image, kind, clipped)
    tests = merged(verify_dark_image(amplifiers, image.metadata), added)
    references = dark_references(amplifiers, image.metadata)
    metadata = {"READ_NOISE_ADU": noise, **values, "REFERENCES": merged(references, values["REFERENCES"])}
    metadata["NOT_TESTED"] = _not_tested(image)
    return detector_result(amplifiers, tests, metadata=metadata)


def detector_result(
    amplifiers: AmplifierStatistics,
    tests: AmplifierResults,
    detector_tests: Mapping[str, bool] | None = None,
    *,
    detector: Mapping[str, float] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Statistics and test results of one image or curve, arranged as cp_verify has them.

    Parameters
    ----------
    amplifiers, tests
        Values and results by amplifier.
    detector_tests, detector, metadata
        Results, values and what is worth knowing of the whole detector, if there are any.

    Returns
    -------
    statistics
        AMP, METADATA, CATALOG, DET, VERIFY, and SUCCESS: of all amplifiers and the detector.
    """
    of_detector = dict(detector_tests or {})
    success = all(each["SUCCESS"] for each in tests.values())
    return {
        "AMP": amplifiers,
        "METADATA": dict(metadata or {}),
        "CATALOG": {},
        "DET": dict(detector or {}),
        "VERIFY": {"AMP": tests, "DET": of_detector},
        "SUCCESS": success & of_detector.get("SUCCESS", True),
    }


def _not_tested(image: DetectorImage) -> dict[str, str]:
    """Why an amplifier, or a test, has no value."""
    reasons = {}
    for name in image.amplifiers:
        flags = image.flags(name)
        if (number := _number_usable(flags)) < LEAST_USABLE * flags.size:
            reasons[name] = f"{number} of {flags.size} pixels are usable, at least {LEAST_USABLE:.0%} must be"
    if is_compared_with_itself(image):
        inputs = image.metadata[Key.FLAT_INPUTS]
        why = f"the combined flat is of {inputs} flats, this one among them, and must be of {LEAST_INPUTS}"
        reasons |= dict.fromkeys(("NOISE", "SCATTER"), why)
    return reasons


def _number_usable(flags: NDArray[np.uint16]) -> int:
    return int(np.count_nonzero((flags & UNUSABLE) == 0))


def _measure_dark_image(
    image: DetectorImage, clipped: Mapping[str, ClippedStatistics], finder: CosmicRayFinder, *, corner: bool
) -> AmplifierStatistics:
    """MEAN (not clipped), NOISE (clipped sigma), CR_NOISE (sigma without cosmic rays, not clipped), NPIXELS.

    NPIXELS is the number of the usable pixels; the others are NaN where these are too few.
    FORCE_FAILURE instead of CR_NOISE everywhere if cosmic rays cannot be found. AMP_CORNER, the mean at the
    readout corner, is recorded if that is asked for; no test looks at it.
    """
    statistics: AmplifierStatistics = {}
    too_many = False
    for name, amplifier in image.amplifiers.items():
        pixels, flags = image.pixels(name), image.flags(name)
        mean, sigma = mean_and_sigma(usable_pixels(pixels, flags))
        values = {"MEAN": mean, "NOISE": clipped[name].sigma}
        try:
            struck = finder.find(pixels, clipped[name].mean, clipped[name].sigma, (flags & _NO_RAY) != 0)
            good = (flags & UNUSABLE) == 0
            values["CR_NOISE"] = mean_and_sigma(pixels[good & ~struck])[1] if struck.any() else sigma
        except TooManyCosmicRaysError:
            too_many = True
        if corner:
            box = amplifier.corner(CORNER)
            values["AMP_CORNER"] = mean_and_sigma(usable_pixels(image.image[box], image.mask[box]))[0]
        statistics[name] = values | {"NPIXELS": _number_usable(flags)}
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
    statistics, metadata
        Values by amplifier; nominal noise, gain and overscan noise of the image.

    Returns
    -------
    results
        MEAN, NOISE, CR_NOISE, perhaps PROCESSING, SUCCESS and READ_NOISE_CONSISTENT by amplifier.
    """
    results: AmplifierResults = {}
    for name, values in statistics.items():
        nominal = amplifier_value(metadata, Key.IMAGE_NOISE, name)
        noise, cleaned = values["NOISE"], values.get("CR_NOISE", math.nan)
        tests = {
            "MEAN": abs(values["MEAN"]) < noise,
            "NOISE": abs(relative_deviation(noise, nominal)) <= TOLERANCE,
            "CR_NOISE": abs(relative_deviation(noise, cleaned)) <= TOLERANCE,
        }
        if "FORCE_FAILURE" in values:
            tests["PROCESSING"] = False
        tests["SUCCESS"] = all(tests.values())
        gain, overscan, read_noise = (
            amplifier_value(metadata, key, name)
            for key in (Key.APPLIED_GAIN, Key.OVERSCAN_NOISE, Key.READ_NOISE)
        )
        consistent = relative_deviation(gain * overscan, read_noise) <= TOLERANCE
        tests["READ_NOISE_CONSISTENT"] = consistent and overscan > DIGITISATION
        results[name] = tests
    return results


def dark_references(amplifiers: Iterable[str], metadata: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """What the tests of a bias or dark compare with, as far as it is not among the statistics.

    Parameters
    ----------
    amplifiers, metadata
        Names of the amplifiers, and metadata of the image, as for `verify_dark_image`.

    Returns
    -------
    references
        By amplifier and test: nominal noise of NOISE [electron], and read noise of READ_NOISE_CONSISTENT
        [adu], which is compared with the noise of the overscan. NaN for what is not known.
    """
    references = {}
    for name in amplifiers:
        nominal, read_noise, gain = (
            amplifier_value(metadata, key, name)
            for key in (Key.IMAGE_NOISE, Key.READ_NOISE, Key.APPLIED_GAIN)
        )
        read_noise = read_noise / gain if gain > 0.0 else math.nan
        references[name] = {"NOISE": nominal, "READ_NOISE_CONSISTENT": read_noise}
    return references


def _measure_flat(
    image: DetectorImage, clipped: Mapping[str, ClippedStatistics]
) -> tuple[AmplifierStatistics, dict[str, float]]:
    """MEAN (not clipped), NOISE (clipped sigma), electron, and NPIXELS; of the detector MEAN and SCATTER.

    These are mean and standard deviation (with n - 1, as in cp_verify) of the means of the
    amplifiers that have one; AMPLIFIERS is their number. NOISE and SCATTER of a flat that is compared with
    itself are NaN.
    """
    statistics: AmplifierStatistics = {}
    itself = is_compared_with_itself(image)
    for name in image.amplifiers:
        flags = image.flags(name)
        statistics[name] = {
            "MEAN": mean_and_sigma(usable_pixels(image.pixels(name), flags))[0],
            "NOISE": math.nan if itself else clipped[name].sigma,
            "NPIXELS": _number_usable(flags),
        }
    means = [values["MEAN"] for values in statistics.values() if math.isfinite(values["MEAN"])]
    mean = float(np.mean(means)) if means else math.nan
    scatter = float(np.std(means, ddof=1)) if len(means) > 1 and not itself else math.nan
    return statistics, {"MEAN": mean, "SCATTER": scatter, "AMPLIFIERS": len(means)}


def _is_saturated(image: DetectorImage, amplifier: str) -> bool:
    """Whether what is left of an amplifier, or was interpolated in it, is not the light."""
    known = (image.flags(amplifier) & UNUSABLE) == 0
    saturated = (image.flags(amplifier)[known] & np.uint16(MaskPlane.SAT)) != 0
    return bool(np.count_nonzero(saturated) > MOST_SATURATED * saturated.size)


def verify_flat(
    statistics: AmplifierStatistics, detector: Mapping[str, float]
) -> tuple[AmplifierResults, dict[str, bool]]:
    """Test a flat: noise not above that of its photons, amplifiers that agree (cp_verify, verifyFlat).

    Parameters
    ----------
    statistics, detector
        Values by amplifier, and of the detector.

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


def relative_deviation(value: float, nominal: float) -> float:
    """How much a value deviates, in units of the nominal one.

    Parameters
    ----------
    value, nominal
        In the same unit.

    Returns
    -------
    deviation
        NaN, with which every comparison is False, where it has no meaning.
    """
    return (value - nominal) / nominal if nominal > 0.0 else math.nan
