"""Raw FITS files in the camera's format: a primary HDU without data, a compressed image per amplifier."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from functools import cache
from os import PathLike
from pathlib import Path

import fitsio
import numpy as np
import numpy.typing as npt
from astropy.io import fits

from ..cameras.camera_data import HeaderValue
from ..cameras.models import AmplifierModel, DetectorModel

__all__ = ["segment_header", "write_extensions", "write_raw"]

_CARD, _BLOCK = 80, 2880
"""Bytes of a card and of a block (FITS standard 4.0, sections 3.1 and 3.3.1)."""


def write_extensions(path: str, model: DetectorModel, images: Iterable[npt.NDArray[np.int32]]) -> None:
    """Write the extension HDUs of a raw file; the primary one, known only later, can be put before them.

    Parameters
    ----------
    path, model
        File to write, and the detector.
    images
        Raw images in the order of its amplifiers, adu.
    """
    extensions = {
        amplifier.channel: _extension(amplifier, model, image)
        for amplifier, image in zip(model.amplifiers, images, strict=True)
    }
    with open(path, "wb") as file:
        file.writelines(extensions[channel] for channel in sorted(extensions))


def _extension(amplifier: AmplifierModel, model: DetectorModel, image: npt.NDArray[np.int32]) -> bytes:
    """HDU of an amplifier: one Rice-compressed tile for each row.

    cfitsio compresses six times faster than astropy, to the same bytes.
    """
    with fitsio.FITS("mem://", "rw") as file:
        file.write(None)  # the primary HDU, which an extension comes after
        file.write(image, compress="RICE", tile_dims=(1, image.shape[1]), extname=amplifier.segment)
        content: bytes = file.read_raw()[file[1].get_offsets()["header_start"] :]
    return _with_cards(content, _cards(amplifier, model))


def _with_cards(hdu: bytes, cards: bytes) -> bytes:
    """HDU with more cards at the end of its header.

    The constant cards of a segment go in as text: for them astropy would need a third of the time of an
    exposure.
    """
    end = next(place for place in range(0, len(hdu), _CARD) if hdu.startswith(b"END     ", place))
    data = -(-(end + _CARD) // _BLOCK) * _BLOCK
    header = hdu[:end] + cards + b"END".ljust(_CARD)
    return header + b" " * (-len(header) % _BLOCK) + hdu[data:]


@cache
def _cards(amplifier: AmplifierModel, model: DetectorModel) -> bytes:
    """Constant cards of a segment as they are in the file."""
    text: str = fits.Header(segment_header(amplifier, model)).tostring(endcard=False, padding=False)
    return text.encode("ascii")


def write_raw(path: str | PathLike[str], header: Mapping[str, object], segments: str | PathLike[str]) -> None:
    """Write a raw file: a primary HDU with this header, and the extension HDUs in the file ``segments``.

    The file appears under its name only when it is complete. ``segments`` stays.

    Parameters
    ----------
    path
        File to write; one that is there is replaced.
    header
        As `~lsst.ts.simulated_observatory.detector.header.primary_header` gives it.
    segments
        File written by `~lsst.ts.simulated_observatory.detector.exposure.write_segments`.

    Raises
    ------
    OSError
        The file cannot be written, or ``segments`` cannot be read.
    """
    primary = fits.PrimaryHDU()
    for key, value in header.items():
        standard = len(key) <= 8 and " " not in key
        primary.header[key if standard else f"HIERARCH {key}"] = value
    incomplete = Path(f"{path}.part")
    try:
        with incomplete.open("wb") as file, open(segments, "rb") as extensions:
            primary.writeto(file)
            shutil.copyfileobj(extensions, file, 1 << 20)
        incomplete.replace(path)
    except BaseException:
        incomplete.unlink(missing_ok=True)
        raise


def segment_header(amplifier: AmplifierModel, model: DetectorModel) -> dict[str, HeaderValue]:
    """Keywords of the extension of an amplifier, besides those of its name and its compressed image.

    Parameters
    ----------
    amplifier, model
        The amplifier, and its detector.

    Returns
    -------
    header
        Values by keyword.
    """
    # Detector coordinates, as the camera counts them, of the first raw pixel, and the direction of both axes.
    step_x, step_y = -1 if amplifier.flip_x else 1, 1 if amplifier.flip_y else -1
    first_x = amplifier.x0 + amplifier.width if amplifier.flip_x else amplifier.x0 + 1
    first_y = 1 if amplifier.flip_y else model.height
    origin_x, origin_y = first_x - step_x * (amplifier.sensor.prescan + 1), first_y - step_y
    header: dict[str, HeaderValue] = {
        "CHANNEL": amplifier.channel,
        "CCDSUM": "1 1",
        "DATASEC": amplifier.data_section,
        "DETSEC": amplifier.detector_section,
        "DETSIZE": f"[1:{model.width},1:{model.height}]",
        "DTV1": origin_x,
        "DTV2": origin_y,
        "DTM1_1": float(step_x),
        "DTM2_2": float(step_y),
        **dict.fromkeys(("DTM1_2", "DTM2_1"), 0.0),
    }
    # In the frames of the camera the first axis goes along the columns, against the rows of DETSEC.
    parallel, serial = model.height + 1 - origin_y, origin_x
    raft, plane = model.data.raft_origin, model.data.focal_plane_origin
    segment = parallel - (amplifier.height if amplifier.flip_y else 0), serial - amplifier.x0
    in_raft = parallel + raft[0], serial + raft[1]
    in_plane = in_raft[0] + plane[0], in_raft[1] + plane[1]
    steps = -step_y, step_x
    for code, name, axes, origin in (
        ("A", "AMPLIFIER", ("Seg_X", "Seg_Y"), segment),
        ("C", "CCD", ("CCD_X", "CCD_Y"), (parallel, serial)),
        ("R", "RAFT", ("RAFT_X", "RAFT_Y"), in_raft),
        ("F", "FOCAL_PLANE", ("FP_X", "FP_Y"), in_plane),
        ("E", "FP_SERPAR", ("FP_S", "FP_P"), in_plane),
        ("B", "CCD_SERPAR", ("CCD_S", "CCD_P"), (parallel, serial)),
        ("Q", "RAFT_SERPAR", ("RAFT_S", "RAFT_P"), in_raft),
    ):
        header |= _frame(code, name, axes, origin, steps)
    return header | {"INHERIT": True}


def _frame(
    code: str, name: str, axes: tuple[str, str], origin: tuple[float, float], steps: tuple[int, int]
) -> dict[str, HeaderValue]:
    """World coordinates of a frame; in those named SERPAR the serial axis comes first.

    ``origin`` and ``steps`` are along the parallel and the serial direction.
    """
    serial_first = name.endswith("SERPAR")
    parallel, serial = float(steps[0]), float(steps[1])
    matrix = ((serial, 0.0), (0.0, parallel)) if serial_first else ((0.0, parallel), (serial, 0.0))
    values: dict[str, HeaderValue] = {"WCSNAME": name, "CTYPE1": axes[0], "CTYPE2": axes[1]}
    values |= {f"PC{i + 1}_{j + 1}": matrix[i][j] for i in (0, 1) for j in (0, 1)}
    values |= {"CDELT1": 1.0, "CDELT2": 1.0, "CRPIX1": 0.0, "CRPIX2": 0.0}
    first, second = reversed(origin) if serial_first else origin
    values |= {"CRVAL1": float(first), "CRVAL2": float(second)}
    return {f"{key}{code}": value for key, value in values.items()}
