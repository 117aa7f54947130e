"""A run that was killed before the packages were moved is resumed, and nothing is done twice.

Its directory is data, made by make_frozen.py: the journal names the pipelines by the addresses that they had
then, and the repository the classes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from .old_run import FILES, JOURNAL
from .play import Played

OLD_PIPELINES = "resource://lsst.ts.calibrations.pipelines/"
"""Where the pipelines were; literally, since this is what journals of before say."""

FINISHED = ["generate BIAS", "verify BIAS", "generate DARK"]
"""Jobs that had succeeded when the run was killed."""


def old_facts() -> list[dict[str, Any]]:
    return [json.loads(line) for line in JOURNAL.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def resumed(played: Callable[[str], Played]) -> Played:
    return played("resumed")


@pytest.fixture
def summary(resumed: Played) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((resumed.folder / "summary.json").read_text())
    return found


def test_the_old_run_was_killed_with_a_job_under_way() -> None:
    facts = old_facts()
    jobs = [fact for fact in facts if fact["fact"] == "JobSubmitted"]
    ended = {fact["job_id"]: fact["exit_code"] for fact in facts if fact["fact"] == "JobEnded"}
    assert [f"{job['kind']} {job['calibration']}" for job in jobs if job["job_id"] in ended] == FINISHED
    assert set(ended.values()) == {0}
    assert facts[-1]["fact"] == "JobSubmitted"
    assert all(job["pipeline"].startswith(OLD_PIPELINES) for job in jobs)
    assert FILES.stat().st_size < 200_000


def test_the_old_run_comes_to_its_end(resumed: Played, summary: dict[str, Any]) -> None:
    assert resumed.status == 0, resumed.output
    assert (summary["state"], summary["not_done"]) == ("DONE", [])
    assert {name: verdict["passed"] for name, verdict in summary["verification"].items()} == {
        "BIAS": True,
        "DARK": True,
    }
    assert [each["dataset_type"] for each in summary["certified"]] == ["bias", "dark"]


def test_no_job_that_had_succeeded_is_submitted_again(resumed: Played, summary: dict[str, Any]) -> None:
    submitted = [each.values["pipeline"] for each in resumed.messages if each.topic == "cmd_execute"]
    assert [address.rpartition("/")[2] for address in submitted] == ["verifyDark.yaml"]
    succeeded = Counter(
        f"{job['kind']} {job['calibration']}" for job in summary["jobs"] if job["exit_code"] == 0
    )
    assert succeeded == Counter([*FINISHED, "verify DARK"])
    log = (resumed.folder / "script.log").read_text()
    for name in FINISHED:
        assert log.count(f"({name}) had succeeded.") == 1


def test_no_exposure_is_taken_again(resumed: Played, summary: dict[str, Any]) -> None:
    assert not [each for each in resumed.messages if each.topic == "cmd_takeImages"]
    taken = [fact["id"] for fact in old_facts() if fact["fact"] == "ExposureTaken"]
    assert [each["id"] for each in summary["exposures"]] == taken


def test_what_the_old_journal_held_is_still_in_it(resumed: Played) -> None:
    lines = (resumed.folder / "journal.jsonl").read_text().splitlines()
    kept = [line.replace(str(resumed.folder), "/frozen/run") for line in lines]
    assert kept[: len(old_facts())] == JOURNAL.read_text(encoding="utf-8").splitlines()
