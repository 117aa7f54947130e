"""What is missing or not finite in the measurements of a detector."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from .measurements import inner_mapping
from .results import ONLY_ON_FAILURE, UNCOUNTED_TESTS

__all__ = ["gaps_in", "is_true"]


def gaps_in(statistics: Any, amplifiers: Set[str]) -> Iterator[str]:
    """Find what is missing or not finite in the measurements of a detector.

    Parameters
    ----------
    statistics, amplifiers
        ``verify<X>DetStats``, and names of the amplifiers that must be there.

    Yields
    ------
    reason
        In words.
    """
    if not isinstance(statistics, Mapping):
        yield "no measurements"
        return
    by_amplifier = inner_mapping(statistics, "AMP")
    if missing := sorted(amplifiers - set(by_amplifier)):
        yield f"no measurements of {', '.join(missing)}"
    if unknown := sorted(set(by_amplifier) - amplifiers):
        yield f"measurements of {', '.join(unknown)}, which the detector does not have"
    yield from _uneven(by_amplifier, "value")
    yield from _uneven(inner_mapping(inner_mapping(statistics, "VERIFY"), "AMP"), "result", amplifiers)
    # Of an amplifier that is a defect as a whole nothing is left to be measured.
    metadata = inner_mapping(statistics, "METADATA")
    masked, reasons = metadata.get("MASKED_AMPLIFIERS", ()), inner_mapping(metadata, "NOT_TESTED")
    for name in sorted(amplifiers & set(by_amplifier)):
        values = by_amplifier[name]
        if name not in masked:
            yield from (f"{name} {gap}" for gap in _told(values, reasons, name))
        if not isinstance(values, Mapping) or not values:
            yield f"no values for {name}"
    yield from _told(inner_mapping(statistics, "DET"), reasons)


def _uneven(by_amplifier: Mapping[str, Any], what: str, amplifiers: Set[str] = frozenset()) -> Iterator[str]:
    """Find what one amplifier lacks and another has."""
    names = {
        amplifier: set(map(str, values)) - ONLY_ON_FAILURE
        for amplifier, values in by_amplifier.items()
        if isinstance(values, Mapping)
    }
    everything: set[str] = set().union(*names.values())
    for amplifier in sorted({*names, *(amplifiers if names else ())}):
        lacking = everything - names.get(amplifier, set()) - UNCOUNTED_TESTS
        yield from (f"no {what} {name} for {amplifier}" for name in sorted(lacking))


def _told(values: Any, reasons: Mapping[str, Any], amplifier: str = "") -> Iterator[str]:
    """What is not finite, and why, if the pipelines have said it of the amplifier or of the value."""
    for where in _not_finite(values):
        why = reasons.get(amplifier) or reasons.get(where)
        yield f"{where} is not finite" + (f": {why}" if why else "")


def _not_finite(values: Any, where: Sequence[str] = ()) -> Iterator[str]:
    """Names of all values in nested measurements that are no finite numbers."""
    if isinstance(values, float):  # nearly all
        if not math.isfinite(values):
            yield " ".join(where)
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _not_finite(value, (*where, str(key)))
    elif isinstance(values, (list, tuple)):
        for value in values:
            yield from _not_finite(value, where)
    elif not _is_finite(values):
        yield " ".join(where)


def _is_finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False


def is_true(value: Any) -> bool:
    """Tell whether a value is true as a boolean, Python's or numpy's; 1 and "True" are not.

    Parameters
    ----------
    value
        As it was stored.

    Returns
    -------
    is_true
        Of anything else False.
    """
    return type(value).__name__ in ("bool", "bool_") and bool(value)
