"""What the images of a run take on the disk, and whether there is room for them."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..cameras.models import DetectorModel

__all__ = ["bytes_of", "check_room"]

RAW_BYTES = 2.2
"""On disk, for each pixel of a Rice-compressed raw image, overscan included."""

PROCESSED_BYTES = 12.0
"""For each pixel of the imaging areas: two images with their masks come of each raw image."""

RESERVE = 2e9
"""Bytes that stay free."""


def check_room(exposures: Mapping[Path, int], models: Sequence[DetectorModel]) -> None:
    """See whether the images of so many exposures, and what is made of them, fit the disk.

    Parameters
    ----------
    exposures
        By folder; those on the same disk, there or not yet, share what is free.
    models
        Detectors of an exposure.

    Raises
    ------
    ValueError
        They do not fit. The message says how many detectors would, and what else to do.
    """
    places = [next(path for path in (folder, *folder.parents) if path.exists()) for folder in exposures]
    on_disk: Counter[int] = Counter()
    for place, number in zip(places, exposures.values(), strict=True):
        on_disk[place.stat().st_dev] += number
    of_one = sum(bytes_of(model) for model in models)
    short = [
        (of_one * on_disk[place.stat().st_dev] + RESERVE, shutil.disk_usage(place).free, place)
        for place in places
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


def bytes_of(model: DetectorModel) -> float:
    """Estimate what one exposure of a detector, and what is made of it, take on the disk.

    Parameters
    ----------
    model
        The detector.

    Returns
    -------
    bytes
        Their number.
    """
    raw = sum(rows * columns for rows, columns in (each.raw_shape for each in model.amplifiers))
    return RAW_BYTES * raw + PROCESSED_BYTES * model.width * model.height
