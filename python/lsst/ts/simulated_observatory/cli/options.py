"""Options that several commands have, and how they are read."""

from __future__ import annotations

import datetime
import io
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lsst.ts.calibrations.config.observing_day import LONGEST_NAME
from lsst.ts.calibrations.domain.text import one_line

from ..session.checks import MOST_SCALE, MOST_SEED, is_collection, path_problem

if TYPE_CHECKING:
    from ..repository.database import Database

__all__ = ["path_option", "print_anything", "read_level", "simulation_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def print_anything() -> None:
    """Have the escape printed of a character that the terminal, or a file, has no code for."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _read_path(_context: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """Refuse paths that nothing can have, or that a log cannot show."""
    if value is None:
        return None
    path = Path(value)
    problem = path_problem(path)
    if not value:  # for Python the present folder; for the user a variable that was not set
        problem = "an empty text is no path"
    if problem is not None:
        shown = one_line(value, 80) or "''"
        raise click.UsageError(f"{parameter.opts[0]} {shown}: {problem}. Nothing was touched.")
    return path


def _show_faults(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Answer ``--fault help``; refuse faults that are none."""
    if not values:
        return values
    from ..faults.faults import FaultError, Faults, describe_faults  # the detector's need numpy

    if "help" in values:
        click.echo(describe_faults())
        context.exit(0)
    try:
        Faults(values)
    except FaultError as error:
        raise click.UsageError(f"--fault: {one_line(error, 2000)}") from None
    return values


def _complete_faults(_context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Names of faults for the completion of the shell."""
    from ..faults.faults import FAULT_KINDS

    names = ["help", *(name for kinds in FAULT_KINDS.values() for name in kinds)]
    return [name for name in names if name.startswith(incomplete)]


def read_level(_context: click.Context, _: click.Parameter, value: str) -> int:
    """Read a level of the log, by name or number.

    Parameters
    ----------
    value
        E.g. ``DEBUG`` or ``10``.

    Returns
    -------
    level
        Its number.

    Raises
    ------
    click.UsageError
        It is none.
    """
    level = logging.getLevelNamesMapping().get(value.upper(), value)
    try:
        number = int(level)
    except ValueError:
        number = -1
    if not 0 <= number <= 50:
        raise click.UsageError(
            f"-l {one_line(repr(value), 80)}: use DEBUG, INFO, WARNING or ERROR, or a number from 0 to 50"
        )
    return number


def _read_date(_context: click.Context, _: click.Parameter, value: str | None) -> datetime.date | None:
    """Read the date of the simulated night."""
    if value is None:
        return None
    try:
        night = datetime.date.fromisoformat(value)
    except ValueError:
        raise click.UsageError(
            f"--date {one_line(repr(value), 80)}: there is no such date; write YYYY-MM-DD"
        ) from None
    if not 2000 <= night.year < 2100:
        raise click.UsageError(f"--date {value!r}: the simulated night lies between 2000 and 2099")
    return night


def _read_collections(
    _context: click.Context, _: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """Check the names of collections."""
    for value in values:
        if not is_collection(value):
            shown = one_line(repr(value), 80)
            raise click.UsageError(
                f"--collection {shown}: use letters, digits and . _ / -, up to {LONGEST_NAME} of them"
            )
    return values


def _read_batch(_context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """Read the site on which jobs are to run; refuse what the batch system cannot use."""
    if value is None:
        return None
    from ..batch.site import BatchError, read_batch

    try:
        return read_batch(value)
    except BatchError as error:
        raise click.UsageError(
            f"--batch {one_line(value, 200)}: {one_line(error, 400)}. Nothing was touched."
        ) from None


def _read_repository(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> Path | Database | None:
    """Read the path of a repository, or the address of its database."""
    from ..repository.database import DatabaseError, is_address, read_address

    if value is None or not is_address(value):
        return _read_path(context, parameter, value)
    try:
        database = read_address(value)
    except DatabaseError as error:  # the address is not shown: it may have a password
        raise click.UsageError(f"--repo: {one_line(error)}. Nothing was touched.") from None
    if database.asked is not None and (problem := path_problem(database.asked)) is not None:
        raise click.UsageError(
            f"--repo: files={one_line(database.asked, 80)}: {problem}. Nothing was touched."
        )
    return database


def path_option(*names: str, **about: Any) -> Callable[[_Command], _Command]:
    """Make an option that is a path.

    Parameters
    ----------
    *names, **about
        As for `click.option`.

    Returns
    -------
    option
        Decorator of a command.
    """
    return click.option(*names, type=click.Path(), callback=_read_path, **about)


def simulation_options(out: str, date: str) -> Callable[[_Command], _Command]:
    """Make the options that every simulation has.

    Parameters
    ----------
    out, date
        What the help text calls the folder of the simulation, and the default of its date.

    Returns
    -------
    options
        Decorator of a command.
    """
    options = (
        path_option("--out", help=f"{out}, new or empty [default: a new one below runs/]."),
        click.option(
            "--repo",
            callback=_read_repository,
            metavar="PATH|postgresql://...",
            help="Simulated repository that is kept between runs: its folder, or the database with its"
            " registry [default: one in the directory of --out].",
        ),
        click.option(
            "--scale",
            type=click.IntRange(1, MOST_SCALE),
            default=4,
            show_default=True,
            help="Factor by which the sides of the detectors are reduced.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0, MOST_SEED),
            default=1,
            show_default=True,
            help="Seed of all random numbers.",
        ),
        click.option(
            "--date",
            callback=_read_date,
            metavar="YYYY-MM-DD",
            help=f"Date of the simulated night [default: {date}].",
        ),
        click.option(
            "--collection",
            "collections",
            multiple=True,
            callback=_read_collections,
            metavar="NAME",
            help="Another name for the collection of the reference calibrations; can be repeated.",
        ),
        click.option(
            "--reference",
            type=click.Choice(("drawn", "measured")),
            default="drawn",
            show_default=True,
            help="Whether the reference calibrations are drawn from the distribution that combinations have,"
            " in seconds, or made by the pipelines from some 200 exposures, in minutes.",
        ),
        click.option(
            "--batch",
            callback=_read_batch,
            metavar="parsl[:FILE]",
            help="Run jobs with lsst-ctrl-bps and Parsl, on the site of this file [default of parsl: this"
            " machine, two workers], instead of one pipetask each.",
        ),
        click.option(
            "--fault",
            "faults",
            multiple=True,
            metavar="NAME[:KEY=VALUE,...]",
            callback=_show_faults,
            shell_complete=_complete_faults,
            is_eager=True,
            help="Something that goes wrong; can be repeated. 'help' lists all faults.",
        ),
    )

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
