"""The acceptance rule of the procedure page, on complete results only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType

from .known_bad import amplifiers_by_detector
from .results import ADDED_TESTS, ONLY_ON_FAILURE, Gap, SubjectResults, VerificationResults, VerificationTest
from .seal import sealed
from .verdict import CombinedCalibration, Verdict

__all__ = ["MAX_FAILURES_BY_ITSELF", "judge"]

MAX_FAILURES_BY_ITSELF = 8
"""How many amplifiers of a detector must fail a test of a calibration that is verified by itself (the photon
transfer curve). It has no images and so no ``number_verification_tests_threshold_<type>``, of which this is
the default."""


def judge(
    results: VerificationResults,
    *,
    max_failures_per_detector: int,
    max_known_bad: int = 0,
    combined: CombinedCalibration | None = None,
) -> Verdict:
    """Judge the results of a verification.

    An exposure fails when, for at least one test type, the number of failed tests reaches ``min(T, k) D``:
    `T` is `max_failures_per_detector`, `k` how many results the test has per detector (the number of
    amplifiers, or 1 for a test of the detector), ``D = int(n_detectors / 2) + 1``. The calibration is
    rejected when the failed exposures reach ``E = int((n_exposures + 1) / 2) + 1``, or all of them. A
    calibration that is verified by itself is judged as a single exposure is. Tests of a whole exposure and
    READ_NOISE_CONSISTENT are reported and never counted. Results that are not complete never pass. Amplifiers
    that are known to be bad are as if the detector did not have them; with too many of them nothing passes.

    The rule is that of the procedure page, "Verification failure criterion", with the thresholds of its
    reports; that results must be complete is this project's.

    Parameters
    ----------
    results
        What was found, and what is missing.
    max_failures_per_detector
        ``number_verification_tests_threshold_<type>``, or `MAX_FAILURES_BY_ITSELF`.
    max_known_bad
        ``max_known_bad_amplifiers``.
    combined
        The calibration that was verified, if this run made it: an acceptance is bound to it. Results of a
        calibration that was verified by itself must be its own.

    Returns
    -------
    verdict
        Whether it passed, what is missing, what failed, and the five thresholds of the report.
    """
    amplifiers, subjects, most = results.amplifiers, results.subjects, max_failures_per_detector
    n_detectors, n_exposures = len(amplifiers), len(subjects)
    in_detectors = int(n_detectors / 2) + 1
    limit = min(int((n_exposures + 1) / 2) + 1, n_exposures)
    failed = [each.subject for each in subjects if _fails(each.failed, amplifiers, most, in_detectors)]
    failed_tests = {
        each.subject: tuple(sorted(tests, key=VerificationTest.order))
        for each in subjects
        if (tests := _reported(each))
    }
    thresholds = {
        "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD": most,
        "MAX_FAILED_DETECTORS_THRESHOLD": in_detectors,
        "MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD": most * in_detectors,
        "MAX_FAILED_EXPOSURES_THRESHOLD": limit,
        "FINAL_NUMBER_OF_FAILED_EXPOSURES": len(failed),
    }
    gaps, too_many = tuple(_gaps(results, combined)), _too_many_bad(results, max_known_bad)
    return sealed(
        Verdict,
        passed=not gaps and not too_many and len(failed) < limit,
        exposures=tuple(each.subject for each in subjects if isinstance(each.subject, int)),
        failed_exposures=tuple(each for each in failed if isinstance(each, int)),
        failed_tests=MappingProxyType(failed_tests),
        thresholds=MappingProxyType(thresholds),
        gaps=gaps,
        n_tests=_number_of_tests(results),
        by_itself=any(isinstance(each.subject, str) for each in subjects),
        combined=combined,
        known_bad=results.known_bad,
        too_many_bad=MappingProxyType(too_many),
    )


def _too_many_bad(results: VerificationResults, asked_for: int) -> dict[str, int]:
    """Detectors of which too many amplifiers are left out, with how many these may be."""
    most = {}
    for detector, bad in amplifiers_by_detector(results.known_bad).items():
        n_amplifiers = len(results.amplifiers.get(detector, frozenset()) | bad)
        allowed = min(asked_for, n_amplifiers // 2)  # never more than half
        if len(bad) > allowed:
            most[detector] = allowed
    return most


def _reported(results: SubjectResults) -> frozenset[VerificationTest]:
    """The failed tests, with the added ones, which cp_verify's results do not name."""
    outcomes = (each.outcomes or {} for each in results.detectors.values())
    added = (
        test for each in outcomes for test, passed in each.items() if test.test in ADDED_TESTS and not passed
    )
    return results.failed.union(added)


def _fails(
    failed: Set[VerificationTest], amplifiers: Mapping[str, Set[str]], most: int, in_detectors: int
) -> bool:
    # Where detectors have different numbers of amplifiers the smallest decides: the stricter reading.
    n_amplifiers = min(map(len, amplifiers.values()), default=1)
    counts = Counter((test.amplifier is not None, test.test) for test in failed if test.counts)
    return any(
        count >= min(most, n_amplifiers if of_amplifier else 1) * in_detectors
        for (of_amplifier, _), count in counts.items()
    )


def _gaps(results: VerificationResults, combined: CombinedCalibration | None) -> Iterator[Gap]:
    """Find all that is missing or contradictory."""
    # Where nothing is expected nothing would be missing.
    if not results.subjects:
        yield Gap("there are no exposures to judge")
    if not results.amplifiers:
        yield Gap("there are no detectors to judge")
    for detector, names in results.amplifiers.items():
        if not names:
            all_bad = detector in amplifiers_by_detector(results.known_bad)
            yield Gap(f"{detector}: its amplifiers are {'all known to be bad' if all_bad else 'not known'}")
    for each in results.subjects:
        yield from each.gaps
    yield from results.gaps
    for each in results.subjects:
        if combined is not None and isinstance(each.subject, str) and each.subject != combined.name:
            yield Gap(f"these are no results of {combined.name}", each.subject)
    for each in results.subjects:
        for found in each.detectors.values():
            yield from found.gaps
    yield from _test_gaps(results)


def _test_gaps(results: VerificationResults) -> Iterator[Gap]:
    """Find outcomes of tests that are not there although the measurements are."""
    for detector, amplifiers in results.amplifiers.items():
        tested = {
            each.subject: found.counted
            for each in results.subjects
            if (found := each.detectors.get(detector)) is not None and found.outcomes is not None
        }
        made = {
            subject: {
                (each.amplifier is not None, each.test) for each in tests if each.test not in ONLY_ON_FAILURE
            }
            for subject, tests in tested.items()
        }
        everywhere = set[tuple[bool, str]]().union(*made.values())
        for subject, tests in tested.items():
            if untested := sorted(amplifiers - {test.amplifier for test in tests}):
                yield Gap(f"no test has a result for {', '.join(untested)}", subject, detector)
            elif lacking := sorted({test for _, test in everywhere - made[subject]}):
                yield Gap(f"no result of {', '.join(lacking)}, which other exposures have", subject, detector)


def _number_of_tests(results: VerificationResults) -> int | None:
    """How many tests that count there are; None where a detector has none."""
    counts = [
        len(found.counted) if (found := each.detectors.get(detector)) is not None else 0
        for each in results.subjects
        for detector in results.amplifiers
    ]
    return sum(counts) if counts and all(counts) else None
