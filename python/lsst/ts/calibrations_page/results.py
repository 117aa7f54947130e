"""The tests of a run as the page shows them: how near to its limit each value is, and what failed often."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["Failure", "Results", "TestResult", "number", "spread"]

SIGMA_OF_MAD = 1.4826
"""Standard deviation of a normal distribution, in units of its median absolute deviation."""


def number(value: float | None, digits: int = 4) -> str:
    """Write a number, large ones without an exponent.

    Parameters
    ----------
    value, digits
        None if it is not known; how many digits it has.

    Returns
    -------
    text : str
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    return f"{value:.0f}" if 10**digits <= abs(value) < 1e7 else f"{value:.{digits}g}"


def spread(values: Sequence[float]) -> float:
    """Robust standard deviation: the median absolute deviation, scaled.

    Parameters
    ----------
    values
        At least one.

    Returns
    -------
    sigma : float
    """
    centre = median(values)
    return SIGMA_OF_MAD * median(abs(each - centre) for each in values)


@dataclass(frozen=True)
class TestResult:
    """One test that was made, as ``tests`` of ``summary.json`` has it."""

    __test__ = False

    calibration: str
    """E.g. ``BIAS``."""
    exposure: int | None
    """Exposure id; None where the calibration was verified by itself."""
    detector: str | None
    """Name of the detector; None for a test of a whole exposure."""
    amplifier: str | None
    """Name of the amplifier; None for a test of a whole detector or exposure."""
    test: str
    """E.g. ``NOISE``."""
    value: float | None
    """What was measured."""
    reference: float | None
    """What it should be."""
    lowest: float | None
    """Lowest value that passes."""
    highest: float | None
    """Highest value that passes."""
    unit: str
    """Of all of these."""
    passed: bool
    """The outcome."""
    counted: bool
    """Whether acceptance counts it."""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> TestResult:
        """Make it of a row of ``summary.json``.

        Parameters
        ----------
        row
            By key.

        Returns
        -------
        result : TestResult
        """
        limit = row.get("limit")
        lowest, highest = limit if isinstance(limit, (list, tuple)) else (None, limit)
        about = {key: row.get(key) for key in ("exposure", "detector", "amplifier", "value", "reference")}
        return cls(
            calibration=row["calibration"],
            test=row["test"],
            lowest=lowest,
            highest=highest,
            unit=str(row.get("unit") or ""),
            passed=bool(row["passed"]),
            counted=bool(row["counted"]),
            **about,
        )

    @property
    def position(self) -> float:
        """Where the value lies: 0 at its reference, 1 at the upper and -1 at the lower limit.

        Where there is a limit on one side alone it is the part of the limit that is used; NaN if it is not
        known.
        """
        value, low, high = self.value, self.lowest, self.highest
        if value is None:
            return math.nan
        if low is not None and high is not None and high > low:
            centre = self.reference if self.reference is not None and low < self.reference < high else None
            centre = 0.5 * (low + high) if centre is None else centre
            return (value - centre) / (high - centre if value >= centre else centre - low)
        if high is not None and low is None and high > 0.0:
            return value / high
        if low is not None and high is None and value > 0.0 and low > 0.0:
            return low / value
        return math.nan

    @property
    def severity(self) -> float:
        """How much of what is allowed is used: above 1 for what failed; NaN if it is not known.

        With one limit alone it is that of the way from the reference to the limit, 0 on the other side, and
        0 for what passed where the reference is the limit: a good value lies there, and is not near.
        """
        if self.value is None:
            return math.nan
        used = abs(self.position) if self._used_of_one is None or not self.passed else self._used_of_one
        if math.isnan(used):
            return used
        return max(used, 1.001) if not self.passed else min(used, 1.0)

    @property
    def _used_of_one(self) -> float | None:
        """Part of the way from the reference to the one limit that there is; None without them."""
        value, reference = self.value, self.reference
        if value is None or reference is None or (self.lowest is None) == (self.highest is None):
            return None
        sign, limit = (1.0, self.highest) if self.highest is not None else (-1.0, self.lowest or 0.0)
        way = sign * (limit - reference)
        return max(sign * (value - reference) / way, 0.0) if way > 0.0 else 0.0

    @property
    def shade(self) -> str:
        """Class of its colour."""
        severity = self.severity
        if not self.passed:
            return (
                "f1" if math.isnan(severity) else "f0" if severity < 1.5 else "f1" if severity < 4.0 else "f2"
            )
        return "n" if math.isnan(severity) else "q0" if severity < 0.5 else "q1" if severity < 0.9 else "q2"

    @property
    def allowed(self) -> str:
        """The limits in words."""
        lowest, highest = (None if each is None else number(each, self._digits) for each in self._limits)
        if lowest is not None and highest is not None:
            return f"{lowest} to {highest}"
        if highest is not None:
            return f"at most {highest}"
        return "unknown" if lowest is None else f"at least {lowest}"

    @property
    def _limits(self) -> tuple[float | None, float | None]:
        return self.lowest, self.highest

    @property
    def _digits(self) -> int:
        """Digits with which the value can be told from its limits."""
        bounds = [each for each in self._limits if each != self.value]
        written = (
            n for n in range(4, 18) if number(self.value, n) not in [number(each, n) for each in bounds]
        )
        return 4 if self.value is None else next(written, 4)

    @property
    def numbers(self) -> str:
        """Value, reference and limits in words."""
        parts = []
        if self.reference:
            percent = "" if self.value is None else f", {100.0 * (self.value / self.reference - 1.0):+.3g} %"
            parts.append(f"reference {number(self.reference)}{percent}")
        parts.append(f"allowed {self.allowed}")
        unit = f" {self.unit}" if self.unit else ""
        return f"{number(self.value, self._digits)}{unit} ({', '.join(parts)})"

    @property
    def title(self) -> str:
        """What pointing at it tells."""
        where = " ".join(each for each in (self.detector, self.amplifier) if each)
        exposure = "" if self.exposure is None else f", exposure {self.exposure}"
        outcome = "passed" if self.passed else "FAILED"
        return f"{where} {self.calibration} {self.test}: {outcome}{exposure}\n{self.numbers}".strip()


