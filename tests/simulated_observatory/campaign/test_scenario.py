"""Scenarios: drawn from a seed, always the same, always such that the script accepts them."""

from __future__ import annotations

import json

import pytest
import yaml

from lsst.ts.calibrations.config.config import examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.simulated_observatory.campaign.drawing import draw_scenario, smallest_scenario
from lsst.ts.simulated_observatory.campaign.scenario import Scenario
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.faults.kinds import KINDS

from .by_hand import read_scenario


def names(scenario: Scenario) -> set[str]:
    return {fault.partition(":")[0] for fault in scenario.faults}


def test_a_seed_always_gives_the_same_scenario() -> None:
    assert draw_scenario(7) == draw_scenario(7)
    assert draw_scenario(7).describe() == draw_scenario(7).describe()
    assert draw_scenario(7) != draw_scenario(8)


def test_the_script_accepts_every_configuration() -> None:
    for seed in range(150):
        scenario = draw_scenario(seed)
        schema = load_schema(scenario.instrument.name)
        assert examine(scenario.text, schema, scenario.instrument).errors == (), scenario.describe()


def test_every_fault_is_drawn_and_can_be_read() -> None:
    drawn = [draw_scenario(seed) for seed in range(400)]
    for scenario in drawn:
        Faults(scenario.faults)
    assert set().union(*map(names, drawn)) == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_scenario_can_be_asked_to_have_a_fault(name: str) -> None:
    for seed in range(5):
        assert name in names(draw_scenario(seed, [name]))


def test_a_scenario_can_be_kept_as_data() -> None:
    for seed in range(50):
        scenario = draw_scenario(seed)
        assert read_scenario(json.loads(json.dumps(scenario.as_dict())), seed) == scenario
        assert read_scenario(yaml.safe_load(scenario.describe()), seed) == scenario


class TestSmallest:
    @staticmethod
    def violates(scenario: Scenario) -> bool:
        return "ocps-exit" in names(scenario) and scenario.images >= 2

    def test_what_does_not_matter_is_left_out(self) -> None:
        seed = next(seed for seed in range(1000) if self.violates(draw_scenario(seed)))
        found = smallest_scenario(seed, self.violates)
        assert (found.seed, found.faults, found.images) == (seed, ("ocps-exit:code=1",), 2)
        assert (found.interruption, found.disturbances) == (None, {})
        assert found.options["script_mode"] in ("BIAS", "DARK")  # one type, and both have as many images

    def test_it_has_the_fault_that_it_was_asked_to_have(self) -> None:
        assert smallest_scenario(3, lambda _: True, ["ocps-exit"]).faults == ("ocps-exit:code=1",)

    def test_one_that_violates_nothing_when_it_is_played_again_stays_as_it_was(self) -> None:
        assert smallest_scenario(7, lambda _: False) == draw_scenario(7)

    def test_it_ends_in_time_with_the_smallest_so_far(self) -> None:
        played: list[Scenario] = []

        def violates(scenario: Scenario) -> bool:
            played.append(scenario)
            return True

        assert smallest_scenario(7, violates, seconds=0.0) == draw_scenario(7)
        assert len(played) == 1
