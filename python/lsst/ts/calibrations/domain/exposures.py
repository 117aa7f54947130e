"""Exposure ids, image names and image types."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["ImageType", "exposure_id", "image_name"]

_IMAGE_NAME = re.compile(r"(?P<code>[A-Z]{2})_(?P<controller>[A-Z])_(?P<day>[0-9]{8})_(?P<sequence>[0-9]{6})")


class ImageType(StrEnum):
    """Kinds of calibration images, in the order in which they are taken."""

    BIAS = "BIAS"
    DARK = "DARK"
    FLAT = "FLAT"


def image_name(code: str, day_obs: int, sequence: int, controller: str = "O") -> str:
    """Name of an image, e.g. ``AT_O_20250115_000007``.

    Raises
    ------
    ValueError
        The sequence number does not fit the five digits that an exposure id has for it.
    """
    if not 0 < sequence < 100_000:
        raise ValueError(f"sequence number {sequence} is not between 1 and 99999")
    return f"{code}_{controller}_{day_obs:08d}_{sequence:06d}"


def exposure_id(name: str) -> int:
    """Exposure id of an image name: the day followed by five digits of sequence number.

    Raises
    ------
    ValueError
        The name is not an image name, or its sequence number has more than five digits.
    """
    match = _IMAGE_NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name[:80]!r} is not an image name like AT_O_20250115_000007")
    sequence = int(match["sequence"])
    if sequence >= 100_000:
        raise ValueError(f"{name!r}: a sequence number above 99999 has no exposure id")
    return int(match["day"]) * 100_000 + sequence
