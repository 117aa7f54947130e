"""The tests of verification for defects: an image must be better behaved without them (cp_verify)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .criteria import AmplifierResults, AmplifierStatistics
from .images import DetectorImage, MaskPlane
from .statistics import clipped_statistics

__all__ = ["measure_defects", "verify_defects"]


def measure_defects(image: DetectorImage) -> AmplifierStatistics:
    """Statistics of the amplifiers of a flat in which defects are flagged.

    Parameters
    ----------
    image
        In electrons, neither divided by a flat, in which bad columns would look good, nor interpolated.

    Returns
    -------
    statistics
        OUTLIERS (clipped pixels), MEDIAN, STDEV (clipped), MIN and MAX without defects, and with them as
        UNMASKED_...; DEFECT_PIXELS and FRAC, number and part of pixels in defects; STAT_OUTLIERS, pixels so
        far off that a normal distribution would have less than one of them.
    """
    statistics: AmplifierStatistics = {}
    for name in image.amplifiers:
        pixels = image.pixels(name)
        bad = (image.flags(name) & np.uint16(MaskPlane.BAD)) != 0
        masked = _statistics(pixels[~bad])
        unmasked = {f"UNMASKED_{key}": value for key, value in _statistics(pixels.ravel()).items()}
        defects = int(np.count_nonzero(bad))
        far = _far(pixels.size) * masked["STDEV"]
        statistics[name] = masked | unmasked
        statistics[name]["DEFECT_PIXELS"] = defects
        statistics[name]["FRAC"] = defects / pixels.size
        statistics[name]["STAT_OUTLIERS"] = int(np.count_nonzero(np.abs(pixels - masked["MEDIAN"]) > far))
    return statistics


def verify_defects(statistics: AmplifierStatistics) -> AmplifierResults:
    """Test the amplifiers of a flat (cp_verify, verifyDefects).

    PROB_TEST, as many pixels far off as there are in defects, is reported but does not count for SUCCESS: a
    border that belongs to the defects makes it fail.

    Parameters
    ----------
    statistics
        From `measure_defects`.
    """
    results: AmplifierResults = {}
    for name, values in statistics.items():
        tests = {
            "OUTLIERS": values["UNMASKED_OUTLIERS"] >= values["OUTLIERS"],
            "STDEV": values["UNMASKED_STDEV"] >= values["STDEV"],
            "MIN": values["UNMASKED_MIN"] <= values["MIN"],
            "MAX": values["UNMASKED_MAX"] >= values["MAX"],
        }
        tests["SUCCESS"] = all(tests.values())
        tests["PROB_TEST"] = values["STAT_OUTLIERS"] == values["DEFECT_PIXELS"]
        results[name] = tests
    return results


def _statistics(pixels: NDArray[np.float32]) -> dict[str, float]:
    """Statistics of some pixels; NaN for none."""
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


def _far(number: int) -> float:
    """Distance from the centre, in sigma, at which a normal distribution has the density 1 / number."""
    return math.sqrt(2.0 * math.log(max(number / math.sqrt(2.0 * math.pi), 1.0)))
