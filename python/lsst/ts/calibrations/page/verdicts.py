"""The first screen: how the run ended, the verdict on each type, and what failed and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..domain.calibrations import CALIBRATIONS
from .html import Markup, details, table, tag
from .layout import KEY, amplifier_map, focal_plane
from .results import Failure, Results, TestResult

__all__ = ["cards", "failed_tests", "maps", "reasons", "state_class"]

MOST_REASONS = 6
"""Lines on why something failed that are shown at once."""

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
    certified = [each for each in summary["certified"] if each["dataset_type"] == CALIBRATIONS[name].dataset_type]
    word, colour = _verdict(verdict)
    lines = []
    if verdict is not None:
        of = "" if verdict["n_tests"] is None else f" of {verdict['n_tests']}"
        lines.append(f"{verdict['n_failed']}{of} tests failed")
        lines += _exposures_failed(verdict)
    lines += [
        f"certified{'' if each['verified'] else ' UNVERIFIED'} in {each['collection']}" for each in certified
    ]
    if not certified and verdict is not None and verdict["generation_collection"] is not None:
        lines.append("not certified")
    body = [tag("span", line, class_="line") for line in lines]
    return tag("li", tag("b", name), tag("span", word, class_=f"pill {colour}"), body, class_=f"{colour}-card")


def _verdict(verdict: Mapping[str, Any] | None) -> tuple[str, str]:
    if verdict is None:
        return "not done", "idle"
    if not verdict["complete"]:
        return "incomplete", "warn"
    return ("passed", "good") if verdict["passed"] else ("rejected", "bad")


def _exposures_failed(verdict: Mapping[str, Any]) -> list[str]:
    if not any(key.isdecimal() for key in verdict["failures"]):
        return []
    thresholds = verdict["thresholds"]
    failed, limit = (
        thresholds[name] for name in ("FINAL_NUMBER_OF_FAILED_EXPOSURES", "MAX_FAILED_EXPOSURES_THRESHOLD")
    )
    return [f"{failed} exposures failed ({limit} reject)"]


def reasons(results: Results) -> Markup:
    """Say why tests failed, with numbers, one line for each amplifier or kind of failure.

    Parameters
    ----------
    results
        Tests of the run.

    Returns
    -------
    markup : Markup
    """
    lines = list(_reasons(results.failures()))
    if not lines:
        reported = len(results.failures(counted=False))
        also = f" {reported} reported tests that never count did not pass; they are listed below." if reported else ""
        text = "No test that counts failed." if results.tests else "No test has been made."
        return tag("p", f"{text}{also}")
    shown, rest = lines[:MOST_REASONS], lines[MOST_REASONS:]
    more = details(f"{len(rest)} more", tag("ul", rest, class_="why")) if rest else None
    return Markup(tag("ul", shown, class_="why") + (more or ""))


def _reasons(failures: Sequence[Failure]) -> Iterator[Markup]:
    """Lines on failures: one for a test that fails in many amplifiers, else one for each amplifier."""
    by_test: dict[tuple[str, str, str], list[Failure]] = defaultdict(list)
    for each in failures:
        by_test[each.worst.calibration, each.worst.detector or "", each.worst.test].append(each)
    many = {key for key, group in by_test.items() if len(group) > 4}
    by_place: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    for each in failures:
        key = each.worst.calibration, each.worst.detector or "", each.worst.test
        if key not in many:
            by_place[each.worst.detector or "", each.worst.amplifier or ""].append(each)
    for key in sorted(many, key=lambda one: -sum(each.failed for each in by_test[one])):
        yield _many(key, by_test[key])
    for (detector, amplifier), group in by_place.items():
        where = " ".join(each for each in (detector, amplifier) if each) or "Whole exposure"
        yield tag("li", tag("b", where), " ", "; ".join(each.sentence for each in group))


def _many(key: tuple[str, str, str], group: Sequence[Failure]) -> Markup:
    calibration, detector, test = key
    worst, failed = group[0], sum(each.failed for each in group)
    names = sorted(each.worst.amplifier or "" for each in group)
    few = f"{', '.join(names)}" if len(names) < 8 else f"{len(names)} amplifiers"
    made = sum(each.made for each in group)
    of = "" if worst.worst.exposure is None else f", {failed} of their {made} tests"
    text = f"{calibration} {test} failed{of}; e.g. {worst.typical.amplifier}: {worst.typical.numbers}"
    return tag("li", tag("b", f"{detector} {few}"), " ", text)


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
        tag("div", tag("h3", name), amplifier_map(name, worst, amplifiers, _bad(known_bad, name)))
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


def _matrix(calibration: str, by_test: Mapping[str, Sequence[TestResult]], exposures: Mapping[int, str]) -> Markup:
    """Number of failed tests for each exposure and test."""
    ids = sorted({each.exposure for tests in by_test.values() for each in tests if each.exposure is not None})
    if not ids:
        return Markup()
    rows = []
    for test, made in by_test.items():
        failed = {one: sum(not each.passed for each in made if each.exposure == one) for one in ids}
        counted = "" if made[0].counted else " (not counted)"
        cells = [
            tag("td", failed[one] or "·", class_="fail" if failed[one] and made[0].counted else None) for one in ids
        ]
        rows.append([f"{test}{counted}", *cells, sum(failed.values()), len(made)])
    head = ["test", *(tag("span", _short(one), title=exposures.get(one, str(one))) for one in ids), "failed", "of"]
    caption = f"{calibration}: failed tests by exposure (number of the image on its day)"
    return table(caption, head, rows, class_="matrix")


def _short(exposure: int) -> str:
    return str(exposure % 100_000)


def _failure_table(failures: Sequence[Failure]) -> Markup:
    head = ["detector, amplifier", "type", "test", "failed", "of", "value", "reference", "allowed", "unit", "farthest"]
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
