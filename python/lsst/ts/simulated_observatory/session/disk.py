"""Whether a simulated run fits the disk, and what would."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..cameras.models import DetectorModel

__all__ = ["check_disk"]

RAW_BYTES = 2.2
"""On disk, for each pixel of a Rice-compressed raw image, overscan included."""

PROCESSED_BYTES = 12.0
"""For each pixel of the imaging areas: two images with their masks come of each raw image."""

RESERVE = 2e9
"""Bytes that stay free."""


def check_disk(exposures: Mapping[Path, int], models: Sequence[DetectorModel]) -> None:
    """See whether the images of so many exposures, and what is made of them, have room.

    Parameters
    ----------
    exposures
        How many go into each folder, there or not yet; folders on the same disk share what is free.
    models
        The detectors with pixels.

    Raises
    ------
    ValueError
        They have not; the message says how many detectors would have, and what else to do.
    """
    places = [next(path for path in (folder, *folder.parents) if path.exists()) for folder in exposures]
    on_disk: dict[int, int] = {}
    for place, number in zip(places, exposures.values(), strict=True):
        on_disk[place.stat().st_dev] = on_disk.get(place.stat().st_dev, 0) + number
    of_one = sum(_bytes(model) for model in models)
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


def _bytes(model: DetectorModel) -> float:
    """Bytes of one exposure of a detector and of what is made of it."""
    raw = sum(rows * columns for rows, columns in (each.raw_shape for each in model.amplifiers))
    return RAW_BYTES * raw + PROCESSED_BYTES * model.width * model.height
