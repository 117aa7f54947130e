"""Summaries that say what is not so, of runs that are made by hand and of one that was played."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.campaign.datasets import Certificate, validity_range
from lsst.ts.simulated_observatory.campaign.evidence import Evidence, gather
from lsst.ts.simulated_observatory.campaign.invariants import INVARIANTS
from lsst.ts.simulated_observatory.campaign.runner import Runner
from lsst.ts.simulated_observatory.campaign.scenario import ordinary_scenario
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

from .by_hand import FIRST, JOB, HandMade, entry

DATES = {"begin": "2025-01-01T00:00:00.000", "end": "2025-06-01T00:00:00.000"}

Lies = dict[str, tuple[Callable[[dict[str, Any]], object], str]]
"""By name what is changed in a summary, and words by which that is noticed."""


def an_honest_summary(made: HandMade) -> dict[str, Any]:
    """A run that took a bias, had it verified, and certified it; what it could not do was a dark."""
    job = {
        "job_id": JOB,
        "kind": "verify",
        "calibration": "BIAS",
        "collection": f"u/ocps/{JOB}",
        "pipeline": "verifyBias.yaml",
        "config": "",
        "data_query": "exposure IN (1)",
    }
    collections = {"verification_collection": f"u/ocps/{JOB}", "generation_collection": None}
    verdict: dict[str, Any] = {"passed": True, "complete": True, **collections, "failures": {}}
    step = {"step": "verify DARK", "reason": "no darks were taken"}
    made.options |= {"script_mode": "BIAS_DARK", "n_dark": 1}
    made.take(5.0, 1)
    made.submit(10.0)
    made.send(20.0, "OCPS", "evt_job_result", job_id=JOB, exit_code=0)
    made.note("JobEnded", job_id=JOB, exit_code=0)
    made.note("ExposureConfirmed", id=FIRST, physical_filter="empty~empty")
    made.note("VerdictGiven", calibration="BIAS", **verdict)
    made.state(30.0, ScriptState.FAILED, "no darks")
    made.datasets.certify(Certificate("bias", 0, "run", validity_range(*DATES.values()), "here"))
    return {
        "state": "FAILED",
        "reason": "no darks",
        "exposures": [entry(1, ingested=True, physical_filter="empty~empty", files=[])],
        "jobs": [{**job, "exit_code": 0}],
        "verification": {"BIAS": verdict},
        "certified": [{"dataset_type": "bias", "collection": "here", **DATES, "verified": True}],
        "not_done": [step],
    }


AGAINST_BUS_AND_REPOSITORY: Lies = {
    "files": (lambda summary: summary["exposures"][0].update(files=["/raw.fits"]), "the files"),
    "ingested": (
        lambda summary: summary["exposures"][0].update(ingested=False, files=[__file__]),
        "with 1 files",
    ),
    "filter": (lambda summary: summary["exposures"][0].update(physical_filter="u"), "the filter u"),
    "no filter": (lambda summary: summary["exposures"][0].update(physical_filter=None), "the filter None"),
    "pipeline": (
        lambda summary: summary["jobs"][0].update(pipeline="x"),
        "another pipeline than the command",
    ),
    "config": (lambda summary: summary["jobs"][0].update(config="x"), "another config than the command"),
    "query": (lambda summary: summary["jobs"][0].update(data_query="x"), "another data_query than the"),
    "collection": (lambda summary: summary["jobs"][0].update(collection="x"), "the collection x"),
    "no exit code": (lambda summary: summary["jobs"][0].update(exit_code=None), "exit code None, it had 0"),
    "job left out": (lambda summary: summary["jobs"].clear(), "which the OCPS acknowledged"),
    "exit code": (lambda summary: summary["jobs"][0].update(exit_code=1), "exit code 1, it had 0"),
    "kind": (lambda summary: summary["jobs"][0].update(kind="gain"), "has as another"),
    "failures": (
        lambda summary: summary["verification"]["BIAS"].update(failures={"1": {"NOISE": 1}}),
        "other failures of BIAS than the results",
    ),
    "certified elsewhere": (
        lambda summary: summary["certified"][0].update(collection="there"),
        "bias is filed as certified in there, and is not there",
    ),
    "validity range": (
        lambda summary: summary["certified"][0].update(end="2099-01-01T00:00:00.000"),
        "bias is filed as certified in here, and is not there",
    ),
    "why not": (lambda summary: summary["not_done"][0].update(reason=" "), "no reason is given why"),
    "other step": (lambda summary: summary["not_done"][0].update(step="verify all"), "not asked for"),
    "step twice": (lambda summary: summary["not_done"].append(summary["not_done"][0]), "named twice"),
}

AGAINST_THE_JOURNAL: Lies = {
    "reason": (lambda summary: summary.update(reason="well"), "the summary has reason 'well'"),
    "state": (lambda summary: summary.update(state="STOPPED"), "the summary has state 'STOPPED'"),
    "exposure left out": (lambda summary: summary["exposures"].pop(), "has exposures"),
    "filter": (lambda summary: summary["exposures"][0].update(physical_filter="u"), "has exposures"),
    "query": (lambda summary: summary["jobs"][0].update(data_query="x"), "has jobs"),
    "time": (lambda summary: summary["jobs"][0].update(ended=1e9), "has jobs"),
    "no verdict": (lambda summary: summary["verification"].clear(), "has verification {}"),
    "verdict": (lambda summary: summary["verification"]["BIAS"].update(passed=None), "has verification"),
    "nothing certified": (lambda summary: summary["certified"].clear(), "has certified []"),
    "more not done": (lambda summary: summary["not_done"].append({"step": "sleep"}), "has not_done"),
    "duration": (lambda summary: summary["timeline"].update(total=1.0), "has timeline"),
    "a key more": (lambda summary: summary.update(weather="fine"), "the summary has weather 'fine'"),
    "a key less": (lambda summary: summary.pop("versions"), "the summary has versions None"),
}


class TestAgainstBusAndRepository:
    def test_an_honest_one_is_true(self, made: HandMade) -> None:
        made.summary = an_honest_summary(made)
        assert made.violations("summary-is-true") == []

    @pytest.mark.parametrize("lie", AGAINST_BUS_AND_REPOSITORY)
    def test_each_lie_is_noticed(self, made: HandMade, lie: str) -> None:
        change, words = AGAINST_BUS_AND_REPOSITORY[lie]
        made.summary = copy.deepcopy(an_honest_summary(made))
        change(made.summary)
        assert any(words in each for each in made.violations("summary-is-true"))

    @pytest.mark.parametrize(("delay", "wanted"), [(110.0, True), (130.0, False)])
    def test_a_job_that_is_acknowledged_too_late_is_none_of_the_run(
        self, made: HandMade, delay: float, wanted: bool
    ) -> None:
        made.summary = an_honest_summary(made)
        made.submit(20.0 - delay, "1" * 32, number=10, delay=delay)
        assert any("acknowledged" in each for each in made.violations("summary-is-true")) is wanted

    def test_failures_are_those_of_the_results(self, made: HandMade) -> None:
        made.summary = an_honest_summary(made)
        tests = {"C00": {"NOISE": False, "READ_NOISE_CONSISTENT": False}}
        made.datasets.results["verifyBiasDetStats"] = {(FIRST, 0): {"VERIFY": {"AMP": tests}}}
        words = ["the summary has other failures of BIAS than the results of its verification"]
        assert made.violations("summary-is-true") == words

    def test_what_was_done_is_not_named(self, made: HandMade, monkeypatch: pytest.MonkeyPatch) -> None:
        made.summary = an_honest_summary(made)
        made.options |= {"generate_calibrations": True, "calib_collection": "here"}
        made.note("Certified", dataset_type="bias")
        made.summary["not_done"].append({"step": "certify BIAS", "reason": "who knows"})
        monkeypatch.setattr(Evidence, "_done", lambda *_: True)
        words = ["these were done, and are named as not done: certify BIAS"]
        assert made.violations("summary-is-true") == words


@pytest.fixture(scope="module")
def played(runner: Runner) -> Iterator[Evidence]:
    """A run that makes, verifies and certifies calibrations."""
    evidence = gather(runner.play(ordinary_scenario(LATISS)))
    yield evidence
    evidence.datasets.close()


class TestAgainstTheJournal:
    def violations(self, evidence: Evidence) -> list[str]:
        return list(INVARIANTS["summary-follows-from-the-journal"](evidence))

    def test_an_honest_one_follows_from_it(self, played: Evidence) -> None:
        assert played.summary is not None
        assert played.summary["certified"]
        assert self.violations(played) == []

    @pytest.mark.parametrize("lie", AGAINST_THE_JOURNAL)
    def test_each_lie_is_noticed(self, played: Evidence, lie: str) -> None:
        change, words = AGAINST_THE_JOURNAL[lie]
        summary = copy.deepcopy(dict(played.summary or {}))
        change(summary)
        found = self.violations(replace(played, summary=summary))
        assert len(found) == 1
        assert words in found[0]

    @pytest.mark.parametrize("lie", sorted(AGAINST_THE_JOURNAL.keys() - {"reason", "state", "duration"}))
    def test_each_lie_is_noticed_when_the_journal_has_no_end(self, played: Evidence, lie: str) -> None:
        change, words = AGAINST_THE_JOURNAL[lie]
        without_end = replace(played, journal=b"".join(played.journal.splitlines(keepends=True)[:-1]))
        missing = ["there is a summary, and the journal has no end of the run"]
        assert self.violations(without_end) == missing
        summary = copy.deepcopy(dict(played.summary or {}))
        change(summary)
        found = self.violations(replace(without_end, summary=summary))
        assert found[:1] == missing
        assert len(found) == 2
        assert words in found[1]

    def test_a_full_disk_may_have_no_end(self, played: Evidence) -> None:
        full = replace(played.played, strikes={0: Counter(["run-disk-full"])})
        journal = b"".join(played.journal.splitlines(keepends=True)[:-1])
        assert self.violations(replace(played, played=full, journal=journal)) == []

    def test_a_run_that_never_began_has_nothing(self, played: Evidence) -> None:
        words = ["the summary has exposures, jobs, verification, certified, gains of a run that never began"]
        assert self.violations(replace(played, journal=b"")) == words
