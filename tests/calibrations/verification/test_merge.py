"""Merging the results of exposures without losing what failed."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.verification import evaluate, merge_exposures
from lsst.ts.simulated_observatory.pipelines.merging import exp_merge

AMPLIFIERS = tuple(f"C{row}{column}" for row in (0, 1) for column in range(8))
ARGUMENTS = {"amplifiers": AMPLIFIERS, "max_failures_per_detector": 8}
GOOD = {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}


def judge(results, detectors=("RXX_S00",)):
    merged = merge_exposures(results, detectors=detectors)
    return evaluate(merged, exposures=list(results), detectors=detectors, **ARGUMENTS)


def test_biases():
    failed = {"RXX_S00": {"SUCCESS": False, "FAILURES": ["C00 NOISE", "C01 MEAN"]}, "SUCCESS": False}
    assert merge_exposures({1: GOOD, 2: failed}, detectors=["RXX_S00"]) == {
        1: {"SUCCESS": True, "FAILURES": []},
        2: {"SUCCESS": False, "FAILURES": ["RXX_S00 C00 NOISE", "RXX_S00 C01 MEAN"]},
        "SUCCESS": False,
    }


def test_flats_keep_their_failures_although_the_exposure_has_a_result_of_its_own():
    flat = {
        "RXX_S00": {"SUCCESS": False, "FAILURES": ["SCATTER", *(f"{name} NOISE" for name in AMPLIFIERS)]},
        "EXP": {"SCATTER": 0.0},
        "VERIFY": {"EXP": {"SCATTER": True}},
        "SUCCESS": False,
    }
    verdict = judge({1: flat})
    assert verdict.complete
    assert not verdict.passed
    assert verdict.failures == {1: {"SCATTER": 1, "NOISE": 16}}


def test_a_failed_test_of_the_exposure_is_reported_and_not_counted():
    flat = {**GOOD, "VERIFY": {"EXP": {"SCATTER": False, "SUCCESS": False}}, "SUCCESS": False}
    verdict = judge({1: flat})
    assert verdict.passed
    assert verdict.failures == {1: {"SCATTER": 1}}


def test_good_results_are_complete():
    assert judge({1: GOOD, 2: GOOD}).passed


@pytest.mark.parametrize(
    "detector",
    [{"SUCCESS": False}, {"SUCCESS": False, "FAILURES": []}, {"SUCCESS": True, "FAILURES": ["C00 NOISE"]}],
)
@pytest.mark.parametrize("success", [True, False])
def test_a_detector_that_contradicts_itself_is_not_judged(detector, success):
    other = {"SUCCESS": False, "FAILURES": ["C00 MEAN"]}
    result = {"R22_S00": other, "R22_S01": detector, "SUCCESS": success}
    assert not judge({1: result}, ["R22_S00", "R22_S01"]).complete


def test_a_detector_without_result_is_noticed():
    verdict = judge({1: GOOD}, ["RXX_S00", "RXX_S01"])
    assert not verdict.complete
    assert "RXX_S01 has no result in this exposure" in verdict.problems[0]


def test_an_exposure_that_cannot_be_read_is_missing():
    assert "exposure 2: it has no result" in judge({1: GOOD, 2: None}).problems[0]


outcomes = st.dictionaries(st.sampled_from(["MEAN", "NOISE"]), st.booleans(), min_size=2)
exposures_of_two_detectors = st.lists(
    st.tuples(*[st.tuples(st.tuples(*[outcomes] * 2), st.booleans(), st.floats(0, 2))] * 2),
    min_size=1,
    max_size=4,
)


@given(exposures_of_two_detectors)
def test_what_the_pipelines_of_this_project_write_is_complete_and_loses_no_failure(exposures):
    names, two = ("R22_S00", "R22_S01"), ("C00", "C01")
    measured, results, expected = {}, {}, {}
    for exposure, both in enumerate(exposures, 1):
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
            failed = [f"{name} {key} {test}" for key in two for test, good in tests[key].items() if not good]
            failed = [each for each in failed if not each.endswith("SUCCESS")] + [f"{name} SCATTER"] * (
                not scatter
            )
            expected[exposure] = expected.get(exposure, set()) | set(failed)
        results[exposure] = exp_merge({name: measured[exposure, name] for name in names}, scatter=True)
        if not results[exposure]["VERIFY"]["EXP"]["SCATTER"]:
            expected[exposure].add("SCATTER")
    verdict = evaluate(
        merge_exposures(results, detectors=names), exposures=list(results), detectors=names, amplifiers=two,
        max_failures_per_detector=8, measured=measured,
    )  # fmt: skip
    assert verdict.problems == ()
    assert {key: set(failed) for key, failed in verdict.names.items()} == {
        k: v for k, v in expected.items() if v
    }
    assert verdict.n_tests == len(exposures) * 2 * 5


def test_the_argument_is_not_changed():
    results = {1: copy.deepcopy(GOOD)}
    merge_exposures(results, detectors=["RXX_S00"])
    assert results == {1: GOOD}
