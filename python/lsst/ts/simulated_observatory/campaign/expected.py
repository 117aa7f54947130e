"""What the procedure says of each calibration, in the campaign's own copy.

The invariants hold the script against it. Were they to read the script's table of calibrations alone, a wrong
row of that table would be right on both sides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, CalibrationType
from lsst.ts.calibrations.domain.instruments import ImageType

__all__ = ["NEEDED", "expected"]

_BIAS, _DARK, _FLAT = ImageType.BIAS, ImageType.DARK, ImageType.FLAT

_COMBINED: dict[str, Any] = {"verified_by_itself": False, "option": "generate_calibrations"}
_PRODUCT: dict[str, Any] = {"verified_with": _FLAT, "needs": ("BIAS", "DARK", "FLAT")}
_PROCEDURE: dict[str, dict[str, Any]] = {
    "BIAS": {**_COMBINED, "made_from": (_BIAS,), "verified_with": _BIAS, "needs": ()},
    "DARK": {**_COMBINED, "made_from": (_DARK,), "verified_with": _DARK, "needs": ("BIAS",)},
    "FLAT": {**_COMBINED, "made_from": (_FLAT,), "verified_with": _FLAT, "needs": ("BIAS", "DARK")},
    "DEFECTS": {**_PRODUCT, "made_from": (_DARK, _FLAT), "verified_by_itself": False, "option": "do_defects"},
    "PTC": {**_PRODUCT, "made_from": (_FLAT,), "verified_by_itself": True, "option": "do_ptc"},
}

NEEDED = tuple(f"certify {each.value}" for each in ImageType)
"""Steps without which no later image type can be combined."""


def expected(calibration: str) -> CalibrationType:
    """Row of a calibration as the procedure has it.

    Parameters
    ----------
    calibration
        Its name.

    Returns
    -------
    row
        The script's own where the procedure does not know the calibration.
    """
    return replace(CALIBRATIONS[calibration], **_PROCEDURE.get(calibration, {}))
