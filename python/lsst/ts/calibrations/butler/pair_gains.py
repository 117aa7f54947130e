"""Gains that a job measured on pairs of flats, read from the Butler."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..domain.errors import ArchiveError
from ..domain.text import one_line
from .datasets import find_datasets, read_dataset

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["PairGain", "find_pair_gains", "gains_of_pair"]

PAIR_DATASETS = ("cpPtcExtract", "cpPtcPartial")
"""Names under which cp_pipe has stored what it measured on a pair of flats, the documented one first."""


@dataclass(frozen=True)
class PairGain:
    """Gain and read noise of one amplifier from one pair of flats.

    Parameters
    ----------
    exposures
        The two flats.
    detector
        Butler id.
    amplifier
        Name.
    gain
        Electron per adu, as measured.
    noise
        Read noise from the overscan, as the pipeline stored it.
    mean
        Mean signal of the pair, adu.
    """

    exposures: tuple[int, int]
    detector: int
    amplifier: str
    gain: float
    noise: float
    mean: float


def find_pair_gains(
    butler: Butler,
    collection: str,
    instrument: str,
    pairs: Sequence[tuple[int, int]],
    detectors: Sequence[int],
) -> list[PairGain]:
    """Read the gains of some pairs of flats.

    Parameters
    ----------
    butler
        Repository; what others have registered since it was refreshed is not seen.
    collection
        Of the job that measured them.
    instrument
        Whose.
    pairs
        First and second exposure of each.
    detectors
        Butler ids.

    Raises
    ------
    ArchiveError
        A pair has no result, or one that cannot be read.
    """
    firsts = [first for first, _ in pairs]
    refs: dict[tuple[int, ...], DatasetRef] = {}
    for name in reversed(PAIR_DATASETS):
        refs |= find_datasets(butler, name, collection, instrument, exposure=firsts, detector=detectors)
    gains = []
    for pair in pairs:
        for detector in detectors:
            ref = refs.get((pair[0], detector))
            if ref is None:
                raise ArchiveError(
                    f"no gain in {collection} for the flats {pair[0]} and {pair[1]}, detector {detector}"
                )
            gains += gains_of_pair(pair, detector, read_dataset(butler, ref))
    return gains


def gains_of_pair(pair: tuple[int, int], detector: int, measured: Any) -> list[PairGain]:
    """Gains of all amplifiers from what was measured on a pair.

    Raises
    ------
    ArchiveError
        It has no gain, noise and mean of every amplifier.
    """
    try:
        return [
            PairGain(
                pair,
                detector,
                name,
                measured.gain[name],
                measured.noise[name],
                _mean(measured.rawMeans[name]),
            )
            for name in measured.gain
        ]
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"what was measured on the flats {pair[0]} and {pair[1]}, detector {detector}, has no gain, noise"
            f" and mean of every amplifier ({type(error).__name__}: {one_line(error)})"
        ) from error


def _mean(values: Any) -> float:
    """The one raw mean of a pair."""
    return float(values[0]) if len(values) else float("nan")
