"""Images of a whole detector: pixels, mask, amplifiers, metadata.

The names of metadata that begin with ``LSST`` are those of ip_isr; ``{}`` is the name of an amplifier.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cameras.models import Amplifier

__all__ = [
    "Amplifier",
    "DetectorImage",
    "Key",
    "MaskPlane",
    "amplifier_value",
    "dark_time",
    "number",
    "origin",
]

_ORIGIN = {"INSTRUME", "CCD_MANU", "LSST_NUM", "FILTER", "GRATING", "SEQNAME", "SEQFILE"}


class Key:
    """Names of metadata that processing writes down."""

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
    LEVEL_ERROR = "LSST ISR OVERSCAN LEVEL ERROR {}"
    """Standard error of the level of all pixels, from the overscans, in the unit of the image."""
    COMBINED_NOISE = "LSST CALIB NOISE {}"
    """Noise of a single image of a combination, in the unit of the images."""
    DARK_RATE = "LSST ISR DARK RATE {}"
    """Median of the combined dark that was subtracted, from every seventh row, electron/s."""
    FLAT_INPUTS = "LSST ISR FLAT INPUTS"
    """Number of flats that the combined flat was made of, if this image is one of them."""
    LEFT_OUT = "LEFT OUT"
    """With EXPOSURES and REASONS: images that a combination did not use, and why."""
    ODD = "ODD"
    """The same of images that it used, although they differ from the others."""


class MaskPlane(IntFlag):
    """Bits of a mask. All fit into eight, so that masks are small on disk."""

    BAD = 1
    SAT = 2
    INTRP = 4
    CR = 8
    SUSPECT = 16
    NO_DATA = 32
    VIGNETTED = 64


@dataclass(frozen=True)
class _PixelPlane:
    """One plane of an image, with the accessor that notebooks use."""

    array: NDArray[Any]

    def getArray(self) -> NDArray[Any]:
        """Pixels, shape (rows, columns)."""
        return self.array


@dataclass(eq=False)
class DetectorImage:
    """Assembled and trimmed image of one detector.

    Parameters
    ----------
    image
        float32, shape (rows, columns), in the unit ``metadata["LSST ISR UNITS"]``.
    mask
        uint16, same shape; bits are `MaskPlane`.
    amplifiers
        By name.
    metadata
        What FITS headers and processing say; values that JSON can hold.
    variance
        Variance of the pixels of a combined image, same shape, in the square of the unit; NaN where it cannot
        be measured. Processed images have none.
    """

    image: NDArray[np.float32]
    mask: NDArray[np.uint16]
    amplifiers: Mapping[str, Amplifier]
    metadata: dict[str, Any] = field(default_factory=dict)
    variance: NDArray[np.float32] | None = None

    def pixels(self, amplifier: str) -> NDArray[np.float32]:
        """Pixels of an amplifier.

        Parameters
        ----------
        amplifier
            Its name.

        Returns
        -------
        pixels
            View of `image`, shape (height, width) of the amplifier.
        """
        return self.image[self.amplifiers[amplifier].box]

    def flags(self, amplifier: str) -> NDArray[np.uint16]:
        """Mask of an amplifier.

        Parameters
        ----------
        amplifier
            Its name.

        Returns
        -------
        flags
            View of `mask`, shape (height, width) of the amplifier.
        """
        return self.mask[self.amplifiers[amplifier].box]

    @property
    def unit(self) -> str:
        """Unit of the pixels: ``adu``, ``electron``, ..."""
        return str(self.metadata.get(Key.UNITS, "adu"))

    @property
    def usable(self) -> NDArray[np.float32]:
        """Pixels that show the level of a flat: not bad, not saturated, not without data; shape (n,)."""
        unusable = np.uint16(MaskPlane.BAD | MaskPlane.SAT | MaskPlane.NO_DATA)
        return np.asarray(self.image[(self.mask & unusable) == 0])

    def getImage(self) -> _PixelPlane:
        """Pixels, for ``getImage().getArray()``."""
        return _PixelPlane(self.image)

    def getMask(self) -> _PixelPlane:
        """Mask, for ``getMask().getArray()``."""
        return _PixelPlane(self.mask)

    def getVariance(self) -> _PixelPlane:
        """Variance, for ``getVariance().getArray()``; NaN if there is none."""
        variance = np.full(self.image.shape, math.nan) if self.variance is None else self.variance
        return _PixelPlane(np.asarray(variance, dtype=np.float32))

    def getMetadata(self) -> dict[str, Any]:
        """Metadata by name."""
        return self.metadata


def dark_time(metadata: Mapping[str, Any], missing: float = 0.0) -> float:
    """Time in which an image collected dark current.

    Parameters
    ----------
    metadata, missing
        Of the image; what is returned if neither its dark time nor its exposure time is a number.

    Returns
    -------
    time
        Seconds; never less than the exposure time.
    """
    times = [number(metadata.get(key)) for key in ("DARKTIME", "EXPTIME")]
    return max((time for time in times if math.isfinite(time)), default=missing)


def amplifier_value(metadata: Mapping[str, Any], key: str, amplifier: str) -> float:
    """Number that the metadata of an image have for an amplifier.

    Parameters
    ----------
    metadata, key, amplifier
        Of the image; name with ``{}`` for the amplifier, e.g. `Key.READ_NOISE`; e.g. ``C05``.

    Returns
    -------
    value
        The number; NaN if there is none.
    """
    return number(metadata.get(key.format(amplifier)))


def number(value: Any) -> float:
    """Number that a header has.

    Parameters
    ----------
    value
        Any value of a header.

    Returns
    -------
    number
        NaN where it is no number.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def origin(metadata: Mapping[str, Any], *more: str) -> dict[str, Any]:
    """Metadata of an image that hold for what is made of it, too: where and how it was taken.

    Parameters
    ----------
    metadata, *more
        Of the image; further keys.

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
