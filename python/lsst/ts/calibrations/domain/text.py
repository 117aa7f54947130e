"""Text that others wrote, made harmless to show.

An answer of a component, an option or the name of a file can hold anything: a terminal obeys escape
sequences, marks of direction change the order in which a line is read, and a megabyte hides what matters.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ON_SCREEN", "counted", "first_lines", "on_screen", "one_line", "plain", "some_of"]

ON_SCREEN = "on_screen"
"""Attribute of a log record with what a terminal shows in place of its message."""

_LONGEST = 500  # characters of a text by others that a message repeats


def plain(text: str, most: int | None = None) -> str:
    r"""Write what cannot be printed as an escape, e.g. ``\x1b``; line breaks stay.

    Parameters
    ----------
    text, most
        Any text, and the number of characters beyond which it is cut.

    Returns
    -------
    text
        Printable but for its line breaks.
    """
    if most is not None and len(text) > most:
        text = f"{text[:most]}... ({len(text)} characters)"
    text = text.replace("\t", "    ")
    return "".join(each if each == "\n" or each.isprintable() else ascii(each)[1:-1] for each in text)


def one_line(value: object, most: int = _LONGEST) -> str:
    """Put what another wrote on one line, not too long, for a message of this program.

    Parameters
    ----------
    value, most
        What is shown as text, and the number of characters beyond which it is cut.

    Returns
    -------
    text
        Printable, without line breaks.
    """
    return plain(str(value), most).replace("\n", "\\n")


def on_screen(text: str) -> dict[str, str]:
    """Give a log line another text on a terminal than in LOVE and in the log file.

    Parameters
    ----------
    text
        What a terminal shows; nothing if it is empty.

    Returns
    -------
    extra
        The argument ``extra`` of the methods of a logger.
    """
    return {ON_SCREEN: text}


def counted(number: int, one: str, more: str) -> str:
    """Say how many there are of something, in the singular where there is one.

    Parameters
    ----------
    number, one, more
        How many, and what stands behind 1 and behind any other number.

    Returns
    -------
    text
        E.g. ``1 exposure was taken``.
    """
    return f"{number} {one if number == 1 else more}"


def some_of(names: Sequence[object], most: int, separator: str = ", ") -> str:
    """Name the first of some things, and say how many there are beyond them.

    Parameters
    ----------
    names, most, separator
        The things, how many are named, and what stands between them.

    Returns
    -------
    text
        E.g. ``C00, C01 and 3 more``.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(map(str, names[:most])) + more


def first_lines(lines: Sequence[str], most: int) -> list[str]:
    """Keep the first of some lines.

    Parameters
    ----------
    lines, most
        The lines, and how many there may be.

    Returns
    -------
    lines
        If there are more, the last one says how many are left out.
    """
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"... and {len(lines) - most + 1} more"]
