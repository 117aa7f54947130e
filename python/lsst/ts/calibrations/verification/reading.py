"""Reading what cp_verify stores into typed results; the only place where the names of tests are split.

cp_verify's own merged result of a run is not read, since it loses the failed tests of flats: an exposure
that has a result of its own level (``EXP SCATTER``) is not looked into any further. So the results of each
exposure are. They name what failed; what was measured of each detector shows what is missing: a verification
that looked at half of the data passes as easily as one that looked at all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from .gaps import gaps_in, is_true
from .known_bad import KnownBad, amplifiers_by_detector, redone_tests, without
from .measurements import Measurement, inner_mapping, measurement
from .results import (
    DetectorResults,
    Gap,
    MadeTest,
    SubjectResults,
    VerificationResults,
    VerificationTest,
)
from .rule import judge
from .verdict import CombinedCalibration, Verdict

__all__ = ["evaluate", "read_calibration", "read_exposures"]

_Amplifiers = Mapping[str, Set[str]]  # names of the amplifiers that must be there, by detector name


def evaluate(
    verify_stats: Mapping[Any, Any],
    *,
    exposures: Iterable[int],
    detectors: Iterable[str],
    amplifiers: Iterable[str] | Mapping[str, Iterable[str]],
    max_failures_per_detector: int,
    measured: Mapping[tuple[int, str], Any] | None = None,
    combined: CombinedCalibration | None = None,
) -> Verdict:
    """Judge the merged dictionary of the documented reports by the rule of `judge`.

    Parameters
    ----------
    verify_stats
        ``{exposure id: {"SUCCESS": bool, "FAILURES": [name, ...]}, "SUCCESS": bool}``; a name is
        ``detector amplifier TEST``, ``detector TEST``, or ``TEST`` for one of the exposure. Other exposures,
        RUN and VERIFY are ignored. It is not changed.
    exposures, detectors
        Ids of the exposures and names of the detectors that must be there.
    amplifiers
        Names of the amplifiers that every detector has, or these by detector name.
    max_failures_per_detector
        ``number_verification_tests_threshold_<type>``.
    measured
        ``verify<X>DetStats`` by exposure and detector name: what missing amplifiers and values that are not
        finite are found by. Without it only the names of failed tests can be checked. Where there is a
        ``VERIFY`` it must have results for every amplifier, and of the same tests in each exposure.
    combined
        The calibration that was verified, if it was made of these exposures and may be certified then: an
        acceptance is bound to it.

    Returns
    -------
    verdict
        Whether it passed, whether it is complete, what failed, and the five thresholds of the report.
    """
    detectors = tuple(detectors)
    if not isinstance(amplifiers, Mapping):
        amplifiers = dict.fromkeys(detectors, tuple(amplifiers))
    expected = {detector: frozenset(amplifiers.get(detector, ())) for detector in detectors}
    subjects = []
    for exposure in dict.fromkeys(map(int, exposures)):
        found = _Failures(exposure, expected)
        _read_verify_stats(verify_stats, found)
        here = {name: each for (number, name), each in (measured or {}).items() if number == exposure}
        detectors_of = {} if measured is None else _read_detectors(here, found, tests_expected=False)
        subjects.append(found.results(detectors_of))
    results = VerificationResults(expected, tuple(subjects), tuple(_contradictions(verify_stats, subjects)))
    return judge(results, max_failures_per_detector=max_failures_per_detector, combined=combined)


def read_exposures(
    by_exposure: Mapping[int, Any],
    measured: Mapping[tuple[int, str], Any],
    *,
    exposures: Sequence[int],
    amplifiers: Mapping[str, Set[str]],
    calibration: str = "",
    known_bad: Sequence[KnownBad] = (),
) -> VerificationResults:
    """Read the results of exposures.

    Parameters
    ----------
    by_exposure
        ``verify<X>ExpStats`` by exposure id, each
        ``{detector: {"SUCCESS": bool, "FAILURES": [name, ...]}, "SUCCESS": bool}`` with ``VERIFY`` for tests
        of the exposure as a whole.
    measured
        ``verify<X>DetStats`` by exposure id and detector name.
    exposures, amplifiers
        Ids of the exposures (others are ignored) and, by detector name, the amplifiers that must be there.
    calibration
        What was verified, e.g. ``BIAS``: what its tests compared is known then.
    known_bad
        Amplifiers that are left out, of these detectors.

    Returns
    -------
    results
        What is there, and what is missing. Measurements without tests are a gap.
    """
    left_out = _LeftOut(known_bad, amplifiers, calibration)
    subjects, tests = [], list[MadeTest]()
    for exposure in exposures:
        here = {name: each for (number, name), each in measured.items() if number == exposure}
        tests += left_out.tests(exposure, here)
        found, others = left_out.begin(exposure, here)
        _read_exposure(by_exposure.get(exposure), found)
        subjects.append(found.results(_read_detectors(others, found)))
    return left_out.results(subjects, tests)


def read_calibration(
    name: str,
    measured: Mapping[str, Any],
    *,
    amplifiers: Mapping[str, Set[str]],
    known_bad: Sequence[KnownBad] = (),
) -> VerificationResults:
    """Read the results of a calibration that is verified by itself.

    Parameters
    ----------
    name, measured
        The calibration, e.g. ``PTC``, and its ``verify<X>DetStats`` by detector name.
    amplifiers
        Names of the amplifiers that must be there, by detector name.
    known_bad
        Amplifiers that are left out, of these detectors.

    Returns
    -------
    results
        What is there, and what is missing. A SUCCESS that is not true although no test failed is a gap.
    """
    left_out = _LeftOut(known_bad, amplifiers, name)
    tests_left_out = list(left_out.tests(name, measured))
    found, others = left_out.begin(name, measured)
    detectors = _read_detectors(others, found, all_named=False)
    for detector in amplifiers:
        tests = {test for test, passed in (detectors[detector].outcomes or {}).items() if not passed}
        for test in sorted(tests, key=VerificationTest.order):
            found.add_test(test)
        statistics = measured.get(detector)
        explained = tests or any(not each.passed for each in tests_left_out if each.test.detector == detector)
        if not explained and isinstance(statistics, Mapping) and not is_true(statistics.get("SUCCESS", True)):
            found.add_gap("SUCCESS is not true and no test is named that failed", detector)
    return left_out.results([found.results(detectors)], tests_left_out)


class _LeftOut:
    """Leaves amplifiers that are known to be bad out of the results of exposures or of a calibration."""

    def __init__(self, known_bad: Sequence[KnownBad], amplifiers: _Amplifiers, calibration: str) -> None:
        self._known_bad, self._calibration = known_bad, calibration
        self._bad = amplifiers_by_detector(known_bad)
        self._expected = {
            name: frozenset(names) - self._bad.get(name, frozenset()) for name, names in amplifiers.items()
        }

    def begin(self, subject: int | str, measured: Mapping[str, Any]) -> tuple[_Failures, Mapping[str, Any]]:
        """What is to be read of an exposure or calibration, and its measurements without the amplifiers."""
        others = {name: without(each, self._bad.get(name, frozenset())) for name, each in measured.items()}
        redone = {
            VerificationTest(detector, None, test): passed
            for detector in self._bad
            for test, passed in redone_tests(others.get(detector)).items()
        }
        failed = {test for test, passed in redone.items() if not passed}
        found = _Failures(subject, self._expected, self._calibration, failed, bad=self._bad, redone=redone)
        return found, others

    def tests(self, subject: int | str, measured: Mapping[str, Any]) -> Iterator[MadeTest]:
        """The tests of the amplifiers that are left out."""
        for detector, bad in self._bad.items():
            statistics = measured.get(detector)
            if not isinstance(statistics, Mapping):
                continue
            for test, passed in _outcomes(statistics, detector):
                if test.amplifier in bad:
                    compared = measurement(self._calibration, test.amplifier, test.test, passed, statistics)
                    yield MadeTest(subject, test, passed, compared, left_out=True)

    def results(self, subjects: Sequence[SubjectResults], tests: Sequence[MadeTest]) -> VerificationResults:
        """All that was found."""
        outcomes: dict[tuple[str | None, str | None], list[bool]] = {}
        for each in tests:
            if each.test.counts:
                outcomes.setdefault((each.test.detector, each.test.amplifier), []).append(each.passed)
        known_bad = tuple(
            replace(each, looks_healthy=all(outcomes.get((each.detector, each.amplifier), [False])))
            for each in self._known_bad
        )
        return VerificationResults(
            self._expected, tuple(subjects), known_bad=known_bad, left_out=tuple(tests)
        )


@dataclass
class _Failures:
    """The tests of an exposure or calibration that are named as failed, and the gaps in the naming."""

    subject: int | str
    amplifiers: _Amplifiers
    calibration: str = ""
    tests: set[VerificationTest] = field(default_factory=set)
    whole: dict[VerificationTest, bool] = field(default_factory=dict)
    compared: dict[VerificationTest, Measurement] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)
    any_named: bool = False
    bad: _Amplifiers = field(default_factory=dict)
    redone: Mapping[VerificationTest, bool] = field(default_factory=dict)

    def add_gap(self, reason: str, detector: str | None = None) -> None:
        self.gaps.append(Gap(reason, self.subject, detector))

    def add_test(self, test: VerificationTest) -> None:
        self.any_named = True
        if test.detector is None:
            self.tests.add(test)
            return
        if test.amplifier in self.bad.get(test.detector, ()) or test in self.redone:
            return
        self.tests.add(test)
        if test.detector not in self.amplifiers:
            self.add_gap(f"{str(test)!r} is about a detector that is not expected")
        elif test.amplifier is not None and test.amplifier not in self.amplifiers[test.detector]:
            self.add_gap(f"{str(test)!r} is about an amplifier that the detector does not have")

    def add_name(self, name: object, detector: str | None = None) -> None:
        """Read ``amplifier TEST`` or ``TEST``, with the detector before it if that is not known."""
        words = name.split() if isinstance(name, str) else []
        if detector is None and len(words) > 1:
            detector, *words = words
        if len(words) == 1:
            self.add_test(VerificationTest(detector, None, words[0]))
        elif len(words) == 2:
            self.add_test(VerificationTest(detector, words[0], words[1]))
        else:
            self.any_named = True
            self.add_gap(f"a failure that cannot be judged: {name!r}")

    def compare(self, success: Any) -> None:
        """Compare with SUCCESS of the exposure."""
        if is_true(success) and self.any_named:
            self.add_gap("SUCCESS is true and yet tests failed")
        if not (is_true(success) or self.any_named or self.gaps):
            self.add_gap("SUCCESS is not true and no test is named that failed")

    def results(self, detectors: Mapping[str, DetectorResults]) -> SubjectResults:
        return SubjectResults(
            self.subject, frozenset(self.tests), tuple(self.gaps), detectors, self.whole, self.compared
        )

    def add_whole(self, name: str, passed: bool, result: Mapping[str, Any]) -> None:
        """Add a test of the exposure as a whole."""
        test = VerificationTest(None, None, name)
        self.whole[test] = passed
        self.compared[test] = measurement("", None, name, passed, {"DET": result.get("EXP")})
        if not passed:
            self.add_test(test)


def _read_verify_stats(verify_stats: Mapping[Any, Any], found: _Failures) -> None:
    """Read what the merged dictionary has of an exposure."""
    entries = [verify_stats[key] for key in (found.subject, str(found.subject)) if key in verify_stats]
    if len(entries) != 1 or not isinstance(entries[0], Mapping):
        found.add_gap("it has no result" if not entries else "its result cannot be read")
        return
    names = entries[0].get("FAILURES") or []
    if not isinstance(names, (list, tuple)):
        found.add_gap("FAILURES is not a list")
        return
    for name in names:
        found.add_name(name)
    found.compare(entries[0].get("SUCCESS"))


def _contradictions(verify_stats: Mapping[Any, Any], subjects: Sequence[SubjectResults]) -> Iterator[Gap]:
    """Compare SUCCESS of the whole with its exposures; what is ignored may explain that it is not true."""
    if "SUCCESS" not in verify_stats:
        return  # what counts is said of each exposure
    success = is_true(verify_stats["SUCCESS"])
    if success and any(each.failed for each in subjects):
        yield Gap("SUCCESS of the run is true and yet tests failed")
    ids = [each.subject for each in subjects]
    ignored = set(verify_stats) - {"SUCCESS", *ids, *map(str, ids)}
    if not success and not ignored and not any(each.failed or each.gaps for each in subjects):
        yield Gap("SUCCESS of the run is not true and no test is named that failed")


def _read_exposure(result: Any, found: _Failures) -> None:
    """Read ``verify<X>ExpStats``."""
    if not isinstance(result, Mapping):
        found.add_gap("it has no result")
        return
    levels = {} if result.get("VERIFY") is None else result["VERIFY"]
    for tests in levels.values() if isinstance(levels, Mapping) else [levels]:
        if not isinstance(tests, Mapping):
            found.add_gap("VERIFY of the exposure cannot be read")
            continue
        for test, passed in tests.items():
            if test != "SUCCESS":
                found.add_whole(str(test), is_true(passed), result)
    detectors = {
        str(name): each for name, each in result.items() if isinstance(each, Mapping) and "SUCCESS" in each
    }
    for detector in found.amplifiers:
        if detector not in detectors:
            found.add_gap(f"{detector} has no result in this exposure")
    for detector, each in detectors.items():
        _read_detector(detector, each, found)
    found.compare(result.get("SUCCESS"))


def _read_detector(detector: str, result: Mapping[str, Any], found: _Failures) -> None:
    """Read the names of the failed tests of a detector."""
    names = result.get("FAILURES", ())
    if not isinstance(names, (list, tuple)):
        found.add_gap(f"{detector} has failures that are not a list")
        return
    if is_true(result["SUCCESS"]) == bool(names):
        found.add_gap(f"{detector} has SUCCESS {result['SUCCESS']} with {len(names)} failed tests")
    for name in names:
        found.add_name(name, detector)


def _read_detectors(
    measured: Mapping[str, Any], named: _Failures, *, all_named: bool = True, tests_expected: bool = True
) -> dict[str, DetectorResults]:
    """Read ``verify<X>DetStats`` of the detectors that must be there; others are a gap.

    Each test that failed must be named as failed, unless the names are not `all_named` yet.
    """
    found: dict[str, DetectorResults] = {}
    for detector, expected in named.amplifiers.items():
        statistics, outcomes, compared = measured.get(detector), None, {}
        reasons = list(gaps_in(statistics, expected))
        if isinstance(statistics, Mapping) and (tests_expected or "VERIFY" in statistics):
            outcomes = dict(_outcomes(statistics, detector))
            compared = {
                test: measurement(named.calibration, test.amplifier, test.test, passed, statistics)
                for test, passed in outcomes.items()
            }
            if all_named:
                lost = {test for test, passed in outcomes.items() if test.counts and not passed} - named.tests
                reasons += [f"{test} failed and is not among the failures" for test in sorted(lost, key=str)]
        gaps = tuple(Gap(reason, named.subject, detector) for reason in reasons)
        found[detector] = DetectorResults(outcomes, gaps, compared)
    for detector in sorted(set(measured) - set(named.amplifiers)):
        gap = Gap("this detector is not expected", named.subject, detector)
        found[detector] = DetectorResults(None, (gap,))
    return found


def _outcomes(statistics: Mapping[str, Any], detector: str) -> Iterator[tuple[VerificationTest, bool]]:
    verify = inner_mapping(statistics, "VERIFY")
    for amplifier, results in ((None, inner_mapping(verify, "DET")), *inner_mapping(verify, "AMP").items()):
        if isinstance(results, Mapping):
            for test, passed in results.items():
                if test != "SUCCESS":
                    yield VerificationTest(detector, amplifier, str(test)), is_true(passed)
