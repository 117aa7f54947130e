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
@click.option("--scenarios", type=click.IntRange(1, MOST), default=200, show_default=True, help="How many.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the campaign.")
@click.option("--scenario", type=click.IntRange(0), help="Replay the one of this seed, and tell its story.")
@click.option(
    "--focus",
    multiple=True,
    callback=_read_focus,
    help="Fault that every scenario has, or 'interruption'.",
)
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True, help="At a time.")
@click.option("--matrix", is_flag=True, help="Interrupt a run at every place in every way, then resume it.")
@click.option("--every", type=click.IntRange(1), default=1, help="Of the matrix: every so-manieth alone.")
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
    """Play seeded scenarios in which things go wrong, and look whether the script keeps its promises.

    Exit status: 0 if it did, 1 if it did not, 2 if that could not be found out.
    """
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
    """End in words, with the exit status 2, when a signal comes or the scenarios have no room."""
    from ..session.interrupts import Interrupted, raising_interrupts
    from .room import NoRoom

    try:
        with raising_interrupts():
            yield
    except Interrupted as interrupt:
        click.echo(f"{interrupt}: the campaign was ended, and its files were removed.", err=True)
        sys.exit(2)
    except NoRoom as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _progress() -> Callable[[Report], None]:
    """What tells each violation as it comes, and how far the campaign is."""
    told = 0

    def show(report: Report) -> None:
        nonlocal told
        for each in report.violations[told:]:
            click.echo(f"seed {each['seed']}, {each['invariant']}: {each['story'].splitlines()[0]}", err=True)
        told = len(report.violations)
        if report.scenarios % 50 == 0:
            click.echo(f"{report.scenarios} scenarios in {report.seconds:.0f} s: {told} violations", err=True)

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
    """Play one scenario and tell what happened."""
    from .evidence import gather
    from .judge import judge
    from .matrix import matrix
    from .runner import open_workshop
    from .scenario import draw_scenario
    from .story import tell

    with open_workshop() as workshop:
        scenarios = matrix(workshop) if from_matrix else []
        if from_matrix and seed >= len(scenarios):
            raise click.UsageError(f"--scenario {seed}: the matrix has those from 0 to {len(scenarios) - 1}")
        scenario = scenarios[seed] if from_matrix else draw_scenario(seed, focus)
        evidence = gather(workshop.play(scenario))
        found = judge(evidence)
        click.echo(tell(evidence))
        evidence.shelf.close()
    for name, words in found:
        click.echo(f"VIOLATION {name}: {words}")
    if not found:
        click.echo("no invariant is violated")
    return 1 if found else 0


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
