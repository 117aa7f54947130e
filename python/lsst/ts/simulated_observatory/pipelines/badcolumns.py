"""Columns that are bad in part."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["fill_columns"]


def fill_columns(bad: NDArray[np.bool_], *, suspicious: int, gap: int) -> NDArray[np.bool_]:
    """Fill a column with many bad pixels between the first and the last of them.

    Parameters
    ----------
    bad
        Bad pixels of an amplifier, shape (rows, columns).
    suspicious
        Least number of bad pixels in such a column.
    gap
        So many good pixels in a row stay good.
    """
    filled = bad.copy()
    for column in np.flatnonzero(np.count_nonzero(bad, axis=0) >= suspicious):
        rows = np.flatnonzero(bad[:, column])
        for low, high in pairwise(rows):
            if high - low - 1 < gap:
                filled[low:high, column] = True
    return filled
