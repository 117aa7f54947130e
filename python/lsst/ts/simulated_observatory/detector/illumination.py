"""How much light reaches the detector: the lamp, and the throughput of filters and gratings."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

__all__ = ["LAMP_RATE", "REPEATABILITY", "throughput"]

LAMP_RATE = 3300.0
"""Light of the flat field at the detector mean through SDSSr_65mm~empty, electron/s."""

REPEATABILITY = 1e-4
"""Relative rms of lamp times shutter from exposure to exposure."""

FILTERS: Mapping[str, float] = {
    "empty": 6.0,
    "blank_bk7_wg05": 5.5,
    "diffuser": 4.0,
    "collimator": 5.0,
    "cyl_lens": 5.0,
    "unknown": 1.0,
    "KPNO_1111_436nm": 0.1,
    "KPNO_373A_677nm": 0.15,
    "KPNO_406_828nm": 0.2,
    "quadnotch1": 0.3,
    "BG40": 2.0,
    "BG40_65mm_1": 2.0,
    "BG40_65mm_2": 2.0,
    "RG610": 3.5,
    "OG550_65mm_1": 4.0,
    "OG550_65mm_2": 4.0,
    "FELH0600": 4.0,
    "SDSSg": 1.0,
    "SDSSr": 1.0,
    "SDSSi": 1.5,
    "SDSSu_65mm": 0.05,
    "SDSSg_65mm": 1.0,
    "SDSSr_65mm": 1.0,
    "SDSSi_65mm": 1.5,
    "SDSSz_65mm": 2.0,
    "SDSSy_65mm": 0.2,
    **dict.fromkeys(("u_02", "u_05", "u_06", "u_24"), 0.05),
    **dict.fromkeys(("g_01", "g_07", "g_6"), 1.0),
    **dict.fromkeys(("r_03", "r_57"), 1.0),
    **dict.fromkeys(("i_06", "i_39"), 1.5),
    **dict.fromkeys(("z_02", "z_03", "z_20"), 2.0),
    **dict.fromkeys(("y_04", "y_10"), 0.2),
}
"""Light relative to SDSSr_65mm: from the exposure times of the weekly flats (g and r 6 s, z 3 s, y 30 s,
empty 1 s) for those, estimates for the others. The filters of LSSTComCam and LSSTCam pass as much as those of
LATISS in the same band."""

GRATINGS: Mapping[str, float] = {
    "empty": 1.0,
    "unknown": 1.0,
    "ronchi90lpmm": 0.8,
    "ronchi170lpmm": 0.8,
    "holo4_001": 0.7,
    "holo4_003": 0.7,
    "blue300lpmm_qn1": 0.7,
    "pinhole_1_1000": 0.1,
    "pinhole_1_0500": 0.05,
    "pinhole_1_0200": 0.02,
    "pinhole_1_0100": 0.01,
}
"""Light relative to an empty place in the grating wheel."""


def throughput(physical_filter: str) -> float:
    """Light through a filter and grating relative to ``SDSSr_65mm~empty``.

    Parameters
    ----------
    physical_filter
        ``FILTER~GRATING`` as in the Butler. ``empty_1`` and so on are ``empty``; a filter may be mounted in
        the grating wheel (``empty~SDSSy_65mm``).

    Raises
    ------
    ValueError
        Not known; the message names the nearest known one.
    """
    filter_name, _, grating = (
        re.sub(r"^empty_\d+$", "empty", part) for part in physical_filter.partition("~")
    )
    grating = grating or "empty"
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
