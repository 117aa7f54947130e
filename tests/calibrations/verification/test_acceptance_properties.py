"""Acceptance against the literal reading of the documented rule, at its limits and with damaged results.

The campaign judges by `literal_rule`, which shares nothing with the acceptance of the script. Here both are
given the same results of a verification, made to be near the limits, and then damaged.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.verification import (
    MAX_FAILURES_BY_ITSELF,
    CombinedCalibration,
    KnownBad,
    Verdict,
    judge,
    read_calibration,
    read_exposures,
)
from lsst.ts.simulated_observatory.campaign.literal_rule import (
    KnownBadAmplifiers,
    judge_curve,
    judge_images,
)

NAMES = {0: "R22_S00", 1: "R22_S01", 2: "R22_S02"}
TESTS = ("MEAN", "NOISE")
UNCOUNTED = ("READ_NOISE_CONSISTENT", "PROB_TEST")


@dataclass
class Results:
    """What a verification stored, by exposure and detector id."""

    of_detectors: dict[tuple[int, int], Any]
    exposures: Sequence[int]
    detectors: Mapping[int, str]
    threshold: int
    of_exposures: dict[int, Any] = field(default_factory=dict)
    known_bad: dict[int, frozenset[str]] = field(default_factory=dict)
    most: int = 4

    def merge(self) -> None:
        """Make the results of exposures, as the pipeline does from the statistics of detectors."""
        for exposure in self.exposures:
            merged: dict[str, Any] = {}
            for number, name in self.detectors.items():
                if (exposure, number) in self.of_detectors:
                    verify = self.of_detectors[exposure, number]["VERIFY"]
                    failures = [test for test, passed in verify["DET"].items() if not passed]
                    failures += [
                        f"{amplifier} {test}"
                        for amplifier, tests in verify["AMP"].items()
                        for test, passed in tests.items()
                        if test != "SUCCESS" and not passed
                    ]
                    merged[name] = {"SUCCESS": not failures, "FAILURES": failures}
            self.of_exposures[exposure] = {
                **merged,
                "SUCCESS": all(each["SUCCESS"] for each in merged.values()),
            }

    def verdict(self, combined: CombinedCalibration | None = None) -> Verdict:
        """What the script says."""
        results = read_exposures(
            self.of_exposures,
            {(exposure, NAMES[number]): each for (exposure, number), each in self.of_detectors.items()},
            exposures=self.exposures,
            amplifiers=dict.fromkeys(self.detectors.values(), frozenset(AMPLIFIERS)),
            known_bad=[
                KnownBad(NAMES[number], name, "test")
                for number in self.known_bad
                for name in self.known_bad[number]
            ],
        )
        return judge(
            results, max_failures_per_detector=self.threshold, max_known_bad=self.most, combined=combined
        )

    @property
    def literal(self) -> tuple[bool, bool]:
        """Whether they are complete, and whether they pass, read literally."""
        found = judge_images(
            {(exposure, None): each for exposure, each in self.of_exposures.items()},
            {place: each for place, each in self.of_detectors.items()},  # noqa: C416, mappings are invariant
            exposures=self.exposures,
            detectors=self.detectors,
            amplifiers=AMPLIFIERS,
            threshold=self.threshold,
            known_bad=KnownBadAmplifiers(self.known_bad, self.most),
        )
        return found.complete, found.passed


def statistics(failing: Mapping[str, int], of_detector: Sequence[str] = ()) -> dict[str, Any]:
    """Statistics of a detector: how many amplifiers fail a test, and which tests it fails itself."""
    return {
        "AMP": {name: {"MEAN": 0.1, "NOISE": 5.6} for name in AMPLIFIERS},
        "DET": {},
        "VERIFY": {
            "AMP": {
                name: {test: place >= failing.get(test, 0) for test in (*TESTS, *UNCOUNTED)}
                for place, name in enumerate(AMPLIFIERS)
            },
            "DET": {"SCATTER": "SCATTER" not in of_detector},
        },
    }


@st.composite
def results(draw: st.DrawFn) -> Results:
    """Complete results in which failed tests and failed exposures are near their limits."""
    detectors = dict(list(NAMES.items())[: draw(st.integers(1, 3))])
    n, threshold = draw(st.integers(1, 5)), draw(st.integers(1, 16))
    half = len(detectors) // 2 + 1
    made = Results({}, range(1, n + 1), detectors, threshold)
    for exposure in made.exposures:
        test = draw(st.sampled_from([*TESTS, *UNCOUNTED]))
        left = max(draw(st.sampled_from([0, -1, 1, -threshold])) + threshold * half, 0)
        scattered = draw(st.integers(0, half))
        for number in detectors:
            here = min(left, len(AMPLIFIERS))
            left -= here
            made.of_detectors[exposure, number] = statistics(
                {test: here}, ["SCATTER"] if number < scattered else []
            )
    made.merge()
    return made


def damage(data: st.DataObject, made: Results) -> None:
    """Take something away from results, or make a value of them no number."""
    place = data.draw(st.sampled_from(sorted(made.of_detectors)))
    kind = data.draw(st.sampled_from(["detector", "exposure", "amplifier", "result", "value", "stranger"]))
    amplifier, broken = data.draw(st.sampled_from(AMPLIFIERS)), made.of_detectors[place]
    if kind == "exposure":
        del made.of_exposures[place[0]]
    elif kind == "detector":
        del made.of_detectors[place]
        del made.of_exposures[place[0]][NAMES[place[1]]]
    elif kind == "amplifier":
        del broken["AMP"][amplifier]
    elif kind == "result":
        del broken["VERIFY"]["AMP"][amplifier]
    elif kind == "stranger":
        broken["AMP"]["C99"] = {"MEAN": 0.1, "NOISE": 5.6}
    else:
        no_number = st.sampled_from([math.nan, math.inf, -math.inf, None, "5.6"])
        broken["AMP"][amplifier][data.draw(st.sampled_from(TESTS))] = data.draw(no_number)


@given(results())
def test_complete_results_pass_exactly_when_the_documented_rule_says_so(made: Results) -> None:
    verdict = made.verdict()
    assert verdict.problems == ()
    assert (verdict.complete, verdict.passed) == made.literal


def spoil(data: st.DataObject, made: Results) -> None:
    """Let some amplifiers be known to be bad, and their values and tests be whatever they are."""
    made.most = data.draw(st.integers(0, 16))
    for number in made.detectors:
        made.known_bad[number] = data.draw(st.frozensets(st.sampled_from(AMPLIFIERS), max_size=9))
    for (_, number), statistics_ in made.of_detectors.items():
        for name in made.known_bad[number]:
            value = data.draw(st.sampled_from([math.nan, None, 5.6, 1e30]))
            statistics_["AMP"][name] = dict.fromkeys(TESTS, value)
            statistics_["VERIFY"]["AMP"][name] |= dict.fromkeys(TESTS, data.draw(st.booleans()))
    made.merge()


@given(results(), st.data())
def test_what_is_known_to_be_bad_decides_nothing(made: Results, data: st.DataObject) -> None:
    spoil(data, made)
    verdict = made.verdict()
    assert verdict.problems == ()
    assert (verdict.complete, verdict.passed) == made.literal
    for bad in made.known_bad.values():
        assert not verdict.passed or len(bad) <= min(made.most, 8)
    spoilt = copy.deepcopy(made)
    for (_, number), statistics_ in spoilt.of_detectors.items():
        for name in made.known_bad[number]:
            statistics_["AMP"][name] = {"MEAN": 0.1, "NOISE": 5.6}
            statistics_["VERIFY"]["AMP"][name] = dict.fromkeys((*TESTS, *UNCOUNTED), True)
    spoilt.merge()
    healthy = spoilt.verdict()
    assert (healthy.passed, healthy.failures, healthy.n_tests) == (
        verdict.passed,
        verdict.failures,
        verdict.n_tests,
    )


@given(results(), st.data())
def test_a_known_bad_amplifier_hides_no_other_ones_damage(made: Results, data: st.DataObject) -> None:
    """What is taken away from another amplifier makes the results incomplete all the same."""
    spoil(data, made)
    place = data.draw(st.sampled_from(sorted(made.of_detectors)))
    other = data.draw(st.sampled_from([each for each in AMPLIFIERS if each not in made.known_bad[place[1]]]))
    made.of_detectors[place]["AMP"][other]["NOISE"] = math.nan
    verdict = made.verdict()
    assert (verdict.complete, verdict.passed) == made.literal == (False, False)
    assert any(f"{other} NOISE is not finite" in each for each in verdict.problems)


@given(results(), st.data())
def test_damaged_results_never_pass(made: Results, data: st.DataObject) -> None:
    damage(data, made)
    verdict = made.verdict()
    assert (verdict.complete, verdict.passed) == made.literal == (False, False)
    assert verdict.problems


@given(results(), st.data())
def test_what_else_there_is_changes_nothing(made: Results, data: st.DataObject) -> None:
    """Other exposures, metadata, and whatever a later cp_verify writes beside what is read."""
    before = made.verdict()
    stranger = 99
    made.of_exposures[stranger] = {name: {"SUCCESS": False, "FAILURES": []} for name in NAMES.values()}
    made.of_detectors[stranger, 0] = statistics({"NOISE": 16})
    key = data.draw(st.sampled_from(["METADATA", "CATALOG", "ISR", "SUCCESS"]))
    for each in made.of_detectors.values():
        each[key] = data.draw(st.sampled_from([{}, {"READ_NOISE_ADU": {"C00": math.nan}}, True]))
    assert made.verdict() == before
    assert (before.complete, before.passed) == made.literal


@pytest.mark.parametrize("n", range(1, 7))
@pytest.mark.parametrize("n_detectors", [1, 2, 3])
@pytest.mark.parametrize("threshold", [1, 8, 16])
def test_both_limits_are_where_the_page_has_them(n: int, n_detectors: int, threshold: int) -> None:
    """One test below the limit no exposure fails; at the limit one exposure too few does not reject."""
    detectors = dict(list(NAMES.items())[:n_detectors])
    at = threshold * (n_detectors // 2 + 1)
    limit = min((n + 1) // 2 + 1, n)
    for n_failed in {limit - 1, limit}:
        for short in (0, 1):
            made = Results({}, range(1, n + 1), detectors, threshold)
            for exposure in made.exposures:
                left = at - short if exposure <= n_failed else 0
                for number in detectors:
                    made.of_detectors[exposure, number] = statistics({"NOISE": min(left, 16)})
                    left -= min(left, 16)
            made.merge()
            verdict = made.verdict()
            assert verdict.passed is (n_failed < limit or short == 1)
            assert (True, verdict.passed) == made.literal


@given(st.integers(1, 3), st.lists(st.integers(0, 16), min_size=3, max_size=3), st.booleans())
def test_a_curve_passes_exactly_when_the_documented_rule_says_so(
    n_detectors: int, failing: list[int], broken: bool
) -> None:
    detectors = dict(list(NAMES.items())[:n_detectors])
    measured = {number: statistics({"NOISE": failing[number]}) for number in detectors}
    if broken:
        measured[0] = copy.deepcopy(measured[0])
        measured[0]["AMP"]["C05"]["NOISE"] = math.nan
    results = read_calibration(
        "PTC",
        {NAMES[number]: each for number, each in measured.items()},
        amplifiers=dict.fromkeys(detectors.values(), frozenset(AMPLIFIERS)),
    )
    combined = CombinedCalibration("PTC", {"FLAT": (1, 2)}, "u/ocps/job", ("id",))
    verdict = judge(results, max_failures_per_detector=MAX_FAILURES_BY_ITSELF, combined=combined)
    literal = judge_curve(
        {(None, number): each for number, each in measured.items()},
        detectors=detectors,
        amplifiers=AMPLIFIERS,
    )
    assert (verdict.complete, verdict.passed) == (literal.complete, literal.passed)


exposures = st.lists(st.integers(1, 6), min_size=1, max_size=5, unique=True)


@given(exposures, exposures)
def test_only_what_was_verified_with_exactly_its_exposures_is_accepted(
    verified: list[int], made_of: list[int]
) -> None:
    combined = CombinedCalibration("BIAS", {"BIAS": tuple(made_of)}, "u/ocps/job", ("id",))
    made = Results({(each, 0): statistics({}) for each in verified}, verified, {0: NAMES[0]}, 8)
    made.merge()
    verdict = made.verdict(combined=combined)
    assert verdict.passed
    if set(verified) == set(made_of):
        assert verdict.accept().combined == combined
    else:
        with pytest.raises(ValueError, match="is to be verified with"):
            verdict.accept()
