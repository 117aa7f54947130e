"""Ends, their reasons and their exit status, in evidence that is made by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from lsst.ts.simulated_observatory.campaign.invariants.ends import NEGATIVE
from lsst.ts.simulated_observatory.campaign.scenario import Act, PartOutcome
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

from .by_hand import HandMade


class TestEnds:
    def test_a_state_after_the_final_one_is_named(self, made: HandMade) -> None:
        made.parts = [PartOutcome(status=0)]
        made.summary = {"state": "STOPPED", "reason": ""}
        for state in (ScriptState.STOPPING, ScriptState.STOPPED, ScriptState.STOPPED):
            made.state(9.0, state)
        assert made.violations("ends-agree") == []
        made.state(9.0, ScriptState.STOPPING)
        words = ["part 0 of the run had the state STOPPING after the final state STOPPED"]
        assert made.violations("ends-agree") == words

    @pytest.mark.parametrize("begun", [False, True])
    @pytest.mark.parametrize("status", [0, 1, 2])
    def test_the_exit_status_tells_whether_an_exposure_was_begun(
        self, made: HandMade, begun: bool, status: int
    ) -> None:
        made.parts = [PartOutcome(status=status)]
        made.summary = {"state": "FAILED", "reason": ""}
        if begun:
            made.note("ExposureBegun")
        made.state(9.0, ScriptState.FAILED)
        assert bool(made.violations("ends-agree")) == (status != (1 if begun else 2))


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
    def test_a_fault_of_before_excuses_a_later_part_only_if_something_is_left_of_it(
        self, made: HandMade, fault: str, killed: bool, reason: str, excused: bool
    ) -> None:
        made.strikes = {0: Counter([fault])}
        if killed:
            made.parts = [None]
        else:
            made.state(9.0, ScriptState.FAILED, reason)
        assert made.violations("reason-names-the-cause") == []
        made.resume()
        made.state(9.0, ScriptState.FAILED, reason)
        words = [] if excused else [f"nothing went wrong, and the script FAILED: {reason}"]
        assert made.violations("reason-names-the-cause") == words

    def test_the_reason_of_an_earlier_part_is_looked_at_as_well(self, made: HandMade) -> None:
        made.strikes = {0: Counter(["ocps-refused"])}
        made.state(9.0, ScriptState.FAILED, "something")
        made.resume()
        made.state(9.0, ScriptState.DONE)
        words = ["the reason does not name the cause (the OCPS refused it): something"]
        assert made.violations("reason-names-the-cause") == words

    def test_a_signal_of_before_is_no_cause(self, made: HandMade) -> None:
        reason = "the script was terminated by a signal"
        made.send(8.0, "", "interruption", act=str(Act.TERM))
        made.state(9.0, ScriptState.FAILED, reason)
        made.resume()
        made.state(9.0, ScriptState.FAILED, reason)
        words = [f"nothing went wrong, and the script FAILED: {reason}"]
        assert made.violations("reason-names-the-cause") == words


class TestParts:
    def test_one_that_is_resumed_and_does_nothing_is_noticed(self, made: HandMade) -> None:
        made.send(5.0, "", "interruption", act=str(Act.STOP))
        made.state(9.0, ScriptState.STOPPED)
        assert made.violations("done-means-done") == []
        made.resume()
        made.state(9.0, ScriptState.STOPPED)
        words = [
            "the script is STOPPED, and nobody stopped it",
            "nothing went wrong, nobody interrupted the script, and it is STOPPED",
        ]
        assert made.violations("done-means-done") == words

    @pytest.mark.parametrize("complete", [True, False])
    def test_without_any_trouble_only_a_verdict_excuses_a_failure(
        self, made: HandMade, complete: bool
    ) -> None:
        made.note("VerdictGiven", calibration="BIAS", passed=False, complete=complete)
        made.state(9.0, ScriptState.FAILED)
        words = ["nothing went wrong, nobody interrupted the script, and it is FAILED"]
        assert made.violations("done-means-done") == (words if complete else [])
        made.options |= {"generate_calibrations": True}
        assert made.violations("done-means-done") == []

    @pytest.mark.parametrize(("took", "violations"), [(3.0, 0), (4.0, 1)])
    @pytest.mark.parametrize("act", [Act.STOP, Act.TERM])
    def test_one_that_is_stopped_ends_before_the_queue_loses_patience(
        self, made: HandMade, act: Act, took: float, violations: int
    ) -> None:
        made.send(10.0, "", "interruption", act=str(act))
        made.state(10.0 + took, ScriptState.STOPPED)
        words = [f"the script was {act}, and took 4 s, and may take 3 s to end"]
        assert made.violations("time-is-bounded") == words[:violations]


class TestNegativeVerdicts:
    LINE = f"{NEGATIVE}: BIAS failed: 16 of 90 tests failed"

    def _end(self, made: HandMade, reason: str, log: str, *, passed: bool = False) -> list[str]:
        made.parts = [PartOutcome(status=0, file=log)]
        made.note("VerdictGiven", calibration="BIAS", passed=passed, complete=True)
        made.state(9.0, ScriptState.DONE, reason)
        return made.violations("negative-verdicts-come-first")

    def test_one_that_comes_first_and_in_the_log_is_well(self, made: HandMade) -> None:
        assert self._end(made, f"{self.LINE}; bias certified", f"WARNING {self.LINE}") == []

    def test_one_that_comes_last_is_not(self, made: HandMade) -> None:
        reason = f"bias certified; {self.LINE}"
        words = [f"the verdicts on BIAS are negative, and the reason is: {reason}"]
        assert self._end(made, reason, self.LINE) == words

    def test_one_that_the_log_does_not_have_is_not(self, made: HandMade) -> None:
        words = ["the log does not name a negative verdict on BIAS"]
        assert self._end(made, self.LINE, "all is well") == words

    def test_none_is_named_where_there_is_none(self, made: HandMade) -> None:
        words = [
            f"the verdicts on nothing are negative, and the reason is: {self.LINE}",
            "the reason names a negative verdict on BIAS",
        ]
        assert self._end(made, self.LINE, "", passed=True) == words
