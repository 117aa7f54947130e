"""Command line of the campaign."""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from lsst.ts.calibrations.domain.text import one_line

from ..sal_names import use_embedded_sal

if TYPE_CHECKING:
    from .campaign import Outcome

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


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--scenarios", type=click.IntRange(1, MOST), default=200, help="How many scenarios.")
@click.option("--seed", type=click.IntRange(0), default=1, help="Seed of the campaign.")
@click.option(
    "--scenario", type=click.IntRange(0), help="Play only that of this seed, and print what happens."
)
@click.option(
    "--focus",
    multiple=True,
    callback=_read_focus,
    help="A fault that every scenario is to have, or 'interruption'; of several one.",
)
@click.option("--processes", type=click.IntRange(1), default=2, help="Scenarios at a time.")
@click.option("--matrix", is_flag=True, help="Interrupt a run at every place in every way, then resume it.")
@click.option("--every", type=click.IntRange(1), default=1, help="With --matrix: try only one in EVERY.")
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
    from ..session.interrupts import Interrupted
    from .campaign import run_campaign, run_matrix
    from .workers import NoSpace

    try:
        if matrix:
            chosen = slice(0, None, every) if scenario is None else slice(scenario, scenario + 1)
            outcomes = run_matrix(chosen, processes=processes)
        else:
            seeds = random.Random(seed).sample(range(1_000_000_000), scenarios)  # noqa: S311
            chosen_seeds = seeds if scenario is None else [scenario]
            outcomes = run_campaign(chosen_seeds, focus=focus, processes=processes)
        if scenario is None:
            sys.exit(_report(outcomes, 0 if matrix else seed, as_json))
        sys.exit(_replay(outcomes, scenario))
    except Interrupted as interrupt:
        click.echo(f"{interrupt}: the campaign was ended, and its files were removed.", err=True)
        sys.exit(2)
    except NoSpace as error:
        click.echo(str(error), err=True)
        sys.exit(2)


def _report(outcomes: Iterator[Outcome], seed: int, as_json: bool) -> bool:
    """Print each violation as it comes, how far the campaign is, and a report; return whether any came."""
    from ..faults.kinds import KINDS

    begin, scenarios, memory = time.monotonic(), 0, 0
    violations, faults = list[dict[str, object]](), Counter(dict.fromkeys(KINDS, 0))
    for outcome in outcomes:
        scenarios += 1
        memory = max(memory, outcome.memory)
        faults.update(name for name, times in outcome.struck.items() if times)
        for each in outcome.violations:
            story = f"{each.words}\n{each.story}"
            violations.append({"seed": outcome.seed, "invariant": each.invariant, "story": story})
            click.echo(f"seed {outcome.seed}, {each.invariant}: {story.splitlines()[0]}", err=True)
        if scenarios % 50 == 0:
            seconds = time.monotonic() - begin
            click.echo(f"{scenarios} scenarios in {seconds:.0f} s: {len(violations)} violations", err=True)
    report: dict[str, object] = {
        "scenarios": scenarios,
        "seed": seed,
        "violations": violations,
        "faults": faults,
        "never_struck": [name for name, number in faults.items() if not number],
        "memory_mb": memory >> 20,
        "seconds": round(time.monotonic() - begin, 1),
    }
    if as_json:
        click.echo(json.dumps(report, indent=1))
    else:
        for name, number in faults.items():
            click.echo(f"{number:6d}  {name}")
        click.echo(
            f"{scenarios} scenarios of seed {seed}: {len(violations)} violations in {report['seconds']} s;"
            f" the largest process had {report['memory_mb']} MB"
        )
    if 0 in faults.values() and scenarios >= ENOUGH:
        names = ", ".join(name for name, number in faults.items() if not number)
        click.echo(f"THESE FAULTS NEVER STRUCK: {names}", err=True)
    return bool(violations)


def _replay(outcomes: Iterator[Outcome], scenario: int) -> bool:
    """Print what happened in a scenario, and in the smallest like it; return whether it violates anything."""
    try:
        (outcome,) = outcomes
    except LookupError as error:
        raise click.UsageError(f"--scenario {scenario}: {error.args[0]}") from None
    click.echo(outcome.story)
    for each in outcome.violations:
        click.echo(f"VIOLATION {each.invariant}: {each.words}")
    for each in outcome.violations:
        if each.story != outcome.story:
            click.echo(f"\n{each.invariant}: {each.story}")
    if not outcome.violations:
        click.echo("no invariant is violated")
    return bool(outcome.violations)


if __name__ == "__main__":
    main(prog_name="python -m lsst.ts.simulated_observatory.campaign")
