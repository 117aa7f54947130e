"""Scenarios drawn from seeds, and shrunk: of one that violates something the smallest that does, too.

Hypothesis draws from bytes, here those of a seed, and is then asked for a smaller example. A seed gives the
same scenario with the same versions of this package and of Hypothesis; what is to stay is kept as data.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import Flaky

from .scenario import Scenario
from .strategies import scenarios

__all__ = ["draw_scenario", "smallest_scenario"]

LENGTH = 4096
"""Bytes from which a scenario is drawn: more than any needs."""

SHRINKING = 120.0
"""Seconds after which a scenario is taken as it has become."""


def draw_scenario(seed: int, focus: Sequence[str] = ()) -> Scenario:
    """Draw a scenario.

    Parameters
    ----------
    seed
        The same seed and focus give the same scenario.
    focus
        Names of faults, one of which shall be among its faults; or ``interruption``: there shall be one.

    Returns
    -------
    scenario
        With that seed.
    """
    drawn: list[Scenario] = []
    _draw(_test(drawn.append, focus), seed, focus)
    return replace(drawn[-1], seed=seed)


def smallest_scenario(
    seed: int, violates: Callable[[Scenario], bool], focus: Sequence[str] = (), seconds: float = SHRINKING
) -> Scenario:
    """Shrink a scenario that violates an invariant.

    Parameters
    ----------
    seed, focus
        Of the scenario.
    violates
        Whether a scenario violates the same invariant.
    seconds
        After this time the smallest scenario that was found so far is returned.

    Returns
    -------
    scenario
        One from which nothing can be left out, or the smallest found in time. If the first one violates
        nothing when it is played again, it is returned as it was.
    """
    end = time.monotonic() + seconds
    known: dict[str, bool] = {}
    smallest = [draw_scenario(seed, focus)]

    def look(scenario: Scenario) -> None:
        key = repr(scenario)
        if key not in known and (not known or time.monotonic() < end):
            known[key] = violates(replace(scenario, seed=seed))
        if known.get(key):
            smallest.append(replace(scenario, seed=seed))
            raise _Violated

    test = _test(look, focus)
    try:
        _draw(test, seed, focus)  # it is remembered as an example
    except _Violated:
        with contextlib.suppress(_Violated, Flaky):
            test()
    return smallest[-1]


class _Violated(Exception):
    """A scenario violates what it is to violate."""


def _test(look: Callable[[Scenario], object], focus: Sequence[str]) -> Callable[[], None]:
    """A Hypothesis test that replays and shrinks its examples, and tries no others."""

    @settings(
        database=InMemoryExampleDatabase(),
        phases=(Phase.reuse, Phase.shrink),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(scenarios(tuple(focus)))
    def test(scenario: Scenario) -> None:
        look(scenario)

    return test


def _draw(test: Callable[[], None], seed: int, focus: Sequence[str]) -> None:
    """Let a test look at the scenario of a seed."""
    rng = random.Random(f"{seed} {sorted(focus)}")  # noqa: S311
    cast(Any, test).hypothesis.fuzz_one_input(rng.randbytes(LENGTH))
