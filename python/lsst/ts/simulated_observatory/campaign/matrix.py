"""The interruption matrix: a run is interrupted at every place, in every way, and then resumed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lsst.ts.calibrations.domain.instruments import LATISS

from .evidence import gather
from .interruption import AT_ONCE, Act, Interruption
from .runner import Runner
from .scenario import Scenario, ordinary_scenario

__all__ = ["matrix"]

BEGIN = range(70, 90)
"""Turns of the loop after the script is CONFIGURED, among them those in which its run begins."""


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
        options = {
            **ordinary.options,
            "script_mode": "BIAS_DARK",
            "do_gain_from_flat_pairs": False,
            "oods_timeout": 60,
            "job_timeout": 600,
            "generate_calibrations": makes,
        }
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
    # The state is published at every checkpoint, and at few other occasions; more places do no harm.
    checkpoints = sum(name == "RUNNING" for _, name, _ in evidence.parts[0].states)
    yield from (Interruption(Act.PAUSE, checkpoint=number) for number in range(1, checkpoints))
    yield from (Interruption(Act.PAUSE, entry=number) for number in range(1, len(evidence.facts)))
