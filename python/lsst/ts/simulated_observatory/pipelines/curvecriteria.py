"""The tests of verification of a photon transfer curve (DMTN-101 section 16, cp_verify).

A statistic that is not finite never passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from ..cameras.models import DetectorModel
from .criteria import TOLERANCE, AmplifierResults, AmplifierStatistics, detector_result, relative_deviation
from .tables import PhotonTransferCurve

__all__ = ["verified_curve"]

TURNOFF = 90_000.0
"""Signal (electron) up to which a curve must be followed."""

NOISE_SCATTER = 1.25
"""Standard deviation of the overscan noise over the pairs that is allowed, adu."""

CHI_SQUARE_CHANCE = 1e-6
"""Probability of a chi^2 from which the pairs do not follow a curve; a single pair that is off by less than
the limit of rejection does not come to it."""

A00_RANGES: Mapping[str, tuple[float, float]] = {"ITL": (-4.56e-6, 6.91e-7), "E2V": (-3.52e-6, -2.61e-6)}
"""Lowest and highest a00 (1/electron) by manufacturer (DM-30171)."""


def verified_curve(curve: PhotonTransferCurve, model: DetectorModel) -> dict[str, Any]:
    """Measure and test a photon transfer curve (DMTN-101 section 16).

    Parameters
    ----------
    curve, model
        Of a detector: photon transfer curve and camera model.

    Returns
    -------
    statistics
        ``verifyPtcDetStats``, see `detector_result`.

    Raises
    ------
    ValueError
        Nothing is known of the manufacturer.
    """
    statistics = _measure_curve(curve, model)
    tests = _verify_curve(statistics, model.vendor)
    limits = {
        name: {
            "PTC_BFE_A00": list(A00_RANGES[model.vendor.upper()]),
            "PTC_CHI_SQUARE": [None, _largest_chi_square(values["PTC_DOF"])],
        }
        for name, values in statistics.items()
    }
    return detector_result(statistics, tests, metadata={"PTC_FIT_TYPE": curve.ptcFitType, "LIMITS": limits})


def _measure_curve(curve: PhotonTransferCurve, model: DetectorModel) -> AmplifierStatistics:
    """Gain (electron/adu), noise (electron), turnoff and largest mean (adu), a00 (1/electron), by amplifier.

    PTC_ is the curve, AMP_ the camera model. What the curve does not have is NaN.
    """
    return {
        amplifier.name: {
            "PTC_GAIN": curve.gain.get(amplifier.name, math.nan),
            "AMP_GAIN": amplifier.gain,
            "PTC_NOISE": curve.noise.get(amplifier.name, math.nan),
            "AMP_NOISE": amplifier.read_noise,
            "PTC_TURNOFF": curve.ptcTurnoff.get(amplifier.name, math.nan),
            "PTC_BFE_A00": curve.a00.get(amplifier.name, math.nan),
            "NOISE_SCATTER": _noise_scatter(curve, amplifier.name),
            "MAX_RAW_MEAN": max(
                filter(math.isfinite, curve.rawMeans.get(amplifier.name, ())), default=math.nan
            ),
            "PTC_CHI_SQUARE": curve.ptcFitChiSq.get(amplifier.name, math.nan),
            "PTC_DOF": curve.ptcFitDof.get(amplifier.name, 0),
        }
        for amplifier in model.amplifiers
    }


def _verify_curve(statistics: AmplifierStatistics, vendor: str) -> AmplifierResults:
    """Test the amplifiers."""
    limits = A00_RANGES.get(vendor.upper())
    if limits is None:
        raise ValueError(f"no range of a00 for CCDs of {vendor!r}; known: {', '.join(A00_RANGES)}")
    results: AmplifierResults = {}
    for name, values in statistics.items():
        tests = {
            "PTC_GAIN": abs(relative_deviation(values["PTC_GAIN"], values["AMP_GAIN"])) < TOLERANCE,
            "PTC_NOISE": abs(relative_deviation(values["PTC_NOISE"], values["AMP_NOISE"])) < TOLERANCE,
            "PTC_TURNOFF": values["PTC_TURNOFF"] * values["PTC_GAIN"] > TURNOFF,
            "PTC_BFE_A00": limits[0] < values["PTC_BFE_A00"] < limits[1],
            "NOISE_SIGNAL_INDEPENDENCE": values["NOISE_SCATTER"] < NOISE_SCATTER,
        }
        # What is added to the tests of cp_verify has no part in SUCCESS.
        added = {"PTC_CHI_SQUARE": _is_likely(values["PTC_CHI_SQUARE"], values["PTC_DOF"])}
        results[name] = {**tests, "SUCCESS": all(tests.values()), **added}
    return results


def _is_likely(chi_square: float, dof: float) -> bool:
    """Whether chi^2 per degree of freedom is not too large for chance; False if there is none to judge."""
    return dof > 0 and bool(special.chdtrc(dof, chi_square * dof) > CHI_SQUARE_CHANCE)


def _largest_chi_square(dof: float) -> float | None:
    """Chi^2 per degree of freedom up to which it `_is_likely`; None if there is none to judge."""
    return float(special.chdtri(dof, CHI_SQUARE_CHANCE)) / dof if dof > 0 else None


def _noise_scatter(curve: PhotonTransferCurve, name: str) -> float:
    """Standard deviation of the overscan noise over the pairs that follow the curve, adu."""
    noise = np.asarray(curve.overscanNoise.get(name, ()), dtype=np.float64)
    used = np.asarray(curve.usedPoints.get(name, ()), dtype=bool)
    return float(np.std(noise[used])) if used.any() else math.nan
