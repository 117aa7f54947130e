"""The judge sees what is wrong in stories that are made by hand, and minds nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.exposures import ImageType
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.simulation.campaign import witness
from lsst.ts.calibrations.simulation.campaign.end_invariants import ends_agree, reason_names_the_cause
from lsst.ts.calibrations.simulation.campaign.events import Events
from lsst.ts.calibrations.simulation.campaign.evidence import Evidence
from lsst.ts.calibrations.simulation.campaign.images_invariants import (
    exposures_are_filed,
    few_are_taken_again,
    ingests_are_true,
)
from lsst.ts.calibrations.simulation.campaign.interruption import Act
from lsst.ts.calibrations.simulation.campaign.life import Life
from lsst.ts.calibrations.simulation.campaign.runner import Lived
from lsst.ts.calibrations.simulation.campaign.scenario import Scenario
from lsst.ts.calibrations.simulation.campaign.shelf import Shelf, certified_in
from lsst.ts.calibrations.simulation.campaign.time_invariants import nothing_goes_on, time_is_bounded
from lsst.ts.calibrations.simulation.sal.enums import SalRetCode, ScriptState

FIRST = 20250115_00001
"""Id of the first exposure."""

OPTIONS = {
    "script_mode": "BIAS",
    "n_bias": 2,
    "n_discard_bias": 1,
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

    def take(self, time: float, number: int, *, answer: SalRetCode | None = SalRetCode.CMD_COMPLETE) -> None:
        """Take a bias; the camera answers at once, reads out in two seconds, and the OODS has it in three."""
        name = f"AT_O_20250115_{number:06d}"
        self.say(time, "ATCamera", "cmd_takeImages", private_seqNum=number, expTime=0.0, keyValueMap="")
        integration = {"imageName": name, "exposureTime": 0.0}
        keys = {"additionalKeys": "imageType", "additionalValues": "BIAS"}
        self.say(time, "ATCamera", "evt_startIntegration", **integration, **keys)
        if answer is not None:
            self.say(time, "ATCamera", "ack_ackcmd", private_seqNum=number, ack=int(answer), result="")
            self.say(time + 2.0, "ATCamera", "evt_endReadout", imageName=name)

    def ingest(self, time: float, number: int) -> None:
        where = {"raft": "undef", "sensor": "RXX_S00"}
        self.say(
            time, "ATOODS", "evt_imageInOODS", obsid=f"AT_O_20250115_{number:06d}", statusCode=0, **where
        )

    def submit(self, time: float, job_id: str = "0" * 32) -> None:
        fields = {"pipeline": "verifyBias.yaml", "config": "", "data_query": "exposure IN (1)"}
        self.say(time, "OCPS", "cmd_execute", private_seqNum=9, **fields)
        text = json.dumps({"job_id": job_id})
        ack = int(SalRetCode.CMD_INPROGRESS)
        self.say(time + 1.0, "OCPS", "ack_ackcmd", private_seqNum=9, ack=ack, result=text)

    def resume(self) -> None:
        """What follows is of the next life."""
        self.life += 1
        self.lives.append(Life(status=1).as_dict())
        self.note("RunResumed")

    @property
    def evidence(self) -> Evidence:
        scenario = Scenario(0, LATISS, OPTIONS)
        lived = Lived(scenario, Path(), self.lives, self.strikes, raws=self.raws)
        return Evidence(lived, Events(self.testimony, LATISS), self.journal, self.summary, self.shelf)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with closing(Shelf(tmp_path)) as empty:
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


def test_what_is_certified_from_the_beginning_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    monkeypatch.setattr(Shelf, "certificates", lambda self: found.append(self) or [])
    for _ in range(3):
        assert certified_in(tmp_path) == frozenset()
    assert len(found) == 1
