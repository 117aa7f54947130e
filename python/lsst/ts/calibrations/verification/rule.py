"""The acceptance rule of the procedure page, on complete results only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType

from .combined import CombinedCalibration
from .results import ONLY_ON_FAILURE, Gap, VerificationResults, VerificationTest
from .seal import sealed
from .verdict import Verdict

__all__ = ["MAX_FAILURES_BY_ITSELF", "judge"]

MAX_FAILURES_BY_ITSELF = 8
"""How many amplifiers of a detector must fail a test of a calibration that is verified by itself (the photon
transfer curve). It has no images and so no ``number_verification_tests_threshold_<type>``, of which this is
the default."""

_TESTS = "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD"
_DETECTORS = "MAX_FAILED_DETECTORS_THRESHOLD"
_TESTS_PER_EXPOSURE = "MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD"
_EXPOSURES = "MAX_FAILED_EXPOSURES_THRESHOLD"
_FINAL = "FINAL_NUMBER_OF_FAILED_EXPOSURES"


def judge(
    results: VerificationResults,
    *,
    max_failures_per_detector: int,
    combined: CombinedCalibration | None = None,
) -> Verdict:
    """Judge the results of a verification.

    An exposure fails when, for at least one test type, the number of failed tests reaches ``min(T, k) D``:
    `T` is `max_failures_per_detector`, `k` how many results the test has per detector (the number of
    amplifiers, or 1 for a test of the detector), ``D = int(n_detectors / 2) + 1``. The calibration is
    rejected when the failed exposures reach ``E = int((n_exposures + 1) / 2) + 1``, or all of them. A
    calibration that is verified by itself is judged as a single exposure is. Tests of a whole exposure and
    READ_NOISE_CONSISTENT are reported and never counted. Results that are not complete never pass.

    The rule is that of the procedure page, "Verification failure criterion", with the thresholds of its
    reports; that results must be complete is this project's.

    Parameters
    ----------
    results
        What was found, and what is missing.
    max_failures_per_detector
        ``number_verification_tests_threshold_<type>``, or `MAX_FAILURES_BY_ITSELF`.
    combined
        The calibration that was verified, if this run made it: an acceptance is bound to it. Results of a
        calibration that was verified by itself must be its own.

    Returns
    -------
    verdict
        Whether it passed, what is missing, what failed, and the five thresholds of the report.
    """
    amplifiers, subjects = results.amplifiers, results.subjects
    gaps = (
        *_expectation_gaps(results),
        *(gap for each in subjects for gap in each.gaps),
        *results.gaps,
        *_calibration_gaps(results, combined),
        *_measurement_gaps(results),
        *_test_gaps(results),
    )
    thresholds = _thresholds(len(subjects), len(amplifiers), max_failures_per_detector)
    failed = tuple(
        each.subject
        for each in subjects
        if _fails(each.failed, amplifiers, max_failures_per_detector, thresholds[_DETECTORS])
    )
    thresholds[_FINAL] = len(failed)
    by_itself = any(isinstance(each.subject, str) for each in subjects)
    return sealed(
        Verdict,
        passed=not gaps and len(failed) < thresholds[_EXPOSURES],
        exposures=tuple(each.subject for each in subjects if isinstance(each.subject, int)),
        failed_exposures=tuple(each for each in failed if isinstance(each, int)),
        failed_tests=MappingProxyType(
            {each.subject: tuple(sorted(each.failed)) for each in subjects if each.failed}
        ),
        thresholds=MappingProxyType(thresholds),
        gaps=gaps,
        n_tests=_number_of_tests(results),
        by_itself=by_itself,
        combined=combined,
    )


def _thresholds(n_exposures: int, n_detectors: int, most: int) -> dict[str, int]:
    in_detectors = int(n_detectors / 2) + 1
    return {
        _TESTS: most,
        _DETECTORS: in_detectors,
        _TESTS_PER_EXPOSURE: most * in_detectors,
        _EXPOSURES: min(int((n_exposures + 1) / 2) + 1, n_exposures),
        _FINAL: 0,
    }


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


def _expectation_gaps(results: VerificationResults) -> Iterator[Gap]:
    """Find that nothing is expected, which would be complete without any results."""
    if not results.subjects:
        yield Gap("there are no exposures to judge")
    if not results.amplifiers:
        yield Gap("there are no detectors to judge")
    for detector, names in results.amplifiers.items():
        if not names:
            yield Gap(f"{detector}: its amplifiers are not known")


def _calibration_gaps(results: VerificationResults, combined: CombinedCalibration | None) -> Iterator[Gap]:
    """Find results of a calibration by itself that are of another one than that which was made."""
    for each in results.subjects:
        if combined is not None and isinstance(each.subject, str) and each.subject != combined.name:
            yield Gap(f"these are no results of {combined.name}", each.subject)


def _measurement_gaps(results: VerificationResults) -> Iterator[Gap]:
    """What is missing or not finite in what was measured."""
    for each in results.subjects:
        for detector in each.detectors.values():
            yield from detector.gaps


def _test_gaps(results: VerificationResults) -> Iterator[Gap]:
    """Find outcomes of tests that are not there although the measurements are."""
    for detector, amplifiers in results.amplifiers.items():
        tested = {
            each.subject: found.counted
            for each in results.subjects
            if (found := each.detectors.get(detector)) is not None and found.outcomes is not None
        }
        made = {subject: _types(tests) for subject, tests in tested.items()}
        everywhere: frozenset[tuple[bool, str]] = frozenset().union(*made.values())
        for subject, tests in tested.items():
            if untested := sorted(amplifiers - {test.amplifier for test in tests}):
                yield Gap(f"no test has a result for {', '.join(untested)}", subject, detector)
            elif lacking := sorted({test for _, test in everywhere - made[subject]}):
                yield Gap(f"no result of {', '.join(lacking)}, which other exposures have", subject, detector)


def _types(tests: Set[VerificationTest]) -> frozenset[tuple[bool, str]]:
    """Whether they are of amplifiers, and their types, of tests that are made in every exposure."""
    return frozenset(
        (each.amplifier is not None, each.test) for each in tests if each.test not in ONLY_ON_FAILURE
    )


def _number_of_tests(results: VerificationResults) -> int | None:
    """How many tests that count there are; None where a detector has none."""
    counts = [
        len(found.counted) if (found := each.detectors.get(detector)) is not None else 0
        for each in results.subjects
        for detector in results.amplifiers
    ]
    return sum(counts) if counts and all(counts) else None
