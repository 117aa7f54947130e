"""The first screen: how the run ended, the verdict on each type, and what failed and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS
from lsst.ts.calibrations.journal.summary import is_used
from lsst.ts.calibrations.report.failures import failure_lines, likely_cause

from .html import Markup, breakable, details, figure, table, tag
from .layout import KEY, amplifier_map, focal_plane
from .results import Failure, Results, TestResult

__all__ = ["cards", "failed_tests", "heading", "maps", "reasons", "state_class"]

MOST_REASONS = 5
"""Lines on why tests of one calibration failed; the table has all."""

NEAREST = 4
"""Tests that are named as nearest to their limits where none failed."""

MOST_MAPS = 12
"""Detectors whose amplifiers are drawn, those with failed tests first."""

_STATES = {"DONE": "good", "FAILED": "bad", "CONFIGURE_FAILED": "bad", "STOPPED": "warn", "RUNNING": "idle"}


def state_class(state: str) -> str:
    """Class of the colour of a state of the script.

    Parameters
    ----------
    state
        E.g. ``DONE``.

    Returns
    -------
    name : str
    """
    return _STATES.get(state, "idle")


def cards(summary: Mapping[str, Any]) -> Markup:
    """Show the verdict on each type of calibration in words and colour.

    Parameters
    ----------
    summary
        ``summary.json``.

    Returns
    -------
    markup : Markup
    """
    return tag("ul", [_card(name, summary) for name in _calibrations(summary)], class_="cards")


def _calibrations(summary: Mapping[str, Any]) -> list[str]:
    """The types that have a verdict or could not be done, in the order in which they are made."""
    undone = {word for each in summary["not_done"] for word in each["step"].split()}
    certified = {each["dataset_type"] for each in summary["certified"]}
    return [
        name
        for name, each in CALIBRATIONS.items()
        if name in summary["verification"] or name in undone or each.dataset_type in certified
    ]


def _card(name: str, summary: Mapping[str, Any]) -> Markup:
    verdict = summary["verification"].get(name)
    certified = [
        each for each in summary["certified"] if each["dataset_type"] == CALIBRATIONS[name].dataset_type
    ]
    word, colour = _verdict(verdict)
    lines: list[str] = []
    if verdict is not None:
        of = "" if verdict["n_tests"] is None else f" of {verdict['n_tests']}"
        lines.append(f"{verdict['n_failed']}{of} tests failed")
        lines += _exposures_failed(verdict)
    elif wanted := CALIBRATIONS[name].image_type and summary["config"].get(CALIBRATIONS[name].option_of("n")):
        used = sum(each["image_type"] == name and is_used(each) for each in summary["exposures"])
        lines.append(f"{used} of {wanted} images taken")
    lines += [
        f"certified{'' if each['verified'] else ' UNVERIFIED'} in {each['collection']}" for each in certified
    ]
    if not certified and verdict is not None and verdict["generation_collection"] is not None:
        lines.append("not certified")
    body = [tag("span", breakable(line), class_="line") for line in lines]
    return tag(
        "li", tag("b", name), tag("span", word, class_=f"pill {colour}"), body, class_=f"{colour}-card"
    )


def _verdict(verdict: Mapping[str, Any] | None) -> tuple[str, str]:
    if verdict is None:
        return "not done", "idle"
    if not verdict["complete"]:
        return "incomplete", "warn"
    if not verdict["passed"]:
        return "failed" if verdict["generation_collection"] is None else "rejected", "bad"
    return "passed", "warn" if verdict["n_failed"] else "good"


def _exposures_failed(verdict: Mapping[str, Any]) -> list[str]:
    if not any(key.isdecimal() for key in verdict["failures"]):
        return []
    thresholds = verdict["thresholds"]
    failed, limit = (
        thresholds[name] for name in ("FINAL_NUMBER_OF_FAILED_EXPOSURES", "MAX_FAILED_EXPOSURES_THRESHOLD")
    )
    return [f"{failed} exposure{'s' if failed != 1 else ''} failed ({limit} would reject)"]


def heading(results: Results) -> str:
    """Head of what `reasons` says.

    Parameters
    ----------
    results
        Tests of the run.

    Returns
    -------
    text
    """
    return "What failed, and by how much" if results.failures() else "How near to the limits"


def reasons(summary: Mapping[str, Any], results: Results) -> Markup:
    """Say what failed and by how much, for each calibration, and the likely cause where it is known.

    Parameters
    ----------
    summary, results
        ``summary.json``, and its tests.

    Returns
    -------
    markup : Markup
    """
    parts = [part for name in results.by_calibration for part in _reasons(name, summary)]
    if parts:
        return tag("div", parts)
    text = "No test that counts failed." if results.tests else "No test has been made."
    nearest = sorted(results.worst_by_amplifier().values(), key=_severity, reverse=True)[:NEAREST]
    several = len(results.detectors) > 1
    lines = [
        tag("li", tag("b", f"{each.calibration} {_place(each, several)} {each.test}"), f": {each.numbers}")
        for each in nearest
    ]
    return tag(
        "div",
        tag("p", text),
        tag("p", "Nearest to their limits:") if lines else None,
        tag("ul", lines, class_="why"),
    )


def _reasons(calibration: str, summary: Mapping[str, Any]) -> Iterator[Markup]:
    """Head, lines and likely cause of the failures of a calibration."""
    tests = [each for each in summary["tests"] if each["calibration"] == calibration]
    lines = failure_lines([each for each in tests if each["counted"]], most=MOST_REASONS)
    if not lines:
        return
    yield tag("p", tag("b", calibration))
    yield tag("ul", [tag("li", _with_bold_begin(line)) for line in lines], class_="why")
    verdict = summary["verification"].get(calibration, {})
    here = sum(each["counted"] and not each["passed"] for each in tests)
    if (n_failed := verdict.get("n_failed") or 0) > here:
        yield tag("p", f"These are {here} of the {n_failed} failed tests: more are not in the summary.")
    made = verdict.get("generation_collection")
    kind = CALIBRATIONS[calibration].image_type
    combined = sum(each["image_type"] == kind and is_used(each) for each in summary["exposures"])
    if cause := likely_cause(tests, combined if made else None):
        yield tag("p", f"Likely cause: {cause}.")


def _with_bold_begin(line: str) -> Markup:
    """Stress what failed."""
    begin, failed, rest = line.replace(" %", "\u00a0%").partition(" failed")
    return Markup(tag("b", begin) + tag("span", failed + rest)) if failed else tag("span", line)


def _place(result: TestResult, several_detectors: bool) -> str:
    detector = result.detector if several_detectors or not result.amplifier else None
    return " ".join(each for each in (detector, result.amplifier) if each)


def _severity(result: TestResult) -> float:
    return -1.0 if math.isnan(result.severity) else result.severity


def known_bad_amplifiers(known_bad: Sequence[Mapping[str, Any]]) -> Markup:
    """Name the amplifiers that are not counted.

    Parameters
    ----------
    known_bad
        ``known_bad_amplifiers`` of the summary.

    Returns
    -------
    markup : Markup
    """
    names = [
        f"{each['detector']} {each['amplifier']} ({each['source']}"
        f"{'; it looks healthy' if each.get('looks_healthy') else ''})"
        for each in known_bad
    ]
    return tag("p", f"Known to be bad and not counted: {', '.join(names)}.")


def maps(results: Results, amplifiers: Sequence[str], known_bad: Sequence[Mapping[str, Any]]) -> Markup:
    """Draw the focal plane, if there are several detectors, then the amplifiers of the worst detectors.

    Parameters
    ----------
    results, amplifiers, known_bad
        Tests of the run, names of the amplifiers of a detector, and ``known_bad_amplifiers`` of the summary.

    Returns
    -------
    markup : Markup
    """
    worst, detectors = results.worst_by_amplifier(), results.detectors
    failing = {place[0] for place, each in worst.items() if not each.passed}
    order = sorted(detectors, key=lambda name: name not in failing)
    shown = [
        figure(name, amplifier_map(name, worst, amplifiers, _bad(known_bad, name)))
        for name in order[:MOST_MAPS]
    ]
    plane = focal_plane(worst, detectors)
    if plane is None:
        return Markup("".join(shown) + KEY)
    left = len(detectors) - len(shown)
    more = tag("p", f"{left} further detectors are in the tables.", class_="soft") if left > 0 else ""
    inner = details("Amplifiers of the detectors", tag("div", shown, class_="grid"), more)
    return Markup(plane + KEY + inner)


def _bad(known_bad: Sequence[Mapping[str, Any]], detector: str) -> set[str]:
    return {each["amplifier"] for each in known_bad if each["detector"] == detector}


def failed_tests(results: Results, exposures: Mapping[int, str]) -> Iterator[Markup]:
    """Show which tests failed in which exposures, for each calibration; then all failures as a table.

    Parameters
    ----------
    results, exposures
        Tests of the run, and the names of its exposures by id.

    Yields
    ------
    markup
        One part for each calibration.
    """
    for calibration in results.by_calibration:
        by_test = results.of(calibration)
        if any(not each.passed for tests in by_test.values() for each in tests):
            yield _matrix(calibration, by_test, exposures)
    failures = [*results.failures(), *results.failures(counted=False)]
    if failures:
        yield details(f"All failures in numbers ({len(failures)})", _failure_table(failures[:400]))


def _matrix(
    calibration: str, by_test: Mapping[str, Sequence[TestResult]], exposures: Mapping[int, str]
) -> Markup:
    """Number of failed tests for each exposure and test."""
    ids = sorted({each.exposure for tests in by_test.values() for each in tests if each.exposure is not None})
    if not ids:
        return Markup()
    rows = []
    # Those that failed come first, and of them those that count, as they are.
    for test, made in sorted(by_test.items(), key=lambda each: all(one.passed for one in each[1])):
        failed = {one: sum(not each.passed for each in made if each.exposure == one) for one in ids}
        counts = {each.exposure for each in made if each.counted and not each.passed}
        counted = "" if any(each.counted for each in made) else " (not counted)"
        cells = [tag("td", failed[one] or "·", class_="fail" if one in counts else None) for one in ids]
        rows.append([f"{test}{counted}", *cells, sum(failed.values()), len(made)])
    head = [
        "test",
        *(tag("span", _short(one), title=exposures.get(one, str(one))) for one in ids),
        "failed",
        "of",
    ]
    counted_failed = any(each.counted and not each.passed for made in by_test.values() for each in made)
    what = "failed tests" if counted_failed else "no test that counts failed; others that did,"
    caption = f"{calibration}: {what} by exposure (number of the image on its day)"
    return table(caption, head, rows, class_="matrix")


def _short(exposure: int) -> str:
    return str(exposure % 100_000)


def _failure_table(failures: Sequence[Failure]) -> Markup:
    head = [
        "detector, amplifier",
        "type",
        "test",
        "failed",
        "of",
        "value",
        "reference",
        "allowed",
        "unit",
        "farthest",
    ]
    rows = [
        [
            " ".join(part for part in (each.worst.detector, each.worst.amplifier) if part) or "exposure",
            each.worst.calibration,
            f"{each.worst.test}{'' if each.worst.counted else ' (not counted)'}",
            each.failed,
            each.made,
            _four(each.typical.value),
            _four(each.typical.reference),
            each.typical.allowed,
            each.typical.unit,
            _four(each.worst.value),
        ]
        for each in failures
    ]
    return table("Failed tests, with the value that is typical of them and the farthest one", head, rows)


def _four(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
