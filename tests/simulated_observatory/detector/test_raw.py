"""Raw files are like those of the camera."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.exposure import (
    ExposureRequest,
    simulate,
    write_raw,
    write_segments,
)
from lsst.ts.simulated_observatory.detector.header import file_name, primary_header
from lsst.ts.simulated_observatory.detector.raw import segment_header, write_extensions
from lsst.ts.simulated_observatory.pipelines.raws import read_raw

SEGMENTS = [f"Segment1{k}" for k in range(8)] + [f"Segment0{k}" for k in range(7, -1, -1)]


@pytest.fixture
def header(model: DetectorModel) -> dict[str, Any]:
    return primary_header(
        model=model,
        image_name="AT_O_20250115_000007",
        image_type="FLAT",
        exposure_time=5.0,
        dark_time=5.24,
        begin_tai=1736964000.0,
        end_tai=1736964005.25,
        seed=5,
        keywords={
            "FILTER": "SDSSr_65mm",
            "FILTBAND": "r",
            "FILTSLOT": 1,
            "GRATING": "empty_1",
            "GRATSLOT": 0,
            "GROUPID": "2025-01-15T18:00:00.000",
            "OBSANNOT": "an annotation",
        },
    )


def test_raw_file_has_the_segments_in_the_order_of_the_camera(
    request_for: Callable[..., ExposureRequest], header: dict[str, Any], model: DetectorModel, tmp_path: Path
) -> None:
    request = request_for(7, 5.0, True, path=str(tmp_path / "segments"))
    write_segments(request)
    raw = tmp_path / file_name("AT_O_20250115_000007", model)
    write_raw(raw, header, request.path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "AT_O_20250115_000007_R00_S00.fits",
        "segments",
    ]
    with fits.open(raw) as hdus:
        hdus.verify("exception")
        assert hdus[0].data is None
        assert hdus[0].header["OBSANNOT"] == "an annotation"
        assert [hdu.name.upper() for hdu in hdus[1:]] == [name.upper() for name in SEGMENTS]
        assert [hdu.header["EXTNAME"] for hdu in hdus[1:]] == SEGMENTS
        assert [hdu.header["CHANNEL"] for hdu in hdus[1:]] == list(range(1, 17))
        for image, amplifier in zip(simulate(request), model.amplifiers, strict=True):
            np.testing.assert_array_equal(hdus[amplifier.segment].data, image)


def test_segments_are_rice_compressed_row_by_row(
    request_for: Callable[..., ExposureRequest], header: dict[str, Any], model: DetectorModel, tmp_path: Path
) -> None:
    request = request_for(7, path=str(tmp_path / "segments"))
    write_segments(request)
    write_raw(tmp_path / "raw.fits", header, request.path)
    rows, columns = model.amplifiers[0].raw_shape
    with fits.open(tmp_path / "raw.fits", disable_image_compression=True) as hdus:
        for hdu in hdus[1:]:
            card = hdu.header
            assert (card["ZCMPTYPE"], card["ZTILE1"], card["ZTILE2"]) == ("RICE_1", columns, 1)
            assert (card["ZBITPIX"], card["ZNAXIS1"], card["ZNAXIS2"]) == (32, columns, rows)


def test_pixels_and_headers_are_those_that_astropy_writes_and_reads(
    request_for: Callable[..., ExposureRequest], header: dict[str, Any], model: DetectorModel, tmp_path: Path
) -> None:
    request = request_for(7, 5.0, True, path=str(tmp_path / "segments"))
    images = list(simulate(request))
    images[0][3:9] = [[0], [2**18 - 1], [7], [-1], [2**31 - 1], [-(2**31)]]  # to the ends of the range
    write_extensions(request.path, model, images)
    path = tmp_path / "raw[1](2)+3.fits"  # what cfitsio would take for an extension, copies, ...
    write_raw(path, header, request.path)
    raw = read_raw(str(path))
    for image, amplifier in zip(images, model.amplifiers, strict=True):
        hdu = fits.CompImageHDU(
            image,
            header=fits.Header({"EXTNAME": amplifier.segment}),
            compression_type="RICE_1",
            tile_shape=(1, image.shape[1]),
        )
        hdu.writeto(tmp_path / "astropy.fits", overwrite=True)
        with (
            fits.open(tmp_path / "astropy.fits", disable_image_compression=True) as expected,
            fits.open(path, disable_image_compression=True) as found,
        ):
            ours, theirs = found[amplifier.segment], expected[1]
            np.testing.assert_array_equal(
                [bytes(row[0]) for row in ours.data], [bytes(row[0]) for row in theirs.data]
            )
            optional = {"ZTENSION", "ZPCOUNT", "ZGCOUNT"}  # of the image that they are
            for key in set(theirs.header) - optional:
                assert ours.header[key] == theirs.header[key], key
            assert set(ours.header) - set(theirs.header) == set(segment_header(amplifier, model))
        with fits.open(path) as hdus:
            np.testing.assert_array_equal(hdus[amplifier.segment].data, image)
        array = raw.amplifiers[amplifier.name].array
        np.testing.assert_array_equal(array, image)
        assert array.dtype == np.int32


def test_same_request_gives_the_same_bytes(
    request_for: Callable[..., ExposureRequest], tmp_path: Path
) -> None:
    digests = set()
    for name in ("a", "b"):
        write_segments(request_for(7, 5.0, True, path=str(tmp_path / name)))
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_raw_file_appears_complete_or_not_at_all(header: dict[str, Any], tmp_path: Path) -> None:
    raw = tmp_path / "raw.fits"
    raw.write_bytes(b"what was there")
    with pytest.raises(FileNotFoundError):
        write_raw(raw, header, tmp_path / "missing")
    assert raw.read_bytes() == b"what was there"
    assert [path.name for path in Path(tmp_path).iterdir()] == ["raw.fits"]


def test_segment_header_is_that_of_a_real_raw() -> None:
    """Segment10 of AT_O_20240624_000106."""
    model = detector_model("LATISS", 0)
    real = {
        "CHANNEL": 1,
        "CCDSUM": "1 1",
        "DATASEC": "[4:512,1:2000]",
        "DETSEC": "[509:1,1:2000]",
        "DETSIZE": "[1:4072,1:4000]",
        "DTV1": 513,
        "DTV2": 0,
        "DTM1_1": -1.0,
        "DTM2_2": 1.0,
        "CTYPE1A": "Seg_X",
        "PC1_1A": 0.0,
        "PC1_2A": -1.0,
        "PC2_1A": -1.0,
        "CRVAL1A": 2001.0,
        "CRVAL2A": 513.0,
        "CRVAL1C": 4001.0,
        "CRVAL2C": 513.0,
        "CRVAL1R": 4126.0,
        "CRVAL2R": 602.0,
        "CRVAL1F": 16826.0,
        "CRVAL2F": 602.0,
        "PC1_1E": -1.0,
        "PC2_2E": -1.0,
        "CRVAL1E": 602.0,
        "CRVAL2E": 16826.0,
        "CRVAL1B": 513.0,
        "CRVAL2B": 4001.0,
        "CRVAL1Q": 602.0,
        "CRVAL2Q": 4126.0,
        "INHERIT": True,
    }
    header = segment_header(model.amplifier("C10"), model)
    assert {key: header[key] for key in real} == real


@pytest.mark.parametrize("scale", [1, 4])
def test_coordinates_of_all_frames_agree_with_the_detector_section(scale: int) -> None:
    model = detector_model("LATISS", 0, scale)
    for amplifier in model.amplifiers:
        header: dict[str, Any] = {**segment_header(amplifier, model)}
        columns, rows = (part.split(":") for part in str(header["DETSEC"])[1:-1].split(","))
        first, last = amplifier.sensor.prescan + 1, amplifier.sensor.prescan + amplifier.width
        assert header["DTV1"] + header["DTM1_1"] * first == int(columns[0])
        assert header["DTV1"] + header["DTM1_1"] * last == int(columns[1])
        assert header["DTV2"] + header["DTM2_2"] * 1 == int(rows[0])
        assert header["DTV2"] + header["DTM2_2"] * amplifier.height == int(rows[1])
        assert header["CRVAL2C"] + header["PC2_1C"] * first == int(columns[0])
        assert header["CRVAL1C"] + header["PC1_2C"] == model.height + 1 - int(rows[0])
