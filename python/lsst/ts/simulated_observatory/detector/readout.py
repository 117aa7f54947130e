"""Readout of a detector: crosstalk, gain, non-linearity, bias, noise, and digitisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .night import Night, idle_transient
from .patterns import Image, bias_pattern
from .truth import DetectorTruth

__all__ = ["BITS", "Electronics", "analog_images", "read_out"]

BITS = 18
"""Bits of the analog to digital converters."""

COMMON_NOISE = 1.0
"""Rms of the noise that all amplifiers of a detector have in common, as part of their read noise, electron.
Chosen."""

PEDESTAL_WANDER = 5.0
"""Rms of the bias level of all amplifiers from exposure to exposure, adu."""

AMPLIFIER_WANDER = 1.0
"""Rms of the bias level of one amplifier besides, adu."""

DRIFT = 1.0
"""Rms of the drift of the bias level while the first rows are read, adu."""


@dataclass(frozen=True)
class Electronics:
    """In what state the electronics are, besides the truth of a detector; mappings are by amplifier."""

    night: Night | None = None
    """Drifts of the night."""
    idle: float = 0.0
    """Time since the last readout, s."""
    bits: int = BITS
    """Bits of the converters."""
    common_noise: float = 0.0
    """Further noise that all amplifiers have in common, electron."""
    noise: Mapping[str, float] = field(default_factory=dict)
    """Factors of the read noise; 1 if left out."""
    gain_changes: Mapping[str, float] = field(default_factory=dict)
    """Relative changes of the gain; 0 if left out."""
    constant: Mapping[str, float] = field(default_factory=dict)
    """Amplifiers of which all pixels have the same value, and that value, adu."""


def read_out(
    truth: DetectorTruth,
    charge: Image,
    common: np.random.Generator,
    streams: Sequence[np.random.Generator],
    electronics: Electronics = Electronics(),
) -> Iterator[npt.NDArray[np.int32]]:
    """Read all amplifiers at the same time, and digitise what comes.

    Parameters
    ----------
    truth, charge, common, streams, electronics
        As of `analog_images`.

    Yields
    ------
    image
        Raw image of one amplifier, raw rows by raw columns, adu.
    """
    for image in analog_images(truth, charge, common, streams, electronics):
        np.rint(image, out=image)
        np.clip(image, 0.0, 2.0**electronics.bits - 1.0, out=image)
        yield image.astype(np.int32)


def analog_images(
    truth: DetectorTruth,
    charge: Image,
    common: np.random.Generator,
    streams: Sequence[np.random.Generator],
    electronics: Electronics = Electronics(),
) -> Iterator[Image]:
    """Read all amplifiers at the same time.

    Crosstalk adds a part of the signal of each amplifier to that of each other; gain, non-linearity, bias and
    read noise follow.

    Parameters
    ----------
    truth, charge
        The detector, and the charge in it: amplifiers by rows by columns, from the first imaging pixel on,
        with those rows and columns of the overscans that have charge; electron.
    common, streams
        Random numbers for what the amplifiers have in common, and for each amplifier.
    electronics
        Their state.

    Yields
    ------
    image
        What the converter of one amplifier is given, raw rows by raw columns, adu.
    """
    crosstalk = np.array(truth.crosstalk, dtype=np.float32)
    np.fill_diagonal(crosstalk, 1.0)
    signals = (crosstalk @ charge.reshape(len(crosstalk), -1)).reshape(charge.shape)
    wander = PEDESTAL_WANDER * common.standard_normal()
    patterns = bias_pattern(truth)
    noise_in_common = common.standard_normal(patterns[0].shape, dtype=np.float32)
    first_frame = idle_transient(electronics.idle, patterns.shape[1])[:, np.newaxis]
    night = electronics.night or _no_night(len(truth.amplifiers))
    for i, amplifier in enumerate(truth.amplifiers):
        name, gain = amplifier.name, amplifier.gain * night.gains[i]
        gain *= 1.0 + electronics.gain_changes.get(name, 0.0)
        signal = signals[i]
        signal /= np.float32(gain)
        signal -= np.float32(amplifier.nonlinearity) * signal * signal
        noise = amplifier.read_noise * night.noise[i] * electronics.noise.get(name, 1.0)
        shared = min(COMMON_NOISE, noise)
        image = streams[i].standard_normal(patterns[i].shape, dtype=np.float32)
        image *= np.float32(np.sqrt(noise**2 - shared**2) / gain)
        image += np.float32(np.hypot(shared, electronics.common_noise) / gain) * noise_in_common
        image += patterns[i]
        image += _wander(wander + night.pedestals[i], image.shape[0], streams[i])
        columns = truth.model.amplifiers[i].imaging[1]
        image[:, columns] += first_frame
        image[: signal.shape[0], columns.start : columns.start + signal.shape[1]] += signal
        if name in electronics.constant:
            image[:] = electronics.constant[name]
        yield image


def _no_night(amplifiers: int) -> Night:
    return Night(1.0, (1.0,) * amplifiers, (1.0,) * amplifiers, (0.0,) * amplifiers)


def _wander(wander: float, rows: int, rng: np.random.Generator) -> Image:
    """By how much the bias level of each row differs from its mean, rows by 1, adu."""
    row = np.arange(rows, dtype=np.float32)[:, np.newaxis]
    level = wander + AMPLIFIER_WANDER * rng.standard_normal()
    drift: Image = np.exp(-row / np.float32(rows / 5)) * np.float32(DRIFT * rng.standard_normal())
    return np.float32(level) + drift
