"""Each part of a run is checked by itself: nothing is excused by what was done to another one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.campaign import runner as module
from lsst.ts.simulated_observatory.campaign.evidence import gather
from lsst.ts.simulated_observatory.campaign.invariants import INVARIANTS
from lsst.ts.simulated_observatory.campaign.runner import Runner, _run_part
from lsst.ts.simulated_observatory.campaign.scenario import (
    Act,
    Interruption,
    PartOutcome,
    Scenario,
    ordinary_scenario,
)
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

from .by_hand import HandMade

WELL = PartOutcome(status=0, seconds=9.0)


def parts(*outcomes: PartOutcome | None, first: Act) -> HandMade:
    """A run in some parts, to the first of which something is done; those that are not killed are STOPPED."""
    made = HandMade(parts=list(outcomes), summary={"state": "STOPPED", "reason": ""})
    made.send(1.0, "", "interruption", act=str(first))
    for made.part, outcome in enumerate(outcomes):
        if outcome is not None:
            made.state(3.0, ScriptState.STOPPED)
    return made


def test_a_kill_is_the_end_of_its_own_part_alone() -> None:
    def breaks(*outcomes: PartOutcome | None, first: Act) -> list[str]:
        return parts(*outcomes, first=first).violations("nothing-breaks")

    assert breaks(None, first=Act.KILL) == []
    assert breaks(None, WELL, first=Act.KILL) == []
    assert breaks(None, None, first=Act.KILL) == ["the process of part 1 ended by itself, or hung"]
    assert breaks(None, WELL, first=Act.STOP) == ["the process of part 0 ended by itself, or hung"]


@pytest.mark.parametrize(
    ("invariant", "wrong"),
    [
        ("nothing-breaks", replace(WELL, broken="ValueError")),
        ("nothing-breaks", replace(WELL, log="Traceback (most recent call last):")),
        ("nothing-goes-on", replace(WELL, left=["a thread"])),
        ("time-is-bounded", replace(WELL, seconds=1e9)),
        ("ends-agree", replace(WELL, status=1)),
    ],
    ids=["broken", "traceback", "left", "seconds", "status"],
)
@pytest.mark.parametrize("place", [0, 1])
def test_what_is_wrong_with_any_part_is_noticed(invariant: str, wrong: PartOutcome, place: int) -> None:
    outcomes = [WELL, WELL]
    assert parts(*outcomes, first=Act.STOP).violations(invariant) == []
    outcomes[place] = wrong
    assert len(parts(*outcomes, first=Act.STOP).violations(invariant)) == 1


@pytest.mark.long  # a runner is opened, and a run is killed
def test_a_resumed_process_that_dies_is_noticed(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(scenario: Scenario, folder: Path, part: int, *arguments: Any) -> PartOutcome:
        if part:
            os._exit(3)
        return _run_part(scenario, folder, part, *arguments)

    monkeypatch.setattr(module, "_run_part", die)
    killed: dict[str, Any] = {"interruption": Interruption(Act.KILL, message=100), "resumed": True}
    evidence = gather(runner.play(replace(ordinary_scenario(LATISS), **killed)))
    assert evidence.played.parts == [None, None]
    words = list(INVARIANTS["nothing-breaks"](evidence))
    assert words == ["the process of part 1 ended by itself, or hung"]
    evidence.datasets.close()
