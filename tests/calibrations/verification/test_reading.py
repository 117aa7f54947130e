"""Reading what cp_verify stores, without losing what failed or what is missing."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.verification import (
    Verdict,
    VerificationTest,
    judge,
    read_calibration,
    read_exposures,
)
from lsst.ts.simulated_observatory.pipelines.merging import exp_merge

GOOD = {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}


def statistics(failed: Sequence[str] = ()) -> dict[str, Any]:
    """Statistics of a detector; failed tests are named as in ``FAILURES``."""
    return {
        "AMP": {name: {"MEAN": 0.1, "NOISE": 5.6} for name in AMPLIFIERS},
        "VERIFY": {
            "AMP": {
                name: {test: f"{name} {test}" not in failed for test in ("MEAN", "NOISE")}
                for name in AMPLIFIERS
            },
            "DET": {"SCATTER": "SCATTER" not in failed},
        },
    }


def judged(results: Mapping[int, Any], detectors: Sequence[str] = ("RXX_S00",)) -> Verdict:
    """Judge results of exposures whose statistics are complete and have the same failures."""
    measured = {}
    for exposure, result in results.items():
        for detector in detectors:
            found = result.get(detector, {}) if isinstance(result, Mapping) else {}
            measured[exposure, detector] = statistics(found.get("FAILURES", ()))
    expected = dict.fromkeys(detectors, frozenset(AMPLIFIERS))
    return judge(
        read_exposures(results, measured, exposures=list(results), amplifiers=expected),
        max_failures_per_detector=8,
    )


def test_failed_tests_are_read_with_detector_amplifier_and_type() -> None:
    failed = {
        "RXX_S00": {"SUCCESS": False, "FAILURES": ["SCATTER", "C00 NOISE", "C01 MEAN"]},
        "SUCCESS": False,
    }
    verdict = judged({1: GOOD, 2: failed})
    assert verdict.problems == ()
    assert verdict.failed_tests == {
        2: (
            VerificationTest("RXX_S00", None, "SCATTER"),
            VerificationTest("RXX_S00", "C00", "NOISE"),
            VerificationTest("RXX_S00", "C01", "MEAN"),
        )
    }


def test_flats_keep_their_failures_although_the_exposure_has_a_result_of_its_own() -> None:
    flat = {
        "RXX_S00": {"SUCCESS": False, "FAILURES": ["SCATTER", *(f"{name} NOISE" for name in AMPLIFIERS)]},
        "EXP": {"SCATTER": 0.0},
        "VERIFY": {"EXP": {"SCATTER": True}},
        "SUCCESS": False,
    }
    verdict = judged({1: flat})
    assert verdict.complete
    assert not verdict.passed
    assert verdict.failures == {1: {"SCATTER": 1, "NOISE": 16}}


def test_a_failed_test_of_the_exposure_is_reported_and_not_counted() -> None:
    flat = {**GOOD, "VERIFY": {"EXP": {"SCATTER": False, "SUCCESS": False}}, "SUCCESS": False}
    verdict = judged({1: flat})
    assert verdict.passed
    assert verdict.failed_tests == {1: (VerificationTest(None, None, "SCATTER"),)}
    assert verdict.n_failed == 0


def test_good_results_are_complete() -> None:
    assert judged({1: GOOD, 2: GOOD}).passed


@pytest.mark.parametrize(
    "detector",
    [{"SUCCESS": False}, {"SUCCESS": False, "FAILURES": []}, {"SUCCESS": True, "FAILURES": ["C00 NOISE"]}],
)
@pytest.mark.parametrize("success", [True, False])
def test_a_detector_that_contradicts_itself_is_not_judged(detector: dict[str, Any], success: bool) -> None:
    other = {"SUCCESS": False, "FAILURES": ["C00 MEAN"]}
    result = {"R22_S00": other, "R22_S01": detector, "SUCCESS": success}
    verdict = judged({1: result}, ["R22_S00", "R22_S01"])
    assert not verdict.complete
    assert verdict.problems[0].startswith("exposure 1: R22_S01 has SUCCESS")


@pytest.mark.parametrize("success", [True, False])
def test_a_detector_without_result_is_noticed(success: bool) -> None:
    verdict = judged({1: {**GOOD, "SUCCESS": success}}, ["RXX_S00", "RXX_S01"])
    assert verdict.problems == ("exposure 1: RXX_S01 has no result in this exposure",)


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (GOOD | {"SUCCESS": False}, "SUCCESS is not true and no test is named that failed"),
        (
            {"RXX_S00": {"SUCCESS": False, "FAILURES": ["C00 NOISE"]}, "SUCCESS": True},
            "SUCCESS is true and yet tests failed",
        ),
        (GOOD | {"VERIFY": "good"}, "VERIFY of the exposure cannot be read"),
        (
            {"RXX_S00": {"SUCCESS": False, "FAILURES": ["C99 NOISE"]}, "SUCCESS": False},
            "'RXX_S00 C99 NOISE' is about an amplifier that the detector does not have",
        ),
        (
            GOOD | {"R22_S99": {"SUCCESS": False, "FAILURES": ["C00 NOISE"]}, "SUCCESS": False},
            "'R22_S99 C00 NOISE' is about a detector that is not expected",
        ),
    ],
)
def test_what_contradicts_itself_or_cannot_be_placed_is_a_gap(result: dict[str, Any], problem: str) -> None:
    assert judged({1: result}).problems == (f"exposure 1: {problem}",)


@pytest.mark.parametrize("names", ["C00 NOISE", {"C00": "NOISE"}, 3, None])
def test_failures_that_are_no_list_are_a_gap(names: Any) -> None:
    results = {1: {"RXX_S00": {"SUCCESS": False, "FAILURES": names}, "SUCCESS": False}}
    found = read_exposures(results, {}, exposures=[1], amplifiers={"RXX_S00": frozenset(AMPLIFIERS)})
    assert str(found.subjects[0].gaps[0]) == "exposure 1: RXX_S00 has failures that are not a list"


def test_an_exposure_that_cannot_be_read_is_missing() -> None:
    assert "exposure 2: it has no result" in judged({1: GOOD, 2: None}).problems[0]


def test_measurements_without_any_tests_are_incomplete() -> None:
    measured = {(1, "RXX_S00"): {"AMP": statistics()["AMP"]}}
    results = read_exposures(
        {1: GOOD}, measured, exposures=[1], amplifiers={"RXX_S00": frozenset(AMPLIFIERS)}
    )
    (problem,) = judge(results, max_failures_per_detector=8).problems
    assert problem.startswith("exposure 1, RXX_S00: no test has a result for C00, C01")


def test_a_curve_is_read_and_judged_without_any_exposure() -> None:
    measured = {"RXX_S00": statistics([f"{name} NOISE" for name in AMPLIFIERS[:8]])}
    results = read_calibration("PTC", measured, amplifiers={"RXX_S00": frozenset(AMPLIFIERS)})
    verdict = judge(results, max_failures_per_detector=8)
    assert (verdict.complete, verdict.passed, verdict.by_itself) == (True, False, True)
    assert (verdict.exposures, verdict.failed_exposures) == ((), ())
    assert verdict.failures == {"PTC": {"NOISE": 8}}


def test_the_gaps_of_a_curve_name_it() -> None:
    measured = statistics(["C00 NOISE"]) | {"AMP": {}}
    measured["VERIFY"]["AMP"]["C99"] = {"MEAN": False, "NOISE": True}
    other = statistics() | {"SUCCESS": False}
    expected = dict.fromkeys(("R22_S00", "R22_S01"), frozenset(AMPLIFIERS))
    results = read_calibration("PTC", {"R22_S00": measured, "R22_S01": other}, amplifiers=expected)
    assert judge(results, max_failures_per_detector=8).problems == (
        "PTC: 'R22_S00 C99 MEAN' is about an amplifier that the detector does not have",
        "PTC, R22_S01: SUCCESS is not true and no test is named that failed",
        f"PTC, R22_S00: no measurements of {', '.join(AMPLIFIERS)}",
    )


outcomes = st.dictionaries(st.sampled_from(["MEAN", "NOISE"]), st.booleans(), min_size=2)
exposures_of_two_detectors = st.lists(
    st.tuples(*[st.tuples(st.tuples(*[outcomes] * 2), st.booleans(), st.floats(0, 2))] * 2),
    min_size=1,
    max_size=4,
)


@given(exposures_of_two_detectors)
def test_what_the_pipelines_of_this_project_write_is_complete_and_loses_no_failure(
    exposures: list[Any],
) -> None:
    names, two = ("R22_S00", "R22_S01"), ("C00", "C01")
    measured: dict[tuple[int, str], Any] = {}
    results: dict[int, Any] = {}
    expected: dict[int, set[VerificationTest]] = {}
    for exposure, both in enumerate(exposures, 1):
        expected[exposure] = set()
        for name, (amplifiers, scatter, mean) in zip(names, both, strict=True):
            tests = {
                key: {**each, "SUCCESS": all(each.values())}
                for key, each in zip(two, amplifiers, strict=True)
            }
            measured[exposure, name] = {
                "AMP": {key: {"MEAN": mean, "NOISE": 1.0} for key in two},
                "DET": {"MEAN": mean, "SCATTER": 1.0},
                "VERIFY": {"AMP": tests, "DET": {"SCATTER": scatter, "SUCCESS": scatter}},
                "SUCCESS": scatter and all(each["SUCCESS"] for each in tests.values()),
            }
            expected[exposure] |= {
                VerificationTest(name, key, test)
                for key, each in zip(two, amplifiers, strict=True)
                for test, good in each.items()
                if not good
            }
            if not scatter:
                expected[exposure].add(VerificationTest(name, None, "SCATTER"))
        results[exposure] = exp_merge({name: measured[exposure, name] for name in names}, scatter=True)
        if not results[exposure]["VERIFY"]["EXP"]["SCATTER"]:
            expected[exposure].add(VerificationTest(None, None, "SCATTER"))
    before = copy.deepcopy((results, measured))
    read = read_exposures(
        results, measured, exposures=list(results), amplifiers=dict.fromkeys(names, frozenset(two))
    )
    verdict = judge(read, max_failures_per_detector=8)
    assert verdict.problems == ()
    assert {key: set(failed) for key, failed in verdict.failed_tests.items()} == {
        key: failed for key, failed in expected.items() if failed
    }
    assert verdict.n_tests == len(exposures) * 2 * 5
    assert repr((results, measured)) == repr(before)
