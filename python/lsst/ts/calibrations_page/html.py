"""Elements of HTML and SVG as text, in which everything that is no element is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

__all__ = ["Child", "Markup", "breakable", "details", "figure", "paragraphs", "table", "tag"]


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


WIDE = 12
"""Columns beyond which a table is printed small."""

Child = str | int | float | Markup | None
"""What an element can hold; None is left out."""

_EMPTY = frozenset({"br", "img", "meta", "link", "wbr"})
"""Elements that have no end tag; those of SVG may have one."""


def tag(element: str, /, *children: Child | Iterable[Child], **attributes: object) -> Markup:
    """Make an element.

    Parameters
    ----------
    element, *children
        Its name, and what it holds; texts are escaped unless they are `Markup`.
    **attributes
        By name; a last underscore is dropped, others become hyphens. None and False leave one out, True
        gives it without a value.

    Returns
    -------
    markup : Markup
    """
    start = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{html.escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _EMPTY:
        return Markup(f"<{element}{start}>")
    return Markup(f"<{element}{start}>{''.join(map(_inner, children))}</{element}>")


def breakable(text: str) -> Markup:
    """Let a browser break a path or the name of a collection after its slashes.

    Parameters
    ----------
    text
        As it is copied from the page.

    Returns
    -------
    markup : Markup
    """
    return Markup(str(tag("wbr")).join(html.escape(each) for each in re.split("(?<=/)", text)))


def paragraphs(text: str) -> list[Markup]:
    """Show a text of several lines, those that are indented as a list.

    Parameters
    ----------
    text
        Lines; each entry of a list begins with blanks and a hyphen and may go on in indented lines.

    Returns
    -------
    markup
        Paragraphs and lists.
    """
    parts = []
    for indented, lines in groupby(text.splitlines(), key=lambda line: line.startswith(" ")):
        if indented:
            entries = re.split(r"^ +- ", "\n".join(lines), flags=re.MULTILINE)
            parts.append(tag("ul", [tag("li", each.rstrip()) for each in entries if each.strip()]))
        else:
            parts += [tag("p", each) for each in lines]
    return parts


def table(
    caption: Child, head: Sequence[Child], rows: Iterable[Sequence[Any]], class_: str | None = None
) -> Markup:
    """Make a table that scrolls in itself where it is wider than the page.

    Parameters
    ----------
    caption, head
        Its caption, and the heads of its columns.
    rows
        Cells of each row, the first of which is the head of the row; a cell may be a whole ``td`` already.
    class_
        Class of the table, beside that of wide ones.

    Returns
    -------
    markup : Markup
    """
    body = [
        tag(
            "tr",
            tag("th", first, scope="row"),
            [each if _is_cell(each) else tag("td", each) for each in rest],
        )
        for first, *rest in rows
    ]
    whole = tag(
        "table",
        tag("caption", tag("span", caption)),
        tag("thead", tag("tr", [tag("th", each, scope="col") for each in head])),
        tag("tbody", body),
        class_=" ".join([*([class_] if class_ else []), *(["wide"] if len(head) > WIDE else [])]) or None,
    )
    return tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=_plain(caption))


def details(summary: Child, *children: Child | Iterable[Child], opened: bool = False) -> Markup:
    """Make a part that is shown when it is asked for, and printed in any case.

    Parameters
    ----------
    summary, *children
        What is seen of it, and what it holds.
    opened
        Whether it is shown at once.

    Returns
    -------
    markup : Markup
    """
    return tag("details", tag("summary", summary), *children, open=opened)


def figure(caption: Child, *children: Child | Iterable[Child], class_: str | None = None) -> Markup:
    """Make a figure with its caption below.

    Parameters
    ----------
    caption, *children
        The caption, and the picture.
    class_
        Class of the figure.

    Returns
    -------
    markup : Markup
    """
    return tag("figure", *children, tag("figcaption", caption), class_=class_)


def _name(key: str) -> str:
    return key.removesuffix("_").replace("_", "-") if key != "viewBox" else key


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _inner(child: Child | Iterable[Child]) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return html.escape(_text(child), quote=False)
    return "".join(map(_inner, child))


def _is_cell(cell: Child) -> bool:
    return isinstance(cell, Markup) and cell.startswith("<td")


def _plain(caption: Child) -> str | None:
    return None if caption is None or isinstance(caption, Markup) else str(caption)
