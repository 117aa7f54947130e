"""Which flats of a series are pairs: cp_pipe's rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Flat", "pair_flats"]


@dataclass(frozen=True)
class Flat:
    """A flat that can be one of a pair.

    Parameters
    ----------
    exposure
        Exposure id.
    exposure_time
        Seconds.
    physical_filter
        Filter and grating.
    """

    exposure: int
    exposure_time: float
    physical_filter: str


def pair_flats(flats: Sequence[Flat], tolerance: float = 5e-3) -> list[tuple[int, int]]:
    """Exposure ids of the pairs: in the order of ids, each two flats of one exposure time and filter.

    Twenty equal flats are ten pairs. Other exposures in between do not matter; a flat without a partner is
    left out.

    Parameters
    ----------
    flats
        In any order.
    tolerance
        Largest difference of exposure times, s.
    """
    waiting: list[Flat] = []
    pairs = []
    for flat in sorted(flats, key=lambda each: each.exposure):
        partner = next(
            (
                each
                for each in waiting
                if abs(each.exposure_time - flat.exposure_time) <= tolerance
                and each.physical_filter == flat.physical_filter
            ),
            None,
        )
        if partner is None:
            waiting.append(flat)
        else:
            waiting.remove(partner)
            pairs.append((partner.exposure, flat.exposure))
    return sorted(pairs)
