"""All invariants: what holds in every scenario, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..evidence import Evidence

__all__ = ["INVARIANTS", "Invariant", "invariant"]

Invariant = Callable[[Evidence], Iterator[str]]
"""Yields how the evidence of a scenario violates it."""

_FOUND: dict[str, Invariant] = {}

INVARIANTS: Mapping[str, Invariant] = _FOUND
"""All invariants by name."""


def invariant(function: Invariant) -> Invariant:
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
