"""Command line of the campaign."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import click

from lsst.ts.calibrations.domain.text import one_line

from ..sal_names import use_embedded_sal

if TYPE_CHECKING:
    from .campaign import Report

__all__ = ["main"]

ENOUGH = 2000
"""Scenarios in which every fault is expected to strike."""

MOST = 1_000_000
"""Scenarios of one campaign."""


def _read_focus(_context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no fault: a campaign without it would say that all is well."""
    from ..faults.kinds import KINDS

    known = ("interruption", *KINDS)
    if unknown := [value for value in values if value not in known]:
        named = one_line(repr(unknown[0]), 80)
        raise click.UsageError(f"--focus {named}: it is none of {', '.join(known)}")
    return values


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--scenarios", type=click.IntRange(1, MOST), default=200, show_default=True, help="How many scenarios."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the campaign.")
@click.option(
    "--scenario", type=click.IntRange(0), help="Play only the scenario of this seed, and print what happens."
)
@click.option(
    "--focus",
    multiple=True,
    callback=_read_focus,
    help="A fault that every scenario is to have, or 'interruption'; of several one.",
)
@click.option(
    "--processes", type=click.IntRange(1), default=2, show_default=True, help="Scenarios at a time."
)
@click.option("--matrix", is_flag=True, help="Interrupt a run at every place in every way, then resume it.")
@click.option(
    "--every", type=click.IntRange(1), default=1, help="With --matrix: try only one in EVERY combinations."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def main(
    scenarios: int,
    seed: int,
    scenario: int | None,
    focus: tuple[str, ...],
    processes: int,
    matrix: bool,
    every: int,
    as_json: bool,
) -> None:
    """Play seeded scenarios in which things go wrong, and check whether the script keeps its promises.

    Exit status: 0 if it did, 1 if it did not, 2 if that could not be found out.
    \f

    Parameters
    ----------
    scenarios, seed, scenario, focus, processes, matrix, every, as_json
        As the help texts of the options say.
    """  # noqa: D301  (of which click shows what is before)
    use_embedded_sal()
    with _ending_in_words():
        from .campaign import run_campaign, run_matrix

        if scenario is not None:
            sys.exit(_replay(scenario, focus, matrix))
        if matrix:
            report = run_matrix(every=every, processes=processes, progress=_progress())
        else:
            seeds = random.Random(seed).sample(range(1_000_000_000), scenarios)  # noqa: S311
            report = run_campaign(seeds, seed=seed, processes=processes, focus=focus, progress=_progress())
    _end(report, as_json)


@contextmanager
def _ending_in_words() -> Iterator[None]:
    """End in words, with the exit status 2, when a signal comes or the scenarios have no space."""
    from ..session.interrupts import Interrupted
    from .workers import NoSpace

    try:
        yield
    except Interrupted as interrupt:
        click.echo(f"{interrupt}: the campaign was ended, and its files were removed.", err=True)
        sys.exit(2)
    except NoSpace as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _progress() -> Callable[[Report], None]:
    """Make what prints each violation as it comes, and how far the campaign is."""
    shown = 0

    def show(report: Report) -> None:
        nonlocal shown
        for each in report.violations[shown:]:
            click.echo(f"seed {each['seed']}, {each['invariant']}: {each['story'].splitlines()[0]}", err=True)
        shown = len(report.violations)
        if report.scenarios % 50 == 0:
            click.echo(
                f"{report.scenarios} scenarios in {report.seconds:.0f} s: {shown} violations", err=True
            )

    return show


def _end(report: Report, as_json: bool) -> NoReturn:
    """Print a report and end."""
    if as_json:
        click.echo(json.dumps(report.as_dict(), indent=1))
    else:
        _print(report)
    if report.never_struck and report.scenarios >= ENOUGH:
        click.echo(f"THESE FAULTS NEVER STRUCK: {', '.join(report.never_struck)}", err=True)
    sys.exit(1 if report.violations else 0)


def _replay(seed: int, focus: tuple[str, ...], from_matrix: bool) -> int:
    """Play one scenario, and print what happens in it and in the smallest like it."""
    from .campaign import replay

    violated = False
    try:
        for number, outcome in enumerate(replay(seed, focus=focus, from_matrix=from_matrix)):
            click.echo("" if number else outcome.story)
            for each in outcome.violations:
                violated = True
                click.echo(f"VIOLATION {each.invariant}: {each.words}")
                if number:
                    click.echo(each.story)
    except LookupError as error:
        raise click.UsageError(f"--scenario {seed}: {error.args[0]}") from None
    if not violated:
        click.echo("no invariant is violated")
    return int(violated)


def _print(report: Report) -> None:
    """Print a report for a person."""
    values = report.as_dict()
    for name, number in values["faults"].items():
        click.echo(f"{number:6d}  {name}")
    click.echo(
        f"{report.scenarios} scenarios of seed {report.seed}: {len(report.violations)} violations in"
        f" {values['seconds']} s; the largest process had {values['memory_mb']} MB"
    )


if __name__ == "__main__":
    main(prog_name="python -m lsst.ts.simulated_observatory.campaign")
