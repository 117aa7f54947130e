"""A campaign: many scenarios, in several processes, and what came out of them."""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..faults.kinds import KINDS
from ..session.interrupts import noted_interrupts
from .description import describe
from .drawing import draw_scenario, smallest_scenario
from .evidence import gather
from .invariants import find_violations
from .matrix import matrix
from .runner import Played, Runner, open_runner
from .scenario import Scenario
from .scratch import scratch_folder
from .workers import Workers, results_of_group

__all__ = ["Outcome", "Report", "Violation", "check_scenario", "replay", "run_campaign", "run_matrix"]

BROKEN = "can-be-checked"
"""Name of the invariant that is violated when the invariants themselves break."""

T = TypeVar("T")


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold.

    Parameters
    ----------
    invariant
        Its name.
    words
        How it is violated.
    story
        What happened, if not in the scenario itself, then in the smallest one with such a violation.
    """

    invariant: str
    words: str
    story: str


@dataclass(frozen=True)
class Outcome:
    """What came out of a scenario.

    Parameters
    ----------
    seed
        Of the scenario.
    violations
        Of invariants.
    story
        What happened.
    struck
        How often each fault struck.
    memory
        Bytes that the largest process of the script had.
    """

    seed: int
    violations: tuple[Violation, ...]
    story: str
    struck: dict[str, int]
    memory: int

    @property
    def invariants(self) -> set[str]:
        """Names of the invariants that are violated."""
        return {each.invariant for each in self.violations}


@dataclass
class Report:
    """What came out of a campaign.

    Parameters
    ----------
    seed
        Of the campaign.
    scenarios
        How many were played.
    violations
        As JSON has them.
    faults
        In how many scenarios each fault really struck.
    seconds
        Since the campaign began.
    memory
        Bytes that the largest process of a script had.
    """

    seed: int
    scenarios: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0

    @property
    def never_struck(self) -> list[str]:
        """Faults that the campaign says nothing about, as they struck in none of its scenarios."""
        return [name for name in KINDS if not self.faults[name]]

    def add(self, outcome: Outcome) -> None:
        """Count a scenario.

        Parameters
        ----------
        outcome
            What came out of it.
        """
        self.scenarios += 1
        self.memory = max(self.memory, outcome.memory)
        self.faults.update(name for name, times in outcome.struck.items() if times)
        self.violations += [
            {"seed": outcome.seed, "invariant": each.invariant, "story": f"{each.words}\n{each.story}"}
            for each in outcome.violations
        ]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "scenarios": self.scenarios,
            "seed": self.seed,
            "violations": self.violations,
            "faults": {name: self.faults[name] for name in KINDS},
            "never_struck": self.never_struck,
            "memory_mb": self.memory >> 20,
            "seconds": round(self.seconds, 1),
        }


def run_campaign(
    seeds: Sequence[int],
    *,
    seed: int,
    processes: int = 2,
    focus: Sequence[str] = (),
    progress: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Play and check scenarios.

    Parameters
    ----------
    seeds
        Of the scenarios.
    seed
        Of the campaign, for the report.
    processes
        How many scenarios at a time.
    focus
        As for `draw_scenario`.
    progress
        Called with the report after every scenario.

    Returns
    -------
    report
        The first violation of each invariant has the story of the smallest scenario with such a violation.

    Raises
    ------
    Interrupted
        A signal came; nothing is left of the campaign.
    NoSpace
        There is no space for its files.
    """

    def produce(folder: Path) -> Iterator[Outcome]:
        runner, shrunk = open_runner(folder), set[str]()
        for outcome in _outcomes(runner, partial(draw_scenario, focus=focus), seeds, processes):
            new = outcome.invariants - shrunk
            shrunk |= new
            yield _with_smallest(runner, outcome, new, focus, worker=processes)

    return _report(produce, Report(seed), progress)


def run_matrix(
    *, every: int = 1, processes: int = 2, progress: Callable[[Report], None] = lambda _: None
) -> Report:
    """Interrupt a run at every place, in every way, and resume it.

    Parameters
    ----------
    every
        Play only one in so many combinations.
    processes
        How many scenarios at a time.
    progress
        Called with the report after every combination.

    Returns
    -------
    report
        Its seeds are the numbers of the combinations.

    Raises
    ------
    Interrupted
        A signal came; nothing is left of the campaign.
    NoSpace
        There is no space for its files.
    """

    def produce(folder: Path) -> Iterator[Outcome]:
        runner = open_runner(folder)
        scenarios = matrix(runner)
        numbers = range(0, len(scenarios), every)
        yield from _outcomes(runner, scenarios.__getitem__, numbers, processes)

    return _report(produce, Report(0), progress)


