"""Jobs end in time, and nothing goes on after the end: seen in evidence that is made by hand."""

from __future__ import annotations

import pytest

from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

from .by_hand import HandMade


def test_of_the_journal_only_whole_lines_count_that_were_on_the_disk(made: HandMade) -> None:
    made.note("RunConfigured")
    made.journal += b'{"fact": "Exp'
    made.send(1.0, "OCPS", "cmd_abort_job", job_id="")
    whole, half = made.evidence.facts_at(made.recording[0]), made.journal
    made.journal = half.replace(b'"Exp', b'"ExposureTaken"}\n')
    assert [fact["fact"] for fact in whole] == ["RunConfigured"]
    assert list(made.evidence.facts_at(made.recording[0])) == list(whole)
    assert len(made.evidence.facts) == 2


class TestJobs:
    @pytest.mark.parametrize(("topic", "late"), [("evt_job_result", False), ("cmd_abort_job", True)])
    def test_an_end_in_time_is_one(self, made: HandMade, topic: str, late: bool) -> None:
        made.submit(10.0)
        made.send(11.0 + 600.0 + 60.0 * late, "OCPS", topic, job_id="0" * 32, exit_code=1)
        made.state(4000.0, ScriptState.FAILED)
        assert made.violations("time-is-bounded") == []

    @pytest.mark.parametrize("topic", ["evt_job_result", "cmd_abort_job"])
    def test_an_end_that_is_too_late_is_said(self, made: HandMade, topic: str) -> None:
        made.submit(10.0)
        made.send(1000.0, "OCPS", topic, job_id="0" * 32, exit_code=1)
        made.state(4000.0, ScriptState.FAILED)
        words = ["the job verify BIAS ran for 989 s, and may for 670 s"]
        assert made.violations("time-is-bounded") == words

    @pytest.mark.parametrize(("seen", "violations"), [(100.0, 0), (2000.0, 1)])
    def test_of_a_part_that_is_killed_all_counts_that_was_seen(
        self, made: HandMade, seen: float, violations: int
    ) -> None:
        made.submit(10.0)
        made.send(seen, "OCPS", "cmd_execute", private_seqNum=8, pipeline="", config="", data_query="")
        made.parts = [None]
        assert len(made.violations("time-is-bounded")) == violations

    def test_an_abort_in_a_later_part_comes_too_late_for_the_earlier_one(self, made: HandMade) -> None:
        made.submit(10.0)
        made.state(50.0, ScriptState.STOPPED)
        made.resume()
        made.send(1.0, "OCPS", "cmd_abort_job", job_id="0" * 32)
        words = ["the job verify BIAS still ran at the end, and nobody aborted it"]
        assert made.violations("nothing-goes-on") == words
