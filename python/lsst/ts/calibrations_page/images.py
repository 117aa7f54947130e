"""Thumbnails of combined calibrations and residual images, and the map of defects."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .datasets import Datasets, box_of, pixels_of
from .html import Markup, figure, tag
from .results import Results, number
from .svg import picture, rectangle

__all__ = ["configured", "defect_map", "names_by_id", "png", "stretched", "thumbnails"]

SIDE = 420
"""Longest side of a thumbnail, pixels."""

MOST_DETECTORS = 9
"""Detectors whose images are shown, those with failed tests first."""

MOST_DEFECTS = 3000
"""Defects that are drawn, the largest first."""

PERCENTILES = (1.0, 99.0)
"""Part of the pixels that a stretch shows."""

_RESIDUALS = ("IsrExp", "Proc")
"""How the names of residual images end or ended in cp_verify."""


def png(grey: NDArray[np.uint8]) -> bytes:
    """Write an image as PNG (ISO/IEC 15948), in grey of eight bits.

    Parameters
    ----------
    grey
        Shape (rows, columns), the first row above.

    Returns
    -------
    file : bytes
    """
    rows, columns = grey.shape
    lines = np.zeros((rows, columns + 1), dtype=np.uint8)  # the first byte of a row: it is not filtered
    lines[:, 1:] = grey
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def stretched(pixels: NDArray[np.float32]) -> tuple[NDArray[np.uint8], float, float]:
    """Make pixels visible: means of blocks, between percentiles, on an asinh scale.

    Parameters
    ----------
    pixels
        Shape (rows, columns), the first row below.

    Returns
    -------
    grey, low, high
        With the first row above; and the values that are black and white.
    """
    from astropy.visualization import AsinhStretch, AsymmetricPercentileInterval

    step = max(1, -(-max(pixels.shape) // SIDE))
    rows, columns = (length // step * step for length in pixels.shape)
    blocks = pixels[:rows, :columns].reshape(rows // step, step, columns // step, step)
    finite = np.isfinite(blocks)
    small = np.where(finite, blocks, 0.0).sum(axis=(1, 3)) / np.maximum(finite.sum(axis=(1, 3)), 1)
    low, high = (float(each) for each in AsymmetricPercentileInterval(*PERCENTILES).get_limits(small))
    scaled = np.clip((small - low) / ((high - low) or 1.0), 0.0, 1.0)
    return (255.0 * AsinhStretch(0.3)(scaled))[::-1].astype(np.uint8), low, high


def _thumbnail(pixels: NDArray[np.float32] | None, caption: str, unit: str) -> Markup | None:
    if pixels is None or pixels.ndim != 2 or not np.isfinite(pixels).any():
        return None
    grey, low, high = stretched(pixels)
    source = "data:image/png;base64," + base64.b64encode(png(grey)).decode()
    middle = number(float(np.nanmedian(pixels)))
    about = f"{caption}: black {number(low)}, white {number(high)}, median {middle} {unit}".rstrip()
    image = tag("img", src=source, alt=about, width=grey.shape[1], height=grey.shape[0])
    return figure(about, image)


def thumbnails(
    summary: Mapping[str, Any], results: Results, datasets: Datasets, detectors: Mapping[int, str]
) -> Iterator[Markup]:
    """Show combined calibrations and the residual image that is worst.

    Parameters
    ----------
    summary, results, datasets
        Of the run.
    detectors
        Names of its detectors by Butler id.

    Yields
    ------
    markup
        A figure for each image that is there.
    """
    failing = {place[0] for place, each in results.worst_by_amplifier().items() if not each.passed}
    order = sorted(detectors, key=lambda one: (detectors[one] not in failing, one))[:MOST_DETECTORS]
    for calibration, verdict in summary["verification"].items():
        if calibration not in ("BIAS", "DARK", "FLAT"):
            continue
        made, exposure = verdict["generation_collection"], _worst_exposure(results, calibration)
        where = [made] if made else configured(summary, calibration)
        name, unit = calibration.lower(), "electron"
        for detector in order:
            data_id = (
                {"detector": detector}
                if made and name != "flat"
                else {"detector": detector, "exposure": exposure}
            )
            combined = datasets.get(name, where, **data_id)
            which = "made in this run" if made else "in use"
            about = f"Combined {name} {which}, {detectors[detector]}"
            yield from filter(None, [_thumbnail(pixels_of(combined), about, _unit(combined))])
            types = [f"verify{calibration.capitalize()}{end}" for end in _RESIDUALS]
            collections = [verdict["verification_collection"]]
            residual = datasets.get(types, collections, detector=detector, exposure=exposure)
            about = f"{calibration} {exposure} after correction, {detectors[detector]}"
            yield from filter(None, [_thumbnail(pixels_of(residual), about, unit)])


def _unit(image: Any) -> str:
    try:
        unit = str(image.getMetadata().get("LSST ISR UNITS") or "")
        return "" if unit == "1" else unit
    except (AttributeError, LookupError):
        return ""


def configured(summary: Mapping[str, Any], calibration: str) -> list[str]:
    """Find the collections of the configuration that a verification looks in.

    Parameters
    ----------
    summary, calibration
        Of the run, and the type that is verified.

    Returns
    -------
    names : list of str
    """
    text = summary["config"].get(f"input_collections_verify_{calibration.lower()}") or ""
    return [each.strip() for each in str(text).split(",") if each.strip()]


def _worst_exposure(results: Results, calibration: str) -> int | None:
    """The exposure with the most failed tests, or the last one."""
    failed: dict[int, int] = {}
    for each in results.by_calibration.get(calibration, ()):
        if each.exposure is not None:
            failed[each.exposure] = failed.get(each.exposure, 0) + (each.counted and not each.passed)
    return max(failed, key=lambda one: (failed[one], one), default=None)


def defect_map(defects: Any, detector: str, shape: tuple[int, int] | None = None) -> Markup | None:
    """Draw where the defects of a detector are.

    Parameters
    ----------
    defects, detector
        The dataset, and the name of the detector; None gives None.
    shape
        Rows and columns of the detector, if the dataset does not know them.

    Returns
    -------
    figure : Markup or None
    """
    if defects is None:
        return None
    boxes = sorted(map(box_of, getattr(defects, "boxes", defects)), key=lambda one: -one[2] * one[3])
    known = getattr(defects, "shape", None) or shape
    rows, columns = known or (4000, 4072)
    scale = 440.0 / columns
    height = rows * scale

    def drawn() -> Iterator[Markup]:
        yield rectangle(0.5, 0.5, 439.0, height - 1.0, "frame")
        for column in range(1, 8):
            yield rectangle(55.0 * column, 0.0, 0.2, height, "axis")
        yield rectangle(0.0, height / 2.0, 440.0, 0.2, "axis")
        for x0, y0, width, tall in boxes[:MOST_DEFECTS]:
            title = f"column {x0}, row {y0}: {width} x {tall} pixels"
            left, top = x0 * scale, height - (y0 + tall) * scale
            yield rectangle(left, top, max(width * scale, 1.2), max(tall * scale, 1.2), "defect", title)

    area = sum(each[2] * each[3] for each in boxes)
    percent = 100.0 * area / (rows * columns)
    more = f"; the {MOST_DEFECTS} largest are drawn" if len(boxes) > MOST_DEFECTS else ""
    about = f"Defects of {detector}: {len(boxes)} with {area} pixels ({percent:.3g} % of all){more}"
    return figure(about, picture(440.0, height, about, drawn()))


def names_by_id(detectors: Mapping[int, str], used: Sequence[int]) -> dict[int, str]:
    """Choose the detectors that a run uses.

    Parameters
    ----------
    detectors, used
        Names of all by Butler id, and the ids in the configuration; none are all.

    Returns
    -------
    names : dict
    """
    return {one: name for one, name in detectors.items() if not used or one in used}
