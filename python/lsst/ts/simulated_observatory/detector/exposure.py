"""One exposure of a simulated detector: from the request to the pixels, and to the segments of a raw file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..cameras.models import detector_model
from .charge import Extra, collect_charge
from .cosmic_rays import cosmic_rays
from .faults import DetectorFault, active_faults
from .illumination import LAMP_RATE, REPEATABILITY, throughput
from .patterns import Image, hot_pixels, light_pattern
from .raw import write_extensions, write_raw
from .readout import read_out
from .truth import DetectorTruth, draw_truth, random_stream

__all__ = ["ExposureRequest", "simulate", "write_raw", "write_segments"]

READOUT_WAIT = 1.0
"""How long a pixel waits on average until it is read and collects dark current, s: half of the readout."""


@dataclass(frozen=True)
class ExposureRequest:
    """An exposure of one detector.

    Parameters
    ----------
    instrument, detector
        As in the Butler.
    scale
        Of the camera model.
    seed
        From which the detector and the exposure are drawn.
    exposure_id
        As in the Butler; another one gives other noise.
    exposure_time
        How long the shutter is asked to be open, or the charge to be collected, s.
    dark_time
        From the end of the clearing to the begin of the readout, s.
    shutter_open
        True for a flat, with the lamp on.
    physical_filter
        ``FILTER~GRATING``.
    faults
        What is wrong with the detectors.
    path
        File to write.
    """

    instrument: str
    detector: int
    scale: int
    seed: int
    exposure_id: int
    exposure_time: float
    dark_time: float
    shutter_open: bool
    physical_filter: str
    faults: tuple[DetectorFault, ...]
    path: str


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

    Raises
    ------
    ValueError
        As `write_segments`.
    """
    model = detector_model(request.instrument, request.detector, request.scale)
    truth = draw_truth(model, request.seed)
    faults = active_faults(request.faults, model)
    key = request.instrument, request.detector, request.scale, request.exposure_id
    common = random_stream(request.seed, "exposure", *key)
    streams = [random_stream(request.seed, amplifier.name, *key) for amplifier in model.amplifiers]
    charge = _charge(request, truth, faults, common, streams)
    noise = {
        fault.values["amplifier"]: float(fault.values["factor"])
        for fault in faults
        if "factor" in fault.values
    }
    factors = [noise.get(amplifier.name, 1.0) for amplifier in model.amplifiers]
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
    extras = _extras(truth, faults, common, collecting)
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
                extra=extras[i],
            )
    return charge


def _light(request: ExposureRequest, truth: DetectorTruth, faults: tuple[DetectorFault, ...]) -> float:
    """Mean charge from the lamp, electron."""
    if not request.shutter_open or any(fault.name == "shutter-stuck" for fault in faults):
        return 0.0
    lamp = random_stream(request.seed, "lamp", request.instrument, request.exposure_id)
    time = request.exposure_time + truth.shutter_offset
    return (
        LAMP_RATE
        * truth.illumination
        * throughput(request.physical_filter)
        * time
        * (1.0 + REPEATABILITY * float(lamp.standard_normal()))
    )


def _extras(
    truth: DetectorTruth, faults: tuple[DetectorFault, ...], rng: np.random.Generator, time: float
) -> list[Extra]:
    """Charge of hot pixels and cosmic rays, by amplifier."""
    model = truth.model
    hot = [hot_pixels(truth)]
    for fault in faults:
        if fault.name == "hot-column":
            rows = np.arange(model.height, dtype=np.float32)
            hot.append(
                np.stack(np.broadcast_arrays(fault.values["column"], rows, fault.values["rate"]), axis=1)
            )
    pixels = np.concatenate(hot)
    rays_x, rays_y, rays = cosmic_rays(rng, model.width, model.height, time)
    x = np.concatenate([pixels[:, 0].astype(np.intp), rays_x])
    y = np.concatenate([pixels[:, 1].astype(np.intp), rays_y])
    charge = np.concatenate([rng.poisson(pixels[:, 2] * time).astype(np.float32), rays])
    extras = []
    for amplifier in model.amplifiers:
        column, row = x - amplifier.x0, y - amplifier.y0
        inside = (column >= 0) & (column < amplifier.width) & (row >= 0) & (row < amplifier.height)
        column, row = column[inside], row[inside]
        extras.append(
            Extra(
                amplifier.height - 1 - row if amplifier.flip_y else row,
                amplifier.width - 1 - column if amplifier.flip_x else column,
                charge[inside],
            )
        )
    return extras
