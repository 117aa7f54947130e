"""Acceptance: whether the results of cp_verify are complete and good enough to certify what they verify.

What cp_verify stores is read into typed results (`read_exposures`, `read_calibration`), which one rule
judges (`judge`). `evaluate` reads and judges the merged dictionary of the documented reports.
"""

from __future__ import annotations

from .known_bad import KnownBad
from .reading import evaluate, read_calibration, read_exposures
from .results import MadeTest, VerificationResults, VerificationTest
from .rule import MAX_FAILURES_BY_ITSELF, judge
from .seal import is_sealed
from .verdict import Accepted, CombinedCalibration, Verdict, Waiver, waive

__all__ = [
    "MAX_FAILURES_BY_ITSELF",
    "Accepted",
    "CombinedCalibration",
    "KnownBad",
    "MadeTest",
    "Verdict",
    "VerificationResults",
    "VerificationTest",
    "Waiver",
    "evaluate",
    "is_sealed",
    "judge",
    "read_calibration",
    "read_exposures",
    "waive",
]