def replay(seed: int, *, focus: Sequence[str] = (), from_matrix: bool = False) -> Iterator[Outcome]:
    """Play and check one scenario.

    Parameters
    ----------
    seed
        Of the scenario, or its number in the matrix.
    focus
        As for `draw_scenario`.
    from_matrix
        Whether it is one of the matrix.

    Yields
    ------
    outcome
        Of the scenario; and then, if it was drawn and violates something, with the smallest stories.

    Raises
    ------
    LookupError
        The matrix has no such number.
    """

    def produce(folder: Path) -> Iterator[Outcome]:
        runner = open_runner(folder)
        scenarios = matrix(runner) if from_matrix else []
        if from_matrix and seed >= len(scenarios):
            raise LookupError(f"the matrix has those from 0 to {len(scenarios) - 1}")
        scenario = scenarios[seed] if from_matrix else draw_scenario(seed, focus)
        for outcome in _outcomes(runner, lambda _: scenario, [seed], 1):
            yield outcome
            if outcome.violations and not from_matrix:
                yield _with_smallest(runner, outcome, outcome.invariants, focus, worker=0)

    return _in_group(produce)


def _in_group(produce: Callable[[Path], Iterator[T]]) -> Iterator[T]:
    """Produce something in a scratch folder, in processes of which none is left."""
    with noted_interrupts() as interrupts, scratch_folder() as folder:
        yield from results_of_group(lambda: produce(folder), interrupts)


def _report(
    produce: Callable[[Path], Iterator[Outcome]], report: Report, progress: Callable[[Report], None]
) -> Report:
    begin = time.monotonic()
    for outcome in _in_group(produce):
        report.add(outcome)
        report.seconds = time.monotonic() - begin
        progress(report)
    return report


def _outcomes(
    runner: Runner, draw: Callable[[int], Scenario], seeds: Sequence[int], processes: int
) -> Iterator[Outcome]:
    """Play scenarios, several at a time."""
    work = Workers(lambda seed, worker: check_scenario(runner, draw(seed), worker), processes)
    return work.results(seeds)


def _with_smallest(
    runner: Runner, outcome: Outcome, invariants: set[str], focus: Sequence[str], worker: int
) -> Outcome:
    """Replace the stories of violations of some invariants by those of the smallest scenarios with one."""

    def play(scenario: Scenario) -> Outcome:
        work = Workers(lambda _, __: check_scenario(runner, scenario, worker), 1)
        return next(work.results([scenario.seed]))

    found = list(outcome.violations)
    for place, violation in enumerate(found):
        name = violation.invariant
        if name in invariants:
            invariants = invariants - {name}

            def violates(scenario: Scenario, name: str = name) -> bool:
                return name in play(scenario).invariants

            scenario = smallest_scenario(outcome.seed, violates, focus)
            again = [each for each in play(scenario).violations if each.invariant == name]
            if again:
                story = f"The smallest scenario like it: {again[0].words}\n{again[0].story}"
                found[place] = replace(violation, story=story)
    return replace(outcome, violations=tuple(found))


def check_scenario(runner: Runner, scenario: Scenario, worker: int = 0) -> Outcome:
    """Play and check one scenario, and remove its files.

    Parameters
    ----------
    runner
        Plays it.
    scenario
        That one.
    worker
        Number of the worker.

    Returns
    -------
    outcome
        Invariants that break are violations, too: no reason to lose all that was found.

    Raises
    ------
    NoSpace
        There is no space for it.
    """
    played = runner.play(scenario, worker)
    try:
        found, story = _check(played)
    except Exception:
        found, story = [(BROKEN, "the invariants broke")], traceback.format_exc()
    finally:
        shutil.rmtree(played.folder, ignore_errors=True)
    violations = tuple(Violation(name, words, story) for name, words in found)
    return Outcome(scenario.seed, violations, story, dict(played.struck), played.memory)


def _check(played: Played) -> tuple[list[tuple[str, str]], str]:
    """Violations of a scenario, and its story."""
    evidence = gather(played)
    try:
        return find_violations(evidence), describe(evidence)
    finally:
        evidence.datasets.close()
