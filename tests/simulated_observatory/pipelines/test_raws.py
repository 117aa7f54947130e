from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from lsst.ts.simulated_observatory.pipelines.corrections import assemble
from lsst.ts.simulated_observatory.pipelines.raws import read_raw, read_raw_header

from .camera import Camera


def segment(name: str, detsec: str, array: np.ndarray) -> fits.ImageHDU:
    hdu = fits.ImageHDU(array.astype(np.int32), name=name)
    hdu.header["DATASEC"] = "[4:512,1:2000]".replace("512", "13").replace("2000", "20")
    hdu.header["DETSEC"] = detsec
    hdu.header["DETSIZE"] = "[1:20,1:40]"
    return hdu


def four_segments(path: Path, *, compressed: bool = False) -> None:
    """A detector of four amplifiers of 10 x 20 pixels, with the sections of the real headers."""
    hdus: list[fits.ImageHDU | fits.CompImageHDU] = []
    sections = {"10": "[10:1,1:20]", "11": "[20:11,1:20]", "01": "[20:11,40:21]", "00": "[10:1,40:21]"}
    for name, detsec in sections.items():
        array = np.full((20 + 8, 3 + 10 + 12), int(name) * 10)
        array[0, 3] = 7  # the pixel that is read first
        hdu = segment(f"Segment{name}", detsec, array)
        hdus.append(fits.CompImageHDU(hdu.data, hdu.header, name=hdu.name) if compressed else hdu)
    hdus.append(fits.BinTableHDU(np.array([(1.0,)], dtype=[("V", float)]), name="REB_COND"))
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_upper_amplifiers_are_mirrored_in_both_directions_lower_ones_in_x_only(
    tmp_path: Path, compressed: bool
) -> None:
    path = tmp_path / "raw.fits"
    four_segments(path, compressed=compressed)
    raw = read_raw(str(path))
    pixels = {name: each.array[each.imaging].astype(np.float32) for name, each in raw.amplifiers.items()}
    image = assemble(raw.shape, pixels, {n: r.amplifier for n, r in raw.amplifiers.items()})
    assert list(image.amplifiers) == ["C00", "C01", "C10", "C11"]
    assert image.image.shape == (40, 20)
    # C1k is above C0k; all are read towards the outer corners: upper right and lower right of their boxes.
    assert image.image[39, 9] == image.image[39, 19] == image.image[0, 9] == image.image[0, 19] == 7
    assert image.image[20, 0] == 100
    assert image.image[20, 10] == 110
    assert image.image[19, 0] == 0
    assert image.image[19, 10] == 10
    assert np.count_nonzero(image.image == 7) == 4


def test_simulated_raw_file_has_the_geometry_of_the_camera_model(bias_file: Path, camera: Camera) -> None:
    raw = read_raw(str(bias_file))
    assert len(raw.amplifiers) == 16
    for model in camera.model.amplifiers:
        found = raw.amplifiers[model.name]
        assert found.array.shape == model.raw_shape
        assert found.imaging == model.imaging
        assert found.amplifier.box == model.box
        assert (found.amplifier.flip_x, found.amplifier.flip_y) == (model.flip_x, model.flip_y)
    assert raw.header["IMGTYPE"] == "BIAS"
    assert read_raw_header(str(bias_file)) == raw.header


def test_readout_corner_is_where_the_first_pixel_is(tmp_path: Path) -> None:
    four_segments(tmp_path / "raw.fits")
    amplifiers = read_raw(str(tmp_path / "raw.fits")).amplifiers
    rows, columns = amplifiers["C10"].amplifier.corner(4)
    assert (rows, columns) == (slice(36, 40), slice(6, 10))
    rows, columns = amplifiers["C01"].amplifier.corner(4)
    assert (rows, columns) == (slice(0, 4), slice(16, 20))


def test_other_files_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.fits"
    text.write_text("not an image")
    with pytest.raises(ValueError, match="cannot be read"):
        read_raw(str(text))
    with pytest.raises(ValueError, match="cannot be read"):
        read_raw_header(str(tmp_path / "absent.fits"))
    empty = tmp_path / "empty.fits"
    fits.PrimaryHDU(np.zeros((2, 2))).writeto(empty)
    with pytest.raises(ValueError, match="no extension SegmentNN"):
        read_raw(str(empty))
    broken = tmp_path / "broken.fits"
    hdu = segment("Segment10", "[10:1,1:19]", np.zeros((28, 25)))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(broken)
    with pytest.raises(ValueError, match="DATASEC and DETSEC differ"):
        read_raw(str(broken))
