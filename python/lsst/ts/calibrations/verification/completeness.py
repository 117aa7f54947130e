"""Whether the measurements behind a verification are all there: every detector, amplifier and value.

A verification that looked at half of the data passes as easily as one that looked at all of it. What was
measured (``verify<X>DetStats`` of each exposure and detector) tells the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from .names import UNCOUNTED_TESTS

__all__ = ["failed_tests", "gaps", "is_true", "number_of_tests", "tests_made", "untested"]

_NOT_TESTS = UNCOUNTED_TESTS | {"SUCCESS"}

_ONLY_ON_FAILURE = frozenset({"FORCE_FAILURE", "PROCESSING"})
"""What cp_verify writes only where something went wrong: one amplifier may have it and another not."""


def gaps(measured: Any, amplifiers: Set[str]) -> Iterator[str]:
    """Find what is missing or not finite in the measurements of one exposure and detector.

    Parameters
    ----------
    measured
        ``verify<X>DetStats``, or None if there is none.
    amplifiers
        Names of the amplifiers that the detector has.

    Yields
    ------
    problem
        In words.
    """
    if not isinstance(measured, Mapping):
        yield "no measurements"
        return
    by_amplifier = _mapping(measured, "AMP")
    missing = sorted(amplifiers - set(by_amplifier))
    unknown = sorted(set(by_amplifier) - amplifiers)
    if missing:
        yield f"no measurements of {', '.join(missing)}"
    if unknown:
        yield f"measurements of {', '.join(unknown)}, which the detector does not have"
    yield from _uneven(by_amplifier, "value")
    yield from _uneven(_mapping(_mapping(measured, "VERIFY"), "AMP"), "result", amplifiers)
    for name in sorted(amplifiers & set(by_amplifier)):
        values = by_amplifier[name]
        yield from (f"{name} {where} is not finite" for where in _not_finite(values))
        if not isinstance(values, Mapping) or not values:
            yield f"no values for {name}"
    yield from (f"{where} is not finite" for where in _not_finite(_mapping(measured, "DET")))


def failed_tests(measured: Mapping[str, Any], detector: str) -> Iterator[str]:
    """Names of the failed tests that count, as the measurements have them."""
    for amplifier, test, passed in _results(measured):
        if not passed:
            yield " ".join(word for word in (detector, amplifier, test) if word)


def number_of_tests(measured: Mapping[str, Any]) -> int:
    """How many tests that count were made on one exposure and detector."""
    return sum(1 for _ in _results(measured))


def tests_made(measured: Mapping[str, Any]) -> frozenset[tuple[bool, str]]:
    """Tests that count and have a result: whether they are of amplifiers, and their types."""
    found = {(bool(amplifier), test) for amplifier, test, _ in _results(measured)}
    return frozenset(each for each in found if each[1] not in _ONLY_ON_FAILURE)


def untested(measured: Mapping[str, Any], amplifiers: Set[str]) -> list[str]:
    """Amplifiers of which no test that counts has a result: such a verification has looked at nothing."""
    tested = {amplifier for amplifier, _, _ in _results(measured)}
    return sorted(amplifiers - tested)


def _results(measured: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Amplifier (empty for tests of the detector), test and outcome of every test that counts."""
    verify = _mapping(measured, "VERIFY")
    by_amplifier = _mapping(verify, "AMP")
    for amplifier, results in [
        ("", _mapping(verify, "DET")),
        *((key, by_amplifier[key]) for key in by_amplifier),
    ]:
        if isinstance(results, Mapping):
            yield from (
                (str(amplifier), str(test), is_true(ok))
                for test, ok in results.items()
                if test not in _NOT_TESTS
            )


def is_true(value: Any) -> bool:
    """Whether a value is true as a boolean, Python's or numpy's; 1 and "True" are not."""
    return type(value).__name__ in ("bool", "bool_") and bool(value)


def _uneven(by_amplifier: Mapping[str, Any], what: str, amplifiers: Set[str] = frozenset()) -> Iterator[str]:
    """Find what one amplifier lacks and another has."""
    names = {
        amplifier: set(map(str, values)) - _ONLY_ON_FAILURE
        for amplifier, values in by_amplifier.items()
        if isinstance(values, Mapping)
    }
    everything: set[str] = set().union(*names.values())
    for amplifier in sorted({*names, *(amplifiers if names else ())}):
        lacking = everything - names.get(amplifier, set()) - UNCOUNTED_TESTS
        yield from (f"no {what} {name} for {amplifier}" for name in sorted(lacking))


def _not_finite(values: Any, where: Sequence[str] = ()) -> Iterator[str]:
    """Names of all values in nested measurements that are no finite numbers."""
    if isinstance(values, Mapping):
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


def _mapping(measured: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = measured.get(key)
    return {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else {}
