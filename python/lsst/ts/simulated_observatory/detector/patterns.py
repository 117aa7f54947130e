"""Patterns that all exposures of a detector share: response to the flat field, and bias."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec

import numpy as np
import numpy.typing as npt

from ..cameras.models import AmplifierModel, DetectorModel
from .illumination import normal_name
from .truth import DetectorTruth, random_stream

__all__ = ["Image", "bias_pattern", "light_gradient", "light_pattern"]

Image = npt.NDArray[np.float32]

PIXEL_RESPONSE = 0.004
"""Relative rms of the response of the pixels that all filters have in common."""

FILTER_RESPONSE = 0.003
"""Relative rms of what a filter changes of it, so that a flat of another filter adds 15 % to the noise of a
flat of 15 kadu. Chosen; both together are 0.005."""

FILTER_GRADIENT = 0.005
"""Relative change of the light from one side of the detector to the other that a filter makes. Chosen."""

FRINGES: Mapping[str, float] = {"z": 0.001, "y": 0.003}
"""Amplitude of the fringes by band, relative. Chosen."""

FRINGE_LENGTH = 0.06
"""Distance of two fringes, in units of the width of the detector. Chosen."""

REMEMBERED = 700_000_000
"""Bytes of patterns of one kind that a process keeps: nine detectors at scale 1. To make a pattern anew takes
as long as a bias."""


_P = ParamSpec("_P")


def _remembered(make: Callable[_P, Image]) -> Callable[_P, Image]:
    """Keep the patterns that were used last."""
    kept: OrderedDict[tuple[object, ...], Image] = OrderedDict()

    @wraps(make)
    def recall(*args: _P.args, **kwargs: _P.kwargs) -> Image:
        if args not in kept:
            kept[args] = make(*args, **kwargs)
            while len(kept) > 1 and sum(pattern.nbytes for pattern in kept.values()) > REMEMBERED:
                kept.popitem(last=False)
        kept.move_to_end(args)
        return kept[args]

    return recall


def light_pattern(truth: DetectorTruth, physical_filter: str) -> Image:
    """Response of the pixels to the flat field, relative to the detector mean without defects.

    Parameters
    ----------
    truth, physical_filter
        The detector, and filter and grating, as in the Butler.

    Returns
    -------
    pattern
        Amplifiers by imaging rows by imaging columns, as they are read out.
    """
    return _light_pattern(truth, normal_name(physical_filter))


@_remembered
def _light_pattern(truth: DetectorTruth, optics: str) -> Image:
    model = truth.model
    x, y = _coordinates(model)
    light = np.asarray(1.0 - truth.vignetting * (x * x + y * y) / 2.0, dtype=np.float32)
    light += 0.5 * (truth.gradient[0] * x + truth.gradient[1] * y)
    light *= _filter_pattern(truth.seed, model, optics)
    light /= float(light.mean(dtype=np.float64))
    rng = random_stream(truth.seed, "pixel response", model.instrument, model.id, model.scale)
    light *= 1.0 + PIXEL_RESPONSE * rng.standard_normal(light.shape, dtype=np.float32)
    rng = random_stream(truth.seed, "filter response", model.instrument, model.id, model.scale, optics)
    light *= 1.0 + FILTER_RESPONSE * rng.standard_normal(light.shape, dtype=np.float32)
    for defect in truth.defects:
        light[defect.y : defect.y + defect.height, defect.x : defect.x + defect.width] *= defect.response
    return np.stack([amplifier.mirrored(light[amplifier.box]) for amplifier in model.amplifiers])


def _coordinates(model: DetectorModel) -> tuple[Image, Image]:
    """Columns, and rows by 1, of a detector, each from -1 to 1."""
    x = np.linspace(-1.0, 1.0, model.width, dtype=np.float32)
    return x, np.linspace(-1.0, 1.0, model.height, dtype=np.float32)[:, np.newaxis]


def _filter_pattern(seed: int, model: DetectorModel, optics: str) -> Image:
    """What filter and grating make of the light: a gradient of their own, and fringes in the red."""
    x, y = _coordinates(model)
    rng = random_stream(seed, "filter", model.instrument, optics)
    angle, phase = 2.0 * np.pi * rng.random(2)
    light: Image = 1.0 + np.float32(0.5 * FILTER_GRADIENT) * (np.cos(angle) * x + np.sin(angle) * y)
    for band, amplitude in FRINGES.items():
        if f"SDSS{band}" in optics or optics.startswith(f"{band}_"):
            path = np.sqrt((x - 0.3) ** 2 + (y + 0.2) ** 2 + 0.1) * np.float32(np.pi / FRINGE_LENGTH)
            light = light + np.float32(amplitude) * np.sin(path + np.float32(phase))
    return light.astype(np.float32)


def light_gradient(model: AmplifierModel, size: tuple[int, int], gradient: tuple[float, float]) -> Image:
    """Change of the light in an amplifier by a gradient over the detector.

    Parameters
    ----------
    model, size
        The amplifier; rows and columns of its detector.
    gradient
        Relative change of the light from left to right, and from bottom to top of the detector.

    Returns
    -------
    factor
        Of the light, imaging rows by imaging columns, as they are read out; its mean over the detector is 1.
    """
    y, x = (
        np.linspace(-0.5, 0.5, side, dtype=np.float32)[part]
        for side, part in zip(size, model.box, strict=True)
    )
    factor: Image = 1.0 + np.float32(gradient[0]) * x + np.float32(gradient[1]) * y[:, np.newaxis]
    return model.mirrored(factor)


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