@dataclass(frozen=True)
class Failure:
    """A test that failed for one amplifier, detector or exposure level, over all exposures."""

    worst: TestResult
    """The result that is farthest from its limit."""
    typical: TestResult
    """That of median value among those that failed."""
    failed: int
    """In how many exposures it failed."""
    made: int
    """In how many exposures it was made."""


class Results:
    """All tests of a run.

    Parameters
    ----------
    rows
        ``tests`` of ``summary.json``.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self.tests = [TestResult.from_row(each) for each in rows]
        self.by_calibration: dict[str, list[TestResult]] = defaultdict(list)
        for each in self.tests:
            self.by_calibration[each.calibration].append(each)

    @property
    def detectors(self) -> list[str]:
        """Names of the detectors that have results."""
        return sorted({each.detector for each in self.tests if each.detector})

    def of(self, calibration: str) -> dict[str, list[TestResult]]:
        """Find the results of a calibration.

        Parameters
        ----------
        calibration
            Its name.

        Returns
        -------
        results
            By test, in the order of the exposures; tests of which some failed first, those that do not count
            last.
        """
        found: dict[str, list[TestResult]] = defaultdict(list)
        for each in sorted(self.by_calibration.get(calibration, ()), key=lambda one: one.exposure or 0):
            found[each.test].append(each)
        return dict(sorted(found.items(), key=lambda one: _rank(one[1])))

    def failures(self, *, counted: bool = True) -> list[Failure]:
        """Find what failed, the most often and the farthest off first.

        Parameters
        ----------
        counted
            Whether to look at the tests that acceptance counts, or at the others.

        Returns
        -------
        failures
            One for each calibration, detector, amplifier and test.
        """
        groups: dict[tuple[str, str, str, str], list[TestResult]] = defaultdict(list)
        for each in self.tests:
            if each.counted == counted:
                groups[each.calibration, each.detector or "", each.amplifier or "", each.test].append(each)
        found = [failure for group in groups.values() for failure in _failure(group)]
        return sorted(found, key=lambda one: (-one.failed / one.made, -_known(one.worst.severity)))

    def worst_by_amplifier(self, calibration: str | None = None) -> dict[tuple[str, str], TestResult]:
        """Find for each amplifier the counted test that is nearest to its limit, or farthest beyond.

        Parameters
        ----------
        calibration
            Only its tests; None for all.

        Returns
        -------
        worst
            By detector and amplifier. What failed in most exposures comes before what failed in one.
        """
        tests = self.tests if calibration is None else self.by_calibration.get(calibration, [])
        often: dict[tuple[str | None, ...], list[bool]] = defaultdict(list)
        for each in tests:
            often[each.calibration, each.detector, each.amplifier, each.test].append(each.passed)

        def rank(each: TestResult) -> tuple[float, float]:
            outcomes = often[each.calibration, each.detector, each.amplifier, each.test]
            return outcomes.count(False) / len(outcomes) if not each.passed else 0.0, _known(each.severity)

        worst: dict[tuple[str, str], TestResult] = {}
        for each in tests:
            if each.counted and each.detector and each.amplifier:
                place = each.detector, each.amplifier
                if place not in worst or rank(each) > rank(worst[place]):
                    worst[place] = each
        return worst


def _failure(group: Sequence[TestResult]) -> Iterator[Failure]:
    failed = [each for each in group if not each.passed]
    if failed:
        ordered = sorted(failed, key=lambda each: _known(each.value))
        worst = max(failed, key=lambda each: _known(each.severity))
        yield Failure(worst, ordered[len(ordered) // 2], len(failed), len(group))


def _rank(tests: Sequence[TestResult]) -> int:
    counted = [each.passed for each in tests if each.counted]
    return 2 if not counted else 1 if all(counted) else 0


def _known(value: float | None) -> float:
    return -math.inf if value is None or math.isnan(value) else value
