"""Where amplifiers lie on a detector and detectors in the focal plane, as pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from .html import Markup, tag
from .results import TestResult
from .svg import picture, rectangle, words

__all__ = ["KEY", "amplifier_map", "focal_plane"]

_DETECTOR = re.compile(r"R(?P<raft_row>\d)(?P<raft_column>\d)_S(?P<row>\d)(?P<column>\d)")

KEY = Markup(
    tag(
        "p",
        tag(
            "span",
            "below half of what is allowed, or the limit is the reference itself",
            style="--k:var(--q0)",
        ),
        tag("span", "below 90 %", style="--k:var(--q1)"),
        tag("span", "up to its limit", style="--k:var(--q2)"),
        tag("span", "failed", style="--k:var(--f0)"),
        tag("span", "failed by 1.5 times the limit or more", style="--k:var(--f1)"),
        tag("span", "by 4 times or more", style="--k:var(--f2)"),
        tag("span", "known bad, or no result", style="--k:var(--n)"),
        class_="key",
    )
)
"""What the colours mean."""


def amplifier_map(
    detector: str, worst: Mapping[tuple[str, str], TestResult], amplifiers: Sequence[str], known_bad: set[str]
) -> Markup:
    """Draw the amplifiers of a detector where they are: C10 to C17 in the upper half, C00 to C07 below.

    Parameters
    ----------
    detector, worst
        Name of the detector, and the result that colours an amplifier, by detector and amplifier.
    amplifiers, known_bad
        Names of all amplifiers, and of those that are left out of counting.

    Returns
    -------
    picture : Markup
    """
    return picture(
        440.0,
        232.0,
        f"Amplifiers of {detector}, each coloured by its worst test",
        _amplifiers(detector, worst, amplifiers, known_bad),
    )


def _amplifiers(
    detector: str, worst: Mapping[tuple[str, str], TestResult], amplifiers: Sequence[str], known_bad: set[str]
) -> Iterator[Markup]:
    for name in amplifiers:
        x, y = 4.0 + 54.0 * int(name[2]), 4.0 if name[1] == "1" else 117.0
        result = worst.get((detector, name))
        shade = "n" if result is None or name in known_bad else result.shade
        failed = result is not None and not result.passed
        title = f"{detector} {name}: no result" if result is None else result.title
        title = f"{name} is known to be bad and not counted.\n{title}" if name in known_bad else title
        class_ = f"cell {shade}{' failed' if failed else ''}"
        yield rectangle(x, y, 52.0, 110.0, class_, title, focus=True)
        yield words(x + 26.0, y + 48.0, name, f"on {shade}")
        if failed and result is not None:
            yield words(x + 26.0, y + 66.0, _short(result.test), f"on test {shade}")


def _short(test: str) -> str:
    """A name that fits into an amplifier."""
    name = test.removeprefix("PTC_")
    return name if len(name) <= 7 else f"{name[:6]}…"


def focal_plane(worst: Mapping[tuple[str, str], TestResult], detectors: Sequence[str]) -> Markup | None:
    """Draw the focal plane, rafts and detectors from the lower left, each coloured by its worst amplifier.

    Parameters
    ----------
    worst, detectors
        As for `amplifier_map`, and names of the detectors.

    Returns
    -------
    picture
        None where the names do not tell the places.
    """
    places = {each: match for each in detectors if (match := _DETECTOR.fullmatch(each))}
    if len(places) < 2:
        return None
    columns = {name: 3 * int(each["raft_column"]) + int(each["column"]) for name, each in places.items()}
    rows = {name: 3 * int(each["raft_row"]) + int(each["row"]) for name, each in places.items()}
    left, top = min(columns.values()), max(rows.values())
    across, down = max(columns.values()) - left + 1, top - min(rows.values()) + 1
    side = min(420.0 / across, 420.0 / down, 96.0)

    def detectors_drawn() -> Iterator[Markup]:
        for name in places:
            failing = [one for place, one in worst.items() if place[0] == name and not one.passed]
            here = failing or [one for place, one in worst.items() if place[0] == name]
            most = max(
                here, key=lambda one: one.severity if one.severity == one.severity else 0.0, default=None
            )
            shade = "n" if most is None else most.shade
            n_amplifiers = sum(place[0] == name for place in worst)
            count = f"{len(failing)} of {n_amplifiers} amplifiers have failed tests"
            title = f"{name}: {count}" if most is None else f"{name}: {count}; worst:\n{most.title}"
            x, y = 2.0 + side * (columns[name] - left), 2.0 + side * (top - rows[name])
            class_ = f"cell {shade}{' failed' if failing else ''}"
            yield rectangle(x, y, side - 2.0, side - 2.0, class_, title, focus=True)
            if side > 34.0:
                yield words(
                    x + side / 2 - 1.0, y + side / 2 + 3.0, name if side > 60.0 else name[4:], f"on {shade}"
                )
                if failing and side > 60.0:
                    yield words(
                        x + side / 2 - 1.0, y + side / 2 + 19.0, f"{len(failing)} failed", f"on {shade}"
                    )

    label = "Focal plane, each detector coloured by its worst amplifier"
    return picture(side * across + 4.0, side * down + 4.0, label, detectors_drawn())
