"""The tests of defects: what cp_verify compares in a flat, and what its comparisons cannot see.

OUTLIERS, STDEV, MIN and MAX compare the pixels outside the defects with all (cp_verify, verifyDefects). An
empty list passes them, and so does one that masks nearly everything. The others, which are this project's,
limit what is masked, and what is left: cold pixels in the flat, bright ones in the combined flat, in which
there are no cosmic rays, and hot ones in the combined dark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .criteria import AmplifierResults, AmplifierStatistics, detector_result
from .defectmembers import DEAD_FRACTION, MINIMUM_USABLE
from .defectsearch import DefectLimits, expected_level, largest_noise, level_and_noise
from .images import DetectorImage, MaskPlane
from .statistics import clipped_statistics

__all__ = ["COUNTS", "defect_limits", "verified_defects", "verify_defects"]

BORDER = 10
"""Pixels from the edge of the detector that are not counted: all of the edge may be a defect."""

MASKED_OF_AMPLIFIER = 0.1
"""Part of an amplifier that may be masked, unless all of it is."""

MASKED_OF_DETECTOR = 0.05
"""Part of the detector that may be masked, without amplifiers that are masked as a whole."""

MASKED_AMPLIFIERS = 4
"""Amplifiers that may be masked as a whole."""

LEFT = 2e-6
"""Part of the pixels of the detector that may be left, of each kind."""

MARGIN = 1.5
"""Pixels are left that are beyond so many times the limit of a defect, and `SIGMAS` of noise: the list was
found in other images."""

SIGMAS = 6.0
"""See `MARGIN`."""

WIDEST = 6.0
"""An image must show pixels that are beyond so many times the limit of a defect, or have no response at all:
with more noise than that nothing is tested."""

COUNTS = ("COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT")
"""Numbers of pixels that are left; those are not there for which there is no image."""

_Pixels = Mapping[str, NDArray[np.float32]]


def verified_defects(
    image: DetectorImage, *, dark: DetectorImage | None = None, flat: DetectorImage | None = None
) -> dict[str, Any]:
    """Measure and test the defects of a detector.

    Parameters
    ----------
    image
        A flat in which they are flagged BAD, neither divided by a flat, in which bad columns would look good,
        nor interpolated.
    dark, flat
        Combined dark, electron/s, and combined flat, if there are any.

    Returns
    -------
    statistics
        See `detector_result`. METADATA names the amplifiers that are masked as a whole, the tests that could
        not be made, and why, and the values beyond which pixels count as left (LEFT_BEYOND).

    Raises
    ------
    RuntimeError
        A combination is not of the same size.
    """
    for each in (dark, flat):
        if each is not None and each.image.shape != image.image.shape:
            raise RuntimeError(f"a combination has {each.image.shape} pixels, the flat {image.image.shape}")
    bad = (image.mask & np.uint16(MaskPlane.BAD)) != 0
    amplifiers = _compared(image)
    missing, beyond = {}, {}
    for count, shown in zip(COUNTS, (image, flat, dark), strict=True):
        if shown is None:
            missing[count] = f"there is no combined {'flat' if count == 'BRIGHT_LEFT' else 'dark'}"
        else:
            left, beyond[count] = _left(shown, ~bad, count)
            for amplifier, number in left.items():
                amplifiers[amplifier][count] = number
            if unknown := [amplifier for amplifier, number in left.items() if math.isnan(number)]:
                missing[count] = f"too much noise, or too few pixels, in {', '.join(unknown)}"
    detector = _masked(image, bad, amplifiers)
    whole = [name for name, values in amplifiers.items() if values["FRAC"] == 1.0]
    tests, detector_tests = verify_defects(amplifiers, detector)
    limits = defect_limits(amplifiers, detector)
    metadata = {"MASKED_AMPLIFIERS": whole, "NOT_TESTED": missing, "LIMITS": limits}
    metadata["LEFT_BEYOND"] = beyond
    return detector_result(amplifiers, tests, detector_tests, detector=detector, metadata=metadata)


def verify_defects(
    statistics: AmplifierStatistics, detector: Mapping[str, float]
) -> tuple[AmplifierResults, dict[str, bool]]:
    """Test the amplifiers and the detector.

    PROB_TEST, as many pixels far off as there are in defects, is reported but does not count for SUCCESS: a
    border that belongs to the defects makes it fail. Of an amplifier that is all masked nothing is left to
    compare: MASKED_AMPLIFIERS limits how many are. STDEV may rise by what the masking of as many ordinary
    pixels does by chance: hot ones are ordinary in a flat, and in half of the amplifiers it rises.

    Parameters
    ----------
    statistics, detector
        Values by amplifier, and of the detector.

    Returns
    -------
    amplifiers, detector
        Results of the tests: OUTLIERS, STDEV, MIN, MAX, MASKED, COLD_LEFT, BRIGHT_LEFT, HOT_LEFT, SUCCESS and
        PROB_TEST by amplifier; MASKED, MASKED_AMPLIFIERS, those of pixels that are left, and SUCCESS.
    """
    allowed = detector["ALLOWED_LEFT"]
    results: AmplifierResults = {}
    for name, values in statistics.items():
        whole = values["FRAC"] == 1.0
        tests = {
            "OUTLIERS": values["UNMASKED_OUTLIERS"] >= values["OUTLIERS"],
            "STDEV": values["UNMASKED_STDEV"] >= values["STDEV"] * (1.0 - _chance(values)),
            "MIN": values["UNMASKED_MIN"] <= values["MIN"],
            "MAX": values["UNMASKED_MAX"] >= values["MAX"],
            "MASKED": values["MASKED"] <= MASKED_OF_AMPLIFIER,
        }
        tests = {test: passed or whole for test, passed in tests.items()}
        tests |= {count: values[count] <= allowed for count in COUNTS if count in values}
        tests["SUCCESS"] = all(tests.values())
        tests["PROB_TEST"] = values["STAT_OUTLIERS"] == values["DEFECT_PIXELS"]
        results[name] = tests
    of_detector = {
        "MASKED": detector["MASKED"] <= MASKED_OF_DETECTOR,
        "MASKED_AMPLIFIERS": detector["MASKED_AMPLIFIERS"] <= MASKED_AMPLIFIERS,
    }
    of_detector |= {count: detector[count] <= allowed for count in COUNTS if count in detector}
    return results, {**of_detector, "SUCCESS": all(of_detector.values())}


def defect_limits(statistics: AmplifierStatistics, detector: Mapping[str, float]) -> dict[str, Any]:
    """Limits of those tests that do not compare two of the statistics.

    Parameters
    ----------
    statistics, detector
        As for `verify_defects`.

    Returns
    -------
    limits
        Lowest and highest value that passes, None if there is none: of the detector by test, and of the
        amplifiers by name and test.
    """
    left = {count: [None, detector["ALLOWED_LEFT"]] for count in COUNTS}
    limits: dict[str, Any] = {
        "MASKED": [None, MASKED_OF_DETECTOR],
        "MASKED_AMPLIFIERS": [None, MASKED_AMPLIFIERS],
        **left,
    }
    for name, values in statistics.items():
        chance = _chance(values)
        limits[name] = {
            "STDEV": [None, values["UNMASKED_STDEV"] / (1.0 - chance) if chance < 1.0 else None],
            "MASKED": [None, 1.0 if values["FRAC"] == 1.0 else MASKED_OF_AMPLIFIER],
            **left,
        }
    return limits


def _chance(values: Mapping[str, float]) -> float:
    """Five sigma of the relative change of a standard deviation, if k ordinary ones of n pixels are masked.

    Each square that is missing has the variance 2 sigma^4: the variance changes by sqrt(2 k) / n of itself.
    """
    masked, part = values["DEFECT_PIXELS"], values["FRAC"]
    return 5.0 * math.sqrt(masked / 2.0) * part / masked if masked else 0.0


def _compared(image: DetectorImage) -> AmplifierStatistics:
    """OUTLIERS (clipped pixels), MEDIAN, STDEV (clipped), MIN and MAX without defects, and with them.

    The latter are named UNMASKED_... There are also DEFECT_PIXELS and FRAC, number and part of pixels in
    defects, and STAT_OUTLIERS, pixels so far off that a normal distribution would have less than one of them.
    """
    statistics: AmplifierStatistics = {}
    for name in image.amplifiers:
        pixels = image.pixels(name)
        bad = (image.flags(name) & np.uint16(MaskPlane.BAD)) != 0
        masked = _statistics(pixels[~bad])
        unmasked = {f"UNMASKED_{key}": value for key, value in _statistics(pixels.ravel()).items()}
        defects = int(np.count_nonzero(bad))
        # There, a normal distribution of as many pixels has the density of one.
        far = math.sqrt(2.0 * math.log(max(pixels.size / math.sqrt(2.0 * math.pi), 1.0))) * masked["STDEV"]
        statistics[name] = masked | unmasked
        statistics[name]["DEFECT_PIXELS"] = defects
        statistics[name]["FRAC"] = defects / pixels.size
        statistics[name]["STAT_OUTLIERS"] = int(np.count_nonzero(np.abs(pixels - masked["MEDIAN"]) > far))
    return statistics


def _masked(
    image: DetectorImage, bad: NDArray[np.bool_], amplifiers: AmplifierStatistics
) -> dict[str, float]:
    """Add MASKED, the masked part away from the edge, to the amplifiers; values of the detector."""
    inner = np.zeros(bad.shape, dtype=bool)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    masked = total = 0
    for name, amplifier in image.amplifiers.items():
        of_amplifier = bad[amplifier.box][inner[amplifier.box]]
        number = int(np.count_nonzero(of_amplifier))
        amplifiers[name]["MASKED"] = number / of_amplifier.size if of_amplifier.size else math.nan
        if amplifiers[name]["FRAC"] < 1.0:
            masked, total = masked + number, total + of_amplifier.size
    detector = {
        "MASKED": masked / total if total else math.nan,
        "MASKED_AMPLIFIERS": sum(values["FRAC"] == 1.0 for values in amplifiers.values()),
        "ALLOWED_LEFT": math.floor(LEFT * bad.size),
    }
    for count in COUNTS:
        if all(count in values for values in amplifiers.values()):
            detector[count] = sum(values[count] for values in amplifiers.values())
    return detector


def _left(
    image: DetectorImage, unmasked: NDArray[np.bool_], count: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Pixels of each amplifier that should be among the defects; NaN where the image cannot show them.

    With the value beyond which they are. Pixels without data in the flat are, saturated ones need not be.
    """
    cold, hot = count == "COLD_LEFT", count == "HOT_LEFT"
    saturated = (image.mask & np.uint16(MaskPlane.SAT if cold else 0)) != 0
    no_data = (image.mask & np.uint16(MaskPlane.NO_DATA if cold else 0)) != 0
    seen = ~saturated & ~no_data & np.isfinite(image.image)
    pixels = {name: image.pixels(name)[seen[each.box]] for name, each in image.amplifiers.items()}
    kind = "dark" if hot else "flat"
    expected = expected_level(pixels, kind)
    left: dict[str, float] = {}
    beyond: dict[str, float] = {}
    for name, amplifier in image.amplifiers.items():
        level, noise = level_and_noise(pixels[name], expected, largest_noise(image, name, expected))
        if not abs(level - expected) <= (DefectLimits.hot_rate if hot else DEAD_FRACTION * expected):
            level = expected  # all of a broken amplifier is left
        lowest, highest = DefectLimits().interval(kind, level, 0.0)
        limit = level - lowest if cold else highest - level
        off = MARGIN * limit + SIGMAS * noise
        beyond[name] = level - off if cold else level + off
        here, good = image.pixels(name), unmasked[amplifier.box]
        within = here >= beyond[name] if cold else here <= beyond[name]
        if hot:
            within &= here >= level - off
        bad = good & ~(within & seen[amplifier.box]) & ~saturated[amplifier.box]
        known = noise > 0.0 and off < (level if cold else WIDEST * limit)
        known &= pixels[name].size >= MINIMUM_USABLE * here.size
        left[name] = int(np.count_nonzero(bad)) if known or not good.any() else math.nan
    return left, beyond


def _statistics(pixels: NDArray[np.float32]) -> dict[str, float]:
    """Statistics of what is finite of some pixels; NaN for none."""
    pixels = pixels[np.isfinite(pixels)]
    if pixels.size == 0:
        return dict.fromkeys(("OUTLIERS", "MEDIAN", "STDEV", "MIN", "MAX"), math.nan)
    clipped = clipped_statistics(pixels)
    return {
        "OUTLIERS": clipped.clipped,
        "MEDIAN": float(np.median(pixels)),
        "STDEV": clipped.sigma,
        "MIN": float(np.min(pixels)),
        "MAX": float(np.max(pixels)),
    }
