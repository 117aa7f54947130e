"""One exposure of a simulated detector: from the request to the pixels, and to the segments of a raw file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from ..cameras.models import AmplifierModel, detector_model
from .charge import PixelCharges, collect_charge, cosmic_rays
from .faults import ActiveFaults, DetectorFault, active_faults
from .illumination import LAMP_RATE, REPEATABILITY, throughput
from .mean_noise import MeanNoise
from .night import Night, draw_night, lamp_shape, observing_day
from .patterns import Image, light_gradient, light_pattern
from .raw import write_extensions, write_raw
from .readout import BITS, Electronics, analog_images, read_out
from .transfer import bleed, defer_charge
from .truth import Defect, DetectorTruth, draw_truth, random_stream

__all__ = ["ExposureRequest", "mean_exposure", "simulate", "write_raw", "write_segments"]

DIGITISATION = 1.0 / math.sqrt(12.0)
"""Rms of the error of a digitised number, adu."""

READOUT_WAIT = 1.0
"""How long a pixel waits on average until it is read and collects dark current, s: half of the readout."""


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
    idle: float = 0.0
    """Time without readout before the exposure, s."""
    image: int = 0
    """Number in the run, from 1, for faults of some images only; 0: it has none."""


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
    return read_out(*_exposed(request))


def mean_exposure(request: ExposureRequest, exposures: int) -> Iterator[Image]:
    """Draw the mean of exposures that differ in their noise alone, from the distribution that it has.

    Parameters
    ----------
    request, exposures
        One of the exposures, and their number.

    Returns
    -------
    images
        As of `simulate`, but of real numbers, and without cosmic rays, which a clipped mean does not have.
    """
    truth, charge, common, streams, electronics = _exposed(request, exposures)
    images = analog_images(truth, charge, common, streams, electronics)
    digitisation = np.float32(DIGITISATION)
    return (
        image + digitisation * stream.standard_normal(image.shape, dtype=np.float32)
        for image, stream in zip(images, streams, strict=True)
    )


def _exposed(
    request: ExposureRequest, exposures: int = 1
) -> tuple[DetectorTruth, Image, np.random.Generator, list[np.random.Generator], Electronics]:
    """What is read out; the random numbers are those of a mean if there are several exposures."""
    model = detector_model(request.instrument, request.detector, request.scale)
    truth = draw_truth(model, request.seed)
    faults = active_faults(request.faults, model, request.image)
    day = observing_day(request.exposure_id)
    night = draw_night(request.seed, request.instrument, request.detector, len(model.amplifiers), day)
    key = request.instrument, request.detector, request.scale, request.exposure_id
    names = ("exposure", *(amplifier.name for amplifier in model.amplifiers))
    if exposures == 1:
        numbers = [random_stream(request.seed, name, *key) for name in names]
    else:  # independent of what the single exposure has
        numbers = [MeanNoise(random_stream(request.seed, name, "mean", *key), exposures) for name in names]
    common, *streams = numbers
    charge = _charge(request, truth, faults, night, common, streams)
    electronics = Electronics(
        night=night,
        idle=request.idle,
        bits=round(min([BITS, *faults.numbers("adc-range", "bits")])),
        common_noise=math.hypot(*faults.numbers("common-mode", "noise")),
        noise=faults.by_amplifier("amplifier-noise", "factor"),
        gain_changes=faults.by_amplifier("gain-drift", "change"),
        constant=faults.by_amplifier("amplifier-constant", "level"),
    )
    return truth, charge, common, streams, electronics


def _charge(
    request: ExposureRequest,
    truth: DetectorTruth,
    faults: ActiveFaults,
    night: Night,
    common: np.random.Generator,
    streams: list[np.random.Generator],
) -> Image:
    """Charge of all amplifiers: amplifiers by rows by columns from the first imaging pixel on, electron.

    It has the rows of the parallel overscan, into which charge bleeds, and the first serial overscan column.
    """
    light, gradient = _light(request, truth, faults, night)
    collecting = request.dark_time + READOUT_WAIT
    leak = sum(faults.numbers("light-leak", "rate") + faults.numbers("light-leak-in", "rate"))
    dead = {values["amplifier"] for values in faults.named("amplifier-dead")}
    glow = faults.by_amplifier("amplifier-glow", "rate")
    wells = faults.by_amplifier("full-well", "factor")
    deferred = faults.by_amplifier("deferred-charge", "part")
    pattern = light_pattern(truth, request.physical_filter)
    extra = _extra(truth, faults, common, collecting)
    first, size = truth.model.amplifiers[0], (truth.model.height, truth.model.width)
    rows = first.raw_shape[0]
    charge = np.zeros((len(pattern), rows, first.width + 1), np.float32)
    for i, (amplifier, model) in enumerate(zip(truth.amplifiers, truth.model.amplifiers, strict=True)):
        if amplifier.name in dead:
            continue
        collected = collect_charge(
            streams[i],
            light,
            pattern[i] * light_gradient(model, size, gradient) if light > 0 else pattern[i],
            (amplifier.dark_current + leak + glow.get(amplifier.name, 0.0)) * collecting,
            a00=amplifier.a00,
            extra=_inside(extra, model),
        )
        full_well = amplifier.full_well * wells.get(amplifier.name, 1.0)
        filled = bleed(collected, full_well, rows - model.height)
        part = deferred.get(amplifier.name, amplifier.deferred_charge)
        charge[i] = defer_charge(filled, part, 1 + model.sensor.prescan)
    return charge


def _light(
    request: ExposureRequest, truth: DetectorTruth, faults: ActiveFaults, night: Night
) -> tuple[float, tuple[float, float]]:
    """Mean charge from the lamp, electron, and its relative change over the detector along x and y."""
    shape = lamp_shape(request.seed, request.instrument, request.exposure_id)
    if not request.shutter_open or faults.named("shutter-stuck") or faults.named("shutter-shut"):
        return 0.0, shape
    lamp, flicker, turn = (
        random_stream(request.seed, use, request.instrument, request.exposure_id)
        for use in ("lamp", "flicker", "lamp gradient")
    )
    rate = LAMP_RATE * truth.illumination * throughput(request.physical_filter) * night.lamp
    time = request.exposure_time + truth.shutter_offset
    charge = rate * time * (1.0 + REPEATABILITY * float(lamp.standard_normal()))
    for rms in faults.numbers("lamp-flicker", "rms"):
        charge *= max(0.0, 1.0 + rms * float(flicker.standard_normal()))
    charge *= math.prod(faults.numbers("lamp-dim", "factor"))
    for change in faults.numbers("lamp-gradient", "change"):
        angle = 2.0 * math.pi * float(turn.random())
        shape = shape[0] + change * math.cos(angle), shape[1] + change * math.sin(angle)
    return charge, shape


def _extra(truth: DetectorTruth, faults: ActiveFaults, rng: np.random.Generator, time: float) -> PixelCharges:
    """Charge of hot pixels and cosmic rays, in coordinates of the detector."""
    model = truth.model
    hot = _hot_pixels(truth.defects + _hot_defects(truth, faults))
    rays = cosmic_rays(rng, model.width, model.height, 0.0 if isinstance(rng, MeanNoise) else time)
    return PixelCharges(
        np.concatenate([hot[:, 0].astype(np.intp), rays.x]),
        np.concatenate([hot[:, 1].astype(np.intp), rays.y]),
        np.concatenate([rng.poisson(hot[:, 2] * time).astype(np.float32), rays.charge]),
    )


def _hot_defects(truth: DetectorTruth, faults: ActiveFaults) -> tuple[Defect, ...]:
    """Hot columns, hot pixels and glowing spots that faults add."""
    model, found = truth.model, []
    for values in faults.named("hot-column"):
        column, rate = int(values["column"]), float(values["rate"])
        found.append(Defect("hot column", column, 0, height=model.height, rate=rate))
    for values in faults.named("bleeding"):
        spot = int(values["column"]), model.height // 4
        found.append(Defect("hot pixel", *spot, rate=float(values["rate"])))
    for values in faults.named("hot-pixels"):
        amplifier = model.amplifier(str(values["amplifier"]))
        rng = random_stream(truth.seed, "hot pixels", model.instrument, model.id, amplifier.name)
        number = amplifier.width * amplifier.height
        for place in rng.choice(number, round(float(values["part"]) * number), replace=False):
            y, x = divmod(int(place), amplifier.width)
            found.append(Defect("hot pixel", amplifier.x0 + x, amplifier.y0 + y, rate=float(values["rate"])))
    return tuple(found)


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
