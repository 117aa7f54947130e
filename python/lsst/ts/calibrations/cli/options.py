"""Options that several commands have, and how they are read."""

from __future__ import annotations

import datetime
import io
import sys
from pathlib import Path

import click

from ..domain.config_strings import LONGEST_NAME, text_problems
from ..domain.text import one_line

__all__ = [
    "MOST_SCALE",
    "MOST_SEED",
    "is_collection",
    "print_anything",
    "read_collections",
    "read_date",
    "read_path",
    "show_faults",
]

MOST_SCALE = 16
"""Largest divisor of the sides of the detectors."""

MOST_SEED = 2**63 - 1
"""Largest seed: the headers of the images hold it."""


def print_anything() -> None:
    """Have the escape printed of a character that the terminal, or a file, has no code for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def read_path(_context: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """Refuse paths that nothing can have, or that a log cannot show."""
    if value is None:
        return None
    named = f"{parameter.opts[0]} {one_line(value, 80)}"
    if not str(value).isprintable():
        raise click.UsageError(f"{named}: it has characters that cannot be printed. Nothing was touched.")
    try:
        value.absolute().exists()
    except OSError as error:
        raise click.UsageError(f"{named}: {error.strerror}. Nothing was touched.") from None
    return value


def show_faults(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Answer ``--fault help``; refuse faults that are none."""
    from ..simulation.faults import FaultError, Faults, describe_faults

    if "help" in values:
        click.echo(describe_faults())
        context.exit(0)
    try:
        Faults(values)
    except FaultError as error:
        raise click.UsageError(f"--fault: {one_line(error, 2000)}") from None
    return values


def read_date(_context: click.Context, _: click.Parameter, value: str | None) -> datetime.date | None:
    """Read the date of the simulated night."""
    if value is None:
        return None
    try:
        night = datetime.date.fromisoformat(value)
    except ValueError:
        raise click.UsageError(f"--date {one_line(repr(value), 80)}: write YYYY-MM-DD") from None
    if not 2000 <= night.year < 2100:
        raise click.UsageError(f"--date {value!r}: the simulated night lies between 2000 and 2099")
    return night


def read_collections(_context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of collections."""
    for value in values:
        if not is_collection(value):
            shown = one_line(repr(value), 80)
            raise click.UsageError(
                f"--collection {shown}: letters, digits and . _ / - make a name, up to {LONGEST_NAME} of them"
            )
    return values


def is_collection(name: str) -> bool:
    """Whether a collection can have a name."""
    return name[:1] != "/" and text_problems({"calib_collection": name}) == {}
