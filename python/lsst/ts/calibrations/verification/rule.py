"""The acceptance rule of the procedure page, on complete results only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from .combined import CombinedCalibration
from .completeness import failed_tests, gaps, is_true, number_of_tests, tests_made, untested
from .names import FailedTest, parse
from .seal import sealed
from .verdict import Verdict

__all__ = ["evaluate"]


def evaluate(
    verify_stats: Mapping[Any, Any],
    *,
    exposures: Iterable[int],
    detectors: Iterable[str],
    amplifiers: Iterable[str] | Mapping[str, Iterable[str]],
    max_failures_per_detector: int,
    measured: Mapping[tuple[int, str], Any] | None = None,
    combined: CombinedCalibration | None = None,
    tests_expected: bool = False,
) -> Verdict:
    """Judge the results of a verification.

    An exposure fails when, for at least one test type, the number of failed tests reaches ``min(T, k) D``:
    `T` is `max_failures_per_detector`, `k` how many results the test has per detector (the number of
    amplifiers, or 1 for a test of the detector), ``D = int(n_detectors / 2) + 1``. The calibration is
    rejected when the failed exposures reach ``E = int((n_exposures + 1) / 2) + 1``, or all of them. Tests of
    a whole exposure and READ_NOISE_CONSISTENT are reported and never counted. Results that are not complete
    never pass.

    Parameters
    ----------
    verify_stats
        ``{exposure id: {"SUCCESS": bool, "FAILURES": [name, ...]}, "SUCCESS": bool}`` as `merge_exposures`
        makes it; other exposures, RUN and VERIFY are ignored. It is not changed.
    exposures
        Ids of the exposures that must be there.
    detectors
        Names of the detectors that must be there.
    amplifiers
        Names of the amplifiers that every detector has, or these by detector name.
    max_failures_per_detector
        ``number_verification_tests_threshold_<type>``.
    measured
        ``verify<X>DetStats`` by exposure and detector name: what missing amplifiers and values that are not
        finite are found by. Without it only the names of failed tests can be checked.
    combined
        The calibration that was verified, if it was made of these exposures and may be certified then: an
        acceptance is bound to it.
    tests_expected
        Whether measurements without any ``VERIFY`` are incomplete, too, as they are for a run. Where there is
        one it must have results for every amplifier, and of the same tests in each exposure.

    Returns
    -------
    verdict
        Whether it passed, whether it is complete, what failed, and the five thresholds of the report.
    """
    expected = _Expected(
        exposures=tuple(dict.fromkeys(map(int, exposures))),
        amplifiers=_amplifiers(tuple(dict.fromkeys(detectors)), amplifiers),
    )
    found = {exposure: _read_exposure(verify_stats, exposure, expected) for exposure in expected.exposures}
    problems = [
        *expected.problems(),
        *(problem for each in found.values() for problem in each.problems),
        *_run_problems(verify_stats, found),
        *_measurement_problems(measured, expected, found),
        *_test_problems(measured or {}, expected, tests_expected),
    ]
    thresholds = _thresholds(expected, max_failures_per_detector)
    failed = tuple(
        exposure
        for exposure, each in found.items()
        if _fails(each.failed, expected, max_failures_per_detector, thresholds[_DETECTORS])
    )
    thresholds[_FINAL] = len(failed)
    return sealed(
        Verdict,
        passed=not problems and len(failed) < thresholds[_EXPOSURES],
        complete=not problems,
        exposures=expected.exposures,
        failed_exposures=failed,
        failures={key: _per_type(each.failed) for key, each in found.items() if each.failed},
        names={key: tuple(map(str, sorted(each.failed))) for key, each in found.items() if each.failed},
        thresholds=thresholds,
        problems=tuple(problems),
        n_failed=sum(test.counts for each in found.values() for test in each.failed),
        n_tests=_number_of_tests(measured, expected),
        by_itself=False,
        combined=combined,
    )


_TESTS = "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD"
_DETECTORS = "MAX_FAILED_DETECTORS_THRESHOLD"
_TESTS_PER_EXPOSURE = "MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD"
_EXPOSURES = "MAX_FAILED_EXPOSURES_THRESHOLD"
_FINAL = "FINAL_NUMBER_OF_FAILED_EXPOSURES"


@dataclass(frozen=True)
class _Expected:
    """What there must be a result for."""

    exposures: tuple[int, ...]
    amplifiers: Mapping[str, Set[str]]

    def problems(self) -> list[str]:
        without = [detector for detector, names in self.amplifiers.items() if not names]
        return [
            *([] if self.exposures else ["there are no exposures to judge"]),
            *([] if self.amplifiers else ["there are no detectors to judge"]),
            *(f"{detector}: its amplifiers are not known" for detector in without),
        ]


@dataclass
class _Found:
    """What was found for one exposure."""

    failed: set[FailedTest] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def _amplifiers(
    detectors: Sequence[str], amplifiers: Iterable[str] | Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    if isinstance(amplifiers, Mapping):
        return {detector: frozenset(amplifiers.get(detector, ())) for detector in detectors}
    return dict.fromkeys(detectors, frozenset(amplifiers))


def _thresholds(expected: _Expected, most: int) -> dict[str, int]:
    n_exposures = len(expected.exposures)
    in_detectors = int(len(expected.amplifiers) / 2) + 1
    return {
        _TESTS: most,
        _DETECTORS: in_detectors,
        _TESTS_PER_EXPOSURE: most * in_detectors,
        _EXPOSURES: min(int((n_exposures + 1) / 2) + 1, n_exposures),
        _FINAL: 0,
    }


def _read_exposure(verify_stats: Mapping[Any, Any], exposure: int, expected: _Expected) -> _Found:
    found = _Found()
    entries = [verify_stats[key] for key in (exposure, str(exposure)) if key in verify_stats]
    if len(entries) != 1 or not isinstance(entries[0], Mapping):
        words = "it has no result" if not entries else "its result cannot be read"
        found.problems.append(f"exposure {exposure}: {words}")
        return found
    names = entries[0].get("FAILURES") or []
    if not isinstance(names, (list, tuple)):
        found.problems.append(f"exposure {exposure}: FAILURES is not a list")
        return found
    for name in names:
        failed, problem = parse(name, expected.amplifiers)
        if failed is not None:
            found.failed.add(failed)
        if problem:
            found.problems.append(f"exposure {exposure}: {problem}")
    success = is_true(entries[0].get("SUCCESS"))
    if success and names:
        found.problems.append(f"exposure {exposure}: SUCCESS is true and yet tests failed")
    if not success and not names:
        found.problems.append(f"exposure {exposure}: SUCCESS is not true and no test is named that failed")
    return found


def _run_problems(verify_stats: Mapping[Any, Any], found: Mapping[int, _Found]) -> list[str]:
    """Compare SUCCESS of the whole with its exposures; what is ignored may explain that it is not true."""
    if "SUCCESS" not in verify_stats:
        return []  # what counts is said of each exposure
    success = is_true(verify_stats["SUCCESS"])
    if success and any(each.failed for each in found.values()):
        return ["SUCCESS of the run is true and yet tests failed"]
    judged = {"SUCCESS", *found, *map(str, found)}
    if success or any(each.failed or each.problems for each in found.values()) or set(verify_stats) - judged:
        return []
    return ["SUCCESS of the run is not true and no test is named that failed"]


def _measurement_problems(
    measured: Mapping[tuple[int, str], Any] | None, expected: _Expected, found: Mapping[int, _Found]
) -> list[str]:
    if measured is None:
        return []
    problems = []
    for exposure, each in found.items():
        named = set(map(str, each.failed))
        for detector, amplifiers in expected.amplifiers.items():
            stats = measured.get((exposure, detector))
            here = list(gaps(stats, amplifiers))
            if isinstance(stats, Mapping):
                lost = sorted(set(failed_tests(stats, detector)) - named)
                here += [f"{name} failed and is not among the failures" for name in lost]
            problems += [f"exposure {exposure}, {detector}: {problem}" for problem in here]
    strange = {key for key in measured if key[0] in found and key[1] not in expected.amplifiers}
    problems += [
        f"exposure {exposure}, {detector}: this detector is not expected"
        for exposure, detector in sorted(strange)
    ]
    return problems


def _test_problems(
    measured: Mapping[tuple[int, str], Any], expected: _Expected, demanded: bool
) -> Iterator[str]:
    """Find results of tests that are not there although the measurements are."""
    for detector, amplifiers in expected.amplifiers.items():
        judged = {
            exposure: stats
            for exposure in expected.exposures
            if isinstance(stats := measured.get((exposure, detector)), Mapping)
            and (demanded or "VERIFY" in stats)
        }
        made = {exposure: tests_made(stats) for exposure, stats in judged.items()}
        tests: frozenset[tuple[bool, str]] = frozenset().union(*made.values())
        for exposure, stats in judged.items():
            if names := untested(stats, amplifiers):
                yield f"exposure {exposure}, {detector}: no test has a result for {', '.join(names)}"
            elif lacking := sorted({test for _, test in tests - made[exposure]}):
                words = ", ".join(lacking)
                yield f"exposure {exposure}, {detector}: no result of {words}, which other exposures have"


def _number_of_tests(measured: Mapping[tuple[int, str], Any] | None, expected: _Expected) -> int | None:
    keys = [(exposure, detector) for exposure in expected.exposures for detector in expected.amplifiers]
    counts = [number_of_tests(each) for key in keys if isinstance(each := (measured or {}).get(key), Mapping)]
    return sum(counts) if counts and all(counts) and len(counts) == len(keys) else None


def _fails(failed: Set[FailedTest], expected: _Expected, most: int, in_detectors: int) -> bool:
    # Where detectors have different numbers of amplifiers the smallest decides: the stricter reading.
    n_amplifiers = min(map(len, expected.amplifiers.values()), default=1)
    counts = Counter((bool(test.amplifier), test.test) for test in failed if test.counts)
    return any(
        count >= min(most, n_amplifiers if of_amplifier else 1) * in_detectors
        for (of_amplifier, _), count in counts.items()
    )


def _per_type(failed: Set[FailedTest]) -> dict[str, int]:
    return dict(Counter(test.test for test in sorted(failed)))
