"""The judge sees what is wrong in stories that are made by hand, and minds nothing else."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.simulated_observatory.campaign import witness
from lsst.ts.simulated_observatory.campaign.end_invariants import (
    NEGATIVE,
    done_means_done,
    ends_agree,
    negative_verdicts_come_first,
    reason_names_the_cause,
)
from lsst.ts.simulated_observatory.campaign.events import Events
from lsst.ts.simulated_observatory.campaign.evidence import Evidence
from lsst.ts.simulated_observatory.campaign.gain_invariants import gains_are_true
from lsst.ts.simulated_observatory.campaign.images_invariants import (
    exposures_are_filed,
    few_are_taken_again,
    ingests_are_true,
)
from lsst.ts.simulated_observatory.campaign.interruption import Act
from lsst.ts.simulated_observatory.campaign.job_invariants import data_taking_goes_on, jobs_read_their_own
from lsst.ts.simulated_observatory.campaign.life import Life
from lsst.ts.simulated_observatory.campaign.runner import Lived
from lsst.ts.simulated_observatory.campaign.scenario import Scenario
from lsst.ts.simulated_observatory.campaign.shelf import Certificate, Shelf, certified_in, nanoseconds
from lsst.ts.simulated_observatory.campaign.summary_invariants import summary_is_true
from lsst.ts.simulated_observatory.campaign.time_invariants import nothing_goes_on, time_is_bounded
from lsst.ts.simulated_observatory.embedded_sal.enums import SalRetCode, ScriptState

FIRST = 20250115_00001
"""Id of the first exposure."""

OPTIONS = {
    "script_mode": "BIAS",
    "n_bias": 2,
    "n_discard_bias": 1,
    **{f"{number}_{kind}": 0 for number in ("n", "n_discard") for kind in ("dark", "flat")},
    "generate_calibrations": False,
    "oods_timeout": 60,
    "job_timeout": 600,
}


@dataclass
class Story:
    """What a witness saw, and what the script wrote, line by line."""

    shelf: Shelf
    lives: list[Mapping[str, Any] | None] = field(default_factory=lambda: [Life(status=1).as_dict()])
    strikes: dict[int, Counter[str]] = field(default_factory=dict)
    raws: frozenset[tuple[int, int]] = frozenset()
    summary: dict[str, Any] | None = None
    options: dict[str, Any] = field(default_factory=lambda: dict(OPTIONS))
    life: int = 0
    journal: bytes = b""
    testimony: list[witness.Testimony] = field(default_factory=list)

    def say(self, time: float, component: str, topic: str, **values: object) -> None:
        line = witness.Testimony(self.life, time, component, topic, values, len(self.journal))
        self.testimony.append(line)

    def note(self, fact: str, **values: object) -> None:
        self.journal += json.dumps({"fact": fact, **values}).encode() + b"\n"

    def state(self, time: float, state: ScriptState, reason: str = "") -> None:
        self.say(time, "Script", "evt_state", state=int(state), reason=reason)

    def take(
        self,
        time: float,
        number: int,
        *,
        answer: SalRetCode | None = SalRetCode.CMD_COMPLETE,
        kind: str = "BIAS",
    ) -> None:
        """Take an exposure.

        The camera answers at once, reads out in two seconds, and the OODS has it in three.
        """
        name = f"AT_O_20250115_{number:06d}"
        self.say(time, "ATCamera", "cmd_takeImages", private_seqNum=number, expTime=0.0, keyValueMap="")
        integration = {"imageName": name, "exposureTime": 0.0}
        keys = {"additionalKeys": "imageType", "additionalValues": kind}
        self.say(time, "ATCamera", "evt_startIntegration", **integration, **keys)
        if answer is not None:
            self.say(time, "ATCamera", "ack_ackcmd", private_seqNum=number, ack=int(answer), result="")
            self.say(time + 2.0, "ATCamera", "evt_endReadout", imageName=name)

    def ingest(self, time: float, number: int) -> None:
        where = {"raft": "undef", "sensor": "RXX_S00"}
        self.say(
            time, "ATOODS", "evt_imageInOODS", obsid=f"AT_O_20250115_{number:06d}", statusCode=0, **where
        )

    def submit(
        self,
        time: float,
        job_id: str = "0" * 32,
        *,
        pipeline: str = "verifyBias.yaml",
        inputs: str = "",
        query: str = "exposure IN (1)",
        number: int = 9,
    ) -> None:
        """Submit a job, which the OCPS acknowledges a second later."""
        fields = {"pipeline": pipeline, "config": f"-i {inputs}" if inputs else "", "data_query": query}
        self.say(time, "OCPS", "cmd_execute", private_seqNum=number, **fields)
        text = json.dumps({"job_id": job_id})
        ack = int(SalRetCode.CMD_INPROGRESS)
        self.say(time + 1.0, "OCPS", "ack_ackcmd", private_seqNum=number, ack=ack, result=text)

    def resume(self) -> None:
        """What follows is of the next life."""
        self.life += 1
        self.lives.append(Life(status=1).as_dict())
        self.note("RunResumed")

    @property
    def evidence(self) -> Evidence:
        scenario = Scenario(0, LATISS, self.options)
        lived = Lived(scenario, Path(), self.lives, self.strikes, raws=self.raws)
        return Evidence(lived, Events(self.testimony, LATISS), self.journal, self.summary, self.shelf)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with closing(Shelf(tmp_path)) as empty:
        vars(empty)["_types"] = {}  # no dataset of any type
        yield Story(empty)


def test_of_the_journal_only_whole_lines_count_that_were_on_the_disk(story: Story) -> None:
    story.note("RunConfigured")
    story.journal += b'{"fact": "Exp'
    story.say(1.0, "OCPS", "cmd_abort_job", job_id="")
    whole, half = story.evidence.facts_at(story.testimony[0]), story.journal
    story.journal = half.replace(b'"Exp', b'"ExposureTaken"}\n')
    assert [fact["fact"] for fact in whole] == ["RunConfigured"]
    assert list(story.evidence.facts_at(story.testimony[0])) == list(whole)
    assert len(story.evidence.facts) == 2


class TestJobs:
    @pytest.mark.parametrize(("topic", "late"), [("evt_job_result", False), ("cmd_abort_job", True)])
    def test_an_end_in_time_is_one(self, story: Story, topic: str, late: bool) -> None:
        story.submit(10.0)
        story.say(11.0 + 600.0 + 60.0 * late, "OCPS", topic, job_id="0" * 32, exit_code=1)
        story.state(4000.0, ScriptState.FAILED)
        assert list(time_is_bounded(story.evidence)) == []

    @pytest.mark.parametrize("topic", ["evt_job_result", "cmd_abort_job"])
    def test_an_end_that_is_too_late_is_said(self, story: Story, topic: str) -> None:
        story.submit(10.0)
        story.say(1000.0, "OCPS", topic, job_id="0" * 32, exit_code=1)
        story.state(4000.0, ScriptState.FAILED)
        words = ["the job verify BIAS ran for 989 s, and may for 670 s"]
        assert list(time_is_bounded(story.evidence)) == words

    @pytest.mark.parametrize(("seen", "violations"), [(100.0, 0), (2000.0, 1)])
    def test_of_a_life_that_is_killed_all_counts_that_was_seen(
        self, story: Story, seen: float, violations: int
    ) -> None:
        story.submit(10.0)
        story.say(seen, "OCPS", "cmd_execute", private_seqNum=8, pipeline="", config="", data_query="")
        story.lives = [None]
        assert len(list(time_is_bounded(story.evidence))) == violations

    def test_an_abort_in_a_later_life_comes_too_late_for_the_earlier_one(self, story: Story) -> None:
        story.submit(10.0)
        story.state(50.0, ScriptState.STOPPED)
        story.resume()
        story.say(1.0, "OCPS", "cmd_abort_job", job_id="0" * 32)
        words = ["the job verify BIAS still ran at the end, and nobody aborted it"]
        assert list(nothing_goes_on(story.evidence)) == words


class TestEnds:
    def test_a_state_after_the_final_one_is_named(self, story: Story) -> None:
        story.lives = [Life(status=0).as_dict()]
        story.summary = {"state": "STOPPED"}
        for state in (ScriptState.STOPPING, ScriptState.STOPPED, ScriptState.STOPPED):
            story.state(9.0, state)
        assert list(ends_agree(story.evidence)) == []
        story.state(9.0, ScriptState.STOPPING)
        words = ["life 0 of the script had the state STOPPING after the final state STOPPED"]
        assert list(ends_agree(story.evidence)) == words

    @pytest.mark.parametrize(
        ("answer", "good"),
        [(SalRetCode.CMD_COMPLETE, {1}), (SalRetCode.CMD_FAILED, {2}), (None, {1, 2})],
        ids=["taken", "refused", "not answered"],
    )
    @pytest.mark.parametrize("status", [0, 1, 2])
    def test_the_exit_status_tells_whether_something_was_exposed(
        self, story: Story, answer: SalRetCode | None, good: set[int], status: int
    ) -> None:
        story.lives = [Life(status=status).as_dict()]
        story.summary = {"state": "FAILED"}
        story.take(5.0, 1, answer=answer)
        story.state(9.0, ScriptState.FAILED)
        assert bool(list(ends_agree(story.evidence))) == (status not in good)


class TestCauses:
    @pytest.mark.parametrize(
        ("fault", "killed", "reason", "excused"),
        [
            ("ocps-refused", False, "the OCPS refused it", False),
            ("butler-full", False, "disk is full", False),
            ("butler-full", True, "disk is full", True),
            ("verify-empty", False, "The verification of BIAS has no results", True),
        ],
    )
    def test_a_fault_of_before_excuses_a_later_life_only_if_something_is_left_of_it(
        self, story: Story, fault: str, killed: bool, reason: str, excused: bool
    ) -> None:
        story.strikes = {0: Counter([fault])}
        if killed:
            story.lives = [None]
        else:
            story.state(9.0, ScriptState.FAILED, reason)
        assert list(reason_names_the_cause(story.evidence)) == []
        story.resume()
        story.state(9.0, ScriptState.FAILED, reason)
        words = [] if excused else [f"nothing went wrong, and the script FAILED: {reason}"]
        assert list(reason_names_the_cause(story.evidence)) == words

    def test_the_reason_of_an_earlier_life_is_looked_at_as_well(self, story: Story) -> None:
        story.strikes = {0: Counter(["ocps-refused"])}
        story.state(9.0, ScriptState.FAILED, "something")
        story.resume()
        story.state(9.0, ScriptState.DONE)
        words = ["the reason does not name the cause (the OCPS refused it): something"]
        assert list(reason_names_the_cause(story.evidence)) == words

    def test_a_signal_of_before_is_no_cause(self, story: Story) -> None:
        reason = "the script was terminated by a signal"
        story.say(8.0, "", "interruption", words=str(Act.TERM))
        story.state(9.0, ScriptState.FAILED, reason)
        story.resume()
        story.state(9.0, ScriptState.FAILED, reason)
        words = [f"nothing went wrong, and the script FAILED: {reason}"]
        assert list(reason_names_the_cause(story.evidence)) == words


def entry(number: int, **others: object) -> dict[str, Any]:
    """An exposure as journal and summary have it."""
    name = f"AT_O_20250115_{number:06d}"
    return {
        "id": FIRST + number - 1,
        "obs_id": name,
        "image_type": "BIAS",
        "exp_time": 0.0,
        "discarded": False,
        **others,
    }


class TestPlaces:
    @pytest.mark.parametrize("discarded", [True, False])
    @pytest.mark.parametrize("place", ["journal", "summary"])
    def test_the_first_are_discarded(self, story: Story, place: str, discarded: bool) -> None:
        story.take(5.0, 1)
        written = {"journal": entry(1, discarded=True), "summary": entry(1, discarded=True)}
        written[place]["discarded"] = discarded
        story.note("ExposureTaken", **written["journal"], position=1)
        story.summary = {"exposures": [written["summary"]]}
        name = "AT_O_20250115_000001, BIAS number 1"
        words = [f"the {place} has {name}, as discarded False"]
        assert list(exposures_are_filed(story.evidence)) == ([] if discarded else words)

    @pytest.mark.parametrize(("stopped", "violations"), [(11.0, 1), (10.0, 0), (9.0, 0)])
    def test_a_stop_waits_thirty_seconds_for_the_exposure_under_way(
        self, story: Story, stopped: float, violations: int
    ) -> None:
        story.say(stopped, "", "interruption", words=str(Act.TERM))
        story.state(stopped + 1.0, ScriptState.STOPPING)
        story.take(40.0, 1)
        story.state(60.0, ScriptState.FAILED)
        words = [f"the journal has not the exposures [{FIRST}], which the camera confirmed"]
        assert list(exposures_are_filed(story.evidence)) == words[:violations]

    @pytest.mark.parametrize("position", [1, 2])
    def test_one_that_is_taken_again_has_the_place_of_the_lost_one(self, story: Story, position: int) -> None:
        for number in (1, 2):
            story.take(10.0 * number, number)
            story.note("ExposureTaken", **entry(number, discarded=number == 1), position=number)
        story.resume()
        story.note("ExposureLost", id=FIRST)
        for number, place in ((3, position), (4, 3)):
            story.take(10.0 * number, number)
            story.note("ExposureTaken", **entry(number, discarded=place == 1), position=place)
        words = ["the journal has AT_O_20250115_000003, BIAS number 1, as discarded False"]
        assert list(exposures_are_filed(story.evidence)) == ([] if position == 1 else words)
        assert [each.id - FIRST for each in story.evidence.kept(ImageType.BIAS)] == [1, 3]


class TestIngests:
    def test_what_the_oods_has_said_in_time_is_filed(self, story: Story) -> None:
        story.take(5.0, 1)
        story.ingest(8.0, 1)
        story.state(20.0, ScriptState.FAILED)
        words = [
            f"the OODS said in time that it has the exposures [{FIRST}], and they are not filed as ingested"
        ]
        assert list(ingests_are_true(story.evidence)) == words
        story.note("ExposureConfirmed", id=FIRST)
        assert list(ingests_are_true(story.evidence)) == []

    @pytest.mark.parametrize(("told", "stopped"), [(8.0, 7.0), (66.0, 100.0)])
    def test_nobody_waits_for_the_oods_after_a_stop_or_too_long(
        self, story: Story, told: float, stopped: float
    ) -> None:
        story.take(5.0, 1)
        story.ingest(told, 1)
        story.say(stopped, "", "interruption", words=str(Act.STOP))
        story.state(200.0, ScriptState.STOPPED)
        assert list(ingests_are_true(story.evidence)) == []

    @pytest.mark.parametrize(("said", "word"), [(True, "has"), (False, "has not")])
    def test_the_summary_says_what_the_journal_says(self, story: Story, said: bool, word: str) -> None:
        story.take(5.0, 1)
        story.ingest(8.0, 1)
        if not said:
            story.note("ExposureConfirmed", id=FIRST)
        story.summary = {"exposures": [entry(1, ingested=said)]}
        words = [f"the summary {word} exposure {FIRST} as ingested, and the journal says otherwise"]
        assert list(ingests_are_true(story.evidence)) == words


class TestLostExposures:
    @pytest.mark.parametrize(
        ("there", "told", "violations"), [(True, False, 1), (False, True, 1), (False, False, 0)]
    )
    def test_only_what_was_not_there_by_then_is_lost(
        self, story: Story, there: bool, told: bool, violations: int
    ) -> None:
        story.take(5.0, 1)
        story.note("ExposureTaken", **entry(1), position=1)
        story.resume()
        story.raws = frozenset({(FIRST, 0)} if there else ())
        if told:
            story.ingest(20.0, 1)
        story.note("ExposureLost", id=FIRST)
        story.ingest(90.0, 1)
        words = [f"[{FIRST}] are filed as lost, and the repository has them"]
        assert list(few_are_taken_again(story.evidence)) == words[:violations]


class TestLives:
    def test_one_that_is_resumed_and_does_nothing_is_noticed(self, story: Story) -> None:
        story.say(5.0, "", "interruption", words=str(Act.STOP))
        story.state(9.0, ScriptState.STOPPED)
        assert list(done_means_done(story.evidence)) == []
        story.resume()
        story.state(9.0, ScriptState.STOPPED)
        words = [
            "the script is STOPPED, and nobody stopped it",
            "nothing went wrong, nobody interrupted the script, and it is STOPPED",
        ]
        assert list(done_means_done(story.evidence)) == words

    @pytest.mark.parametrize("complete", [True, False])
    def test_without_any_trouble_only_a_verdict_excuses_a_failure(self, story: Story, complete: bool) -> None:
        story.note("VerdictGiven", calibration="BIAS", passed=False, complete=complete)
        story.state(9.0, ScriptState.FAILED)
        words = ["nothing went wrong, nobody interrupted the script, and it is FAILED"]
        assert list(done_means_done(story.evidence)) == (words if complete else [])
        story.options |= {"generate_calibrations": True}
        assert list(done_means_done(story.evidence)) == []

    @pytest.mark.parametrize(("took", "violations"), [(60.0, 0), (61.0, 1)])
    @pytest.mark.parametrize("act", [Act.STOP, Act.TERM])
    def test_one_that_is_stopped_ends_before_the_queue_loses_patience(
        self, story: Story, act: Act, took: float, violations: int
    ) -> None:
        story.say(10.0, "", "interruption", words=str(act))
        story.state(10.0 + took, ScriptState.STOPPED)
        words = [f"the script was {act}, and took 61 s, and may take 60 s to end"]
        assert list(time_is_bounded(story.evidence)) == words[:violations]


class TestNegativeVerdicts:
    LINE = f"{NEGATIVE}: BIAS failed: 16 of 90 tests failed"

    def _end(self, story: Story, reason: str, log: str, *, passed: bool = False) -> list[str]:
        story.lives = [Life(status=0, log=log).as_dict()]
        story.note("VerdictGiven", calibration="BIAS", passed=passed, complete=True)
        story.state(9.0, ScriptState.DONE, reason)
        return list(negative_verdicts_come_first(story.evidence))

    def test_one_that_is_told_first_and_in_the_log_is_well(self, story: Story) -> None:
        assert self._end(story, f"{self.LINE}; bias certified", f"WARNING {self.LINE}") == []

    def test_one_that_is_told_last_is_not(self, story: Story) -> None:
        reason = f"bias certified; {self.LINE}"
        words = [f"the verdicts on BIAS are negative, and the reason is: {reason}"]
        assert self._end(story, reason, self.LINE) == words

    def test_one_that_the_log_does_not_have_is_not(self, story: Story) -> None:
        words = ["the log does not tell of a negative verdict on BIAS"]
        assert self._end(story, self.LINE, "all is well") == words

    def test_none_is_told_where_there_is_none(self, story: Story) -> None:
        words = [
            f"the verdicts on nothing are negative, and the reason is: {self.LINE}",
            "the reason tells of a negative verdict on BIAS",
        ]
        assert self._end(story, self.LINE, "", passed=True) == words


DATES = {"begin": "2025-01-01T00:00:00.000", "end": "2025-06-01T00:00:00.000"}
JOB = "0" * 32


def an_honest_summary(story: Story, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A run that took a bias, had it verified, and certified it; what it could not do was a dark."""
    texts = ("pipeline", "config", "data_query", "collection", "log")
    job = {"job_id": JOB, "kind": "verify", "calibration": "BIAS", **dict.fromkeys(texts, "text")}
    collections = {"verification_collection": f"u/ocps/{JOB}", "generation_collection": None}
    verdict = {"passed": True, "complete": True, **collections, "failures": {}, "thresholds": {}}
    certified = {"dataset_type": "bias", "collection": "here", **DATES, "verified": True}
    step = {"step": "verify DARK", "reason": "no darks were taken"}
    story.options |= {"script_mode": "BIAS_DARK", "n_dark": 1}
    story.take(5.0, 1)
    story.note("ExposureTaken", **entry(1), position=1)
    story.submit(10.0)
    story.say(20.0, "OCPS", "evt_job_result", job_id=JOB, exit_code=0)
    story.note("JobSubmitted", **job)
    story.note("JobEnded", job_id=JOB, exit_code=0)
    story.note("VerdictGiven", calibration="BIAS", **verdict)
    story.note("Certified", **certified)
    story.note("StepNotDone", **step)
    story.note("RunEnded", state="FAILED", reason="no darks")
    story.state(30.0, ScriptState.FAILED, "no darks")
    dates = (nanoseconds(each) for each in DATES.values())
    found = [Certificate("bias", 0, "run", *dates, "here")]
    monkeypatch.setattr(Shelf, "certificates", lambda self, collection=None: found)
    return {
        "state": "FAILED",
        "reason": "no darks",
        "exposures": [entry(1, ingested=False, physical_filter=None, files=[])],
        "jobs": [{**job, "exit_code": 0}],
        "verification": {"BIAS": verdict},
        "certified": [certified],
        "not_done": [step],
    }


