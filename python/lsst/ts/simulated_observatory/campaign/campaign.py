"""A campaign: many scenarios, in several processes, and what came out of them.

Everything is played in a scratch folder and in processes of which none is left, whatever happens:
`Interrupted` is raised when a signal comes, `NoSpace` when there is no space for the files.
"""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from lsst.ts.calibrations.domain.instruments import LATISS

from ..session.interrupts import noted_interrupts
from .drawing import draw_scenario, smallest_scenario
from .evidence import Evidence, gather
from .invariants import INVARIANTS
from .runner import Runner, open_runner
from .scenario import AT_ONCE, Act, Interruption, Scenario, ordinary_scenario
from .workers import results_of_group, scratch_folder, work_through

__all__ = ["Outcome", "Violation", "check_scenario", "matrix", "run_campaign", "run_matrix"]

BROKEN = "can-be-checked"
"""Name of the invariant that is violated when the invariants themselves break."""

BEGIN = range(70, 90)
"""Turns of the loop after the script is CONFIGURED, among them those in which its run begins."""

QUIET = ("evt_endReadout", "evt_summaryState")
"""Messages that the description of a scenario does without."""

T = TypeVar("T")


class Violation(NamedTuple):
    """An invariant that does not hold: its name, how it is violated, and what happened.

    What happened is that of the scenario itself, or of the smallest one with such a violation.
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


def run_campaign(seeds: Sequence[int], *, focus: Sequence[str] = (), processes: int = 2) -> Iterator[Outcome]:
    """Play and check drawn scenarios.

    Parameters
    ----------
    seeds, focus
        Of the scenarios, as for `draw_scenario`.
    processes
        How many scenarios at a time.

    Returns
    -------
    outcomes
        The first violation of each invariant has the story of the smallest scenario with such a violation.
    """

    def produce(folder: Path) -> Iterator[Outcome]:
        runner, shrunk = open_runner(folder, processes), set[str]()

        def work(seed: int) -> Outcome:
            return check_scenario(runner, draw_scenario(seed, focus))

        for outcome in work_through(work, seeds, processes):
            new = outcome.invariants - shrunk
            shrunk |= new
            yield _with_smallest(runner, outcome, new, focus)

    return _in_group(produce)


def run_matrix(numbers: slice, *, processes: int = 2) -> Iterator[Outcome]:
    """Interrupt a run at every place, in every way, and resume it.

    Parameters
    ----------
    numbers
        Of the combinations that are played.
    processes
        How many at a time.

    Returns
    -------
    outcomes
        Their seeds are the numbers of the combinations. LookupError comes if there are none of these.
    """

    def produce(folder: Path) -> Iterator[Outcome]:
        runner = open_runner(folder, processes)
        scenarios = matrix(runner)
        chosen = range(len(scenarios))[numbers]
        if not chosen:
            raise LookupError(f"the matrix has those from 0 to {len(scenarios) - 1}")
        yield from work_through(lambda place: check_scenario(runner, scenarios[place]), chosen, processes)

    return _in_group(produce)


def _in_group(produce: Callable[[Path], Iterator[T]]) -> Iterator[T]:
    """Produce something in a scratch folder, in processes of which none is left."""
    with noted_interrupts() as interrupts, scratch_folder() as folder:
        yield from results_of_group(lambda: produce(folder), interrupts)


def _with_smallest(runner: Runner, outcome: Outcome, invariants: set[str], focus: Sequence[str]) -> Outcome:
    """Replace the stories of first violations of invariants by those of the smallest scenarios with one."""

    def violation(name: str, scenario: Scenario) -> Violation | None:
        (played,) = work_through(lambda _: check_scenario(runner, scenario), [scenario.seed], 1)
        return next((each for each in played.violations if each.invariant == name), None)

    found = list(outcome.violations)
    for name in sorted(invariants):
        place = next(place for place, each in enumerate(found) if each.invariant == name)
        violates = partial(violation, name)
        if again := violates(smallest_scenario(outcome.seed, violates, focus)):
            story = f"The smallest scenario like it: {again.words}\n{again.story}"
            found[place] = found[place]._replace(story=story)
    return replace(outcome, violations=tuple(found))


def check_scenario(runner: Runner, scenario: Scenario) -> Outcome:
    """Play and check one scenario, and remove its files.

    Parameters
    ----------
    runner, scenario
        Plays that one.

    Returns
    -------
    outcome
        Invariants that break are violations, too: no reason to lose all that was found.
    """
    played = runner.play(scenario)
    try:
        evidence = gather(played)
        try:
            found = [(name, words) for name, check in INVARIANTS.items() for words in check(evidence)]
            story = "\n".join(_description(evidence))
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


def matrix(runner: Runner) -> list[Scenario]:
    """All combinations of mode, place and interruption, in an order that depends on nothing.

    Parameters
    ----------
    runner
        Plays the two runs without interruption which show how many places there are.

    Returns
    -------
    scenarios
        Their seeds are their places in the list.
    """
    ordinary, found = ordinary_scenario(LATISS), list[Scenario]()
    for makes in (False, True):
        changed = {
            "script_mode": "BIAS_DARK",
            "do_gain_from_flat_pairs": False,
            "generate_calibrations": makes,
        }
        options = {**ordinary.options, **changed}
        plain = replace(ordinary, options=options, disturbances=ordinary.disturbances if makes else {})
        places = list(_places(runner, plain))
        for act in Act:
            for place in places:
                interruption = replace(place, act=act)
                found.append(replace(plain, interruption=interruption, resumed=interruption.ends))
    found += [
        replace(plain, interruption=Interruption(act, turn=turn, state="CONFIGURED"), resumed=True)
        for act in AT_ONCE
        for turn in BEGIN
    ]
    return [replace(scenario, seed=number) for number, scenario in enumerate(found)]


def _places(runner: Runner, plain: Scenario) -> Iterator[Interruption]:
    """Every checkpoint, and after every entry of the journal."""
    evidence = gather(runner.play(plain))
    shutil.rmtree(evidence.played.folder)
    # The state is published at every checkpoint, and at few other occasions; more places do no harm.
    checkpoints = sum(name == "RUNNING" for _, name, _ in evidence.parts[0].states)
    yield from (Interruption(Act.PAUSE, checkpoint=number) for number in range(1, checkpoints))
    yield from (Interruption(Act.PAUSE, entry=number) for number in range(1, len(evidence.facts)))
