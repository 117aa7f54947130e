"""How much light reaches the detector: the lamp, and the throughput of filters and gratings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from ..cameras import CAMERAS

__all__ = ["LAMP_RATE", "REPEATABILITY", "normal_name", "throughput"]

LAMP_RATE = 3300.0
"""Light of the flat field at the detector mean through SDSSr_65mm~empty, electron/s.

Chosen, not measured: with it flats of 5 s have 15 200 adu, and those of 35 s, the longest of the curve in the
procedure, are above PTC_TURNOFF (90 000 electron, DMTN-101 section 16.3) and below saturation."""

REPEATABILITY = 1e-4
"""Relative rms of lamp times shutter from exposure to exposure; 2e-3 would spoil the gains of pairs."""

FILTERS: Mapping[str, float] = {k: v for each in CAMERAS.values() for k, v in each.filter_throughput.items()}
"""Light through the filters of all cameras, relative to SDSSr_65mm."""

GRATINGS: Mapping[str, float] = {
    k: v for each in CAMERAS.values() for k, v in each.grating_throughput.items()
}
"""Light relative to an empty place in the grating wheel."""


def normal_name(physical_filter: str) -> str:
    """Name of a filter and grating in which all empty places have the same name.

    Parameters
    ----------
    physical_filter
        ``FILTER~GRATING`` as in the Butler; no grating is as an empty place.

    Returns
    -------
    name
        E.g. ``SDSSr_65mm~empty`` for ``SDSSr_65mm~empty_1``.
    """
    filter_, _, grating = (re.sub(r"^empty_\d+$", "empty", part) for part in physical_filter.partition("~"))
    return f"{filter_}~{grating or 'empty'}"


def throughput(physical_filter: str) -> float:
    """Light through a filter and grating relative to ``SDSSr_65mm~empty``.

    Parameters
    ----------
    physical_filter
        ``FILTER~GRATING`` as in the Butler. ``empty_1`` and so on are ``empty``; a filter may be mounted in
        the grating wheel (``empty~SDSSy_65mm``).

    Returns
    -------
    throughput
        A factor of the light.

    Raises
    ------
    ValueError
        Not known; the message names the nearest known one.
    """
    filter_name, _, grating = normal_name(physical_filter).partition("~")
    if filter_name not in FILTERS:
        raise ValueError(_unknown("filter", filter_name, FILTERS))
    if grating in FILTERS and grating not in GRATINGS:
        return FILTERS[filter_name] * FILTERS[grating] / FILTERS["empty"]
    pinholes = re.sub(r"^pinhole_2_[1-4]_", "pinhole_1_", grating)
    if pinholes not in GRATINGS:
        raise ValueError(_unknown("grating", grating, GRATINGS))
    return FILTERS[filter_name] * GRATINGS[pinholes]


def _unknown(kind: str, name: str, known: Mapping[str, float]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"no throughput for {kind} {name!r}: nearest is {near[0]}; known: {', '.join(known)}"
