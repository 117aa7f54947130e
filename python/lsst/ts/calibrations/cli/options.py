"""Options that several commands have, and how they are read."""

from __future__ import annotations

import datetime
import re

import click

__all__ = ["read_collections", "read_date", "show_faults"]


def show_faults(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Answer ``--fault help``; refuse faults that are none."""
    from ..simulation.faults import FaultError, Faults, describe_faults

    if "help" in values:
        click.echo(describe_faults())
        context.exit(0)
    try:
        Faults(values)
    except FaultError as error:
        raise click.UsageError(f"--fault: {error}") from None
    return values


def read_date(_context: click.Context, _: click.Parameter, value: str | None) -> datetime.date | None:
    """Read the date of the simulated night."""
    if value is None:
        return None
    try:
        night = datetime.date.fromisoformat(value)
    except ValueError:
        raise click.UsageError(f"--date {value!r}: write YYYY-MM-DD") from None
    if not 2000 <= night.year < 2100:
        raise click.UsageError(f"--date {value!r}: the simulated night lies between 2000 and 2099")
    return night


def read_collections(_context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of collections."""
    for value in values:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", value):
            raise click.UsageError(f"--collection {value!r}: letters, digits and . _ / - make a name")
    return values
