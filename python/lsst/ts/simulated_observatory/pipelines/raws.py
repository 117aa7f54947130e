"""Raw images as the camera writes them: one FITS extension per amplifier, untrimmed."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import fitsio
from astropy.io import fits
from numpy.typing import NDArray

from .images import Amplifier

__all__ = ["RawAmplifier", "RawImage", "read_raw", "read_raw_header"]

BLOCK = 2880
"""Bytes of a FITS block."""

CARD = 80
"""Bytes of a line of a FITS header."""

_PLACES = frozenset({b"DATASEC", b"DETSEC", b"DETSIZE"})
"""Keywords that say where an amplifier is."""

_SEGMENT = re.compile(r"^Segment(\d\d)$", re.IGNORECASE)
_SECTION = re.compile(r"^\[(\d+):(\d+),(\d+):(\d+)\]$")
_STRUCTURE = frozenset(
    {"SIMPLE", "XTENSION", "BITPIX", "EXTEND", "CHECKSUM", "DATASUM", "COMMENT", "HISTORY", ""}
)
"""Keywords that belong to the file, not to the exposure."""


@dataclass(frozen=True, eq=False)
class RawAmplifier:
    """One amplifier as it was read out.

    Parameters
    ----------
    array
        adu, shape (rows, columns) with prescan and overscan; row 0, column 0 was read first.
    imaging, amplifier
        Rows and columns of the imaging area, and where it belongs in the assembled image. Columns after it
        are serial overscan, rows after it parallel overscan.
    """

    array: NDArray[Any]
    imaging: tuple[slice, slice]
    amplifier: Amplifier


@dataclass(frozen=True, eq=False)
class RawImage:
    """All amplifiers of one detector, and the primary header.

    Parameters
    ----------
    amplifiers, header
        By name, e.g. ``C05``; primary header, in which undefined values are None.
    """

    amplifiers: Mapping[str, RawAmplifier]
    header: dict[str, Any]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the assembled and trimmed image."""
        places = [raw.amplifier for raw in self.amplifiers.values()]
        return max(each.y0 + each.height for each in places), max(each.x0 + each.width for each in places)


def read_raw(path: str) -> RawImage:
    """Read a raw file; all geometry comes from its headers.

    Parameters
    ----------
    path
        Of the file.

    Returns
    -------
    image
        Amplifiers and primary header.

    Raises
    ------
    ValueError
        The file is not FITS, or has no amplifier segments, or a header without DATASEC or DETSEC.
    """
    try:
        _check_blocks(path)
        # cfitsio reads pixels three times faster than astropy, which knows more of headers. In a path it
        # takes brackets for its own, and this path has none.
        with open(path, "rb") as file, fitsio.FITS(f"/proc/self/fd/{file.fileno()}") as hdus:
            header = dict(_RawHeader(fits.Header.fromstring(_header_of(file, hdus[0]))))
            amplifiers = {}
            for hdu in hdus:
                match = _SEGMENT.match(hdu.get_extname())
                if match is not None:
                    places = _values(_header_of(file, hdu), _PLACES)
                    raw = _amplifier(f"C{match[1]}", places, hdu.read())
                    amplifiers[raw.amplifier.name] = raw
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} cannot be read as a raw image: {error}") from error
    if not amplifiers:
        raise ValueError(f"{path} has no extension SegmentNN, so it is not a raw image")
    return RawImage(dict(sorted(amplifiers.items())), header)


class _RawHeader(Mapping[str, Any]):
    """Plain values of a header, without the keywords that describe the file; undefined values are None.

    A value is parsed when it is asked for: of the many keywords of a raw file few are needed to ingest it.
    """

    def __init__(self, header: fits.Header) -> None:
        self._header = header

    def __getitem__(self, key: str) -> Any:
        if key not in self._header:
            raise KeyError(key)  # astropy has words where the key is expected
        value = self._header[key]
        return None if isinstance(value, fits.card.Undefined) else value

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._header if key not in _STRUCTURE and not key.startswith("NAXIS"))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def read_raw_header(path: str) -> Mapping[str, Any]:
    """Read the primary header of a raw file alone.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    header
        Its keywords.

    Raises
    ------
    ValueError
        The file cannot be read.
    """
    try:
        _check_blocks(path)
        with fits.open(path, memmap=False) as hdus:
            return _RawHeader(hdus[0].header)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as a FITS file: {error}") from error


def _check_blocks(path: str) -> None:
    """Refuse a file that does not consist of whole FITS blocks: it is torn, or something else."""
    size = os.path.getsize(path)
    if size == 0 or size % BLOCK:
        raise ValueError(f"its {size} bytes are no whole number of FITS blocks")


def _header_of(file: BinaryIO, hdu: Any) -> bytes:
    """All cards of the header of an extension that fitsio has found."""
    offsets = hdu.get_offsets()
    return os.pread(file.fileno(), offsets["data_start"] - offsets["header_start"], offsets["header_start"])


def _values(header: bytes, keywords: Collection[bytes]) -> dict[str, Any]:
    """Values of a few keywords: to read all would take longer than the pixels."""
    cards = (header[start : start + CARD] for start in range(0, len(header), CARD))
    found = (fits.Card.fromstring(card) for card in cards if card[:8].rstrip() in keywords)
    return {card.keyword: card.value for card in found}


def _amplifier(name: str, header: Mapping[str, Any], array: NDArray[Any]) -> RawAmplifier:
    """One segment, placed as ``DETSEC`` says.

    ``DETSEC`` counts rows from the top of the assembled image downwards; the order of its limits gives the
    mirroring.
    """
    x1, x2, y1, y2 = _section(header["DATASEC"])
    left, right, top, bottom = _section(header["DETSEC"])
    detector_height = _section(header["DETSIZE"])[3]
    first, last = detector_height + 1 - top, detector_height + 1 - bottom
    amplifier = Amplifier(
        name=name,
        x0=min(left, right) - 1,
        y0=min(first, last) - 1,
        width=abs(right - left) + 1,
        height=abs(last - first) + 1,
        flip_x=left > right,
        flip_y=first > last,
    )
    if (amplifier.height, amplifier.width) != (y2 - y1 + 1, x2 - x1 + 1):
        raise ValueError(f"amplifier {name}: DATASEC and DETSEC differ in size")
    return RawAmplifier(array, (slice(y1 - 1, y2), slice(x1 - 1, x2)), amplifier)


def _section(text: str) -> tuple[int, int, int, int]:
    """First and last column, first and last row of a section such as ``[4:512,1:2000]``."""
    match = _SECTION.match(text.replace(" ", ""))
    if match is None:
        raise ValueError(f"{text!r} is not a section like [4:512,1:2000]")
    x1, x2, y1, y2 = (int(number) for number in match.groups())
    return x1, x2, y1, y2
