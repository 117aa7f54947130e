"""What changed between two runs: gains, noise, levels and failures, by their summaries."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from lsst.ts.calibrations.domain.text import some_of

__all__ = ["Change", "changes", "failure_changes"]

MOST_PLACES = 4
"""Places that are named in a line."""

_Summary = Mapping[str, Any]
_Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """A quantity that both runs have measured.

    Parameters
    ----------
    quantity, place
        E.g. ``BIAS NOISE``, and detector and amplifier.
    before, after
        Means.
    sigma
        Difference in units of its standard error; None if one of the runs has a single measurement.
    """

    quantity: str
    place: str
    before: float
    after: float
    sigma: float | None


def changes(before: _Summary, after: _Summary) -> list[Change]:
    """Compare what two runs have measured.

    Parameters
    ----------
    before, after
        Their summaries.

    Returns
    -------
    changes
        The most significant first; those without an error last.
    """
    earlier, later = _values(before), _values(after)
    found = [
        Change(*key, fmean(earlier[key]), fmean(later[key]), _sigma(earlier[key], later[key]))
        for key in earlier
        if key in later
    ]
    return sorted(found, key=lambda each: -1.0 if each.sigma is None else abs(each.sigma), reverse=True)


def failure_changes(before: _Summary, after: _Summary) -> Iterator[str]:
    """Say which tests failed in one run more often than in the other, the greatest difference first.

    Places where a test has changed alike share a line.

    Parameters
    ----------
    before, after
        Their summaries.

    Yields
    ------
    line
        E.g. ``BIAS NOISE of RXX_S00 C05: 0 failures before, 5 after``.
    """
    earlier, later = _failures(before), _failures(after)
    places: dict[tuple[str, int, int], list[str]] = {}
    for key in sorted(set(earlier) | set(later), key=lambda each: (-abs(later[each] - earlier[each]), each)):
        if earlier[key] != later[key]:
            quantity, place = key
            places.setdefault((quantity, earlier[key], later[key]), []).append(place)
    for (quantity, n_before, n_after), alike in places.items():
        where, each = some_of(alike, MOST_PLACES), " each" if len(alike) > 1 else ""
        yield f"{quantity} of {where}: {n_before} failures before, {n_after} after{each}"


def _values(summary: _Summary) -> dict[_Key, list[float]]:
    """All measured values by quantity and place."""
    found: dict[_Key, list[float]] = {}
    for each in summary.get("tests", ()):
        if each["value"] is not None:
            found.setdefault(_key(each), []).append(each["value"])
    for each in summary["gains"]:
        for name, quantity in (("gain_corrected", "gain from pairs"), ("noise", "read noise from pairs")):
            if each[name] is not None:
                found.setdefault((quantity, f"{each['detector']} {each['amplifier']}"), []).append(each[name])
    for each in summary.get("curves", ()):
        if each["gain"] is not None:
            found[("gain of the curve", f"{each['detector']} {each['amplifier']}")] = [each["gain"]]
    return found


def _key(row: Mapping[str, Any]) -> _Key:
    place = " ".join(each for each in (row["detector"], row["amplifier"]) if each)
    return f"{row['calibration']} {row['test']}", place or "the exposure"


def _failures(summary: _Summary) -> Counter[_Key]:
    return Counter(_key(each) for each in summary.get("tests", ()) if not each["passed"] and each["counted"])


def _sigma(before: Iterable[float], after: Iterable[float]) -> float | None:
    """The difference of two means in units of its standard error."""
    earlier, later = list(before), list(after)
    if min(len(earlier), len(later)) < 2:
        return None
    error = math.hypot(stdev(earlier) / math.sqrt(len(earlier)), stdev(later) / math.sqrt(len(later)))
    difference = fmean(later) - fmean(earlier)
    if error == 0.0:
        return 0.0 if difference == 0.0 else math.copysign(math.inf, difference)
    return difference / error
