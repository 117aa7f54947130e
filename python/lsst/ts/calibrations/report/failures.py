"""What failed, in numbers: one line for an amplifier, or for all of a detector where most of it failed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from ..config.config import FEW_IMAGES, RECOMMENDED_IMAGES
from ..domain.text import counted
from ..verification.results import ONLY_ON_FAILURE

__all__ = ["failure_lines", "likely_cause"]

_Row = Mapping[str, Any]
_Place = tuple[str | None, str | None]  # detector, amplifier
_Key = TypeVar("_Key", bound=Hashable)


def failure_lines(tests: Iterable[_Row], *, most: int | None = None) -> list[str]:
    """Say what failed, with numbers, the tests that count first, then the most frequent and farthest off.

    Parameters
    ----------
    tests
        Of one calibration, those that passed included, as ``summary.json`` has them.
    most
        How many lines there may be, one that counts the failed tests left out included; None: a line for
        every amplifier and test.

    Returns
    -------
    lines
        E.g. ``C05 NOISE failed in 5 of 5 exposures: 13.27 electron (reference 10.9, +21.7 %; allowed 10.36
        to 11.45)``. None if nothing failed. The numbers of failed tests of all lines sum up to that of the
        tests; amplifiers and exposures are counted out of all that were verified, where those that passed
        are known.
    """
    tests = list(tests)
    n_detectors = len({each["detector"] for each in tests} - {None})
    groups = sorted(_groups(tests, together=most is not None), key=_Group.rank)
    shown = groups if most is None or len(groups) <= most else groups[: most - 1]
    lines = [each.line(several_detectors=n_detectors > 1) for each in shown]
    if left := sum(len(each.failed) for each in groups[len(shown) :]):
        lines.append(f"... and {counted(left, 'more failed test', 'more failed tests')}")
    return lines


def likely_cause(tests: Iterable[_Row], n_combined: int | None) -> str | None:
    """Name the likely cause of failures, where the run knows one.

    Parameters
    ----------
    tests, n_combined
        As for `failure_lines`, and of how many images the calibration was combined that was verified with
        them; None if it was not made of these images.

    Returns
    -------
    cause
        In words; None if it is not known. An image that is compared with a combination of n images, itself
        among them, has too little noise, by sqrt(1 - 1/n).
    """
    if not n_combined or n_combined >= FEW_IMAGES:
        return None
    failed = [each for each in tests if each["test"] == "NOISE" and not each["passed"] and each["limit"]]
    if 2 * sum(map(_is_too_low, failed)) <= len(failed):
        return None
    images = "image was" if n_combined == 1 else "images were"
    return f"only {n_combined} {images} combined; {RECOMMENDED_IMAGES} are recommended"


def _is_too_low(row: _Row) -> bool:
    """Whether there is a value, below the lower of its limits."""
    value, (lowest, _) = row["value"], row["limit"]
    return value is not None and lowest is not None and value < lowest


@dataclass(frozen=True)
class _Group:
    """Failures of one test: of one amplifier, or of most of a detector or camera."""

    test: str
    failed: Sequence[_Row]
    made: Mapping[_Place, int]
    """How often this test was made in each place."""
    n_places: int
    n_exposures: int
    """How many places and exposures were verified; 0 if only those with failed tests are known."""
    of_whole_camera: bool = False

    @cached_property
    def worst(self) -> _Row:
        return max(self.failed, key=_excess)

    def rank(self) -> tuple[bool, bool, int, float, str]:
        """Those that count first, then those of many amplifiers, then the most frequent, then the worst."""
        one, often = len(_places(self.failed)) == 1, len({each["exposure"] for each in self.failed})
        return not self.worst["counted"], one, -often, -_excess(self.worst), str(_place(self.worst))

    def line(self, *, several_detectors: bool) -> str:
        """Put it into words."""
        counts = "" if self.worst["counted"] else " (not counted)"
        return f"{self._subject(several_detectors)} failed{self._often()}: {self._numbers()}{counts}"

    def _often(self) -> str:
        """In how many exposures; in how many tests, unless each place failed in each of the exposures."""
        exposures, places = {each["exposure"] for each in self.failed} - {None}, _places(self.failed)
        of_all = f"{len(exposures)} of {self.n_exposures} exposures"
        known = of_all if self.n_exposures else counted(len(exposures), "exposure", "exposures")
        words = [f" in {known}"] if exposures else []
        if (n := len(self.failed)) != len(places) * max(len(exposures), 1):
            of_made = f" of {sum(self.made[each] for each in places)}" if self.n_exposures else ""
            words.append(f" {n}{of_made} tests")
        return ",".join(words)

    def _subject(self, several_detectors: bool) -> str:
        detector, amplifier = _place(self.worst)
        shown = detector if several_detectors or amplifier is None else None
        if (n := len(_places(self.failed))) == 1:
            return " ".join(each for each in (shown, amplifier, self.test) if each)
        of_all = f"all {n}" if n == self.n_places else f"{n} of {self.n_places}" if self.n_places else f"{n}"
        where = "" if self.of_whole_camera or not several_detectors else f" of {detector}"
        parts = "amplifiers" if amplifier else "detectors"
        return f"{self.test} on {of_all} {parts}{where}"

    def _numbers(self) -> str:
        worst, values = self.worst, [each["value"] for each in self.failed if each["value"] is not None]
        if worst["value"] is None:
            return "a flag, which has no value" if self.test in ONLY_ON_FAILURE else "no value"
        at_worst = " at worst" if len({_shown(each) for each in values}) > 1 else ""
        measured = f"{_shown(worst['value'], _digits(worst))} {worst['unit']}".rstrip() + at_worst
        about = "; ".join(_comparison(worst))
        return f"{measured} ({about})" if about else measured


def _comparison(row: _Row) -> list[str]:
    """Reference, deviation and limits in words, as far as they are known."""
    value, reference, limit = row["value"], row["reference"], row["limit"]
    words = []
    if reference is not None:
        deviation = f", {100.0 * (value / reference - 1.0):+.3g} %" if reference > 0.0 else ""
        words.append(f"reference {_shown(reference)}{deviation}")
    if limit:
        lowest, highest = (None if each is None else _shown(each, _digits(row)) for each in limit)
        if lowest is not None and highest is not None:
            words.append(f"allowed {lowest} to {highest}")
        elif highest is not None:
            words.append(f"allowed up to {highest}")
        elif lowest is not None:
            words.append(f"allowed from {lowest}")
    return words


def _digits(row: _Row) -> int:
    """Digits with which a value can be told from its limits."""
    bounds = [each for each in row["limit"] or () if each not in (None, row["value"])]
    return next(
        n for n in range(4, 18) if _shown(row["value"], n) not in [_shown(each, n) for each in bounds]
    )


def _groups(tests: Sequence[_Row], *, together: bool) -> Iterator[_Group]:
    """Failures by test, and by detector and amplifier; together where most of them failed."""
    complete = any(each["passed"] for each in tests)
    n_exposures = len({each["exposure"] for each in tests} - {None}) if complete else 0
    for kind, made in _sorted_by(_kind, tests).items():
        often, verified = Counter(map(_place, made)), _verified(tests, kind) if complete else set()
        common, failed = _split([each for each in made if not each["passed"]], made, together)
        if common:
            yield _Group(kind[0], common, often, len(verified), n_exposures, of_whole_camera=True)
        there = _sorted_by(_detector, made)
        for detector, here in _sorted_by(_detector, failed).items():
            common, here = _split(here, there[detector], together)
            if common:
                n_places = sum(place[0] == detector for place in verified)
                yield _Group(kind[0], common, often, n_places, n_exposures)
            for rows in _sorted_by(_place, here).values():
                yield _Group(kind[0], rows, often, 1, n_exposures)


def _sorted_by(key: Callable[[_Row], _Key], rows: Iterable[_Row]) -> dict[_Key, list[_Row]]:
    """Rows by what they have in common, in one pass: of a large camera there are hundreds of thousands."""
    found: dict[_Key, list[_Row]] = {}
    for each in rows:
        found.setdefault(key(each), []).append(each)
    return found


def _split(failed: Sequence[_Row], made: Sequence[_Row], together: bool) -> tuple[list[_Row], list[_Row]]:
    """Failures of places that fail in half of the exposures, if most do and are put together; the others."""
    n_exposures = len({each["exposure"] for each in made})
    often = {place for place, n in Counter(map(_place, failed)).items() if 2 * n >= n_exposures}
    several = together and len(often) > 2 and 2 * len(often) > len(_places(made))
    common = [each for each in failed if several and _place(each) in often]
    return common, [each for each in failed if not (several and _place(each) in often)]


def _kind(row: _Row) -> tuple[str, bool, bool]:
    """What has lines of its own: a test of amplifiers, of detectors, or of exposures (which never counts)."""
    return row["test"], bool(row["amplifier"]), bool(row["detector"])


def _verified(tests: Sequence[_Row], kind: tuple[str, bool, bool]) -> set[_Place]:
    """The amplifiers or detectors of which there are results, also of other tests."""
    if kind[1]:
        return {_place(each) for each in tests if each["amplifier"]}
    return {(each["detector"], None) for each in tests if each["detector"]}


def _detector(row: _Row) -> str | None:
    detector: str | None = row["detector"]
    return detector


def _place(row: _Row) -> _Place:
    return row["detector"], row["amplifier"]


def _places(rows: Iterable[_Row]) -> set[_Place]:
    return set(map(_place, rows))


def _excess(row: _Row) -> float:
    """How far a value is beyond its limit, in units of the limit; infinite if that is not known."""
    value, limit = row["value"], row["limit"]
    if value is None or not limit:
        return math.inf
    lowest, highest = limit
    bound = highest if lowest is None or (highest is not None and value > highest) else lowest
    return abs(value - bound) / abs(bound) if bound else math.inf


def _shown(number: float, digits: int = 4) -> str:
    return f"{number:.{digits}g}" if digits > 4 or abs(number) < 10_000.0 else f"{number:.0f}"
