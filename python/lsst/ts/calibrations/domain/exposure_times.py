"""Exposure times of a set of images: one for each, discarded images first, and the pairs they form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["fitting_times", "flat_pairs", "times_per_exposure"]

TOLERANCE = 5e-3
"""Seconds by which the exposure times of the two flats of a pair may differ, as in cp_pipe."""


class _FlatPairs(NamedTuple):
    """Which flats of a series belong together, by their positions in the series."""

    pairs: tuple[tuple[int, int], ...]  # the two flats of each pair, in the order in which the pairs begin
    unpaired: tuple[int, ...]  # flats that found no partner


def times_per_exposure(times: float | Sequence[float], n: int, n_discard: int) -> tuple[float, ...]:
    """Give every image to take its exposure time.

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
        return tuple(map(float, times))
    if len(times) == n:
        return (float(times[0]),) * n_discard + tuple(map(float, times))
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


def flat_pairs(times: Sequence[float], filters: Sequence[str | None] | None = None) -> _FlatPairs:
    """Pair flats as cp_pipe does for the photon transfer curve.

    Each flat goes with the first one before it that has no partner yet and that fits: their exposure times
    differ by `TOLERANCE` at most, and the filter is the same. 20 equal flats are 10 pairs. Three flats of
    nearly equal times can be paired in different ways, so that their order matters.

    Parameters
    ----------
    times
        Exposure times of the flats that are used [s], in the order of their exposure ids.
    filters
        Filter of each, None for one that is not known and may be any; left out where all are the same.

    Returns
    -------
    pairs, unpaired
        Positions of the two flats of each pair, in the order in which the pairs begin, and of all others.
    """
    filters = (None,) * len(times) if filters is None else filters
    waiting: list[int] = []
    pairs = []
    for position, time in enumerate(times):
        for other in waiting:
            known_filters = {filters[other], filters[position]} - {None}
            if abs(times[other] - time) <= TOLERANCE and len(known_filters) <= 1:
                waiting.remove(other)
                pairs.append((other, position))
                break
        else:
            waiting.append(position)
    return _FlatPairs(tuple(sorted(pairs)), tuple(waiting))
