"""Small images, and raw files of the simulated detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest, write_raw, write_segments
from lsst.ts.simulated_observatory.detector.header import file_name, primary_header
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage

SCALE = 16
DAY = 20250115


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20250115)


@pytest.fixture
def image_of() -> Callable[..., DetectorImage]:
    """Make an image of two amplifiers, C10 on the left and C11 on the right, from an array."""

    def make(array: np.ndarray, **metadata: object) -> DetectorImage:
        rows, columns = array.shape
        half = columns // 2
        amplifiers = {
            "C10": Amplifier("C10", 0, 0, half, rows, flip_x=True, flip_y=True),
            "C11": Amplifier("C11", half, 0, half, rows),
        }
        return DetectorImage(
            array.astype(np.float32), np.zeros(array.shape, np.uint16), amplifiers, dict(metadata)
        )

    return make


class StoredImage:
    """An image that is read whole or in parts, as the Butler's deferred handles do."""

    def __init__(self, image: DetectorImage) -> None:
        self.image = image
        self.most_rows = 0

    def get(self, *, parameters: dict[str, tuple[int, int]] | None = None) -> DetectorImage:
        first, stop = (parameters or {}).get("rows", (0, len(self.image.image)))
        self.most_rows = max(self.most_rows, stop - first)
        part = slice(first, stop)
        return DetectorImage(
            self.image.image[part], self.image.mask[part], self.image.amplifiers, self.image.metadata
        )


@pytest.fixture
def stored(image_of: Callable[..., DetectorImage]) -> Callable[..., StoredImage]:
    """Make a stored image with the metadata that a combination needs."""

    def make(array: np.ndarray, exposure: int = 1, time: float = 0.0, **metadata: object) -> StoredImage:
        values = {
            "EXPOSURE": exposure,
            "OBSID": f"AT_O_20250115_{exposure:06d}",
            "EXPTIME": time,
            "DARKTIME": time,
            "DATE-BEG": f"2025-01-15T18:00:{exposure:02d}",
            "DATE-END": f"2025-01-15T18:01:{exposure:02d}",
            "IMAGE SHAPE": list(array.shape),
            "DETECTOR NAME": "RXX_S00",
        }
        return StoredImage(image_of(array, **values | metadata))

    return make


class Camera:
    """Takes images with the simulated detector, one after the other."""

    def __init__(self, folder: Path, scale: int = SCALE, seed: int = 1) -> None:
        self.folder = folder
        self.model = detector_model("LATISS", 0, scale)
        self.seed = seed
        self.sequence = 0
        self.tai = 1_736_964_000.0

    def take(self, image_type: str, times: Sequence[float], **request: object) -> list[Path]:
        """Take images of some exposure times; returns their files."""
        return [self._expose(image_type, time, **request) for time in times]

    def _expose(self, image_type: str, time: float, **request: object) -> Path:
        self.sequence += 1
        name = f"AT_O_{DAY}_{self.sequence:06d}"
        dark_time = 0.0 if image_type == "BIAS" else time + 0.24
        segments = self.folder / f"{name}.segments"
        write_segments(
            ExposureRequest(
                instrument="LATISS",
                detector=0,
                scale=self.model.scale,
                seed=self.seed,
                exposure_id=DAY * 100_000 + self.sequence,
                exposure_time=time,
                dark_time=dark_time,
                shutter_open=image_type == "FLAT",
                physical_filter="SDSSr_65mm~empty",
                faults=Faults(request.get("faults", ())).detector,
                path=str(segments),
            )
        )
        header = primary_header(
            model=self.model,
            image_name=name,
            day_obs=DAY,
            seq_num=self.sequence,
            image_type=image_type,
            exposure_time=time,
            dark_time=dark_time,
            begin_tai=self.tai,
            end_tai=self.tai + time,
            filter_name="SDSSr_65mm",
            filter_band="r",
            grating="empty_1",
            grating_band="EMPTY",
            seed=self.seed,
        )
        path = self.folder / file_name(name, self.model)
        write_raw(str(path), header, str(segments))
        self.tai += time + 4.0
        return path


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """A camera whose detector is 16 times smaller on each side."""
    return Camera(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def bias_file(camera: Camera) -> Path:
    return camera.take("BIAS", [0])[0]
