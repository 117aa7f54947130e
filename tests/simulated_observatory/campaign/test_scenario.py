"""Scenarios: drawn from a seed, always the same, always such that the script accepts them."""

from __future__ import annotations

import pytest

from lsst.ts.calibrations.config.config import examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.simulated_observatory.campaign.causes import CAUSES, HARMLESS
from lsst.ts.simulated_observatory.campaign.scenario import draw_scenario
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.faults.kinds import KINDS


def test_a_seed_always_gives_the_same_scenario() -> None:
    assert draw_scenario(7) == draw_scenario(7)
    assert draw_scenario(7).describe() == draw_scenario(7).describe()
    assert draw_scenario(7) != draw_scenario(8)


def test_the_script_accepts_every_configuration() -> None:
    for seed in range(200):
        scenario = draw_scenario(seed)
        schema = load_schema(scenario.instrument.name)
        assert examine(scenario.text, schema, scenario.instrument).errors == (), scenario.describe()


def test_every_fault_is_drawn_and_can_be_read() -> None:
    drawn = [fault for seed in range(600) for fault in draw_scenario(seed).faults]
    Faults(drawn)
    assert {fault.partition(":")[0] for fault in drawn} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_scenario_can_be_asked_to_have_a_fault(name: str) -> None:
    for seed in range(5):
        assert name in {fault.partition(":")[0] for fault in draw_scenario(seed, [name]).faults}


def test_of_each_fault_it_is_known_how_it_shows() -> None:
    assert set(CAUSES) | HARMLESS == set(KINDS)
    assert not set(CAUSES) & HARMLESS
