"""A short campaign: nothing is violated, and what it reports is what design section 7 fixes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.campaign import campaign
from lsst.ts.simulated_observatory.campaign.__main__ import main
from lsst.ts.simulated_observatory.campaign.campaign import Report, play, run_campaign, run_matrix
from lsst.ts.simulated_observatory.campaign.runner import Lived, Workshop
from lsst.ts.simulated_observatory.campaign.scenario import Scenario, draw_scenario
from lsst.ts.simulated_observatory.faults.kinds import KINDS

CAMPAIGN = [sys.executable, "-m", "lsst.ts.simulated_observatory.campaign"]


@pytest.mark.timeout(600)
def test_a_short_campaign_finds_no_violation() -> None:
    report = run_campaign(range(16), seed=1)
    assert report.violations == []
    assert report.scenarios == 16


@pytest.mark.timeout(600)
def test_every_tenth_interruption_of_the_matrix_is_survived() -> None:
    report = run_matrix(every=10)
    assert report.violations == []
    assert report.scenarios > 20


def test_the_report_of_the_command() -> None:
    ended = subprocess.run(
        [*CAMPAIGN, "--scenarios", "3", "--seed", "7", "--json"], capture_output=True, text=True, check=True
    )
    report = json.loads(ended.stdout)
    assert {"scenarios", "seed", "violations", "faults", "seconds"} <= set(report)
    assert (report["scenarios"], report["seed"], report["violations"]) == (3, 7, [])
    assert set(report["faults"]) == set(KINDS)
    assert set(report["never_struck"]) == {name for name, number in report["faults"].items() if not number}
    assert 50 < report["memory_mb"] < 4096
    assert ended.stderr == ""


@pytest.mark.parametrize(("scenarios", "said"), [(1999, False), (2000, True)])
def test_a_fault_that_never_struck_in_a_large_campaign_is_said(
    monkeypatch: pytest.MonkeyPatch, scenarios: int, said: bool
) -> None:
    report = Report(1, scenarios, faults=Counter(dict.fromkeys(KINDS, 5) | {"clock-step": 0}))
    monkeypatch.setattr(campaign, "run_campaign", lambda *_, **__: report)
    ended = CliRunner().invoke(main, ["--scenarios", f"{scenarios}", "--json"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["never_struck"] == ["clock-step"]
    assert ("THESE FAULTS NEVER STRUCK: clock-step" in ended.stderr) is said


def test_a_judge_that_breaks_is_one_more_violation(tmp_path: Path) -> None:
    class Empty(Workshop):
        def play(self, scenario: Scenario) -> Lived:
            (self.folder / "left").mkdir()
            return Lived(scenario, self.folder / "left", [None])

    outcome = play(Empty(tmp_path), draw_scenario, 5)
    assert outcome.violations == (("can-be-judged", "the judge broke"),)
    assert "unable to open database file" in outcome.story
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", KINDS)
def test_each_fault_strikes_and_is_survived(workshop: Workshop, name: str) -> None:
    draw = partial(draw_scenario, focus=[name])
    for seed in range(12):
        outcome = play(workshop, draw, seed)
        assert outcome.violations == (), outcome.story
        if outcome.struck.get(name):
            return
    pytest.fail(f"{name} has not struck in 12 scenarios")
