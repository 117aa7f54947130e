"""Gains that a job has measured on pairs of flats, from what it stored."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..domain.errors import ArchiveError
from ..domain.text import one_line

__all__ = ["PairGain", "pair_gains"]


@dataclass(frozen=True)
class PairGain:
    """Gain and read noise of one amplifier from one pair of flats."""

    exposures: tuple[int, int]
    """Ids of the two flats."""
    detector: int
    """Butler id."""
    amplifier: str
    """Name."""
    gain: float
    """As measured [electron/adu]."""
    noise: float
    """Read noise from the overscan, as the pipeline stored it [electron]."""
    mean: float
    """Mean signal of the pair [adu]."""
    reason: str = ""
    """Why there is no gain, if the pipeline says so."""
    overscan_noise: float = math.nan
    """Noise of the overscan [adu]; NaN if the pipeline has not stored it."""


def pair_gains(
    read: Callable[[tuple[int, int]], Any],
    pairs: Sequence[tuple[int, int]],
    detectors: Sequence[int],
    collection: str,
) -> list[PairGain]:
    """Gains of pairs of flats, given what reads the curve that is stored under an exposure and detector.

    cp_pipe stores the photon transfer curve of a pair under its first exposure, and this project under both.

    Parameters
    ----------
    read
        Gives what is stored under an exposure and a detector, or None.
    pairs, detectors, collection
        Ids of the two flats of each, ids of the detectors, and the collection of the job.

    Returns
    -------
    gains
        Of all amplifiers, by pair and then by detector.

    Raises
    ------
    ArchiveError
        A pair has no gains, or was not measured as one.
    """
    return [
        gain
        for pair in pairs
        for detector in detectors
        for gain in _gains(pair, detector, _curve(read, pair, detector, collection))
    ]


def _curve(
    read: Callable[[tuple[int, int]], Any], pair: tuple[int, int], detector: int, collection: str
) -> Any:
    """What was measured on exactly these two flats."""
    others = []
    for exposure in pair:
        measured = read((exposure, detector))
        ids = _exposures_of(measured)
        if ids == tuple(sorted(pair)):
            return measured
        if len(ids) == 2:
            others.append(f"{ids[0]} and {ids[1]}")
    paired = f": the job has paired {', and '.join(others)}" if others else ""
    raise ArchiveError(
        f"no gain in {collection} for the flats {pair[0]} and {pair[1]}, detector {detector}{paired}"
    )


def _exposures_of(measured: Any) -> tuple[int, ...]:
    """Ids of the flats that a curve was measured on, sorted; empty if it names none, as cp_pipe's fillers.

    They are in ``inputExpIdPairs``, which a curve has by amplifier, and in earlier versions of this project
    had once for all.
    """
    try:
        return tuple(sorted(set(_ids(getattr(measured, "inputExpIdPairs", ())))))
    except (TypeError, ValueError):
        return ()


def _ids(nested: Any) -> Iterator[int]:
    """All exposure ids in nested mappings and lists."""
    if isinstance(nested, Iterable) and not isinstance(nested, str):
        for each in nested.values() if isinstance(nested, Mapping) else nested:
            yield from _ids(each)
    else:
        yield int(nested)


def _gains(pair: tuple[int, int], detector: int, measured: Any) -> Iterator[PairGain]:
    """Gains of all amplifiers from what was measured on a pair."""
    try:
        for name in measured.gain:
            means = measured.rawMeans[name]
            mean = float(means[0]) if len(means) else math.nan
            reason = getattr(measured, "reasons", {}).get(name, "")
            noises = getattr(measured, "overscanNoise", {}).get(name) or [math.nan]
            gain, noise = measured.gain[name], measured.noise[name]
            yield PairGain(pair, detector, name, gain, noise, mean, reason, float(noises[0]))
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"what was measured on the flats {pair[0]} and {pair[1]}, detector {detector}, has no gain, noise"
            f" and mean of every amplifier ({type(error).__name__}: {one_line(error)})"
        ) from error
