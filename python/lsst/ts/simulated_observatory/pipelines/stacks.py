"""Stacks of stored images, read and combined in strips of rows so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .combination import clipped_mean
from .images import DetectorImage, MaskPlane
from .removal import units
from .residualnoise import ResidualNoise

__all__ = ["ImageHandle", "Stack"]

EXCLUDED = MaskPlane.CR | MaskPlane.SAT | MaskPlane.NO_DATA
"""Pixels that a combination does not use."""


class ImageHandle(Protocol):
    """A stored image that is read when needed, whole or some of its rows (the Butler's deferred handle)."""

    def get(self, *, parameters: dict[str, tuple[int, int]] | None = None) -> DetectorImage:
        """Read the image, or the rows of the parameter ``rows``."""
        ...


@dataclass(eq=False)
class Stack:
    """Images of one detector that are combined pixel by pixel.

    Parameters
    ----------
    handles
        The images.
    scales
        By which each one is divided.
    weights
        Of each one, after the division.
    memory
        Bytes that the pixels of a strip may take.
    threshold, iterations
        Clipping.
    """

    handles: Sequence[ImageHandle]
    scales: Sequence[float]
    weights: Sequence[float]
    memory: int = 400_000_000
    threshold: float = 3.0
    iterations: int = 3
    noise: dict[str, float] = field(default_factory=dict, init=False)
    """After `combine`: noise of a single scaled image by amplifier."""

    def combine(self, shape: tuple[int, int], *, measure_noise: bool = False) -> DetectorImage:
        """Combine all images.

        Parameters
        ----------
        shape
            Rows and columns of the images.
        measure_noise
            Whether to measure the `noise`, too.

        Returns
        -------
        image
            The combination with the amplifiers of the images, without metadata but the unit. A pixel that is
            bad in more than half of the images, or in which none is finite, is BAD; the latter has the
            median of its amplifier.
        """
        result: DetectorImage | None = None
        residuals: ResidualNoise | None = None
        for first in range(0, shape[0], self._strip(shape)):
            stop = min(first + self._strip(shape), shape[0])
            parts = [handle.get(parameters={"rows": (first, stop)}) for handle in self.handles]
            if result is None:
                result = DetectorImage(
                    np.empty(shape, np.float32),
                    np.zeros(shape, np.uint16),
                    parts[0].amplifiers,
                    {"LSST ISR UNITS": units(parts[0])},
                )
                residuals = ResidualNoise(result.amplifiers, len(parts)) if measure_noise else None
            pixels, bad = self._combine(parts, first, residuals)
            result.image[first:stop] = pixels
            result.mask[first:stop][bad] |= np.uint16(MaskPlane.BAD)
        assert result is not None, "an image has rows"
        self.noise = residuals.noise() if residuals is not None else {}
        _fill(result)
        return result

    def _strip(self, shape: tuple[int, int]) -> int:
        """Rows that are read at a time: pixels, squares and mask take up to nine bytes a pixel."""
        return max(1, min(shape[0], self.memory // (9 * shape[1] * len(self.handles))))

    def _combine(
        self, parts: list[DetectorImage], first: int, residuals: ResidualNoise | None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Combined pixels of a strip, and which of them are bad."""
        stack = np.empty((len(parts), *parts[0].image.shape), dtype=np.float32)
        excluded = np.empty(stack.shape, dtype=bool)
        bad = np.zeros(parts[0].image.shape, dtype=np.uint16)
        for index, part in enumerate(parts):
            np.divide(part.image, np.float32(self.scales[index]), out=stack[index])
            np.not_equal(part.mask & np.uint16(EXCLUDED), 0, out=excluded[index])
            bad += (part.mask & np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)) != 0
            parts[index] = None  # type: ignore[call-overload]
        mean = clipped_mean(
            stack,
            np.asarray(self.weights, dtype=np.float64),
            excluded if excluded.any() else None,
            threshold=self.threshold,
            iterations=self.iterations,
        )
        if residuals is not None:
            residuals.add(stack, mean, first)
        return mean, bad * 2 > len(stack)


def _fill(image: DetectorImage) -> None:
    """Give pixels that have no value the median of their amplifier, and flag them; in place."""
    empty = ~np.isfinite(image.image)
    if not empty.any():
        return
    for amplifier in image.amplifiers.values():
        pixels, holes = image.image[amplifier.box], empty[amplifier.box]
        if holes.any():
            pixels[holes] = 0.0 if holes.all() else np.median(pixels[~holes])
    image.mask[empty] |= np.uint16(MaskPlane.BAD)
