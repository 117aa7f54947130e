"""One exposure of a simulated detector: from the request to the pixels, and to the segments of a raw file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..cameras.models import AmplifierModel, detector_model
from .charge import PixelCharges, collect_charge, cosmic_rays
from .faults import DetectorFault, active_faults
from .illumination import LAMP_RATE, REPEATABILITY, throughput
from .patterns import Image, bias_pattern, light_pattern
from .raw import write_extensions, write_raw
from .truth import Defect, DetectorTruth, draw_truth, random_stream

__all__ = ["BITS", "ExposureRequest", "read_out", "simulate", "write_raw", "write_segments"]

READOUT_WAIT = 1.0
"""How long a pixel waits on average until it is read and collects dark current, s: half of the readout."""

BITS = 18
"""Bits of the analog to digital converters."""

PEDESTAL_WANDER = 5.0
"""Rms of the bias level of all amplifiers from exposure to exposure, adu."""

AMPLIFIER_WANDER = 1.0
"""Rms of the bias level of one amplifier besides, adu."""

DRIFT = 1.0
"""Rms of the drift of the bias level while the first rows are read, adu."""


@dataclass(frozen=True)
class ExposureRequest:
    """An exposure of one detector."""

    instrument: str
    """As in the Butler."""
    detector: int
    """As in the Butler."""
    scale: int
    """Of the camera model."""
    seed: int
    """From which the detector and the exposure are drawn."""
    exposure_id: int
    """As in the Butler; another one gives other noise."""
    exposure_time: float
    """How long the shutter is asked to be open, or the charge to be collected, s."""
    dark_time: float
    """From the end of the clearing to the begin of the readout, s."""
    shutter_open: bool
    """True for a flat, with the lamp on."""
    physical_filter: str
    """``FILTER~GRATING``."""
    faults: tuple[DetectorFault, ...]
    """What is wrong with the detectors."""
    path: str
    """File to write."""


def write_segments(request: ExposureRequest) -> None:
    """Simulate an exposure and write the extension HDUs of its raw file, without the primary one.

    Parameters
    ----------
    request
        The exposure, and the file to write.

    Raises
    ------
    ValueError
        Unknown instrument, detector, filter or grating, or a fault of what the detector does not have.
    OSError
        The file cannot be written.
    """
    model = detector_model(request.instrument, request.detector, request.scale)
    write_extensions(request.path, model, simulate(request))


def simulate(request: ExposureRequest) -> Iterator[npt.NDArray[np.int32]]:
    """Simulate an exposure.

    The same request gives the same pixels (whatever its path), and the light is common to all detectors.

    Parameters
    ----------
    request
        The exposure.

    Returns
    -------
    images
        Raw images of the amplifiers, raw rows by raw columns, adu, in the order of the camera model.
    """
    model = detector_model(request.instrument, request.detector, request.scale)
    truth = draw_truth(model, request.seed)
    faults = active_faults(request.faults, model)
    key = request.instrument, request.detector, request.scale, request.exposure_id
    common = random_stream(request.seed, "exposure", *key)
    streams = [random_stream(request.seed, amplifier.name, *key) for amplifier in model.amplifiers]
    charge = _charge(request, truth, faults, common, streams)
    noisy = (fault.values for fault in faults if fault.name == "amplifier-noise")
    factors = {str(each["amplifier"]): float(each["factor"]) for each in noisy}
    return read_out(truth, charge, common, streams, factors)


def _charge(
    request: ExposureRequest,
    truth: DetectorTruth,
    faults: tuple[DetectorFault, ...],
    common: np.random.Generator,
    streams: list[np.random.Generator],
) -> Image:
    """Charge of all amplifiers: amplifiers by imaging rows by imaging columns, electron."""
    light = _light(request, truth, faults)
    collecting = request.dark_time + READOUT_WAIT
    leak = sum(float(fault.values["rate"]) for fault in faults if fault.name == "light-leak")
    dead = {fault.values["amplifier"] for fault in faults if fault.name == "amplifier-dead"}
    pattern = light_pattern(truth)
    extra = _extra(truth, faults, common, collecting)
    charge = np.zeros_like(pattern)
    for i, amplifier in enumerate(truth.amplifiers):
        if amplifier.name not in dead:
            charge[i] = collect_charge(
                streams[i],
                light,
                pattern[i],
                (amplifier.dark_current + leak) * collecting,
                a00=amplifier.a00,
                full_well=amplifier.full_well,
                extra=_inside(extra, truth.model.amplifiers[i]),
            )
    return charge


def _light(request: ExposureRequest, truth: DetectorTruth, faults: tuple[DetectorFault, ...]) -> float:
    """Mean charge from the lamp, electron."""
    if not request.shutter_open or any(fault.name == "shutter-stuck" for fault in faults):
        return 0.0
    lamp = random_stream(request.seed, "lamp", request.instrument, request.exposure_id)
    rate = LAMP_RATE * truth.illumination * throughput(request.physical_filter)
    time = request.exposure_time + truth.shutter_offset
    return rate * time * (1.0 + REPEATABILITY * float(lamp.standard_normal()))


def _extra(
    truth: DetectorTruth, faults: tuple[DetectorFault, ...], rng: np.random.Generator, time: float
) -> PixelCharges:
    """Charge of hot pixels and cosmic rays, in coordinates of the detector."""
    model = truth.model
    columns = tuple(
        Defect("hot column", int(at["column"]), 0, height=model.height, rate=float(at["rate"]))
        for at in (fault.values for fault in faults if fault.name == "hot-column")
    )
    hot = _hot_pixels(truth.defects + columns)
    rays = cosmic_rays(rng, model.width, model.height, time)
    return PixelCharges(
        np.concatenate([hot[:, 0].astype(np.intp), rays.x]),
        np.concatenate([hot[:, 1].astype(np.intp), rays.y]),
        np.concatenate([rng.poisson(hot[:, 2] * time).astype(np.float32), rays.charge]),
    )


@lru_cache(maxsize=256)
def _hot_pixels(defects: tuple[Defect, ...]) -> Image:
    """Pixels with additional dark current: column, row and rate in electron/s, a row for each."""
    found = [
        (defect.x + i, defect.y + j, defect.rate)
        for defect in defects
        if defect.rate > 0
        for j in range(defect.height)
        for i in range(defect.width)
    ]
    return np.array(found, dtype=np.float32).reshape(-1, 3)


def _inside(pixels: PixelCharges, amplifier: AmplifierModel) -> PixelCharges:
    """Charges in the imaging area of an amplifier, as it is read out."""
    x, y = pixels.x - amplifier.x0, pixels.y - amplifier.y0
    inside = (x >= 0) & (x < amplifier.width) & (y >= 0) & (y < amplifier.height)
    x, y = x[inside], y[inside]
    return PixelCharges(
        amplifier.width - 1 - x if amplifier.flip_x else x,
        amplifier.height - 1 - y if amplifier.flip_y else y,
        pixels.charge[inside],
    )


def read_out(
    truth: DetectorTruth,
    charge: Image,
    common: np.random.Generator,
    streams: Sequence[np.random.Generator],
    noise_factors: Mapping[str, float],
) -> Iterator[npt.NDArray[np.int32]]:
    """Read all amplifiers at the same time.

    Crosstalk adds a part of the signal of each amplifier to that of each other; gain, non-linearity, bias and
    read noise follow, and the digitisation.

    Parameters
    ----------
    truth, charge
        The detector, and the charge in it: amplifiers by imaging rows by imaging columns, electron.
    common, streams
        Random numbers for what the amplifiers have in common, and for each amplifier.
    noise_factors
        By which the read noise of an amplifier is multiplied, by its name; 1 if left out.

    Yields
    ------
    image
        Raw image of one amplifier, raw rows by raw columns, adu.
    """
    crosstalk = np.array(truth.crosstalk, dtype=np.float32)
    np.fill_diagonal(crosstalk, 1.0)
    signals = (crosstalk @ charge.reshape(len(crosstalk), -1)).reshape(charge.shape)
    wander = PEDESTAL_WANDER * common.standard_normal()
    patterns = bias_pattern(truth)
    for i, amplifier in enumerate(truth.amplifiers):
        signal = signals[i]
        signal /= np.float32(amplifier.gain)
        signal -= np.float32(amplifier.nonlinearity) * signal * signal
        noise = noise_factors.get(amplifier.name, 1.0) * amplifier.read_noise / amplifier.gain
        image = streams[i].standard_normal(patterns[i].shape, dtype=np.float32)
        image *= np.float32(noise)
        image += patterns[i]
        image += _wander(wander, image.shape[0], streams[i])
        image[truth.model.amplifiers[i].imaging] += signal
        np.rint(image, out=image)
        np.clip(image, 0.0, 2.0**BITS - 1.0, out=image)
        yield image.astype(np.int32)


def _wander(wander: float, rows: int, rng: np.random.Generator) -> Image:
    """By how much the bias level of each row differs from its mean, rows by 1, adu."""
    row = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    level = wander + AMPLIFIER_WANDER * rng.standard_normal()
    drift: Image = np.exp(-row / np.float32(rows / 5)) * np.float32(DRIFT * rng.standard_normal())
    return np.float32(level) + drift
