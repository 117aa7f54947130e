"""Acceptance: whether the results of cp_verify are complete and good enough to certify what they verify."""

from __future__ import annotations

from .combined import CombinedCalibration
from .merge import merge_exposures
from .names import UNCOUNTED_TESTS
from .product import evaluate_product
from .rule import evaluate
from .seal import is_intact
from .verdict import Accepted, Verdict
from .waiver import Waiver, waive

__all__ = [
    "UNCOUNTED_TESTS",
    "Accepted",
    "CombinedCalibration",
    "Verdict",
    "Waiver",
    "evaluate",
    "evaluate_product",
    "is_intact",
    "merge_exposures",
    "waive",
]
