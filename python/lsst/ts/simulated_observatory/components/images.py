"""One image of the camera: its name, what was asked for, and its keys and values as texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lsst.ts.calibrations.domain.instruments import exposure_id

from ..cameras.image_names import image_name

__all__ = ["Image", "join_escaped", "parse_key_values", "split_escaped"]

OVERHEAD = 0.24
"""Seconds that charge collects beyond the integration, as the headers of real raws have it."""

_PART = re.compile(r"(?:^|:)((?:\\.|[^\\:])*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parse_key_values(text: str) -> dict[str, str]:
    """Read the keyValueMap of takeImages: ``key: value`` pairs separated by commas, without any quoting.

    Parameters
    ----------
    text
        The map.

    Returns
    -------
    pairs
        Values by key, both without the spaces around them.

    Raises
    ------
    ValueError
        A part holds no colon, as when a value holds a comma.
    """
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, colon, value = part.partition(":")
        if not colon or not key.strip():
            raise ValueError(f"keyValueMap: {part!r} is not 'key: value' (a value cannot hold a comma)")
        pairs[key.strip()] = value.strip()
    return pairs


def join_escaped(texts: Iterable[str]) -> str:
    """Join keys, or values, as the events of an image carry them.

    Parameters
    ----------
    texts
        Keys or values.

    Returns
    -------
    joined
        With colons between them; a colon or backslash inside a text has a backslash before it.
    """
    return ":".join(text.replace("\\", "\\\\").replace(":", "\\:") for text in texts)


def split_escaped(text: str) -> list[str]:
    """Undo `join_escaped`.

    Parameters
    ----------
    text
        Keys or values of an event.

    Returns
    -------
    parts
        An empty text is one empty part.
    """
    return [_ESCAPED.sub(r"\1", part) for part in _PART.findall(text)]


@dataclass(frozen=True)
class Image:
    """An image from its startIntegration on."""

    code: str
    """Two letters of the camera, e.g. ``AT``."""
    day_obs: int
    """Observing day, YYYYMMDD."""
    number: int
    """Sequence number of the day."""
    count: int
    """How many images were asked for since the simulation began, this one included."""
    started: float
    """TAI unix seconds of the start of the integration."""
    physical_filter: str
    """Name in the Butler of the filter in use."""
    index: int = 1
    """Place among the images of one takeImages, from 1."""
    in_sequence: int = 1
    """How many images that takeImages takes."""
    exposure_time: float = 0.0
    """Seconds, as commanded."""
    shutter: bool = False
    """Whether the shutter opens."""
    shutter_time: float = 0.0
    """Seconds that opening and closing the shutter take."""
    idle: float = 0.0
    """Seconds without readout before it."""
    key_values: Mapping[str, str] = field(default_factory=dict)
    """keyValueMap and obsNote of the command."""
    controller: str = "O"
    """What controls the camera: ``O`` for the observatory's control system, ``C`` for the camera's own."""

    @property
    def name(self) -> str:
        """Image name, e.g. ``AT_O_20250115_000001``."""
        return image_name(self.code, self.day_obs, self.number, self.controller)

    @property
    def exposure(self) -> int:
        """Exposure id."""
        return exposure_id(self.name)

    @property
    def integration(self) -> float:
        """Seconds of the integration, shutter motion included."""
        return self.exposure_time + (self.shutter_time if self.shutter else 0.0)

    @property
    def dark_time(self) -> float:
        """Seconds during which charge collects."""
        return self.integration + OVERHEAD
