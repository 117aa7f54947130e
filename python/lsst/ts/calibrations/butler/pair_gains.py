"""Gains that a job measured on pairs of flats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    read: Callable[[tuple[int, int]], Any],
    pairs: Sequence[tuple[int, int]],
    detectors: Sequence[int],
    collection: str,
) -> list[PairGain]:
    """Pick the gains of some pairs of flats from what a job measured.

    Parameters
    ----------
    read
        Reads the photon transfer curve of one pair that is stored under an exposure and detector, or gives
        None. cp_pipe stores it under the first exposure of the pair, and this project under both.
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

    They are in ``inputExpIdPairs``, which cp_pipe's ``PhotonTransferCurveDataset`` has by amplifier, and the
    curve of this project once for all.
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
            mean = float(means[0]) if len(means) else float("nan")
            yield PairGain(pair, detector, name, measured.gain[name], measured.noise[name], mean)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"what was measured on the flats {pair[0]} and {pair[1]}, detector {detector}, has no gain, noise"
            f" and mean of every amplifier ({type(error).__name__}: {one_line(error)})"
        ) from error
