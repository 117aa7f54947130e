"""The tests of verification for a photon transfer curve: the camera model must be met (DMTN-101, 16)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cameras.models import DetectorModel
from .criteria import AmplifierResults, AmplifierStatistics, detector_result
from .tables import PhotonTransferCurve

__all__ = ["A00_RANGES", "verified_curve"]

PER_CENT = 5.0
"""Deviation of gain and noise from the camera model that the tests allow."""

TURNOFF = 90_000.0
"""Signal (electron) up to which a curve must be followed."""

NOISE_SCATTER = 1.25
"""Standard deviation of the overscan noise over the pairs that is allowed, adu."""

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
    statistics = _measure(curve, model)
    tests = _verify(statistics, model.vendor)
    return detector_result(statistics, tests, metadata={"PTC_FIT_TYPE": curve.ptcFitType})


def _measure(curve: PhotonTransferCurve, model: DetectorModel) -> AmplifierStatistics:
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
            "MAX_RAW_MEAN": max(curve.rawMeans.get(amplifier.name, ()), default=math.nan),
        }
        for amplifier in model.amplifiers
    }


def _verify(statistics: AmplifierStatistics, vendor: str) -> AmplifierResults:
    """Test the amplifiers."""
    limits = A00_RANGES.get(vendor.upper())
    if limits is None:
        raise ValueError(f"no range of a00 for CCDs of {vendor!r}; known: {', '.join(A00_RANGES)}")
    results: AmplifierResults = {}
    for name, values in statistics.items():
        tests = {
            "PTC_GAIN": _deviation(values["PTC_GAIN"], values["AMP_GAIN"]) < PER_CENT,
            "PTC_NOISE": _deviation(values["PTC_NOISE"], values["AMP_NOISE"]) < PER_CENT,
            "PTC_TURNOFF": values["PTC_TURNOFF"] * values["PTC_GAIN"] > TURNOFF,
            "PTC_BFE_A00": limits[0] < values["PTC_BFE_A00"] < limits[1],
            "NOISE_SIGNAL_INDEPENDENCE": values["NOISE_SCATTER"] < NOISE_SCATTER,
        }
        results[name] = {**tests, "SUCCESS": all(tests.values())}
    return results


def _noise_scatter(curve: PhotonTransferCurve, name: str) -> float:
    """Standard deviation of the overscan noise over the pairs that follow the curve, adu."""
    noise = np.asarray(curve.overscanNoise.get(name, ()), dtype=np.float64)
    used = np.asarray(curve.usedPoints.get(name, ()), dtype=bool)
    return float(np.std(noise[used])) if used.any() else math.nan


def _deviation(value: float, nominal: float) -> float:
    """Deviation in per cent."""
    return abs(value - nominal) / nominal * 100.0
