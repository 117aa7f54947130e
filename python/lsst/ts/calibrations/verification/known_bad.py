"""Amplifiers that are known to be bad: they are not counted, and what they do to their detector is undone."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

from .measurements import TOLERANCE, inner_mapping

__all__ = ["KnownBad", "amplifiers_by_detector", "redone_tests", "without"]


@dataclass(frozen=True)
class KnownBad:
    """An amplifier that is known to be bad."""

    detector: str
    """Name of the detector."""
    amplifier: str
    """Name of the amplifier."""
    source: str
    """What says so: an option, or a calibration in use."""
    looks_healthy: bool = False
    """Whether it passed all tests that would count."""

    def __str__(self) -> str:
        return f"{self.detector} {self.amplifier}"

    def as_row(self) -> dict[str, Any]:
        """As ``summary.json`` has it; JSON-safe."""
        return asdict(self)


def amplifiers_by_detector(known_bad: Sequence[KnownBad]) -> dict[str, frozenset[str]]:
    """Collect the names of the amplifiers of each detector.

    Parameters
    ----------
    known_bad
        Amplifiers.

    Returns
    -------
    names
        By name of the detector; of those alone that have some.
    """
    names = dict.fromkeys((each.detector for each in known_bad), frozenset[str]())
    for each in known_bad:
        names[each.detector] |= {each.amplifier}
    return names


def without(statistics: Any, bad: Set[str]) -> Any:
    """Take amplifiers out of the statistics of a detector.

    Parameters
    ----------
    statistics, bad
        ``verify<X>DetStats``, which is not changed, and names of amplifiers.

    Returns
    -------
    statistics
        With what the others alone say in the place of the tests of the detector that are made of the values
        of all amplifiers; the same if there is nothing to take out.
    """
    if not bad or not isinstance(statistics, Mapping):
        return statistics
    verify = inner_mapping(statistics, "VERIFY")
    kept = {**statistics, "AMP": _kept(inner_mapping(statistics, "AMP"), bad)}
    if "VERIFY" in statistics:
        kept["VERIFY"] = {**verify, "AMP": _kept(inner_mapping(verify, "AMP"), bad)}
    for test, about in _REDONE.items():
        if test in inner_mapping(verify, "DET"):
            values, passed = about(kept, test)
            kept["DET"] = {**inner_mapping(kept, "DET"), **values}
            kept["VERIFY"]["DET"] = {**inner_mapping(kept["VERIFY"], "DET"), test: passed}
    return kept


def redone_tests(statistics: Any) -> dict[str, bool]:
    """Look which tests of the detector `without` makes anew.

    Parameters
    ----------
    statistics
        What it has returned.

    Returns
    -------
    passed
        Whether each passed.
    """
    tests = inner_mapping(inner_mapping(statistics, "VERIFY"), "DET")
    return {test: bool(passed) for test, passed in tests.items() if test in _REDONE}


def _kept(by_amplifier: Mapping[str, Any], bad: Set[str]) -> dict[str, Any]:
    return {name: each for name, each in by_amplifier.items() if name not in bad}


_Redone = tuple[dict[str, float], bool]


def _of_amplifiers(statistics: Mapping[str, Any], name: str) -> list[float]:
    """A value of each amplifier; NaN where it has none."""
    found = [inner_mapping(statistics["AMP"], amplifier).get(name) for amplifier in statistics["AMP"]]
    return [float(each) if isinstance(each, (int, float)) else math.nan for each in found]


def _scatter(statistics: Mapping[str, Any], _: str) -> _Redone:
    """SCATTER of a flat (cp_verify, verifyFlat): the means of the amplifiers agree."""
    means = _of_amplifiers(statistics, "MEAN")
    if len(means) < 2 or not all(map(math.isfinite, means)):
        return {"MEAN": math.nan, "SCATTER": math.nan}, False
    mean, scatter = fmean(means), stdev(means)
    return {"MEAN": mean, "SCATTER": scatter}, mean > 0.0 and scatter <= TOLERANCE * mean


def _limited(
    combine: Callable[[Mapping[str, Any], str], float],
) -> Callable[[Mapping[str, Any], str], _Redone]:
    """What the values of the amplifiers come to, with a limit that the pipelines have stored."""

    def redo(statistics: Mapping[str, Any], test: str) -> _Redone:
        value = combine(statistics, test)
        limit = inner_mapping(inner_mapping(statistics, "METADATA"), "LIMITS").get(test) or (None, None)
        return {test: value}, limit[1] is not None and value <= limit[1]

    return redo


def _sum(statistics: Mapping[str, Any], test: str) -> float:
    return sum(_of_amplifiers(statistics, test) or [math.nan])


def _whole(statistics: Mapping[str, Any]) -> frozenset[str] | None:
    """Amplifiers that are masked as a whole; None if the pipelines have not said so."""
    names = inner_mapping(statistics, "METADATA").get("MASKED_AMPLIFIERS")
    return frozenset(map(str, names)) if isinstance(names, (list, tuple)) else None


def _masked(statistics: Mapping[str, Any], test: str) -> float:
    """MASKED of the detector: amplifiers that are masked as a whole are limited by their number."""
    others = _kept(statistics["AMP"], _whole(statistics) or frozenset())
    return fmean(_of_amplifiers({"AMP": others}, test) or [math.nan])


def _masked_amplifiers(statistics: Mapping[str, Any], _: str) -> float:
    whole = _whole(statistics)
    return math.nan if whole is None else len(whole & set(statistics["AMP"]))


# Tests of a detector that follow from its amplifiers.
_REDONE: Mapping[str, Callable[[Mapping[str, Any], str], _Redone]] = {
    "SCATTER": _scatter,
    "MASKED": _limited(_masked),
    "MASKED_AMPLIFIERS": _limited(_masked_amplifiers),
    **dict.fromkeys(("COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT"), _limited(_sum)),
}
