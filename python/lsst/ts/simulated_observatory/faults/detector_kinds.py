"""The kinds of faults of the detectors, of light and electronics; `..detector.exposure` says what they do."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS

from .options import FaultKind, Option, index, number, whole_number

__all__ = ["DETECTOR_KINDS"]


def _amplifier(text: str) -> str:
    if text not in AMPLIFIERS:
        raise ValueError("an amplifier name, C00 to C07 or C10 to C17")
    return text


def _images(text: str) -> str:
    first, dash, last = text.partition("-")
    if whole_number(first) > whole_number(last if dash else first):
        raise ValueError("a first image that is not after the last one")
    return text


_positive = number("a number greater than 0", lambda found: 0 < found < math.inf)
_part = number("a number from 0 to 1", lambda found: 0 <= found <= 1)
_change = number("a number between -1 and 1", lambda found: -1 < found < 1)
_level = number("a number of adu from 0 to 262143", lambda found: 0 <= found < 2**18)
_bits = number("a whole number of bits from 10 to 18", lambda found: found in range(10, 19))

_AMPLIFIER = Option("name of the amplifier, e.g. C05", _amplifier, required=True)
_COLUMN = Option("column of the assembled, trimmed image, from 0", index, required=True)
_IMAGES = Option("numbers of the images in the run, from 1, such as 3-6 or 7", _images, required=True)
_DETECTOR = {
    "detector": Option("Butler id of the only detector that has it; every detector if left out", index)
}


def _kind(name: str, meaning: str, **options: Option) -> FaultKind:
    return FaultKind(name, meaning, options | _DETECTOR)


_ROWS = (
    _kind(
        "amplifier-noise",
        "the read noise of an amplifier is multiplied",
        amplifier=_AMPLIFIER,
        factor=Option("by which factor", _positive, default=1.2),
    ),
    _kind(
        "amplifier-dead",
        "no charge reaches the output of an amplifier: bias level and read noise only",
        amplifier=_AMPLIFIER,
    ),
    _kind(
        "amplifier-constant",
        "all pixels of an amplifier, its overscans too, have one value",
        amplifier=_AMPLIFIER,
        level=Option("the value, adu", _level, default=0.0),
    ),
    _kind(
        "amplifier-glow",
        "all pixels of an amplifier have a high dark current",
        amplifier=_AMPLIFIER,
        rate=Option("electron/s", _positive, default=20.0),
    ),
    _kind(
        "gain-drift",
        "the gain of an amplifier is not what it was when the reference calibrations were made",
        amplifier=_AMPLIFIER,
        change=Option("relative change of the gain", _change, default=0.02),
    ),
    _kind(
        "full-well",
        "the pixels of an amplifier saturate earlier",
        amplifier=_AMPLIFIER,
        factor=Option("part of its full well that is left", _part, default=0.7),
    ),
    _kind(
        "deferred-charge",
        "charge stays behind in the serial register of an amplifier",
        amplifier=_AMPLIFIER,
        part=Option("part of the charge that stays behind at each transfer", _part, default=1e-4),
    ),
    _kind(
        "adc-range",
        "the analog-to-digital converters saturate early",
        bits=Option("bits that they have", _bits, default=17.0),
    ),
    _kind(
        "common-mode",
        "all amplifiers of a detector share additional noise",
        noise=Option("its rms, electron", _positive, default=5.0),
    ),
    _kind(
        "light-leak",
        "light reaches the detector all the time, even with the shutter closed",
        rate=Option("electron/s in every pixel", _positive, default=5.0),
    ),
    _kind(
        "light-leak-in",
        "light reaches the detector in some images, even with the shutter closed",
        images=_IMAGES,
        rate=Option("electron/s in every pixel", _positive, default=5.0),
    ),
    _kind(
        "lamp-flicker",
        "the lamp is brighter or fainter from flat to flat",
        rms=Option("relative rms of its light", _part, default=0.02),
    ),
    _kind(
        "lamp-dim",
        "the lamp is fainter in some images",
        images=_IMAGES,
        factor=Option("part of its light that is left", _part, default=0.5),
    ),
    _kind(
        "lamp-gradient",
        "the light of each flat has a gradient of its own over the detector",
        change=Option("relative change from side to side", _part, default=0.01),
    ),
    _kind(
        "hot-column",
        "a column of the assembled detector has a high dark current over its whole height",
        column=_COLUMN,
        rate=Option("electron/s in every pixel of it", _positive, default=50.0),
    ),
    _kind(
        "hot-pixels",
        "many pixels of an amplifier have a high dark current",
        amplifier=_AMPLIFIER,
        part=Option("part of its pixels", _part, default=0.025),
        rate=Option("electron/s in each of them", _positive, default=50.0),
    ),
    _kind(
        "bleeding",
        "a glowing spot in the lower half of a column makes it bleed, even into the parallel overscan",
        column=_COLUMN,
        rate=Option("electron/s in the spot", _positive, default=1e7),
    ),
    _kind("shutter-stuck", "the shutter does not open"),
    _kind("shutter-shut", "the shutter does not open in some images", image=_IMAGES),
)

DETECTOR_KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ROWS}
"""Faults of the detectors by name. They are in every image unless an option names images."""
