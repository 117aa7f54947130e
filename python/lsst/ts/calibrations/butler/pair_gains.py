"""Gains that a job measured on pairs of flats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..domain.errors import ArchiveError
from ..domain.text import one_line

__all__ = ["PAIR_DATASETS", "PairGain", "pair_gains"]

PAIR_DATASETS = ("cpPtcExtract", "cpPtcPartial")
"""Names under which cp_pipe has stored what it measured on a pair of flats, the documented one first."""


@dataclass(frozen=True)
class PairGain:
    """Gain and read noise of one amplifier from one pair of flats.

    Parameters
    ----------
    exposures
        Ids of the two flats.
    detector
        Butler id.
    amplifier
        Name.
    gain
        As measured [electron/adu].
    noise
        Read noise from the overscan, as the pipeline stored it [electron].
    mean
        Mean signal of the pair [adu].
    """

    exposures: tuple[int, int]
    detector: int
    amplifier: str
    gain: float
    noise: float
    mean: float


def pair_gains(
    measured: Mapping[tuple[int, int], Any],
    pairs: Sequence[tuple[int, int]],
    detectors: Sequence[int],
    collection: str,
) -> list[PairGain]:
    """Pick the gains of some pairs of flats from what a job measured.

    Parameters
    ----------
    measured
        Photon transfer curves of one pair each, by exposure and detector: cp_pipe stores a pair under its
        first exposure, and this project under both.
    pairs
        Ids of the two flats of each.
    detectors
        Butler ids.
    collection
        Of the job, for messages.

    Returns
    -------
    gains
        Of all amplifiers, by pair and then by detector.

    Raises
    ------
    ArchiveError
        A pair has no result, or one that cannot be read, or its flats were measured in other pairs.
    """
    gains: list[PairGain] = []
    for pair in pairs:
        for detector in detectors:
            there = [measured[exposure, detector] for exposure in pair if (exposure, detector) in measured]
            found = {ids: each for each in there if (ids := _pair_of(each)) is not None}
            wanted = f"no gain in {collection} for the flats {pair[0]} and {pair[1]}, detector {detector}"
            if not found:
                raise ArchiveError(wanted)
            first, second = sorted(pair)
            if (first, second) not in found:
                others = ", and ".join(f"{one} and {other}" for one, other in found)
                raise ArchiveError(f"{wanted}: the job has paired {others}")
            gains += _gains(pair, detector, found[first, second])
    return gains


def _pair_of(measured: Any) -> tuple[int, int] | None:
    """Ids of the two flats that a curve was measured on; None if it names no pair, as cp_pipe's fillers.

    They are in ``inputExpIdPairs``, which cp_pipe's ``PhotonTransferCurveDataset`` has by amplifier, and the
    curve of this project once for all.
    """
    try:
        first, second = sorted(set(_ids(getattr(measured, "inputExpIdPairs", ()))))
    except (TypeError, ValueError):
        return None
    return first, second


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
            mean = float(means[0]) if len(means) else float("nan")
            yield PairGain(pair, detector, name, measured.gain[name], measured.noise[name], mean)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"what was measured on the flats {pair[0]} and {pair[1]}, detector {detector}, has no gain, noise"
            f" and mean of every amplifier ({type(error).__name__}: {one_line(error)})"
        ) from error
