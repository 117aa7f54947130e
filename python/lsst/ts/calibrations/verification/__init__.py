"""Acceptance: whether the results of cp_verify are complete and good enough to certify what they verify."""

from __future__ import annotations

from .merge import merge_exposures
from .names import UNCOUNTED_TESTS
from .rule import evaluate
from .verdict import Accepted, Verdict

__all__ = ["UNCOUNTED_TESTS", "Accepted", "Verdict", "evaluate", "merge_exposures"]
