"""A campaign: many scenarios, in several processes, and what came out of them."""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from ..faults.kinds import KINDS
from .crew import Crew
from .evidence import gather
from .judge import judge
from .matrix import matrix
from .runner import Lived, Workshop, open_workshop
from .scenario import Scenario, draw_scenario
from .story import tell

__all__ = ["Outcome", "Report", "play", "run_campaign", "run_matrix"]


@dataclass(frozen=True)
class Outcome:
    """What came out of a scenario.

    Parameters
    ----------
    seed
        Of the scenario.
    violations
        Invariant and words of each violation.
    story
        What happened.
    struck
        How often each fault struck.
    memory
        Bytes that the largest process of the script had.
    """

    seed: int
    violations: tuple[tuple[str, str], ...]
    story: str
    struck: dict[str, int]
    memory: int


@dataclass
class Report:
    """What came out of a campaign."""

    seed: int
    scenarios: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    """In how many scenarios each fault really struck."""
    seconds: float = 0.0
    memory: int = 0
    """Bytes that the largest process of a script had."""

    @property
    def never_struck(self) -> list[str]:
        """Faults that the campaign says nothing about, as they struck in none of its scenarios."""
        return [name for name in KINDS if not self.faults[name]]

    def add(self, outcome: Outcome) -> None:
        """Take in a scenario."""
        self.scenarios += 1
        self.memory = max(self.memory, outcome.memory)
        self.faults.update(name for name, times in outcome.struck.items() if times)
        self.violations += [
            {"seed": outcome.seed, "invariant": name, "story": f"{words}\n{outcome.story}"}
            for name, words in outcome.violations
        ]

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON holds it."""
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
    """Play and judge scenarios.

    Parameters
    ----------
    seeds
        Of the scenarios.
    seed
        Of the campaign, for the report.
    processes
        How many at a time.
    focus
        As for `draw_scenario`.
    progress
        Told the report after every scenario.
    """
    with open_workshop() as workshop:
        draw = partial(draw_scenario, focus=tuple(focus))
        return _report(workshop, seeds, Report(seed), processes, draw, progress)


def run_matrix(
    *, every: int = 1, processes: int = 2, progress: Callable[[Report], None] = lambda _: None
) -> Report:
    """Interrupt a run at every place, in every way, and resume it.

    Parameters
    ----------
    every
        Play only every so-manieth combination.
    processes
        How many at a time.
    progress
        Told the report after every combination.
    """
    with open_workshop() as workshop:
        scenarios = matrix(workshop)
        places = range(0, len(scenarios), every)
        return _report(workshop, places, Report(0), processes, scenarios.__getitem__, progress)


def _report(
    workshop: Workshop,
    seeds: Sequence[int],
    report: Report,
    processes: int,
    draw: Callable[[int], Scenario],
    progress: Callable[[Report], None],
) -> Report:
    begin = time.monotonic()

    def work(seed: int, seat: int) -> Outcome:
        return play(replace(workshop, seat=seat), draw, seed)

    def prepare(seed: int, seat: int) -> None:
        replace(workshop, seat=seat).warm_up(draw(seed).instrument)

    for outcome in Crew(work, processes, prepare).results(seeds):
        report.add(outcome)
        report.seconds = time.monotonic() - begin
        progress(report)
    return report


def play(workshop: Workshop, draw: Callable[[int], Scenario], seed: int) -> Outcome:
    """Play and judge one scenario, and clear up.

    Parameters
    ----------
    workshop
        Where.
    draw
        Draws the scenario from its seed.
    seed
        Of the scenario.

    Raises
    ------
    NoRoom
        There is no room for it.
    """
    lived = workshop.play(draw(seed))
    try:
        found, story = _judge(lived)
    except Exception:  # that is one more thing to look into, and no reason to lose all that was found
        found, story = [("can-be-judged", "the judge broke")], traceback.format_exc()
    finally:
        shutil.rmtree(lived.folder, ignore_errors=True)
    return Outcome(seed, tuple(found), story, dict(lived.struck), lived.memory)


def _judge(lived: Lived) -> tuple[list[tuple[str, str]], str]:
    """Invariants that are violated, and how; and the story, if there are some."""
    evidence = gather(lived)
    try:
        found = judge(evidence)
        return found, tell(evidence) if found else ""
    finally:
        evidence.shelf.close()
