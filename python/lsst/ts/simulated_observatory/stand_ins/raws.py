"""Raw files without pixels: the primary header alone, which is all that the ingest reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache

from astropy.io import fits

from ..detector.exposure import ExposureRequest

__all__ = ["no_pixels", "write_header"]

_BLOCK = 2880
"""Bytes of a FITS block."""

_STRUCTURE = ("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)


def no_pixels(request: ExposureRequest, /) -> None:
    """Make no pixels of an exposure."""


def write_header(path: str, header: Mapping[str, object], segments: str, /) -> None:
    """Write a raw file that has a primary header and no segments.

    Parameters
    ----------
    path
        File to write.
    header
        Keywords; one that is None has no value.
    segments
        Where the pixels would be.
    """
    cards = "".join([*(_card(*each) for each in _STRUCTURE), *(_card(*each) for each in header.items())])
    text = f"{cards}{'END':<80}"
    incomplete = f"{path}.part"
    with open(incomplete, "wb") as file:
        file.write(text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii"))
    os.replace(incomplete, path)


@lru_cache(maxsize=4096, typed=True)
def _card(key: str, value: object) -> str:
    """One keyword as FITS has it; most are the same in every image."""
    standard = len(key) <= 8 and " " not in key
    return str(fits.Card(key if standard else f"HIERARCH {key}", value))
