"""Exposure times of a set of images: one for each, discarded images first, and the pairs they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FlatPairs", "fitting_times", "flat_pairs", "times_per_exposure"]


TOLERANCE = 5e-3
"""Seconds by which the exposure times of the two flats of a pair may differ, as in cp_pipe."""


@dataclass(frozen=True)
class FlatPairs:
    """Which flats of a series belong together.

    Parameters
    ----------
    pairs
        Positions in the series of the two flats of each pair, in the order in which the pairs begin.
    unpaired
        Positions of flats that found no partner.
    """

    pairs: tuple[tuple[int, int], ...]
    unpaired: tuple[int, ...]


def times_per_exposure(times: float | Sequence[float], n: int, n_discard: int) -> tuple[float, ...]:
    """One exposure time for each image to take.

    Parameters
    ----------
    times
        One time for all, or a list with an entry for every image, or for every image that is not discarded:
        discarded images then use its first [s].
    n, n_discard
        How many images are used and how many are taken before them and discarded.

    Returns
    -------
    times
        ``n_discard + n`` exposure times [s], those of the discarded images first.

    Raises
    ------
    ValueError
        The list has another length.
    """
    if not isinstance(times, Sequence):
        return (float(times),) * (n_discard + n)
    if len(times) == n_discard + n:
        return tuple(float(time) for time in times)
    if len(times) == n:
        return (float(times[0]),) * n_discard + tuple(float(time) for time in times)
    raise ValueError(f"{len(times)} exposure times do not fit {n} images and {n_discard} that are discarded")


def fitting_times(times: Sequence[float], n: int, n_discard: int) -> list[float]:
    """Thin out or stretch a list of exposure times evenly, so that it fits ``n_discard + n`` images.

    Parameters
    ----------
    times
        Exposure times [s]; if images are discarded, the first is taken as theirs.
    n, n_discard
        How many images are used and how many are taken before them and discarded.

    Returns
    -------
    fitting
        ``n_discard + n`` exposure times [s].
    """
    kept = (times[1:] if n_discard else times) or times
    return [times[0]] * n_discard + [kept[number * len(kept) // n] for number in range(n)]


def flat_pairs(times: Sequence[float], filters: Sequence[str | None] | None = None) -> FlatPairs:
    """Pair flats as cp_pipe does for the photon transfer curve.

    Each flat goes with the first one before it that has no partner yet and that fits: their exposure times
    differ by `TOLERANCE` at most, and the filter is the same. 20 equal flats are 10 pairs. Three flats of
    nearly equal times can be paired in different ways, so that their order matters.

    Parameters
    ----------
    times
        Exposure times of the flats that are used [s], in the order of their exposure ids.
    filters
        Filter of each, if they are known; None for one that is not known and may be any. Left out where all
        are the same.

    Returns
    -------
    pairs
        Which flats are pairs, and which have no partner.
    """
    filters = (None,) * len(times) if filters is None else filters
    waiting: list[int] = []
    pairs = []
    for position, time in enumerate(times):
        for other in waiting:
            if abs(times[other] - time) <= TOLERANCE and _same(filters[other], filters[position]):
                waiting.remove(other)
                pairs.append((other, position))
                break
        else:
            waiting.append(position)
    return FlatPairs(tuple(sorted(pairs)), tuple(waiting))


def _same(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other
