"""Checks a scenario by all invariants."""

from __future__ import annotations

from ..evidence import Evidence
from . import ends, gains, images, jobs, products, summaries, times
from .registry import INVARIANTS

__all__ = [
    "INVARIANTS",
    "ends",
    "find_violations",
    "gains",
    "images",
    "jobs",
    "products",
    "summaries",
    "times",
]


def find_violations(evidence: Evidence) -> list[tuple[str, str]]:
    """Check a scenario.

    Parameters
    ----------
    evidence
        Of the scenario.

    Returns
    -------
    violations
        Name of an invariant, and how it is violated.
    """
    return [(name, words) for name, check in INVARIANTS.items() for words in check(evidence)]
