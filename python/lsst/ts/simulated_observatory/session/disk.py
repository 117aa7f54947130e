"""What the images of a run take on the disk, and whether there is room for them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cameras.models import DetectorModel

__all__ = ["Images", "bytes_of", "check_room"]

FILE_BYTES = 4e5
"""Headers and tables of a file with the image of a detector, whatever its scale."""

RAW_BYTES = 1.3
"""For each pixel of a Rice-compressed raw flat, overscan included; other images compress better."""

PROCESSED_BYTES = 5.0
"""For each pixel of the imaging areas of an image that a job has processed: float32 and mask, compressed."""

COPIED_IMAGES = 6
"""The reference calibrations that are copied into a repository, in processed images of a detector."""

RESERVE = 2e9
"""Bytes that stay free."""


@dataclass(frozen=True)
class Images:
    """How many images of each detector are stored."""

    raw: int
    """Exposures that are taken."""
    processed: int
    """Images that jobs write: one of each exposure that a job reads."""


def check_room(images: Mapping[Path, Images], models: Sequence[DetectorModel]) -> None:
    """See whether the images of a run, and what is made of them, fit the disk.

    Parameters
    ----------
    images
        By folder; those on the same disk, there or not yet, share what is free.
    models
        Detectors of an exposure.

    Raises
    ------
    ValueError
        They do not fit. The message says how many detectors would, and what else to do.
    """
    places = [next(path for path in (folder, *folder.parents) if path.exists()) for folder in images]
    on_disk: defaultdict[int, float] = defaultdict(float)
    for place, number in zip(places, images.values(), strict=True):
        on_disk[place.stat().st_dev] += bytes_of(number, models)
    short = [
        (on_disk[place.stat().st_dev] + RESERVE, shutil.disk_usage(place).free, place) for place in places
    ]
    needed, free, place = max(short, key=lambda each: each[0] / max(each[1], 1))
    if free < needed:
        raise ValueError(_proposal(needed, free, place, models))


def _proposal(needed: float, free: float, place: Path, models: Sequence[DetectorModel]) -> str:
    fitting = max(0, int((free - RESERVE) / (needed - RESERVE) * len(models)))
    some = ", ".join(str(model.id) for model in models[: min(fitting, 3)])
    fewer = f"there is room for {fitting} of the {len(models)} detectors, e.g. detectors: [{some}]; or "
    return (
        f"the run and its reference calibrations need about {needed / 1e9:.1f} GB in {place}, where"
        f" {free / 1e9:.1f} GB are free. Nothing was exposed; {fewer if fitting else ''}take fewer images, or"
        f" a larger --scale than {models[0].scale}"
    )


def bytes_of(images: Images, models: Sequence[DetectorModel]) -> float:
    """Estimate what the images of some detectors take on the disk at most.

    Parameters
    ----------
    images, models
        How many of each detector, and the detectors.

    Returns
    -------
    bytes
        Their number.
    """
    return sum(
        images.raw * (FILE_BYTES + RAW_BYTES * _raw_pixels(model))
        + images.processed * (FILE_BYTES + PROCESSED_BYTES * model.width * model.height)
        for model in models
    )


def _raw_pixels(model: DetectorModel) -> int:
    return sum(rows * columns for rows, columns in (each.raw_shape for each in model.amplifiers))