LIES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "reason": (lambda summary: summary.update(reason="well"), "the reason in the summary is 'well'"),
    "exposure twice": (lambda summary: summary["exposures"].append(entry(1)), "has the exposures"),
    "filter": (lambda summary: summary["exposures"][0].update(physical_filter="r"), "another filter"),
    "files": (lambda summary: summary["exposures"][0].update(files=["/raw.fits"]), "the files"),
    "no job": (lambda summary: summary["jobs"].clear(), "the summary has the jobs []"),
    "job left out": (lambda summary: summary["jobs"].clear(), "which the OCPS acknowledged"),
    "exit code": (lambda summary: summary["jobs"][0].update(exit_code=1), "exit code 1, it had 0"),
    "kind": (lambda summary: summary["jobs"][0].update(kind="gain"), "has as another"),
    "query": (lambda summary: summary["jobs"][0].update(data_query="x"), "something else of the job"),
    "no verdict": (lambda summary: summary["verification"].clear(), "the summary has verdicts on []"),
    "verdict": (
        lambda summary: summary["verification"]["BIAS"].update(passed=False),
        "something else of the verdict on BIAS: passed",
    ),
    "failures": (
        lambda summary: summary["verification"]["BIAS"].update(failures={"1": {"NOISE": 1}}),
        "something else of the verdict on BIAS: failures",
    ),
    "validity range": (
        lambda summary: summary["certified"][0].update(end="2099-01-01T00:00:00.000"),
        "the summary has as certified",
    ),
    "why not": (lambda summary: summary["not_done"][0].update(reason=" "), "nothing is said why"),
    "other step": (lambda summary: summary["not_done"][0].update(step="verify all"), "not asked for"),
    "step twice": (lambda summary: summary["not_done"].append(summary["not_done"][0]), "named twice"),
    "step left out": (lambda summary: summary["not_done"].clear(), "the summary names as not done []"),
}


