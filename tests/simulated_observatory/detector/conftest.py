"""A small simulated detector, and the little signal removal that its tests need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest, simulate
from lsst.ts.simulated_observatory.detector.truth import DetectorTruth, draw_truth
from lsst.ts.simulated_observatory.faults.faults import Faults

SCALE = 8
SEED = 5


@pytest.fixture(scope="session")
def model() -> DetectorModel:
    return detector_model("LATISS", 0, SCALE)


@pytest.fixture(scope="session")
def truth(model: DetectorModel) -> DetectorTruth:
    return draw_truth(model, SEED)


@pytest.fixture(scope="session")
def request_for() -> Callable[..., ExposureRequest]:
    """Request of an exposure: bias if it has no time, dark or flat else."""

    def make(number: int, time: float = 0.0, shutter_open: bool = False, **changes: Any) -> ExposureRequest:
        values: dict[str, Any] = {
            "instrument": "LATISS",
            "detector": 0,
            "scale": SCALE,
            "seed": SEED,
            "exposure_id": 2025011500000 + number,
            "exposure_time": time,
            "dark_time": time,
            "shutter_open": shutter_open,
            "physical_filter": "SDSSr_65mm~empty",
            "faults": (),
            "path": "unused",
        }
        values |= changes
        return ExposureRequest(**{**values, "faults": Faults(values["faults"]).detector})

    return make


@pytest.fixture(scope="session")
def take(request_for: Callable[..., ExposureRequest]) -> Callable[..., np.ndarray]:
    """Raw images of an exposure: amplifiers by rows by columns, adu."""

    def expose(*args: Any, **changes: Any) -> np.ndarray:
        return np.stack(list(simulate(request_for(*args, **changes))))

    return expose


@pytest.fixture(scope="session")
def take_electrons(
    take: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> Callable[..., np.ndarray]:
    """Imaging areas of an exposure without their overscan level: amplifiers by rows by columns, electron."""

    def expose(*args: Any, **changes: Any) -> np.ndarray:
        images = []
        raw = take(*args, **changes).astype(np.float64)
        for image, amplifier, of_amplifier in zip(raw, model.amplifiers, truth.amplifiers, strict=True):
            serial = slice(amplifier.imaging[1].stop, None)
            level = image - np.mean(image[:, serial], axis=1, keepdims=True)
            level -= np.mean(level[amplifier.height :], axis=0)
            signal = level[amplifier.imaging]
            images.append((signal + of_amplifier.nonlinearity * signal**2) * of_amplifier.gain)
        return np.stack(images)

    return expose


@pytest.fixture(scope="session")
def assemble(model: DetectorModel) -> Callable[[np.ndarray], np.ndarray]:
    """Put the imaging areas of the amplifiers together as they lie in the detector."""

    def put(images: np.ndarray) -> np.ndarray:
        detector = np.zeros((model.height, model.width))
        for image, amplifier in zip(images, model.amplifiers, strict=True):
            part = image[::-1] if amplifier.flip_y else image
            detector[amplifier.box] = part[:, ::-1] if amplifier.flip_x else part
        return detector

    return put
