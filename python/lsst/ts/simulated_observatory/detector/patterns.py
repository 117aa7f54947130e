"""Patterns that all exposures of a detector share: response to the flat field, and bias."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps

import numpy as np
import numpy.typing as npt

from ..cameras.models import AmplifierModel
from .truth import DetectorTruth, random_stream

__all__ = ["Image", "bias_pattern", "light_pattern"]

Image = npt.NDArray[np.float32]

PIXEL_RESPONSE = 0.005
"""Relative rms of the response of the pixels."""

REMEMBERED = 700_000_000
"""Bytes of patterns of one kind that a process keeps: nine detectors at scale 1. To make a pattern anew takes
as long as a bias."""


def _remembered(make: Callable[[DetectorTruth], Image]) -> Callable[[DetectorTruth], Image]:
    """Keep the patterns that were used last."""
    kept: OrderedDict[DetectorTruth, Image] = OrderedDict()

    @wraps(make)
    def recall(truth: DetectorTruth) -> Image:
        if truth not in kept:
            kept[truth] = make(truth)
            while len(kept) > 1 and sum(pattern.nbytes for pattern in kept.values()) > REMEMBERED:
                kept.popitem(last=False)
        kept.move_to_end(truth)
        return kept[truth]

    return recall


@_remembered
def light_pattern(truth: DetectorTruth) -> Image:
    """Response of the pixels to the flat field, relative to the detector mean without defects.

    Parameters
    ----------
    truth
        The detector.

    Returns
    -------
    pattern
        Amplifiers by imaging rows by imaging columns, as they are read out.
    """
    model = truth.model
    x = np.linspace(-1.0, 1.0, model.width, dtype=np.float32)
    y = np.linspace(-1.0, 1.0, model.height, dtype=np.float32)[:, np.newaxis]
    light = np.asarray(1.0 - truth.vignetting * (x * x + y * y) / 2.0, dtype=np.float32)
    light += 0.5 * (truth.gradient[0] * x + truth.gradient[1] * y)
    light /= float(light.mean(dtype=np.float64))
    rng = random_stream(truth.seed, "pixel response", model.instrument, model.id, model.scale)
    light *= 1.0 + PIXEL_RESPONSE * rng.standard_normal(light.shape, dtype=np.float32)
    for defect in truth.defects:
        light[defect.y : defect.y + defect.height, defect.x : defect.x + defect.width] *= defect.response
    return np.stack([amplifier.mirrored(light[amplifier.box]) for amplifier in model.amplifiers])


@_remembered
def bias_pattern(truth: DetectorTruth) -> Image:
    """Bias level of each pixel without what changes from exposure to exposure.

    Both overscans follow what their rows or columns have; a glow in the corner that is read first and a fixed
    pattern of the pixels show in the imaging area only, so that a combined bias is needed.

    Parameters
    ----------
    truth
        The detector.

    Returns
    -------
    pattern
        Amplifiers by raw rows by raw columns, adu.
    """
    model = truth.model
    rng = random_stream(truth.seed, "bias", model.instrument, model.id, model.scale)
    pedestals = [amplifier.pedestal for amplifier in truth.amplifiers]
    return np.stack([_bias(*each, rng) for each in zip(model.amplifiers, pedestals, strict=True)])


def _bias(amplifier: AmplifierModel, pedestal: float, rng: np.random.Generator) -> Image:
    """Bias level of one amplifier, raw rows by raw columns, adu."""
    rows, columns = amplifier.raw_shape
    row = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    column = np.arange(columns, dtype=np.float32)
    level = np.full((rows, columns), pedestal, dtype=np.float32)
    level += float(rng.uniform(2.0, 6.0)) * np.exp(-row / (rows / 10))
    level += float(rng.uniform(2.0, 6.0)) * np.exp(-column / (columns / 20))
    height, width = amplifier.height, amplifier.width
    level[:, amplifier.imaging[1]] += rng.normal(0.0, 0.7, width).astype(np.float32)
    glow = np.exp(-row[:height] / (height / 8)) * np.exp(-column[:width] / (width / 8))
    level[amplifier.imaging] += float(rng.uniform(2.0, 5.0)) * glow
    level[amplifier.imaging] += 0.5 * rng.standard_normal((height, width), dtype=np.float32)
    return level
