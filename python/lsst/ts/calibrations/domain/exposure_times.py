"""Exposure times of a set of images: one for each, discarded images first, and the pairs they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FlatPairs", "fitting_times", "flat_pairs", "times_per_exposure"]


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

    If images are discarded, the first time is taken as theirs.
    """
    kept = (times[1:] if n_discard else times) or times
    return [times[0]] * n_discard + [kept[number * len(kept) // n] for number in range(n)]


def flat_pairs(times: Sequence[float]) -> FlatPairs:
    """Pair flats of the same exposure time, in the order in which they are taken.

    Parameters
    ----------
    times
        Exposure times of the flats that are used [s].

    Returns
    -------
    pairs
        The first flat of an exposure time goes with the second, the third with the fourth...: 20 equal flats
        are 10 pairs.
    """
    waiting: dict[float, int] = {}
    pairs = []
    for position, time in enumerate(times):
        if time in waiting:
            pairs.append((waiting.pop(time), position))
        else:
            waiting[time] = position
    return FlatPairs(tuple(sorted(pairs)), tuple(sorted(waiting.values())))
