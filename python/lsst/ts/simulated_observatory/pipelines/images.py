"""Images of a whole detector: pixels, mask, amplifiers, metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cameras.models import Amplifier

__all__ = ["Amplifier", "DetectorImage", "MaskPlane"]


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
    """

    image: NDArray[np.float32]
    mask: NDArray[np.uint16]
    amplifiers: Mapping[str, Amplifier]
    metadata: dict[str, Any] = field(default_factory=dict)

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

    def getMetadata(self) -> dict[str, Any]:
        """Metadata by name."""
        return self.metadata
