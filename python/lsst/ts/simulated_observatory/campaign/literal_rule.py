"""The documented acceptance rule, read literally from the statistics, for a campaign to compare with.

Nothing of the script's own acceptance is used here. In words: an exposure fails when, for at least one type
of test, the number of failed tests reaches min(T, k) D; T is the threshold of the configuration, k how many
results the test has per detector (16 for a test of amplifiers, 1 for one of a detector), and D half of the
detectors, rounded down, plus one. The calibration is rejected when the failed exposures reach half of the
exposures, rounded, plus one, or all of them. A photon transfer curve is rejected by the rule of an exposure
with T = 8. READ_NOISE_CONSISTENT and PROB_TEST never count. And every exposure, detector and amplifier must
be there, with numbers that are finite and the result of a test; and all exposures with the same tests.
Amplifiers that are known to be bad are taken out of the detector, in the scatter of a flat too, and where
those are counted that are masked as a whole; of more than the configuration allows, or half of the detector,
the calibration is rejected.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev
from typing import Any, NamedTuple

__all__ = [
    "NEVER_COUNTED",
    "KnownBadAmplifiers",
    "LiteralVerdict",
    "failed_tests",
    "healthy",
    "judge_curve",
    "judge_images",
]

NEVER_COUNTED = ("SUCCESS", "READ_NOISE_CONSISTENT", "PROB_TEST")
"""Entries among the tests that decide nothing."""

CURVE_THRESHOLD = 8
"""T of photon transfer curves."""

MOST_MASKED = 4
"""Amplifiers of a detector that defects may mask as a whole, without those that are known to be bad."""

MOST_MASKED_PIXELS = 0.05
"""Part of the pixels of all other amplifiers that they may mask."""

Statistics = Mapping[tuple[int | None, int | None], Any]


@dataclass(frozen=True)
class KnownBadAmplifiers:
    """Amplifiers that are known to be bad.

    Parameters
    ----------
    names, most
        Their names, by detector id; how many of a detector there may be.
    """

    names: Mapping[int, Collection[str]] = field(default_factory=dict)
    most: int = 0

    def of(self, detector: int | None) -> Collection[str]:
        """Find those of a detector.

        Parameters
        ----------
        detector
            Its id; None: of none.

        Returns
        -------
        names
            Empty if there are none.
        """
        return () if detector is None else self.names.get(detector, ())

    def too_many(self, amplifiers: Sequence[str]) -> bool:
        """Look whether a detector has too many of them.

        Parameters
        ----------
        amplifiers
            Names of all that a detector has.

        Returns
        -------
        too_many
            More than the configuration allows, or than half.
        """
        return any(len(set(each)) > min(self.most, len(amplifiers) // 2) for each in self.names.values())

    def others(self, detector: int, amplifiers: Sequence[str]) -> list[str]:
        """Find the other amplifiers of a detector.

        Parameters
        ----------
        detector, amplifiers
            Its id, and names of all that it has.

        Returns
        -------
        names
            In the same order.
        """
        return [name for name in amplifiers if name not in self.of(detector)]


NONE_BAD = KnownBadAmplifiers()


class LiteralVerdict(NamedTuple):
    """What the results of a verification come to: all are there that must be, and the rule accepts, too."""

    complete: bool
    passed: bool


def judge_images(
    of_exposures: Statistics,
    of_detectors: Statistics,
    *,
    exposures: Sequence[int],
    detectors: Mapping[int, str],
    amplifiers: Sequence[str],
    threshold: int,
    known_bad: KnownBadAmplifiers = NONE_BAD,
) -> LiteralVerdict:
    """Apply the rule to the results of images.

    Parameters
    ----------
    of_exposures, of_detectors
        ``verify<X>ExpStats`` and ``verify<X>DetStats`` by exposure and detector id.
    exposures, detectors, amplifiers
        What must be there; detector names by id.
    threshold
        T of the configuration.
    known_bad
        Amplifiers that are not looked at, of the detectors.

    Returns
    -------
    verdict
        By the documented rule.
    """
    of_detectors = {place: healthy(each, known_bad.of(place[1])) for place, each in of_detectors.items()}
    fewest = min((len(known_bad.others(each, amplifiers)) for each in detectors), default=0)
    complete = bool(exposures) and _same_tests(of_detectors, exposures, detectors)
    failed_exposures = 0
    for exposure in exposures:
        result = of_exposures.get((exposure, None)) or {}
        found = {number: of_detectors.get((exposure, number)) or {} for number in detectors}
        complete = complete and all(name in result for name in detectors.values())
        complete = complete and all(
            _is_complete(each, known_bad.others(number, amplifiers)) for number, each in found.items()
        )
        failed_exposures += _fails(list(found.values()), threshold, fewest)
    limit = min((len(exposures) + 1) // 2 + 1, len(exposures))
    passed = complete and failed_exposures < limit and not known_bad.too_many(amplifiers)
    return LiteralVerdict(complete, passed)


def judge_curve(
    of_detectors: Statistics,
    *,
    detectors: Mapping[int, str],
    amplifiers: Sequence[str],
    known_bad: KnownBadAmplifiers = NONE_BAD,
) -> LiteralVerdict:
    """Apply the rule to photon transfer curves.

    Parameters
    ----------
    of_detectors
        ``verifyPtcDetStats``; the exposure is None.
    detectors, amplifiers
        What must be there; detector names by id.
    known_bad
        Amplifiers that are not looked at, of the detectors.

    Returns
    -------
    verdict
        By the documented rule.
    """
    found = {
        number: healthy(of_detectors.get((None, number)) or {}, known_bad.of(number)) for number in detectors
    }
    others = {number: known_bad.others(number, amplifiers) for number in detectors}
    complete = all(_is_complete(each, others[number]) for number, each in found.items())
    fails = _fails(list(found.values()), CURVE_THRESHOLD, min(map(len, others.values()), default=0))
    return LiteralVerdict(complete, complete and not fails and not known_bad.too_many(amplifiers))


def healthy(statistics: Mapping[str, Any], bad: Collection[str]) -> Mapping[str, Any]:
    """Take amplifiers out of the statistics of a detector.

    Parameters
    ----------
    statistics, bad
        ``verify<X>DetStats``, and names of amplifiers.

    Returns
    -------
    statistics
        Of the others alone.
    """
    if not bad or not statistics.get("AMP"):
        return statistics
    verify = statistics.get("VERIFY", {})
    measured = {name: each for name, each in statistics["AMP"].items() if name not in bad}
    tested = {name: each for name, each in verify.get("AMP", {}).items() if name not in bad}
    of_detector = dict(verify.get("DET", {}))
    if "SCATTER" in of_detector:
        means = [each.get("MEAN", math.nan) for each in measured.values()]
        finite = all(isinstance(each, int | float) and math.isfinite(each) for each in means)
        of_detector["SCATTER"] = finite and len(means) > 1 and stdev(means) <= 0.05 * fmean(means)
    whole = set(statistics.get("METADATA", {}).get("MASKED_AMPLIFIERS", ())) - set(bad)
    if "MASKED_AMPLIFIERS" in of_detector:
        of_detector["MASKED_AMPLIFIERS"] = len(whole) <= MOST_MASKED
    if "MASKED" in of_detector:
        parts = [each["MASKED"] for name, each in measured.items() if name not in whole]
        of_detector["MASKED"] = bool(parts) and fmean(parts) <= MOST_MASKED_PIXELS
    return {**statistics, "AMP": measured, "VERIFY": {**verify, "AMP": tested, "DET": of_detector}}


def _fails(found: Sequence[Mapping[str, Any]], threshold: int, n_amplifiers: int) -> bool:
    """Whether the detectors of an exposure, or of a curve, fail too many tests of one type."""
    counts = Counter(failed for statistics in found for failed in failed_tests(statistics))
    half = len(found) // 2 + 1
    return any(
        number >= min(threshold, n_amplifiers if k > 1 else 1) * half for (k, _), number in counts.items()
    )


def _is_complete(statistics: Mapping[str, Any], amplifiers: Sequence[str]) -> bool:
    measured, tested = statistics.get("AMP", {}), statistics.get("VERIFY", {}).get("AMP", {})
    values = [value for each in measured.values() for value in each.values()]
    return (
        sorted(measured) == sorted(amplifiers)
        and sorted(tested) == sorted(amplifiers)
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
        and all(set(tests) - set(NEVER_COUNTED) for tests in tested.values())
    )


def _same_tests(of_detectors: Statistics, exposures: Sequence[int], detectors: Mapping[int, str]) -> bool:
    """Whether each detector was tested in the same way in all exposures."""
    for number in detectors:
        kinds = set()
        for exposure in exposures:
            verify = (of_detectors.get((exposure, number)) or {}).get("VERIFY", {})
            of_amplifiers = {test for tests in verify.get("AMP", {}).values() for test in tests}
            kinds.add(
                tuple(frozenset(each) - set(NEVER_COUNTED) for each in (of_amplifiers, verify.get("DET", {})))
            )
        if len(kinds) > 1:
            return False
    return True


def failed_tests(statistics: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Failed tests of a detector, in an exposure or a curve.

    Parameters
    ----------
    statistics
        ``verify<X>DetStats``.

    Returns
    -------
    failed
        Of every failed test that counts, how many results it has per detector (k), and its type.
    """
    verify = statistics.get("VERIFY", {})
    tests = [(1, verify.get("DET", {})), *((16, each) for each in verify.get("AMP", {}).values())]
    return [
        (k, test)
        for k, results in tests
        for test, passed in results.items()
        if not passed and test not in NEVER_COUNTED
    ]
