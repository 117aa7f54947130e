"""The acceptance rule: the story of the procedure page, its fine print, and what must never pass."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.verification import (
    Accepted,
    CombinedCalibration,
    Verdict,
    evaluate,
    evaluate_product,
    is_intact,
)

LATISS = ("RXX_S00",)
COMCAM = tuple(f"R22_S{number // 3}{number % 3}" for number in range(9))
AMPLIFIERS = tuple(f"C{row}{column}" for row in (0, 1) for column in range(8))


def stats(failures):
    """Results of a run from the names of the failed tests of each exposure."""
    results = {key: {"SUCCESS": not names, "FAILURES": list(names)} for key, names in failures.items()}
    return {**results, "SUCCESS": not any(failures.values())}


def judge(failures, exposures=None, detectors=LATISS, threshold=8, **others):
    if "combined" in others:  # what is to be certified was measured
        failed = [name for names in failures.values() for name in names]
        others.setdefault("measured", measurements(failures, detectors, failed))
    return evaluate(
        stats(failures),
        exposures=list(failures) if exposures is None else exposures,
        detectors=detectors,
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=threshold,
        **others,
    )


def fails(test, number=16, detector="RXX_S00"):
    return [f"{detector} {amplifier} {test}" for amplifier in AMPLIFIERS[:number]]


def measurements(exposures, detectors=LATISS, failures=()):
    """Measurements as verify<X>Det stores them, with the outcome of each test."""
    return {
        (exposure, detector): {
            "AMP": {name: {"MEAN": 0.1, "NOISE": 5.6, "CR_NOISE": 5.5} for name in AMPLIFIERS},
            "DET": {},
            "METADATA": {"READ_NOISE_ADU": dict.fromkeys(AMPLIFIERS, math.nan)},
            "VERIFY": {
                "AMP": {
                    name: {
                        **{test: f"{detector} {name} {test}" not in failures for test in ("MEAN", "NOISE")},
                        "SUCCESS": True,
                        "READ_NOISE_CONSISTENT": False,
                    }
                    for name in AMPLIFIERS
                },
                "DET": {},
            },
            "SUCCESS": True,
        }
        for exposure in exposures
        for detector in detectors
    }


class TestTheStoryOfThePage:
    def test_three_biases_of_which_every_amplifier_fails_noise_are_rejected(self):
        verdict = judge(
            {
                2022092900001: [*fails("NOISE"), *fails("CR_NOISE", 8), *fails("MEAN", 5)],
                2022092900002: [*fails("NOISE"), "RXX_S00 C05 CR_NOISE"],
                2022092900003: [*fails("NOISE"), "RXX_S00 C05 CR_NOISE"],
            }
        )
        assert not verdict.passed
        assert verdict.complete
        assert verdict.failures == {
            2022092900001: {"CR_NOISE": 8, "NOISE": 16, "MEAN": 5},
            2022092900002: {"NOISE": 16, "CR_NOISE": 1},
            2022092900003: {"NOISE": 16, "CR_NOISE": 1},
        }
        assert verdict.thresholds == {
            "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD": 8,
            "MAX_FAILED_DETECTORS_THRESHOLD": 1,
            "MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD": 8,
            "MAX_FAILED_EXPOSURES_THRESHOLD": 3,
            "FINAL_NUMBER_OF_FAILED_EXPOSURES": 3,
        }

    def test_twenty_biases_of_which_one_has_failing_tests_are_accepted(self):
        first = 2022092900004
        failures = {first + number: [] for number in range(20)}
        failures[first] = [*fails("CR_NOISE", 6), *fails("MEAN", 4)]
        verdict = judge(failures)
        assert verdict.passed
        assert verdict.failures == {first: {"CR_NOISE": 6, "MEAN": 4}}
        assert list(verdict.thresholds.values()) == [8, 1, 8, 11, 0]
        assert verdict.n_failed == 10

    @pytest.mark.parametrize(
        ("n", "limit"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (10, 6), (19, 11), (20, 11), (22, 12)]
    )
    def test_the_failed_exposures_that_reject(self, n, limit):
        assert (
            judge({number: [] for number in range(n)}).thresholds["MAX_FAILED_EXPOSURES_THRESHOLD"] == limit
        )
        bad = fails("NOISE")
        assert not judge({number: bad if number < limit else [] for number in range(n)}).passed
        assert judge({number: bad if number < limit - 1 else [] for number in range(n)}).passed

    def test_a_verdict_that_passes_can_hide_many_failures_and_says_so(self):
        exposures = range(20)
        tests = ("MEAN", "NOISE", "CR_NOISE")
        failures = {
            exposure: [name for test in tests for name in fails(test, 16 if exposure < 10 else 7)]
            for exposure in exposures
        }
        verdict = judge(failures)
        assert verdict.passed
        assert verdict.n_failed == 690  # of 960: 72 %


class TestCounting:
    def test_eight_amplifiers_fail_an_exposure_and_seven_do_not(self):
        assert not judge({1: fails("NOISE", 8)}).passed
        assert judge({1: fails("NOISE", 7)}).passed
        assert judge({1: [*fails("NOISE", 7), *fails("MEAN", 7)]}).passed

    def test_a_name_given_twice_counts_once(self):
        verdict = judge({1: fails("NOISE", 7) * 2})
        assert verdict.passed
        assert verdict.failures == {1: {"NOISE": 7}}

    def test_a_test_of_the_detector_has_one_result_so_one_failure_is_enough(self):
        assert not judge({1: ["RXX_S00 SCATTER"]}).passed
        assert judge({1: ["RXX_S00 SCATTER"], 2: [], 3: []}).failed_exposures == (1,)

    def test_a_threshold_above_the_number_of_amplifiers_is_that_number(self):
        assert not judge({1: fails("NOISE", 16)}, threshold=16).passed
        assert judge({1: fails("NOISE", 15)}, threshold=16).passed
        two = {"detectors": LATISS, "amplifiers": ("C00", "C01"), "max_failures_per_detector": 8}
        assert not evaluate(stats({1: fails("NOISE", 2)}), exposures=[1], **two).passed

    def test_most_detectors_must_fail(self):
        bad = [name for detector in COMCAM[:4] for name in fails("NOISE", 8, detector)]
        one_more = fails("NOISE", 8, COMCAM[4])
        verdict = judge({1: bad}, detectors=COMCAM)
        assert verdict.passed
        assert list(verdict.thresholds.values()) == [8, 5, 40, 1, 0]
        assert not judge({1: bad + one_more}, detectors=COMCAM).passed
        assert judge({1: [f"{detector} SCATTER" for detector in COMCAM[:4]]}, detectors=COMCAM).passed
        assert not judge({1: [f"{detector} SCATTER" for detector in COMCAM[:5]]}, detectors=COMCAM).passed

    def test_a_type_of_test_counts_apart_for_amplifiers_and_detectors(self):
        of_amplifiers = [name for detector in COMCAM for name in fails("SCATTER", 16, detector)][:39]
        of_detectors = [f"{detector} SCATTER" for detector in COMCAM[:4]]
        verdict = judge({1: of_amplifiers + of_detectors}, detectors=COMCAM)
        assert verdict.passed  # neither 40 nor 5
        assert verdict.failures == {1: {"SCATTER": 43}}

    def test_tests_of_the_exposure_and_the_consistency_of_the_read_noise_are_reported_only(self):
        verdict = judge({1: [*fails("READ_NOISE_CONSISTENT"), "SCATTER"]})
        assert verdict.passed
        assert verdict.failures == {1: {"READ_NOISE_CONSISTENT": 16, "SCATTER": 1}}
        assert verdict.n_failed == 0

    def test_tests_that_nobody_has_heard_of_count_like_the_others(self):
        assert not judge({1: fails("BRAND_NEW", 8)}).passed

    def test_detectors_may_have_amplifiers_of_their_own(self):
        names = {"R00_SW0": AMPLIFIERS[:8], "R00_SW1": AMPLIFIERS[8:]}
        arguments = {
            "exposures": [1],
            "detectors": names,
            "amplifiers": names,
            "max_failures_per_detector": 8,
        }
        assert evaluate(stats({1: ["R00_SW0 C00 NOISE", "R00_SW1 C10 NOISE"]}), **arguments).complete
        assert not evaluate(stats({1: ["R00_SW0 C10 NOISE"]}), **arguments).complete

    def test_where_detectors_differ_the_smallest_sets_the_limit(self):
        names = {"R00_SW0": AMPLIFIERS[:8], "R22_S11": AMPLIFIERS}
        arguments = {
            "exposures": [1],
            "detectors": names,
            "amplifiers": names,
            "max_failures_per_detector": 12,
        }
        assert evaluate(stats({1: fails("NOISE", 15, "R22_S11")}), **arguments).passed
        assert not evaluate(stats({1: fails("NOISE", 16, "R22_S11")}), **arguments).passed


class TestIncompleteResultsNeverPass:
    def problem(self, verdict):
        assert not verdict.complete
        assert not verdict.passed
        return " / ".join(verdict.problems)

    def evaluate(self, verify_stats, **others):
        arguments = {"exposures": [1, 2], "detectors": LATISS, "amplifiers": AMPLIFIERS}
        return evaluate(verify_stats, max_failures_per_detector=8, **(arguments | others))

    def test_an_exposure_is_missing(self):
        assert "exposure 2: it has no result" in self.problem(judge({1: []}, exposures=[1, 2]))

    def test_nothing_is_there_at_all(self):
        assert "exposure 1" in self.problem(self.evaluate({}))
        verdict = self.evaluate({"SUCCESS": True}, exposures=[])
        assert "no exposures" in self.problem(verdict)
        assert len(verdict.thresholds) == 5

    def test_no_detectors_or_amplifiers(self):
        good = stats({1: [], 2: []})
        assert "no detectors" in self.problem(self.evaluate(good, detectors=[]))
        assert "amplifiers are not known" in self.problem(self.evaluate(good, amplifiers=[]))
        assert "amplifiers are not known" in self.problem(
            self.evaluate(good, amplifiers={"R22_S00": ["C00"]})
        )

    @pytest.mark.parametrize("success", [False, None, 0, 1, "True", "missing"])
    def test_no_success_and_no_name(self, success):
        results = stats({1: [], 2: []})
        results[2]["SUCCESS"] = success
        if success == "missing":
            del results[2]["SUCCESS"]
        assert "no test is named" in self.problem(self.evaluate(results))

    def test_flats_whose_failures_the_merging_of_cp_verify_lost(self):
        lost = {"SUCCESS": False, "FAILURES": []}
        assert "exposure 1" in self.problem(self.evaluate({1: lost, 2: lost, "SUCCESS": False}))

    def test_success_with_a_failure(self):
        results = stats({1: ["RXX_S00 C00 NOISE"], 2: []})
        results[1]["SUCCESS"] = True
        assert "exposure 1: SUCCESS is true" in self.problem(self.evaluate(results))

    def test_the_run_contradicts_its_exposures(self):
        assert "SUCCESS of the run is true" in self.problem(
            self.evaluate(stats({1: ["RXX_S00 C00 NOISE"], 2: []}) | {"SUCCESS": True})
        )
        assert "SUCCESS of the run is not true" in self.problem(
            self.evaluate(stats({1: [], 2: []}) | {"SUCCESS": False})
        )

    @pytest.mark.parametrize(
        "name",
        ["R22_S11 C00 NOISE", "R22_S11 SCATTER", "RXX_S00 C08 NOISE", "RXX_S00 C00 NOISE extra", "", None, 3],
    )
    def test_a_failure_that_cannot_be_placed(self, name):
        assert "exposure 1" in self.problem(judge({1: [name], 2: []}))

    @pytest.mark.parametrize(
        "result", [None, [], "failed", {"SUCCESS": False, "FAILURES": "RXX_S00 C00 NOISE"}]
    )
    def test_a_result_that_cannot_be_read(self, result):
        assert "exposure 1" in self.problem(self.evaluate(stats({1: [], 2: []}) | {1: result}))

    def test_rejected_and_incomplete_is_both(self):
        verdict = judge({1: fails("NOISE")}, exposures=[1, 2])
        assert "exposure 2" in self.problem(verdict)
        assert verdict.failed_exposures == (1,)


class TestMeasurements:
    """Missing and not finite values are seen only in what was measured."""

    def problem(self, measured, failures=None):
        verdict = judge(failures or {1: [], 2: []}, measured=measured)
        assert not verdict.complete
        assert not verdict.passed
        return " / ".join(verdict.problems)

    def test_what_is_all_there_passes_and_its_tests_are_counted(self):
        names = fails("MEAN", 3)
        verdict = judge({1: names, 2: []}, measured=measurements([1, 2]) | measurements([1], failures=names))
        assert verdict.passed
        assert verdict.problems == ()
        assert (verdict.n_failed, verdict.n_tests) == (3, 2 * 16 * 2)

    def test_without_measurements_the_number_of_tests_is_not_known(self):
        assert judge({1: []}).n_tests is None

    def test_an_exposure_or_detector_was_not_measured(self):
        assert "exposure 2, RXX_S00: no measurements" in self.problem(measurements([1]))
        verdict = judge({1: []}, detectors=COMCAM, measured=measurements([1], COMCAM[:8]))
        assert verdict.problems == (f"exposure 1, {COMCAM[8]}: no measurements",)

    def test_an_amplifier_was_not_measured(self):
        measured = measurements([1, 2])
        del measured[2, "RXX_S00"]["AMP"]["C13"]
        assert "exposure 2, RXX_S00: no measurements of C13" in self.problem(measured)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "0.1", np.float32("nan")])
    def test_a_value_is_not_finite(self, value):
        measured = measurements([1, 2])
        measured[1, "RXX_S00"]["AMP"]["C05"]["NOISE"] = value
        assert "exposure 1, RXX_S00: C05 NOISE is not finite" in self.problem(measured)

    def test_a_value_of_the_detector_is_not_finite(self):
        measured = measurements([1, 2])
        measured[1, "RXX_S00"]["DET"] = {"MEAN": math.nan, "SCATTER": 1.0}
        assert "exposure 1, RXX_S00: MEAN is not finite" in self.problem(measured)

    @pytest.mark.parametrize(
        "verify",
        [{}, {"AMP": {}}, {"DET": {"SCATTER": True}}, {"AMP": {name: {} for name in AMPLIFIERS}}, "x", None]
        + [{"AMP": {name: {test: True} for name in AMPLIFIERS}} for test in ("SUCCESS", "PROB_TEST")],
    )
    def test_all_was_measured_and_nothing_tested(self, verify):
        measured = measurements([1, 2])
        measured[2, "RXX_S00"]["VERIFY"] = verify
        assert "exposure 2, RXX_S00: no test has a result for C00, C01" in self.problem(measured)
        measured[1, "RXX_S00"]["VERIFY"] = verify
        assert "exposure 1, RXX_S00: no test has a result for C00, C01" in self.problem(measured)

    def test_an_exposure_was_not_tested_like_the_others(self):
        measured = measurements([1, 2])
        for tests in measured[2, "RXX_S00"]["VERIFY"]["AMP"].values():
            del tests["NOISE"]
        assert self.problem(measured) == (
            "exposure 2, RXX_S00: no result of NOISE, which other exposures have"
        )

    def test_measurements_without_any_tests_are_incomplete_for_a_run(self):
        measured = measurements([1])
        del measured[1, "RXX_S00"]["VERIFY"]
        assert judge({1: []}, measured=measured).passed
        assert not judge({1: []}, measured=measured, tests_expected=True).complete

    def test_one_amplifier_lacks_a_value_or_a_result_that_the_others_have(self):
        measured = measurements([1, 2])
        del measured[1, "RXX_S00"]["AMP"]["C05"]["CR_NOISE"]
        del measured[2, "RXX_S00"]["VERIFY"]["AMP"]["C06"]["NOISE"]
        # this one is written after SUCCESS, and not for every amplifier
        del measured[2, "RXX_S00"]["VERIFY"]["AMP"]["C07"]["READ_NOISE_CONSISTENT"]
        told = self.problem(measured)
        assert "C07" not in told
        assert "exposure 1, RXX_S00: no value CR_NOISE for C05" in told
        assert "exposure 2, RXX_S00: no result NOISE for C06" in told

    def test_an_amplifier_without_any_value(self):
        measured = measurements([1, 2])
        for values in measured[1, "RXX_S00"]["AMP"].values():
            values.clear()
        measured[2, "RXX_S00"]["AMP"]["C13"] = 5.6
        told = self.problem(measured)
        assert "exposure 1, RXX_S00: no values for C00" in told
        assert "exposure 2, RXX_S00: no values for C13" in told

    def test_what_is_written_on_failure_only_may_be_there_for_some(self):
        names = ["RXX_S00 C00 PROCESSING"]
        measured = measurements([1, 2])
        measured[1, "RXX_S00"]["AMP"]["C00"]["FORCE_FAILURE"] = True
        measured[1, "RXX_S00"]["VERIFY"]["AMP"]["C00"]["PROCESSING"] = False
        assert judge({1: names, 2: []}, measured=measured).complete

    def test_detectors_and_amplifiers_that_nobody_expects(self):
        measured = measurements([1, 2])
        measured[1, "RXX_S00"]["AMP"]["C99"] = {"MEAN": 0.0, "NOISE": 1.0, "CR_NOISE": 1.0}
        assert "measurements of C99" in self.problem(measured)
        assert "R22_S11: this detector is not expected" in self.problem(
            measurements([1, 2]) | measurements([1], ["R22_S11"])
        )

    def test_other_exposures_do_not_matter(self):
        assert judge({1: []}, measured=measurements([1]) | {(7, "R22_S11"): {}}).passed

    def test_a_failure_that_was_lost_on_the_way(self):
        measured = measurements([1, 2], failures=["RXX_S00 C05 NOISE"])
        assert "RXX_S00 C05 NOISE failed and is not among the failures" in self.problem(measured)


class TestWhatIsIgnored:
    def test_other_exposures_and_the_results_of_the_run(self):
        results = stats({1: [], 2: fails("NOISE")}) | {
            "RUN": {"MEAN": False},
            "VERIFY": {"RUN": {"MEAN": False}},
        }
        verdict = evaluate(
            results, exposures=[1], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )
        assert verdict.passed
        assert verdict.failures == {}

    def test_whether_exposure_ids_are_numbers_or_text(self):
        results = {str(key): value for key, value in stats({1: fails("NOISE"), 2: []}).items()}
        assert judge({1: fails("NOISE"), 2: []}) == evaluate(
            results, exposures=[1, 2], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )

    def test_whether_the_truth_is_pythons_or_numpys(self):
        results = {1: {"SUCCESS": np.True_, "FAILURES": []}, "SUCCESS": np.bool_(1)}
        arguments = {"detectors": LATISS, "amplifiers": AMPLIFIERS, "max_failures_per_detector": 8}
        assert evaluate(results, exposures=[np.int64(1)], **arguments).passed

    def test_exposures_and_detectors_that_are_named_twice(self):
        verdict = judge({1: fails("NOISE"), 2: []}, exposures=[1, 1, 1, 2], detectors=LATISS * 3)
        assert verdict.exposures == (1, 2)
        assert list(verdict.thresholds.values()) == [8, 1, 8, 2, 1]


def oracle(failures, n_detectors, threshold):
    """The documented rule once more, as literally as it can be written, for complete results."""
    failed_exposures = 0
    for names in failures.values():
        per_type = {}
        for name in set(names):
            words = name.split()
            if len(words) > 1 and words[-1] != "READ_NOISE_CONSISTENT":
                key = (len(words), words[-1])
                per_type[key] = per_type.get(key, 0) + 1
        failed = False
        for (words, _), number in per_type.items():
            results_per_detector = 16 if words == 3 else 1
            if number >= min(threshold, results_per_detector) * (int(n_detectors / 2) + 1):
                failed = True
        failed_exposures += failed
    n = len(failures)
    return failed_exposures, failed_exposures < min(int((n + 1) / 2) + 1, n)


some_tests = st.sampled_from(["NOISE", "MEAN", "SCATTER", "READ_NOISE_CONSISTENT", "NEW"])
some_detectors = COMCAM[:3]
some_names = st.one_of(
    st.builds("{} {} {}".format, st.sampled_from(some_detectors), st.sampled_from(AMPLIFIERS), some_tests),
    st.builds("{} {}".format, st.sampled_from(some_detectors), some_tests),
    some_tests,
)
some_failures = st.lists(some_names, max_size=6) | st.builds(
    lambda number, test, detectors: [name for each in detectors for name in fails(test, number, each)],
    st.integers(1, 16), some_tests, st.lists(st.sampled_from(some_detectors), unique=True, max_size=3),
)  # fmt: skip
runs = st.lists(some_failures, min_size=1, max_size=6).map(
    lambda all_of_them: dict(enumerate(all_of_them, 1))
)
thresholds = st.integers(1, 16)


class TestProperties:
    @given(runs, thresholds)
    def test_the_rule_is_the_documented_one(self, failures, threshold):
        verdict = judge(failures, detectors=some_detectors, threshold=threshold)
        assert verdict.complete
        final, passed = oracle(failures, 3, threshold)
        assert (
            verdict.thresholds["FINAL_NUMBER_OF_FAILED_EXPOSURES"] == len(verdict.failed_exposures) == final
        )
        assert verdict.passed == passed
        assert set(verdict.failures) == {key for key, names in failures.items() if names}
        assert {key: sum(counts.values()) for key, counts in verdict.failures.items()} == {
            key: len(set(names)) for key, names in failures.items() if names
        }

    @given(runs, some_failures, thresholds)
    def test_another_failure_never_helps(self, failures, more, threshold):
        before = judge(failures, detectors=some_detectors, threshold=threshold)
        worse = judge({**failures, 1: failures[1] + more}, detectors=some_detectors, threshold=threshold)
        assert before.passed or not worse.passed

    @given(runs, st.integers(1, 15))
    def test_a_lower_threshold_is_never_kinder(self, failures, threshold):
        strict = judge(failures, detectors=some_detectors, threshold=threshold)
        lax = judge(failures, detectors=some_detectors, threshold=threshold + 1)
        assert lax.passed or not strict.passed

    @given(runs, thresholds, st.randoms(use_true_random=False))
    def test_the_order_does_not_matter(self, failures, threshold, random):
        mixed = {key: random.sample(names, len(names)) for key, names in failures.items()}
        first = judge(failures, detectors=some_detectors, threshold=threshold)
        assert first == judge(mixed, detectors=some_detectors, threshold=threshold)

    @given(runs)
    def test_what_lacks_an_exposure_does_not_pass(self, failures):
        assert not judge(failures, exposures=[*failures, 99], detectors=some_detectors).passed

    @given(runs)
    def test_the_arguments_are_not_changed(self, failures):
        results, measured = stats(failures), measurements(failures, some_detectors)
        before = copy.deepcopy((results, measured))
        evaluate(
            results, exposures=list(failures), detectors=some_detectors, amplifiers=AMPLIFIERS,
            max_failures_per_detector=8, measured=measured,
        )  # fmt: skip
        assert repr((results, measured)) == repr(before)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["SUCCESS", "FAILURES", "AMP", 1, "1"]), inner, max_size=3)
            ),
        )
    )
    def test_nonsense_is_incomplete_and_no_crash(self, nonsense):
        results = nonsense if isinstance(nonsense, dict) else {1: nonsense}
        verdict = judge({1: []}, measured={(1, "RXX_S00"): nonsense})
        assert not verdict.passed
        verdict = evaluate(
            results, exposures=[1], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )
        assert verdict.complete == (not verdict.problems)


def made(exposures=(1, 2), name="BIAS", **others):
    """A bias of some exposures, or what else a run has made."""
    by_type = exposures if isinstance(exposures, dict) else {name: tuple(exposures)}
    fields = {"exposures": by_type, "collection": "u/ocps/abc", "datasets": ("id of it",)}
    return CombinedCalibration(name, **(fields | others))


class TestAcceptance:
    def test_an_acceptance_is_of_that_which_was_verified(self):
        assert judge({1: [], 2: []}, combined=made()).accept().combined == made()
        assert judge({2: [], 1: []}, combined=made()).accept().combined == made()

    def test_only_a_verdict_that_passes_can_accept(self):
        with pytest.raises(ValueError, match="did not pass"):
            judge({1: fails("NOISE"), 2: fails("NOISE")}, combined=made()).accept()
        with pytest.raises(ValueError, match="did not pass"):
            judge({1: []}, exposures=[1, 2], combined=made()).accept()

    def test_where_nothing_was_made_there_is_nothing_to_accept(self):
        with pytest.raises(ValueError, match="nothing was made"):
            judge({1: [], 2: []}).accept()

    @pytest.mark.parametrize("exposures", [(1,), (1, 2, 3), (1, 3), ()])
    def test_a_bias_is_accepted_for_exactly_the_exposures_that_it_was_verified_with(self, exposures):
        with pytest.raises(ValueError, match=r"verified with \[1, 2\] and is to be"):
            judge({1: [], 2: []}, combined=made(exposures)).accept()

    def test_defects_are_verified_with_all_the_flats_and_not_with_the_darks(self):
        defects = made(name="DEFECTS", exposures={"DARK": (1, 2), "FLAT": (3, 4)})
        assert judge({3: [], 4: []}, combined=defects).accept().combined is defects
        for others in ({4: []}, {1: [], 2: []}, {1: [], 2: [], 3: [], 4: []}):
            with pytest.raises(ValueError, match=r"to be verified with \[3, 4\]"):
                judge(others, combined=defects).accept()

    def test_what_was_not_tested_is_not_accepted(self):
        with pytest.raises(ValueError, match="nothing was verified"):
            judge({1: [], 2: []}, combined=made(), measured=None).accept()

    def test_a_bias_that_was_verified_as_a_curve_is_not_accepted(self):
        whole = {"RXX_S00": measurements([1])[1, "RXX_S00"]}
        verdict = evaluate_product(made(), whole, detectors=LATISS, amplifiers=AMPLIFIERS)
        with pytest.raises(ValueError, match="a BIAS is not verified in this way"):
            verdict.accept()

    def test_a_photon_transfer_curve_is_bound_to_its_flats(self):
        curve = made(name="PTC", exposures={"FLAT": (3, 4)})
        verdict = evaluate_product(
            curve,
            {"RXX_S00": measurements([1])[1, "RXX_S00"]},
            detectors=LATISS,
            amplifiers=AMPLIFIERS,
        )
        assert verdict.exposures == (3, 4)
        assert verdict.accept().combined is curve


ELSEWHERE = """
import pickle, sys
from lsst.ts.calibrations.verification import CombinedCalibration, evaluate
verdict = evaluate(
    {1: {"SUCCESS": True, "FAILURES": []}}, exposures=[1], detectors=["RXX_S00"], amplifiers=["C00"],
    measured={(1, "RXX_S00"): {"AMP": {"C00": {"MEAN": 0.1}}, "VERIFY": {"AMP": {"C00": {"MEAN": True}}}}},
    max_failures_per_detector=8, combined=CombinedCalibration("BIAS", {"BIAS": (1,)}, "u/ocps/abc", ("id",)),
)
sys.stdout.buffer.write(pickle.dumps(verdict.accept()))
"""
"""An acceptance that another process gives and hands over."""


class TestSeal:
    def test_nobody_else_can_make_one(self):
        verdict = judge({1: fails("NOISE")}, combined=made([1]))
        with pytest.raises(TypeError):
            Accepted(combined=made())
        with pytest.raises(TypeError, match="made by verification"):
            Accepted(combined=made(), seal=b"")
        fields = {field.name: getattr(verdict, field.name) for field in dataclasses.fields(verdict)}
        with pytest.raises(TypeError, match="made by verification"):
            Verdict(**(fields | {"passed": True}))
        with pytest.raises(TypeError, match="made by verification"):
            dataclasses.replace(verdict, passed=True)

    def test_an_acceptance_is_of_nothing_else(self):
        accepted = judge({1: [], 2: []}, combined=made()).accept()
        for other in (made([1, 2, 3]), made(name="FLAT"), made(collection="u/ocps/b"), made(datasets=())):
            with pytest.raises(TypeError, match="made by verification"):
                dataclasses.replace(accepted, combined=other)

    def test_the_seal_of_a_verdict_is_none_of_an_acceptance(self):
        verdict = judge({1: [], 2: []}, combined=made())
        with pytest.raises(TypeError, match="made by verification"):
            Accepted(combined=made(), seal=verdict.seal)

    def test_what_was_changed_behind_its_back_is_worth_nothing(self):
        verdict = judge({1: fails("NOISE"), 2: fails("NOISE")}, combined=made())
        object.__setattr__(verdict, "passed", True)
        with pytest.raises(ValueError, match="was changed"):
            verdict.accept()
        accepted = judge({1: [], 2: []}, combined=made()).accept()
        accepted.combined.exposures["BIAS"] = (1, 2, 3)
        assert not is_intact(accepted)

    def test_a_copy_is_as_good_as_what_was_copied(self):
        accepted = judge({1: [], 2: []}, combined=made()).accept()
        assert is_intact(copy.deepcopy(accepted))
        assert is_intact(pickle.loads(pickle.dumps(accepted)))  # noqa: S301

    def test_an_acceptance_of_another_process_is_worth_nothing(self):
        made_there = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, check=True)
        accepted = pickle.loads(made_there.stdout)  # noqa: S301
        assert accepted.combined.name == "BIAS"
        assert not is_intact(accepted)

    def test_an_acceptance_without_any_seal_is_worth_nothing(self):
        empty = object.__new__(Accepted)
        object.__setattr__(empty, "combined", made())
        assert not is_intact(empty)
