"""Readout of a detector: from charge in the pixels to numbers in the raw images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from .patterns import Image, bias_pattern
from .truth import DetectorTruth

__all__ = ["BITS", "read_out"]

BITS = 18
"""Bits of the analog to digital converters."""

PEDESTAL_WANDER = 5.0
"""Rms of the bias level of all amplifiers from exposure to exposure, adu."""

AMPLIFIER_WANDER = 1.0
"""Rms of the bias level of one amplifier besides, adu."""

DRIFT = 1.0
"""Rms of the drift of the bias level while the first rows are read, adu."""


def read_out(
    truth: DetectorTruth,
    charge: Image,
    common: np.random.Generator,
    streams: Sequence[np.random.Generator],
    noise_factors: Sequence[float],
) -> Iterator[npt.NDArray[np.int32]]:
    """Read all amplifiers at the same time.

    Crosstalk adds a part of the signal of each amplifier to that of each other; gain, non-linearity, bias and
    read noise follow, and the digitisation.

    Parameters
    ----------
    truth
        The detector.
    charge
        Amplifiers by imaging rows by imaging columns, electron.
    common
        Random numbers for what the amplifiers have in common.
    streams
        Random numbers for each amplifier.
    noise_factors
        By which the read noise of each amplifier is multiplied.

    Yields
    ------
    image
        Raw image of one amplifier, raw rows by raw columns, adu.
    """
    crosstalk = np.array(truth.crosstalk, dtype=np.float32)
    np.fill_diagonal(crosstalk, 1.0)
    signals = (crosstalk @ charge.reshape(len(crosstalk), -1)).reshape(charge.shape)
    wander = PEDESTAL_WANDER * common.standard_normal()
    patterns = bias_pattern(truth)
    for i, amplifier in enumerate(truth.amplifiers):
        signal = signals[i]
        signal /= np.float32(amplifier.gain)
        signal -= np.float32(amplifier.nonlinearity) * signal * signal
        noise = noise_factors[i] * amplifier.read_noise / amplifier.gain
        image = streams[i].standard_normal(patterns[i].shape, dtype=np.float32)
        image *= np.float32(noise)
        image += patterns[i]
        image += _wander(wander, image.shape[0], streams[i])
        image[truth.model.amplifiers[i].imaging] += signal
        np.rint(image, out=image)
        np.clip(image, 0.0, 2.0**BITS - 1.0, out=image)
        yield image.astype(np.int32)


def _wander(wander: float, rows: int, rng: np.random.Generator) -> Image:
    """By how much the bias level of each row differs from its mean, rows by 1, adu."""
    row = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    level = wander + AMPLIFIER_WANDER * rng.standard_normal()
    drift: Image = np.float32(level) + np.float32(DRIFT * rng.standard_normal()) * np.exp(
        -row / np.float32(rows / 5)
    )
    return drift
