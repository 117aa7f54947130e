"""What becomes of charge until it reaches the output: full well, bleeding, deferred charge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .patterns import Image

__all__ = ["bleed", "defer_charge", "roll_off"]

KNEE = 0.97
"""Where a pixel begins to lose charge to its neighbours in the column, in units of its full well. Chosen."""


def roll_off(charge: Image, full_well: float) -> Image:
    """Charge that pixels can hold by themselves; the rest bleeds.

    Up to the knee, all of it; beyond, less and less of what is added, towards the full well w: with the knee
    k, k + (w - k) (1 - exp(-(q - k) / (w - k))). The form is chosen: it is smooth.

    Parameters
    ----------
    charge, full_well
        Charge q of any shape, and full well w, electron.

    Returns
    -------
    held
        As the charge, electron.
    """
    knee = KNEE * full_well
    room = np.float32(full_well - knee)
    above = np.maximum(charge - np.float32(knee), np.float32(0.0))
    held: Image = np.minimum(charge, np.float32(knee)) - room * np.expm1(-above / room)
    return held


def bleed(charge: Image, full_well: float, overscan: int) -> Image:
    """Let columns bleed: what a pixel cannot hold goes to both sides, up to the next pixels with room.

    Parameters
    ----------
    charge, full_well
        Imaging rows by columns, the row that is read first at the beginning, and full well; electron.
    overscan
        Rows of parallel overscan, which are read after them, and get what passes the last imaging row. What
        passes the first row is drained by the serial register.

    Returns
    -------
    charge
        Imaging and overscan rows by columns, electron; no pixel has more than the full well.
    """
    result = np.pad(charge, ((0, overscan), (0, 0)))
    (columns,) = np.nonzero(charge.max(axis=0) > KNEE * full_well)
    if columns.size:
        part = np.ascontiguousarray(result[:, columns])
        held = roll_off(part, full_well)
        half = (part - held) / np.float32(2.0)
        _fill(held, half, full_well)
        _fill(held[::-1], half[::-1], full_well)
        result[:, columns] = held
    return result


def _fill(held: Image, excess: Image, full_well: float) -> None:
    """Add the excess of each row to the rows after it, as far as there is room; in place."""
    flow = np.zeros(held.shape[1], np.float32)
    for row, added in zip(held, excess, strict=True):
        flow += row
        np.minimum(flow, np.float32(full_well), out=row)
        flow -= row
        flow += added


def defer_charge(charge: Image, part: float, transfers: int = 1) -> Image:
    """Let charge stay behind in the serial register, to first order in the inefficiency.

    Parameters
    ----------
    charge
        Rows by imaging columns, the column that is read first at the beginning, electron.
    part
        Part of a charge that stays behind at each transfer, and is read with the next pixel.
    transfers
        Of the first column.

    Returns
    -------
    charge
        Rows by columns, one more: the first one of the serial overscan; electron.
    """
    number = transfers + np.arange(charge.shape[1], dtype=np.float32)
    left: npt.NDArray[np.float32] = charge * (np.float32(part) * number)
    result = np.pad(charge, ((0, 0), (0, 1)))
    result[:, :-1] -= left
    result[:, 1:] += left
    return result
