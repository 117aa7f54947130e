"""Calibrations without pixels: as small as they can be, of the types and with the metadata of real ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lsst.ts.calibrations.domain.instruments import BRIGHTER_FATTER_SLOPES

from ..cameras.models import DetectorModel
from ..detector.truth import draw_truth
from ..pipelines.images import Amplifier, DetectorImage
from ..pipelines.tables import Defects, PhotonTransferCurve
from .measurements import BRIGHTER_FATTER

__all__ = ["combined_image", "curve", "found_defects", "pair"]

_LEVELS = (1e3, 1e4, 5e4, 1.2e5)
"""Means of the pairs of a curve, adu."""


def combined_image(model: DetectorModel, kind: str, exposures: Sequence[int]) -> DetectorImage:
    """A combined bias, dark or flat of one pixel per amplifier.

    Parameters
    ----------
    model
        Of the detector.
    kind
        ``BIAS``, ``DARK`` or ``FLAT``.
    exposures
        Ids of those that it is made of.

    Returns
    -------
    image
        Of 1 x 16 pixels.
    """
    amplifiers = {
        each.name: Amplifier(each.name, place, 0, 1, 1) for place, each in enumerate(model.amplifiers)
    }
    shape = (1, len(amplifiers))
    metadata: dict[str, Any] = {
        "OBSTYPE": kind,
        "INPUT EXPOSURES": list(exposures),
        "DETECTOR": model.name,
        "SIMULATED": True,
    }
    pixels = np.full(shape, 1.0 if kind == "FLAT" else 0.0, dtype=np.float32)
    return DetectorImage(pixels, np.zeros(shape, dtype=np.uint16), amplifiers, metadata)


def found_defects(model: DetectorModel, exposures: Sequence[int]) -> Defects:
    """Defects of a detector.

    Parameters
    ----------
    model
        Of the detector.
    exposures
        Ids of those that they were found in.

    Returns
    -------
    defects
        The first column.
    """
    metadata = {"INPUT EXPOSURES": list(exposures), "SIMULATED": True}
    return Defects(model.name, (model.height, model.width), [(0, 0, 1, model.height)], metadata)


def curve(model: DetectorModel, seed: int, pairs: Sequence[tuple[int, int]]) -> PhotonTransferCurve:
    """Photon transfer curve of a detector, as its amplifiers really are.

    Parameters
    ----------
    model
        Of the detector.
    seed
        Of the simulation.
    pairs
        Ids of the flats of each pair.

    Returns
    -------
    curve
        Gains in electron/adu, noise in electron, of each amplifier.
    """
    truth = draw_truth(model, seed).amplifiers
    levels = list(_LEVELS)
    return PhotonTransferCurve(
        detector=model.name,
        gain={each.name: each.gain for each in truth},
        noise={each.name: each.read_noise for each in truth},
        imageNoise={each.name: each.read_noise for each in truth},
        a00={each.name: each.a00 for each in truth},
        ptcTurnoff={each.name: levels[-1] for each in truth},
        ptcFitType="EXPAPPROXIMATION",
        rawMeans={each.name: levels for each in truth},
        usedPoints={each.name: [True] * len(levels) for each in truth},
        overscanNoise={each.name: [each.read_noise / each.gain] * len(levels) for each in truth},
        inputExpIdPairs=list(pairs),
        metadata={"SIMULATED": True},
    )


def pair(
    model: DetectorModel, exposures: tuple[int, int], light: Mapping[str, tuple[float, float]]
) -> PhotonTransferCurve:
    """What is measured on a pair of flats: gains without the correction for the brighter-fatter effect.

    Parameters
    ----------
    model
        Of the detector.
    exposures
        The flats.
    light
        Signal (adu) and gain (electron/adu) by amplifier; without light there is no gain.

    Returns
    -------
    curve
        With one point; gains in electron/adu, noise in electron.
    """
    result = PhotonTransferCurve(
        detector=model.name, gain={}, inputExpIdPairs=[exposures], metadata={"SIMULATED": True}
    )
    for name, (mean, gain) in light.items():
        measured = gain / BRIGHTER_FATTER**2 if mean > 1.0 else math.nan
        noise = model.amplifier(name).read_noise
        result.gain[name] = measured
        result.noise[name] = (
            noise / gain * measured * (1.0 - BRIGHTER_FATTER_SLOPES[model.vendor] * mean / 100.0)
        )
        result.rawMeans[name] = [mean]
    return result
