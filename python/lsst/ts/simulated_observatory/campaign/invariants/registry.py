"""All invariants by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..evidence import Evidence

__all__ = ["INVARIANTS", "SAME_TIME", "invariant"]

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
