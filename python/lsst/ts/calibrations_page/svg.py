"""Plots as SVG: axes with round ticks, points that tell their numbers, limits."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from .html import Markup, tag

__all__ = ["Axis", "Plot", "picture", "rectangle", "words"]


_WIDE = 600.0
"""Pictures that are wider than this scroll on a phone, as their texts would be too small."""


def picture(width: float, height: float, label: str, *children: Iterable[Markup]) -> Markup:
    """Make an SVG picture.

    Parameters
    ----------
    width, height
        Of its own coordinates; on the page it is as wide as there is room.
    label, *children
        What it shows, in words, and what it is made of.

    Returns
    -------
    markup : Markup
    """
    return tag(
        "svg",
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        role="img",
        aria_label=label,
        style=f"max-width:{width:g}px",
        class_="wide" if width > _WIDE else None,
    )


def rectangle(
    x: float,
    y: float,
    width: float,
    height: float,
    class_: str,
    title: str | None = None,
    focus: bool = False,
) -> Markup:
    """Make a rectangle.

    Parameters
    ----------
    x, y, width, height
        Left, top and size.
    class_, title
        Its class, and what pointing at it tells.
    focus
        Whether the keyboard reaches it.

    Returns
    -------
    markup : Markup
    """
    about = None if title is None else tag("title", title)
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}
    return tag("rect", about, **place, class_=class_, tabindex="0" if focus else None)


def words(x: float, y: float, text: str, class_: str | None = None, anchor: str = "start") -> Markup:
    """Write a text.

    Parameters
    ----------
    x, y, text
        Place of its anchor on the base line, and what it says.
    class_, anchor
        Its class; ``start``, ``middle`` or ``end``.

    Returns
    -------
    markup : Markup
    """
    where = None if anchor == "start" else anchor
    return tag("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=class_, text_anchor=where)


@dataclass(frozen=True)
class Axis:
    """One axis of a plot."""

    low: float
    """Lowest value that is shown."""
    high: float
    """Highest value that is shown."""
    label: str = ""
    """Name and unit."""
    names: tuple[tuple[float, str], ...] = ()
    """Ticks that have names in the place of numbers."""

    @classmethod
    def over(cls, values: Iterable[float], label: str = "", *, margin: float = 0.06) -> Axis:
        """Make an axis on which all values fit.

        Parameters
        ----------
        values
            Those that are not finite do not count.
        label, margin
            Name and unit, and the part of the range that is added on both sides.

        Returns
        -------
        axis : Axis
        """
        finite = [each for each in values if math.isfinite(each)] or [0.0, 1.0]
        low, high = min(finite), max(finite)
        room = margin * (high - low) or 0.5 * abs(high) or 1.0
        return cls(low - room, high + room, label)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Round values, and how they are written."""
        if self.names:
            return [each for each in self.names if self.low <= each[0] <= self.high]
        raw = (self.high - self.low) / 5.0
        size = 10.0 ** math.floor(math.log10(raw))
        step = next(each * size for each in (1.0, 2.0, 5.0, 10.0) if raw <= each * size * 1.001)
        first = math.ceil(self.low / step - 1e-9)
        values = [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return [(value, f"{0.0 if abs(value) < step / 1e6 else value:g}") for value in values]


class Plot:
    """A plot with two axes, to which marks are added.

    Parameters
    ----------
    x, y
        Its axes.
    label
        What it shows, in words.
    size
        Width and height.
    """

    LEFT, RIGHT, TOP, BOTTOM = 58.0, 8.0, 8.0, 34.0

    def __init__(self, x: Axis, y: Axis, label: str, size: tuple[float, float] = (460.0, 240.0)) -> None:
        self.x, self.y, self.label, self.size = x, y, label, size
        self.marks: list[Markup] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place of a point; what lies outside is put on the border.

        Parameters
        ----------
        x, y
            Its values.

        Returns
        -------
        place
            In the coordinates of the picture.
        """
        width, height = self.size
        across = _part(self.x, x) * (width - self.LEFT - self.RIGHT)
        up = _part(self.y, y) * (height - self.TOP - self.BOTTOM)
        return self.LEFT + across, height - self.BOTTOM - up

    def dot(self, x: float, y: float, title: str, class_: str = "dot", radius: float = 2.5) -> None:
        """Add a point.

        Parameters
        ----------
        x, y, title
            Its values, and what pointing at it tells.
        class_, radius
            Of the circle.
        """
        left, top = self.at(x, y)
        self.marks.append(
            tag("circle", tag("title", title), cx=f"{left:.1f}", cy=f"{top:.1f}", r=radius, class_=class_)
        )

    def line(self, points: Sequence[tuple[float, float]], class_: str, title: str | None = None) -> None:
        """Add a line through points.

        Parameters
        ----------
        points, class_
            Their values, and its class.
        title
            What pointing at it tells.
        """
        places = " ".join(f"{left:.1f},{top:.1f}" for left, top in (self.at(*each) for each in points))
        about = None if title is None else tag("title", title)
        self.marks.append(tag("polyline", about, points=places, class_=class_))

    def area(self, lower: Sequence[tuple[float, float]], upper: Sequence[tuple[float, float]]) -> None:
        """Add a band between two lines.

        Parameters
        ----------
        lower, upper
            Points of both.
        """
        places = [self.at(*each) for each in (*lower, *reversed(upper))]
        points = " ".join(f"{left:.1f},{top:.1f}" for left, top in places)
        self.marks.append(tag("polygon", points=points, class_="band"))

    def bar(self, low: float, high: float, height: float, class_: str, title: str) -> None:
        """Add a bar of a histogram.

        Parameters
        ----------
        low, high, height
            Its limits, and its value.
        class_, title
            Its class, and what pointing at it tells.
        """
        left, top = self.at(low, height)
        right, bottom = self.at(high, self.y.low)
        self.marks.append(rectangle(left, top, max(right - left - 0.6, 0.6), bottom - top, class_, title))

    def across(self, y: float, class_: str = "limit", title: str | None = None) -> None:
        """Add a horizontal line.

        Parameters
        ----------
        y, class_, title
            Its value, its class, and what pointing at it tells.
        """
        if self.y.low <= y <= self.y.high:
            self.line([(self.x.low, y), (self.x.high, y)], class_, title)

    def down(self, x: float, class_: str = "limit", title: str | None = None) -> None:
        """Add a vertical line.

        Parameters
        ----------
        x, class_, title
            Its value, its class, and what pointing at it tells.
        """
        if self.x.low <= x <= self.x.high:
            self.line([(x, self.y.low), (x, self.y.high)], class_, title)

    def draw(self) -> Markup:
        """The picture: axes below, marks in the order in which they were added."""
        return picture(*self.size, self.label, self._axes(), self.marks)

    def _axes(self) -> Iterator[Markup]:
        width, height = self.size
        bottom = height - self.BOTTOM
        for value, name in self.x.ticks:
            left, _ = self.at(value, self.y.low)
            yield _stroke((left, self.TOP), (left, bottom))
            yield words(left, bottom + 13, name, "soft", "middle")
        for value, name in self.y.ticks:
            _, top = self.at(self.x.low, value)
            yield _stroke((self.LEFT, top), (width - self.RIGHT, top))
            yield words(self.LEFT - 5, top + 4, name, "soft", "end")
        if self.x.label:
            yield words((self.LEFT + width - self.RIGHT) / 2, height - 5, self.x.label, None, "middle")
        if self.y.label:
            middle = (self.TOP + bottom) / 2
            turned = f"rotate(-90 11 {middle:g})"
            yield tag("text", self.y.label, x=11, y=f"{middle:g}", text_anchor="middle", transform=turned)


def _part(axis: Axis, value: float) -> float:
    return min(max((value - axis.low) / (axis.high - axis.low), 0.0), 1.0)


def _stroke(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    points = f"{start[0]:.1f},{start[1]:.1f} {end[0]:.1f},{end[1]:.1f}"
    return tag("polyline", points=points, class_="tick")
