"""Metadata of images: the names under which processing writes values down, and how they are read.

The names beginning with ``LSST`` are those of ip_isr; ``{}`` is the name of an amplifier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = [
    "APPLIED_GAIN",
    "COMBINED_NOISE",
    "DETECTOR_NAME",
    "IMAGE_NOISE",
    "OVERSCAN_LEVEL",
    "OVERSCAN_NOISE",
    "READ_NOISE",
    "UNITS",
    "amplifier_value",
    "dark_time",
    "origin",
    "units",
]

UNITS = "LSST ISR UNITS"
"""Unit of the pixels: ``adu`` or ``electron``."""

DETECTOR_NAME = "DETECTOR NAME"
"""Full name of the detector in the Butler."""

APPLIED_GAIN = "LSST ISR GAIN {}"
"""Gain that was applied, electron/adu; 1 if none was."""

READ_NOISE = "LSST ISR READNOISE {}"
"""Read noise of the photon transfer curve, electron; without a curve that of the overscan, adu."""

IMAGE_NOISE = "LSST ISR IMAGENOISE {}"
"""Nominal noise of an image without light, electron."""

OVERSCAN_LEVEL = "LSST ISR OVERSCAN SERIAL MEDIAN {}"
"""Median level of the serial overscan, adu."""

OVERSCAN_NOISE = "LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {}"
"""Noise of the serial overscan after its subtraction, adu."""

COMBINED_NOISE = "LSST CALIB NOISE {}"
"""Noise of a single image of a combination, in the unit of the images."""

_ORIGIN = {"INSTRUME", "CCD_MANU", "LSST_NUM", "FILTER", "GRATING", "SEQNAME", "SEQFILE"}


def units(metadata: Mapping[str, Any]) -> str:
    """Unit of the pixels of an image.

    Parameters
    ----------
    metadata
        Of the image.

    Returns
    -------
    unit
        ``adu``, ``electron``, ...
    """
    return str(metadata.get(UNITS, "adu"))


def dark_time(metadata: Mapping[str, Any]) -> float:
    """Time in which an image collected dark current.

    Parameters
    ----------
    metadata
        Of the image.

    Returns
    -------
    time
        Seconds; never less than the exposure time.
    """
    return max(float(metadata.get("DARKTIME") or 0.0), float(metadata.get("EXPTIME") or 0.0))


def amplifier_value(metadata: Mapping[str, Any], key: str, amplifier: str) -> float:
    """Number that the metadata of an image have for an amplifier.

    Parameters
    ----------
    metadata
        Of the image.
    key
        Name with ``{}`` for the amplifier, e.g. `APPLIED_GAIN`.
    amplifier
        E.g. ``C05``.

    Returns
    -------
    value
        The number; NaN if there is none.
    """
    value = metadata.get(key.format(amplifier))
    return math.nan if value is None else float(value)


def origin(metadata: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """Metadata of an image that hold for what is made of it, too: where and how it was taken.

    Parameters
    ----------
    metadata
        Of the image.
    *more
        Further keys.

    Returns
    -------
    passed_on
        These metadata, and whether anything was simulated.
    """
    return {
        key: value
        for key, value in metadata.items()
        if key in _ORIGIN or key in more or key.startswith("SIMULAT")
    }