class TestSummaries:
    def test_an_honest_one_is_true(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        story.summary = an_honest_summary(story, monkeypatch)
        assert list(summary_is_true(story.evidence)) == []

    @pytest.mark.parametrize("lie", LIES)
    def test_each_lie_is_seen(self, story: Story, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
        tell, words = LIES[lie]
        story.summary = copy.deepcopy(an_honest_summary(story, monkeypatch))
        tell(story.summary)
        assert any(words in each for each in summary_is_true(story.evidence))

    def test_what_both_file_as_certified_must_be_there(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        story.summary = an_honest_summary(story, monkeypatch)
        monkeypatch.setattr(Shelf, "certificates", lambda self, collection=None: [])
        words = ["bias is filed as certified in here, and is not there"]
        assert list(summary_is_true(story.evidence)) == words

    def test_failures_are_those_of_the_results(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        story.summary = an_honest_summary(story, monkeypatch)
        tests = {"C00": {"NOISE": False, "READ_NOISE_CONSISTENT": False}}
        results = {(FIRST, 0): {"VERIFY": {"AMP": tests}}}
        monkeypatch.setattr(Shelf, "statistics", lambda self, name, run: results if "Det" in name else {})
        words = ["the summary has other failures of BIAS than the results of its verification"]
        assert list(summary_is_true(story.evidence)) == words

    def test_what_was_done_is_not_named(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        story.summary = an_honest_summary(story, monkeypatch)
        story.options |= {"generate_calibrations": True, "calib_collection": "here"}
        story.note("StepNotDone", step="certify BIAS", reason="who knows")
        story.summary["not_done"].append({"step": "certify BIAS", "reason": "who knows"})
        monkeypatch.setattr("lsst.ts.simulated_observatory.campaign.summary_invariants.done", lambda *_: True)
        words = ["these were done, and are named as not done: certify BIAS"]
        assert list(summary_is_true(story.evidence)) == words


class TestInputs:
    RUN = f"u/ocps/{'b' * 32}/run"

    @pytest.fixture(autouse=True)
    def _with_an_accepted_bias(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        names = ("bias", "verify_bias", "dark")
        config = {f"input_collections_{name}": "LATISS/calib" for name in names}
        story.options |= {"script_mode": "BIAS_DARK", "calib_collection": "daily"}
        story.note("RunConfigured", config=config)
        found = [Certificate("bias", 0, self.RUN, 0, 1, "daily")]
        monkeypatch.setattr(Shelf, "certificates", lambda self, collection=None: found)

    @pytest.mark.parametrize(
        ("inputs", "good"),
        [(f"{RUN},daily,LATISS/calib", True), ("LATISS/calib", False), (f"LATISS/calib,{RUN}", False)],
    )
    def test_a_dark_is_made_with_the_bias_that_was_accepted(
        self, story: Story, inputs: str, good: bool
    ) -> None:
        story.options |= {"generate_calibrations": True}
        query = "detector IN (0) AND exposure IN (1)"
        common = {"pipeline": "cpBias.yaml", "inputs": "LATISS/calib", "query": query, "number": 8}
        story.submit(10.0, "b" * 32, **common)
        story.submit(20.0, "d" * 32, pipeline="cpDark.yaml", inputs=inputs, query=query)
        wanted = f"{self.RUN}, daily, LATISS/calib"
        words = [f"the job generate DARK reads {inputs.replace(',', ', ')}, and is to read {wanted}"]
        assert list(jobs_read_their_own(story.evidence)) == ([] if good else words)

    @pytest.mark.parametrize("detectors", [[0], [0, 1]])
    @pytest.mark.parametrize("inputs", ["LATISS/calib", "LATISS/other"])
    def test_what_is_configured_is_verified_against(
        self, story: Story, inputs: str, detectors: list[int]
    ) -> None:
        numbers = ", ".join(map(str, detectors))
        story.submit(10.0, inputs=inputs, query=f"detector IN ({numbers}) AND exposure IN (1)")
        words = ["the job verify BIAS is of the detectors [0, 1]"] if len(detectors) > 1 else []
        if inputs != "LATISS/calib":
            words.append(f"the job verify BIAS reads {inputs}, and is to read LATISS/calib")
        assert list(jobs_read_their_own(story.evidence)) == words


GAIN = {"gain": {"C00": 1.1}, "noise": {"C00": 7.0}, "rawMeans": {"C00": [10_000.0]}}
TOLD = {"amplifier": "C00", "gain": 1.1, "noise": 7.0, "gain_corrected": 1.1 * (1.0 - 0.027)}


class TestGains:
    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ([TOLD], []),
            ([TOLD | {"gain": 1.0}], ["has other gains than the repository, the first of"]),
            ([TOLD | {"gain_corrected": 1.1}], ["has other gains than the repository, the first of"]),
            ([TOLD | {"amplifier": "C01"}], ["has 1 gains, and not those of the 1 that there are"]),
            ([], ["has 0 gains, and not those of the 1 that there are"]),
        ],
        ids=["true", "other gain", "not corrected", "other amplifier", "none"],
    )
    def test_they_are_those_of_the_repository(
        self,
        story: Story,
        monkeypatch: pytest.MonkeyPatch,
        told: list[dict[str, Any]],
        words: list[str],
    ) -> None:
        story.options |= {"script_mode": "FLAT", "n_flat": 2, "exp_times_flat": 5}
        for number in (1, 2):
            story.take(10.0 * number, number, kind="FLAT")
        story.submit(40.0, JOB, pipeline="cpPtc.yaml#generateGainFromFlatPairs")
        story.say(50.0, "OCPS", "evt_job_result", job_id=JOB, exit_code=0)
        gains = [{"exposures": [FIRST, FIRST + 1], "detector": 0, **each} for each in told]
        story.note("GainsMeasured", gains=gains)
        story.summary = {"gains": gains}
        story.state(60.0, ScriptState.DONE)
        measured = dict.fromkeys(((FIRST, 0), (FIRST + 1, 0)), GAIN)
        monkeypatch.setattr(Shelf, "statistics", lambda self, name, run: measured)
        found = list(gains_are_true(story.evidence))
        assert len(found) == 2 * len(words)  # of journal and summary
        assert all(each in text for each in words for text in found)


class TestDataTaking:
    @pytest.mark.parametrize(
        ("faults", "stopped", "violations"),
        [
            (["ocps-exit"], False, 1),
            (["ocps-exit", "clock-step"], False, 1),
            (["ocps-exit", "camera-fault"], False, 0),
            (["ocps-exit"], True, 0),
            (["ocps-offline"], False, 1),
        ],
    )
    def test_a_job_that_fails_costs_no_image(
        self, story: Story, faults: list[str], stopped: bool, violations: int
    ) -> None:
        story.note("RunConfigured")
        story.strikes = {0: Counter(faults)}
        for number in (1, 2):
            story.take(10.0 * number, number)
        if stopped:
            story.say(25.0, "", "interruption", words=str(Act.STOP))
        story.state(30.0, ScriptState.FAILED)
        words = ["these images were not taken, and only jobs went wrong: 1 BIAS"]
        assert list(data_taking_goes_on(story.evidence)) == words[:violations]

    def test_a_run_that_the_check_refuses_takes_none(self, story: Story) -> None:
        story.note("RunConfigured")
        story.strikes = {0: Counter(["ocps-offline"])}
        story.state(3.0, ScriptState.FAILED)
        assert list(data_taking_goes_on(story.evidence)) == []


def test_a_refusal_is_no_news_of_the_exposure_before(story: Story) -> None:
    story.take(5.0, 1)
    values = {"private_seqNum": 2, "expTime": 0.0, "keyValueMap": ""}
    story.say(9.0, "ATCamera", "cmd_takeImages", **values)
    story.say(9.5, "ATCamera", "ack_ackcmd", private_seqNum=2, ack=int(SalRetCode.CMD_FAILED), result="")
    assert [each.time for each in story.evidence.events.exposures.values()] == [5.0]


def test_what_is_certified_from_the_beginning_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(Shelf, "certificates", lambda self: found.append(self) or [])
    for _ in range(3):
        assert certified_in(tmp_path) == frozenset()
    assert len(found) == 1
