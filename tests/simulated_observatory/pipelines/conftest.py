"""Small images, and raw files of the simulated detector."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository

from .camera import Camera


@pytest.fixture(scope="session")
def made_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with LATISS registered and nothing else: to copy, which takes no time."""
    path = tmp_path_factory.mktemp("repositories") / "new"
    create_repository(str(path))
    return path


@pytest.fixture
def new_repository(made_repository: Path, tmp_path: Path) -> Path:
    """A repository with LATISS registered and nothing else, of this test's own."""
    return Path(shutil.copytree(made_repository, tmp_path / "repo"))


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


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """A camera whose detector is 16 times smaller on each side."""
    return Camera(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="session")
def bias_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first exposure of a night."""
    return Camera(tmp_path_factory.mktemp("bias")).take("BIAS", [0])[0]
