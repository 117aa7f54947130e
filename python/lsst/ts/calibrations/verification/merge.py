"""Merging the results of single exposures into the form that acceptance judges.

cp_verify's own merged result of a run loses the failed tests of flats: an exposure that has a result of its
own level (``EXP SCATTER``) is not looked into any further. So the results of each exposure are merged here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .completeness import is_true

__all__ = ["merge_exposures"]


def merge_exposures(
    results: Mapping[int, Mapping[str, Any]], *, detectors: Iterable[str]
) -> dict[int | str, Any]:
    """Merge the results of exposures.

    Parameters
    ----------
    results
        ``verify<X>ExpStats`` by exposure id, each
        ``{detector: {"SUCCESS": bool, "FAILURES": [name, ...]}, "SUCCESS": bool}`` with ``VERIFY`` for tests
        of the exposure as a whole. They are not changed.
    detectors
        Names of the detectors that must have a result.

    Returns
    -------
    verify_stats
        ``{exposure id: {"SUCCESS": bool, "FAILURES": [name, ...]}, "SUCCESS": bool}``. A detector without a
        result, or one that failed without saying in what, is named in FAILURES in words that are no name of
        a test, so that `evaluate` finds the results incomplete.
    """
    expected = tuple(detectors)
    merged: dict[int | str, Any] = {}
    readable = {exposure: result for exposure, result in results.items() if isinstance(result, Mapping)}
    for exposure, result in readable.items():
        names = [*_exposure_failures(result), *_detector_failures(result, expected)]
        merged[exposure] = {"SUCCESS": result.get("SUCCESS"), "FAILURES": names}
    merged["SUCCESS"] = all(is_true(result.get("SUCCESS")) for result in readable.values())
    return merged


def _exposure_failures(result: Mapping[str, Any]) -> Iterator[str]:
    """Failed tests of the exposure as a whole."""
    levels = result.get("VERIFY")
    if levels is None:
        return
    for tests in levels.values() if isinstance(levels, Mapping) else [levels]:
        if isinstance(tests, Mapping):
            yield from (
                str(test) for test, passed in tests.items() if test != "SUCCESS" and not is_true(passed)
            )
        else:
            yield "VERIFY of the exposure cannot be read"


def _detector_failures(result: Mapping[str, Any], expected: tuple[str, ...]) -> Iterator[str]:
    found = {name: each for name, each in result.items() if isinstance(each, Mapping) and "SUCCESS" in each}
    yield from (f"{name} has no result in this exposure" for name in expected if name not in found)
    for detector, each in found.items():
        names = each.get("FAILURES", ())
        if not isinstance(names, (list, tuple)):
            yield f"{detector} has failures that are not a list"
            continue
        if is_true(each["SUCCESS"]) == bool(names):
            yield f"{detector} has SUCCESS {each['SUCCESS']} with {len(names)} failed tests"
        yield from (f"{detector} {name}" for name in names)
