"""All invariants by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..evidence import Evidence

__all__ = ["INVARIANTS", "SAME_TIME", "find_violations", "invariant"]

_Invariant = Callable[[Evidence], Iterator[str]]

_FOUND: dict[str, _Invariant] = {}

INVARIANTS: Mapping[str, _Invariant] = _FOUND
"""Each yields how the evidence of a scenario violates it."""

SAME_TIME = 0.01
"""Seconds within which it cannot be said what came first."""


def invariant(function: _Invariant) -> _Invariant:
    """Make a function an invariant.

    Parameters
    ----------
    function
        The name of the invariant is its name, with hyphens.

    Returns
    -------
    function
        As it was.
    """
    _FOUND[function.__name__.strip("_").replace("_", "-")] = function
    return function


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
