# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""Combined images are exposures of afw: its reader takes extensions 1 to 3 for image, mask and variance.

Layout: documentation of ``MaskedImage``, ``Mask`` and ``Exposure`` of lsst.afw.image, and the keywords that
cp_pipe's ``CalibCombineTask`` documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.combine import (
    CombineConfig,
    CombineFlatConfig,
    CombineFlatTask,
    CombineTask,
)
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type

Store = Callable[..., Any]
SHAPE = (40, 60)
FILTER = "SDSSr_65mm~empty"

AFW_PLANES = ("BAD", "SAT", "INTRP", "CR", "EDGE", "DETECTED", "DETECTED_NEGATIVE", "SUSPECT", "NO_DATA")
"""Planes that afw begins with; a file without MP_ keywords has these bits, from 0 on."""


@dataclass
class Exposure:
    """What a reader of afw finds: the planes by their place in the file, masks by name, primary header."""

    image: NDArray[Any]
    mask: NDArray[Any]
    variance: NDArray[Any]
    planes: dict[str, int]
    header: fits.Header

    @classmethod
    def read(cls, path: Path) -> Exposure:
        with fits.open(path, memmap=False) as hdus:
            assert hdus[0].data is None
            for hdu, name in zip(hdus[1:4], ("IMAGE", "MASK", "VARIANCE"), strict=True):
                assert (hdu.header["EXTTYPE"], hdu.header["EXTNAME"]) == (name, name)
                assert hdu.header["INHERIT"] is True, "else the primary header is ignored"
            keywords = hdus[2].header
            planes = {key[3:]: keywords[key] for key in keywords if key.startswith("MP_")}
            assert len(set(planes.values())) == len(planes)
            planes = planes or {name: bit for bit, name in enumerate(AFW_PLANES)}
            image, mask, variance = (hdus[number].data for number in (1, 2, 3))
            return cls(image, mask, variance, planes, hdus[0].header.copy())

    def flagged(self, plane: str) -> list[list[int]]:
        return np.argwhere(self.mask & (1 << self.planes[plane])).tolist()


@pytest.fixture
def butler(new_repository: Path) -> Iterator[Butler]:
    with Butler.from_config(str(new_repository), run="test", writeable=True) as butler:
        record = {"instrument": "LATISS", "name": FILTER, "band": "r"}
        butler.registry.syncDimensionData("physical_filter", record)
        yield butler


@pytest.fixture
def images(rng: np.random.Generator, stored: Store) -> list[Any]:
    header: dict[str, Any] = {
        "FILTER": "SDSSr_65mm",
        "LSST_NUM": "ITL-3800C-068",
        "INSTRUME": "LATISS",
        "SEQNAME": "seq",
    }
    header |= {"LSST ISR UNITS": "electron", "SIMULATE SEED": 1}
    return [stored(rng.normal(100.0, 9.0, SHAPE), number, 5.0, **header) for number in range(1, 7)]


def put(butler: Butler, image: DetectorImage, name: str, **data_id: str) -> Exposure:
    whole = {"instrument": "LATISS", "detector": 0, **data_id}
    ref = butler.put(image, calibration_type(butler, name), whole)
    return Exposure.read(Path(butler.getURI(ref).ospath))


def test_image_mask_and_variance_are_where_afw_takes_them(butler: Butler, images: list[Any]) -> None:
    bias = CombineTask(config=CombineConfig()).run(images).combined
    for number, plane in enumerate(MaskPlane):
        bias.mask[number, 2 * number] = plane
    found = put(butler, bias, "bias")
    np.testing.assert_array_equal(found.image, bias.image)
    np.testing.assert_array_equal(found.variance, bias.variance)
    for number, plane in enumerate(MaskPlane):
        assert plane.name is not None
        assert found.flagged(plane.name) == [[number, 2 * number]], plane
    assert set(AFW_PLANES) | {"VIGNETTED"} >= set(found.planes)
    assert found.mask.dtype == np.uint8  # afw reads all integers that fit into its own


def test_the_primary_header_says_what_it_is_and_of_what_it_was_made(
    butler: Butler, images: list[Any]
) -> None:
    config = CombineConfig()
    config.scale = "darkTime"
    config.connections.calibration = "dark"
    header = put(butler, CombineTask(config=config).run(images).combined, "dark").header
    assert header["OBSTYPE"] == "dark"
    found = {key: header[key] for key in ("INSTRUME", "DETECTOR", "DET_NAME", "DET_SER", "RAFTNAME")}
    assert list(found.values()) == ["LATISS", 0, "RXX_S00", "ITL-3800C-068", "RXX"]
    assert header["CALIB_CREATION_DATETIME"] == "2025-01-15T18:01:06"
    assert (header["CALIB_CREATION_DATE"], header["CALIB_CREATION_TIME"]) == ("2025-01-15", "18:01:06")
    assert "detector=0" in header["CALIB_ID"]
    for number in range(6):
        assert header[f"CPP_INPUT_{number}"] == number + 1
        assert header[f"CPP_INPUT_DATE_{number}"] == f"2025-01-15T18:00:0{number + 1}"
        assert header[f"CPP_INPUT_EXPT_{number}"] == 5.0
        assert header[f"CPP_INPUT_SCALE_{number}"] == 5.0
    assert "CPP_INPUT_6" not in header
    assert (header["DATE-BEG"], header["DATE-END"]) == ("2025-01-15T18:00:01", "2025-01-15T18:01:06")
    assert header["DATE-AVG"] == "2025-01-15T18:00:33.500"
    assert header["TIMESYS"] == "TAI"
    assert (header["EXPTIME"], header["DARKTIME"]) == (1.0, 1.0)
    assert header["SIMULATE SEED"] == 1
    assert header["LSST ISR UNITS"] == "electron"


def test_only_a_flat_has_a_filter(butler: Butler, images: list[Any]) -> None:
    bias = CombineTask(config=CombineConfig()).run(images).combined
    header = put(butler, bias, "bias").header
    assert "FILTER" not in header
    assert "filter" not in header["CALIB_ID"]
    assert (header["EXPTIME"], header["DARKTIME"]) == (0.0, 0.0)
    levels = {"EXPOSURES": dict.fromkeys(range(1, 7), 100.0)}
    flat = CombineFlatTask(config=CombineFlatConfig()).run(images, levels).combined
    header = put(butler, flat, "flat", physical_filter=FILTER).header
    assert header["FILTER"] == FILTER
    assert f"filter={FILTER}" in header["CALIB_ID"]


def test_what_was_written_is_read_with_its_variance(butler: Butler, images: list[Any]) -> None:
    bias = CombineTask(config=CombineConfig()).run(images).combined
    put(butler, bias, "bias")
    read = butler.get("bias", instrument="LATISS", detector=0)
    np.testing.assert_array_equal(read.getVariance().getArray(), bias.variance)
    assert read.getVariance().getArray().dtype == np.float32
    rows = butler.get("bias", instrument="LATISS", detector=0, parameters={"rows": (3, 7)})
    np.testing.assert_array_equal(rows.getVariance().getArray(), bias.variance[3:7])
    assert np.isnan(images[0].image.getVariance().getArray()).all()


def test_units_are_those_of_the_planes(butler: Butler, images: list[Any]) -> None:
    bias = CombineTask(config=CombineConfig()).run(images).combined
    put(butler, bias, "bias")
    path = butler.getURI("bias", instrument="LATISS", detector=0).ospath
    with fits.open(path) as hdus:
        assert [hdus[number].header.get("BUNIT") for number in (1, 2, 3)] == [
            "electron", None, "electron**2",
        ]  # fmt: skip
