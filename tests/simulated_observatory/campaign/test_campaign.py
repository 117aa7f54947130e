"""A short campaign: nothing is violated, and what it reports is what it is fixed to report."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.campaign import campaign
from lsst.ts.simulated_observatory.campaign.__main__ import main
from lsst.ts.simulated_observatory.campaign.campaign import (
    Outcome,
    Violation,
    check_scenario,
    run_campaign,
    run_matrix,
)
from lsst.ts.simulated_observatory.campaign.drawing import draw_scenario
from lsst.ts.simulated_observatory.campaign.runner import Runner
from lsst.ts.simulated_observatory.campaign.scenario import Played, Scenario, ordinary_scenario
from lsst.ts.simulated_observatory.faults.kinds import KINDS

from .by_hand import read_scenario

EXAMPLES = [
    pytest.param(
        each, id=each["name"].replace(" ", "-"), marks=[pytest.mark.long] if each.get("long") else []
    )
    for each in yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text(encoding="utf-8"))
]


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("runner")  # what is played in processes that are forked later begins at once
def test_every_fortieth_interruption_of_the_matrix_is_survived() -> None:
    outcomes = list(run_matrix(slice(0, None, 40)))
    assert [each.seed for each in outcomes if each.violations] == []
    assert [each.seed for each in outcomes] == list(range(0, 40 * len(outcomes), 40))
    assert len(outcomes) > 7


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("example", EXAMPLES)
def test_a_scenario_that_stays_violates_nothing(runner: Runner, example: dict[str, object]) -> None:
    violates_nothing(runner, read_scenario(example))


@pytest.mark.parametrize(
    "seed", random.Random(1).sample(range(1_000_000_000), 6)
)  # as --seed 1 of the command
def test_a_scenario_that_is_drawn_violates_nothing(runner: Runner, seed: int) -> None:
    violates_nothing(runner, draw_scenario(seed))


def violates_nothing(runner: Runner, scenario: Scenario) -> None:
    outcome = check_scenario(runner, scenario)
    found = [f"VIOLATION {each.invariant}: {each.words}" for each in outcome.violations]
    if found:
        pytest.fail("\n".join([outcome.story, *found]))


@pytest.mark.long
@pytest.mark.usefixtures("runner")
def test_a_short_campaign_finds_no_violation_and_its_command_reports_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(main, ["--scenarios", "8", "--seed", "7", "--json"])
    assert (ended.exit_code, ended.stderr) == (0, "")
    report = json.loads(ended.stdout)
    assert {"scenarios", "seed", "violations", "faults", "seconds"} <= set(report)
    assert (report["scenarios"], report["seed"], report["violations"]) == (8, 7, [])
    assert set(report["faults"]) == set(KINDS)
    assert set(report["never_struck"]) == {name for name, number in report["faults"].items() if not number}
    assert 50 < report["memory_mb"] < 4096
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("scenarios", "warned"), [(1999, False), (2000, True)])
def test_a_fault_that_never_struck_in_a_large_campaign_is_named(
    monkeypatch: pytest.MonkeyPatch, scenarios: int, warned: bool
) -> None:
    struck = Outcome(0, (), "", dict.fromkeys(KINDS, 5) | {"clock-step": 0}, 0)
    monkeypatch.setattr(campaign, "run_campaign", lambda *_, **__: iter([struck] * scenarios))
    ended = CliRunner().invoke(main, ["--scenarios", f"{scenarios}", "--json"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["never_struck"] == ["clock-step"]
    assert ("THESE FAULTS NEVER STRUCK: clock-step" in ended.stderr) is warned


def no_more_than_one_image(_runner: object, scenario: Scenario) -> Outcome:
    """An outcome of a scenario that nobody plays: of two images and more one is too many."""
    story = f"{scenario.images} images"
    found = (Violation("one-image", f"there are {story}", story),) if scenario.images > 1 else ()
    return Outcome(scenario.seed, found, story, {}, 0)


@pytest.fixture
def without_scripts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(campaign, "open_runner", lambda *_: Runner(tmp_path))
    monkeypatch.setattr(campaign, "check_scenario", no_more_than_one_image)


@pytest.mark.usefixtures("without_scripts")
def test_the_first_violation_of_an_invariant_has_the_smallest_story() -> None:
    seeds = [seed for seed in range(100) if draw_scenario(seed).images > 2][:2]
    images = [draw_scenario(seed).images for seed in seeds]
    found = [each for outcome in run_campaign(seeds) for each in outcome.violations]
    assert [(each.words, each.story) for each in found] == [
        (f"there are {images[0]} images", "The smallest scenario like it: there are 2 images\n2 images"),
        (f"there are {images[1]} images", f"{images[1]} images"),
    ]


@pytest.mark.usefixtures("without_scripts")
def test_a_replayed_scenario_is_followed_by_the_smallest_like_it() -> None:
    seed, number = next((seed, images) for seed in range(100) if (images := draw_scenario(seed).images) > 2)
    ended = CliRunner().invoke(main, ["--scenario", f"{seed}"])
    assert ended.exit_code == 1
    before, _, after = ended.stdout.partition("\n\n")
    assert before.splitlines() == [f"{number} images", f"VIOLATION one-image: there are {number} images"]
    assert "The smallest scenario like it: there are 2 images" in after


@pytest.mark.usefixtures("without_scripts")
def test_a_number_that_the_matrix_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "matrix", lambda _: [ordinary_scenario(LATISS)])
    ended = CliRunner().invoke(main, ["--matrix", "--scenario", "7"])
    assert ended.exit_code == 2
    assert "--scenario 7: the matrix has those from 0 to 0" in ended.stderr


def test_invariants_that_break_are_one_more_violation(tmp_path: Path) -> None:
    class Empty(Runner):
        def play(self, scenario: Scenario) -> Played:
            (self.folder / "left").mkdir()
            return Played(scenario, self.folder / "left", [])

    outcome = check_scenario(Empty(tmp_path), draw_scenario(5))
    assert [(each.invariant, each.words) for each in outcome.violations] == [
        ("can-be-checked", "the invariants broke")
    ]
    assert "IndexError" in outcome.story
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", KINDS)
def test_each_fault_strikes_and_is_survived(runner: Runner, name: str) -> None:
    for outcome in struck_scenarios(runner, name):
        assert outcome.violations == (), outcome.story
        if outcome.struck.get(name):
            return
    pytest.fail(f"{name} has not struck in 12 scenarios")


def struck_scenarios(runner: Runner, name: str) -> Iterator[Outcome]:
    return (check_scenario(runner, draw_scenario(seed, [name])) for seed in range(12))
