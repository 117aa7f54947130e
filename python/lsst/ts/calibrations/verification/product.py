"""Acceptance of what is verified by itself and not by exposures: the photon transfer curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from .combined import CombinedCalibration
from .completeness import is_true
from .rule import evaluate
from .seal import sealed
from .verdict import Verdict

__all__ = ["evaluate_product"]

_T = TypeVar("_T")

_ITSELF = 0
"""Stands for the calibration where `evaluate` has an exposure."""

MAX_FAILURES = 8
"""How many amplifiers of a detector must fail a test; no option of the script sets it."""


def evaluate_product(
    combined: CombinedCalibration,
    measured: Mapping[str, Any],
    *,
    detectors: Iterable[str],
    amplifiers: Iterable[str],
) -> Verdict:
    """Judge the verification of a calibration without exposures.

    Without the result of any test, or with a SUCCESS that is not true although no test is named that failed,
    it is incomplete. It is rejected when, for any test type, ``min(8, k)`` amplifiers fail the test in each
    of ``D = int(n_detectors / 2) + 1`` detectors: the rule of `evaluate` for a single exposure.

    Parameters
    ----------
    combined
        The calibration, e.g. of ``PTC``.
    measured
        ``verify<X>DetStats`` by detector name.
    detectors, amplifiers
        Names of what must be there.
    """
    detectors, name = tuple(detectors), combined.name
    names = [f"{detector} {failed}" for detector, stats in measured.items() for failed in _failed(stats)]
    verdict = evaluate(
        {_ITSELF: {"SUCCESS": not names, "FAILURES": names}},
        exposures=[_ITSELF],
        detectors=detectors,
        amplifiers=amplifiers,
        max_failures_per_detector=MAX_FAILURES,
        measured={(_ITSELF, detector): stats for detector, stats in measured.items()},
        tests_expected=True,
    )
    problems = [problem.replace(f"exposure {_ITSELF}", name) for problem in verdict.problems]
    unjudged = [
        f"{name}, {each}: SUCCESS is not true and no test is named that failed"
        for each in detectors
        if _is_inexplicable(measured.get(each))
    ]
    return sealed(
        Verdict,
        passed=verdict.passed and not unjudged,
        complete=verdict.complete and not unjudged,
        exposures=combined.verified_with,
        failed_exposures=(),
        failures=_own(name, verdict.failures),
        names=_own(name, verdict.names),
        thresholds=verdict.thresholds,
        problems=(*problems, *unjudged),
        n_failed=verdict.n_failed,
        n_tests=verdict.n_tests,
        by_itself=True,
        combined=combined,
    )


def _own(name: str, found: Mapping[int | str, _T]) -> dict[int | str, _T]:
    """What was found under the name of the calibration; nothing if no name of a test could be read."""
    return {name: found[_ITSELF]} if _ITSELF in found else {}


def _is_inexplicable(stats: Any) -> bool:
    """Whether a detector has no success although none of its tests failed."""
    says = isinstance(stats, Mapping) and "SUCCESS" in stats
    return says and not is_true(stats["SUCCESS"]) and not _failed(stats)


def _failed(stats: Any) -> list[str]:
    """Failed tests of one detector as ``amplifier TEST`` or ``TEST``."""
    verify = stats.get("VERIFY") if isinstance(stats, Mapping) else None
    if not isinstance(verify, Mapping):
        return []
    by_amplifier = verify.get("AMP")
    levels = {"": verify.get("DET"), **(by_amplifier if isinstance(by_amplifier, Mapping) else {})}
    return [
        f"{amplifier} {test}".strip()
        for amplifier, tests in levels.items()
        if isinstance(tests, Mapping)
        for test, passed in tests.items()
        if test != "SUCCESS" and not is_true(passed)
    ]
