"""Acceptance of what is verified by itself and not by exposures: the photon transfer curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .combined import CombinedCalibration
from .rule import evaluate
from .seal import sealed
from .verdict import Verdict

__all__ = ["evaluate_product"]

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

    It is rejected when, for any test type, ``min(8, k)`` amplifiers fail the test in each of
    ``D = int(n_detectors / 2) + 1`` detectors: the rule of `evaluate` for a single exposure.

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
    )
    return sealed(
        Verdict,
        passed=verdict.passed,
        complete=verdict.complete,
        exposures=combined.verified_with,
        failed_exposures=(),
        failures=dict.fromkeys([name], verdict.failures[_ITSELF]) if names else {},
        names=dict.fromkeys([name], verdict.names[_ITSELF]) if names else {},
        thresholds=verdict.thresholds,
        problems=tuple(problem.replace(f"exposure {_ITSELF}", name) for problem in verdict.problems),
        n_failed=verdict.n_failed,
        n_tests=verdict.n_tests,
        by_itself=True,
        combined=combined,
    )


def _failed(stats: Any) -> list[str]:
    """Failed tests of one detector as ``amplifier TEST`` or ``TEST``."""
    verify = stats.get("VERIFY") if isinstance(stats, Mapping) else None
    if not isinstance(verify, Mapping):
        return []
    levels = {"": verify.get("DET") or {}, **(verify.get("AMP") or {})}
    return [
        f"{amplifier} {test}".strip()
        for amplifier, tests in levels.items()
        if isinstance(tests, Mapping)
        for test, passed in tests.items()
        if test != "SUCCESS" and not passed
    ]
