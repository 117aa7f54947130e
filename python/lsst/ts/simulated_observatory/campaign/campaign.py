"""A campaign: many scenarios, in several processes, and what came out of them.

Everything is played in a scratch folder and in processes of which none is left, whatever happens:
`Interrupted` is raised when a signal comes, `NoSpace` when there is no space for the files.
"""

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
from .drawing import draw_scenario, smallest_scenario
from .evidence import Evidence, gather
from .invariants import find_violations
from .matrix import matrix
from .runner import Runner, open_runner
from .scenario import Scenario
from .workers import Workers, results_of_group, scratch_folder

__all__ = ["Outcome", "Report", "Violation", "check_scenario", "replay", "run_campaign", "run_matrix"]

BROKEN = "can-be-checked"
"""Name of the invariant that is violated when the invariants themselves break."""

QUIET = ("evt_endReadout", "evt_summaryState")
"""Messages that the description of a scenario does without."""

T = TypeVar("T")


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold.

    Parameters
    ----------
    invariant, words
        Its name, and how it is violated.
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
    seed, violations, story
        Of the scenario: its seed, invariants that do not hold, and what happened.
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
    seed, scenarios
        Of the campaign, and how many scenarios were played.
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
    seeds, focus
        Of the scenarios, as for `draw_scenario`.
    seed
        Of the campaign, for the report.
    processes
        How many scenarios at a time.
    progress
        Called with the report after every scenario.

    Returns
    -------
    report
        The first violation of each invariant has the story of the smallest scenario with such a violation.
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
    processes, progress
        As for `run_campaign`.

    Returns
    -------
    report
        Its seeds are the numbers of the combinations.
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
    seed, focus
        Of the scenario, as for `draw_scenario`.
    from_matrix
        Whether it is the one of this number in the matrix.

    Returns
    -------
    outcomes
        Of the scenario; and then, if it was drawn and violates something, with the smallest stories. A
        LookupError comes of a number that the matrix has not.
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
    """Fill a report."""
    begin = time.monotonic()
    for outcome in _in_group(produce):
        report.scenarios += 1
        report.memory = max(report.memory, outcome.memory)
        report.faults.update(name for name, times in outcome.struck.items() if times)
        report.violations += [
            {"seed": outcome.seed, "invariant": each.invariant, "story": f"{each.words}\n{each.story}"}
            for each in outcome.violations
        ]
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
    """Replace the stories of first violations of invariants by those of the smallest scenarios with one."""

    def violation(name: str, scenario: Scenario) -> Violation | None:
        work = Workers(lambda _, __: check_scenario(runner, scenario, worker), 1)
        played = next(work.results([scenario.seed]))
        return next((each for each in played.violations if each.invariant == name), None)

    found = {each.invariant: each for each in reversed(outcome.violations) if each.invariant in invariants}
    smallest = {}
    for name, first in found.items():
        violates = partial(violation, name)
        scenario = smallest_scenario(outcome.seed, violates, focus)
        if again := violates(scenario):
            story = f"The smallest scenario like it: {again.words}\n{again.story}"
            smallest[first] = replace(first, story=story)
    return replace(outcome, violations=tuple(smallest.get(each, each) for each in outcome.violations))


def check_scenario(runner: Runner, scenario: Scenario, worker: int = 0) -> Outcome:
    """Play and check one scenario, and remove its files.

    Parameters
    ----------
    runner, scenario, worker
        As for `Runner.play`.

    Returns
    -------
    outcome
        Invariants that break are violations, too: no reason to lose all that was found.
    """
    played = runner.play(scenario, worker)
    try:
        evidence = gather(played)
        try:
            found, story = find_violations(evidence), "\n".join(_description(evidence))
        finally:
            evidence.datasets.close()
    except Exception:
        found, story = [(BROKEN, "the invariants broke")], traceback.format_exc()
    finally:
        shutil.rmtree(played.folder, ignore_errors=True)
    violations = tuple(Violation(name, words, story) for name, words in found)
    return Outcome(scenario.seed, violations, story, dict(played.struck), played.memory)


def _description(evidence: Evidence) -> Iterator[str]:
    """Everything that was drawn, what passed on the bus, in order, and the log of each part."""
    yield evidence.scenario.describe()
    for name, times in evidence.played.struck.items():
        yield f"struck: {name}, {times} times"
    for message in evidence.events.recording:
        if message.topic in QUIET:
            continue
        values = ", ".join(
            f"{key}={value}" for key, value in message.values.items() if value not in ("", None)
        )
        topic = message.topic.partition("_")[2] or message.topic
        yield f"  {message.time:9.3f} {message.component} {topic}: {values}"
    for part, outcome in enumerate(evidence.played.parts):
        yield f"part {part}: " + ("killed" if outcome is None else f"exit status {outcome.status}")
        if outcome is not None:
            yield outcome.log.rstrip()
    complaints = evidence.played.folder / "stderr.txt"
    if complaints.exists():
        yield complaints.read_text(encoding="utf-8", errors="replace").rstrip()
