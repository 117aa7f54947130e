"""The interruption matrix: a run is interrupted at every place, in every way, and then resumed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lsst.ts.calibrations.domain.instruments import LATISS, ImageType

from ..stand_ins.measurements import Disturbance
from .evidence import gather
from .interruption import AT_ONCE, Act, Interruption
from .runner import Runner
from .scenario import Scenario

__all__ = ["matrix"]

BEGIN = range(70, 90)
"""Turns of the loop after the script is CONFIGURED, among them those in which its run begins."""

_OPTIONS: Mapping[str, Any] = {
    "script_mode": "BIAS_DARK",
    "n_bias": 2,
    "n_dark": 2,
    "n_flat": 1,
    "n_discard_bias": 0,
    "n_discard_dark": 0,
    "n_discard_flat": 0,
    "exp_times_dark": 5,
    "do_gain_from_flat_pairs": False,
    "calib_collection": "LATISS/calib/u/campaign/daily.1",
    "certify_calib_begin_date": "2025-01-01",
    "certify_calib_end_date": "2025-06-01",
    "oods_timeout": 60,
    "job_timeout": 600,
}

NOISIER = Disturbance(factor=math.sqrt(2.0))
"""With so much more noise two images verify against their own combination."""


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
    found = []
    for makes in (False, True):
        plain = Scenario(
            seed=0,
            instrument=LATISS,
            options={**_OPTIONS, "generate_calibrations": makes},
            disturbances=dict.fromkeys(ImageType, (NOISIER,)) if makes else {},
        )
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
    checkpoints = sum(name == "RUNNING" for _, _, name, _ in evidence.events.states)
    yield from (Interruption(Act.PAUSE, checkpoint=number) for number in range(1, checkpoints))
    yield from (Interruption(Act.PAUSE, entry=number) for number in range(1, len(evidence.facts)))
