"""The judge looks at every life of a script: nothing is excused by what was done to another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.simulated_observatory.campaign.end_invariants import ends_agree, nothing_breaks
from lsst.ts.simulated_observatory.campaign.judge import judge
from lsst.ts.simulated_observatory.campaign.life import Life
from lsst.ts.simulated_observatory.campaign.shelf import Shelf
from lsst.ts.simulated_observatory.campaign.time_invariants import nothing_goes_on, time_is_bounded

from lsst.ts.simulated_observatory.campaign import life, witness
from lsst.ts.simulated_observatory.campaign.events import Events
from lsst.ts.simulated_observatory.campaign.evidence import Evidence, gather
from lsst.ts.simulated_observatory.campaign.interruption import Act
from lsst.ts.simulated_observatory.campaign.runner import Lived, Workshop
from lsst.ts.simulated_observatory.campaign.scenario import Scenario, draw_scenario
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

KILLED_AND_RESUMED = 15
"""Seed of a scenario, with a focus on interruptions, in which a run is killed and then resumed."""

WELL = Life(status=0, seconds=9.0).as_dict()
STOPPED = {"state": "STOPPED"}


def evidence(lives: list[Mapping[str, Any] | None], acts: Mapping[int, Act], shelf: Shelf) -> Evidence:
    """Evidence of lives, made by hand: things done to some of them, and the end of those that came to one."""
    testimony = list[witness.Testimony]()
    for number, fate in enumerate(lives):
        if number in acts:
            testimony.append(
                witness.Testimony(number, 1.0, "", "interruption", {"words": str(acts[number])}, 0)
            )
        if fate is not None:
            values = {"state": int(ScriptState.STOPPED), "reason": ""}
            testimony.append(witness.Testimony(number, 9.0, "Script", "evt_state", values, 0))
    scenario = draw_scenario(1)
    events = Events(testimony, scenario.instrument)
    return Evidence(Lived(scenario, Path(), lives), events, b"", STOPPED, shelf)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with closing(Shelf(tmp_path)) as empty:
        yield empty


def test_a_kill_is_the_end_of_its_own_life_alone(shelf: Shelf) -> None:
    assert list(nothing_breaks(evidence([None], {0: Act.KILL}, shelf))) == []
    assert list(nothing_breaks(evidence([None, WELL], {0: Act.KILL}, shelf))) == []
    assert list(nothing_breaks(evidence([None, None], {0: Act.KILL}, shelf))) == [
        "the process of life 1 ended by itself, or hung"
    ]
    assert list(nothing_breaks(evidence([None, WELL], {0: Act.STOP}, shelf))) == [
        "the process of life 0 ended by itself, or hung"
    ]


@pytest.mark.parametrize(
    ("invariant", "wrong"),
    [
        (nothing_breaks, {"broken": "ValueError"}),
        (nothing_breaks, {"log": "Traceback (most recent call last):"}),
        (nothing_goes_on, {"left": ["a thread"]}),
        (time_is_bounded, {"seconds": 1e9}),
        (ends_agree, {"status": 1}),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else each.__name__,
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_wrong_with_any_life_is_said(
    invariant: Callable[[Evidence], Any], wrong: Mapping[str, Any], place: int, shelf: Shelf
) -> None:
    lives: list[Mapping[str, Any] | None] = [WELL, WELL]
    assert list(invariant(evidence(lives, {0: Act.STOP}, shelf))) == []
    lives[place] = WELL | wrong
    assert len(list(invariant(evidence(lives, {0: Act.STOP}, shelf)))) == 1


@pytest.mark.long  # a workshop is opened, and a run is killed in it
def test_a_resumed_process_that_dies_is_noticed(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    live = life.live

    def die(scenario: Scenario, folder: Path, number: int, report: Callable[[str, int], None]) -> Life:
        if number:
            os._exit(3)
        return live(scenario, folder, number, report)

    monkeypatch.setattr(life, "live", die)
    found = gather(workshop.play(draw_scenario(KILLED_AND_RESUMED, ["interruption"])))
    assert found.lived.lives == [None, None]
    assert ("nothing-breaks", "the process of life 1 ended by itself, or hung") in judge(found)
    found.shelf.close()
