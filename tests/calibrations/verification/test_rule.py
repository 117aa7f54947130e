"""The acceptance rule: the story of the procedure page, its fine print, and what must never pass."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.verification import Verdict, evaluate

LATISS = ("RXX_S00",)
COMCAM = tuple(f"R22_S{number // 3}{number % 3}" for number in range(9))

Failures = Mapping[int, Sequence[Any]]
"""Names of the failed tests of each exposure."""


def stats(failures: Failures) -> dict[Any, Any]:
    """Results of a run from the names of the failed tests of each exposure."""
    results = {key: {"SUCCESS": not names, "FAILURES": list(names)} for key, names in failures.items()}
    return {**results, "SUCCESS": not any(failures.values())}


def judge(
    failures: Failures,
    exposures: Sequence[int] | None = None,
    detectors: Sequence[str] = LATISS,
    threshold: int = 8,
) -> Verdict:
    return evaluate(
        stats(failures),
        exposures=list(failures) if exposures is None else exposures,
        detectors=detectors,
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=threshold,
    )


def fails(test: str, number: int = 16, detector: str = "RXX_S00") -> list[str]:
    return [f"{detector} {amplifier} {test}" for amplifier in AMPLIFIERS[:number]]


class TestTheStoryOfThePage:
    def test_three_biases_of_which_every_amplifier_fails_noise_are_rejected(self) -> None:
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

    def test_twenty_biases_of_which_one_has_failing_tests_are_accepted(self) -> None:
        first = 2022092900004
        failures: dict[int, list[str]] = {first + number: [] for number in range(20)}
        failures[first] = [*fails("CR_NOISE", 6), *fails("MEAN", 4)]
        verdict = judge(failures)
        assert verdict.passed
        assert verdict.failures == {first: {"CR_NOISE": 6, "MEAN": 4}}
        assert list(verdict.thresholds.values()) == [8, 1, 8, 11, 0]
        assert verdict.n_failed == 10

    @pytest.mark.parametrize(
        ("n", "limit"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (10, 6), (19, 11), (20, 11), (22, 12)]
    )
    def test_the_failed_exposures_that_reject(self, n: int, limit: int) -> None:
        assert (
            judge({number: [] for number in range(n)}).thresholds["MAX_FAILED_EXPOSURES_THRESHOLD"] == limit
        )
        bad = fails("NOISE")
        assert not judge({number: bad if number < limit else [] for number in range(n)}).passed
        assert judge({number: bad if number < limit - 1 else [] for number in range(n)}).passed

    def test_a_verdict_that_passes_can_hide_many_failures_and_says_so(self) -> None:
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
    def test_eight_amplifiers_fail_an_exposure_and_seven_do_not(self) -> None:
        assert not judge({1: fails("NOISE", 8)}).passed
        assert judge({1: fails("NOISE", 7)}).passed
        assert judge({1: [*fails("NOISE", 7), *fails("MEAN", 7)]}).passed

    def test_a_name_given_twice_counts_once(self) -> None:
        verdict = judge({1: fails("NOISE", 7) * 2})
        assert verdict.passed
        assert verdict.failures == {1: {"NOISE": 7}}

    def test_a_test_of_the_detector_has_one_result_so_one_failure_is_enough(self) -> None:
        assert not judge({1: ["RXX_S00 SCATTER"]}).passed
        assert judge({1: ["RXX_S00 SCATTER"], 2: [], 3: []}).failed_exposures == (1,)

    def test_a_threshold_above_the_number_of_amplifiers_is_that_number(self) -> None:
        assert not judge({1: fails("NOISE", 16)}, threshold=16).passed
        assert judge({1: fails("NOISE", 15)}, threshold=16).passed
        two: Any = {"detectors": LATISS, "amplifiers": ("C00", "C01"), "max_failures_per_detector": 8}
        assert not evaluate(stats({1: fails("NOISE", 2)}), exposures=[1], **two).passed

    def test_most_detectors_must_fail(self) -> None:
        bad = [name for detector in COMCAM[:4] for name in fails("NOISE", 8, detector)]
        one_more = fails("NOISE", 8, COMCAM[4])
        verdict = judge({1: bad}, detectors=COMCAM)
        assert verdict.passed
        assert list(verdict.thresholds.values()) == [8, 5, 40, 1, 0]
        assert not judge({1: bad + one_more}, detectors=COMCAM).passed
        assert judge({1: [f"{detector} SCATTER" for detector in COMCAM[:4]]}, detectors=COMCAM).passed
        assert not judge({1: [f"{detector} SCATTER" for detector in COMCAM[:5]]}, detectors=COMCAM).passed

    def test_a_type_of_test_counts_apart_for_amplifiers_and_detectors(self) -> None:
        of_amplifiers = [name for detector in COMCAM for name in fails("SCATTER", 16, detector)][:39]
        of_detectors = [f"{detector} SCATTER" for detector in COMCAM[:4]]
        verdict = judge({1: of_amplifiers + of_detectors}, detectors=COMCAM)
        assert verdict.passed  # neither 40 nor 5
        assert verdict.failures == {1: {"SCATTER": 43}}

    def test_tests_of_the_exposure_and_the_consistency_of_the_read_noise_are_reported_only(self) -> None:
        verdict = judge({1: [*fails("READ_NOISE_CONSISTENT"), "SCATTER"]})
        assert verdict.passed
        assert verdict.failures == {1: {"READ_NOISE_CONSISTENT": 16, "SCATTER": 1}}
        assert verdict.n_failed == 0

    def test_tests_that_nobody_has_heard_of_count_like_the_others(self) -> None:
        assert not judge({1: fails("BRAND_NEW", 8)}).passed

    def test_detectors_may_have_amplifiers_of_their_own(self) -> None:
        names = {"R00_SW0": AMPLIFIERS[:8], "R00_SW1": AMPLIFIERS[8:]}
        arguments: Any = {
            "exposures": [1],
            "detectors": names,
            "amplifiers": names,
            "max_failures_per_detector": 8,
        }
        assert evaluate(stats({1: ["R00_SW0 C00 NOISE", "R00_SW1 C10 NOISE"]}), **arguments).complete
        assert not evaluate(stats({1: ["R00_SW0 C10 NOISE"]}), **arguments).complete

    def test_where_detectors_differ_the_smallest_sets_the_limit(self) -> None:
        names = {"R00_SW0": AMPLIFIERS[:8], "R22_S11": AMPLIFIERS}
        arguments: Any = {
            "exposures": [1],
            "detectors": names,
            "amplifiers": names,
            "max_failures_per_detector": 12,
        }
        assert evaluate(stats({1: fails("NOISE", 15, "R22_S11")}), **arguments).passed
        assert not evaluate(stats({1: fails("NOISE", 16, "R22_S11")}), **arguments).passed


class TestIncompleteResultsNeverPass:
    def problem(self, verdict: Verdict) -> str:
        assert not verdict.complete
        assert not verdict.passed
        return " / ".join(verdict.problems)

    def evaluate(self, verify_stats: Mapping[Any, Any], **others: Any) -> Verdict:
        arguments: dict[str, Any] = {"exposures": [1, 2], "detectors": LATISS, "amplifiers": AMPLIFIERS}
        return evaluate(verify_stats, max_failures_per_detector=8, **(arguments | others))

    def test_an_exposure_is_missing(self) -> None:
        assert "exposure 2: it has no result" in self.problem(judge({1: []}, exposures=[1, 2]))

    def test_nothing_is_there_at_all(self) -> None:
        assert "exposure 1" in self.problem(self.evaluate({}))
        verdict = self.evaluate({"SUCCESS": True}, exposures=[])
        assert "no exposures" in self.problem(verdict)
        assert len(verdict.thresholds) == 5

    def test_no_detectors_or_amplifiers(self) -> None:
        good = stats({1: [], 2: []})
        assert "no detectors" in self.problem(self.evaluate(good, detectors=[]))
        assert "amplifiers are not known" in self.problem(self.evaluate(good, amplifiers=[]))
        assert "amplifiers are not known" in self.problem(
            self.evaluate(good, amplifiers={"R22_S00": ["C00"]})
        )

    @pytest.mark.parametrize("success", [False, None, 0, 1, "True", "missing"])
    def test_no_success_and_no_name(self, success: Any) -> None:
        results = stats({1: [], 2: []})
        results[2]["SUCCESS"] = success
        if success == "missing":
            del results[2]["SUCCESS"]
        assert "no test is named" in self.problem(self.evaluate(results))

    def test_flats_whose_failures_the_merging_of_cp_verify_lost(self) -> None:
        lost = {"SUCCESS": False, "FAILURES": []}
        assert "exposure 1" in self.problem(self.evaluate({1: lost, 2: lost, "SUCCESS": False}))

    def test_success_with_a_failure(self) -> None:
        results = stats({1: ["RXX_S00 C00 NOISE"], 2: []})
        results[1]["SUCCESS"] = True
        assert "exposure 1: SUCCESS is true" in self.problem(self.evaluate(results))

    def test_the_run_contradicts_its_exposures(self) -> None:
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
    def test_a_failure_that_cannot_be_placed(self, name: Any) -> None:
        assert "exposure 1" in self.problem(judge({1: [name], 2: []}))

    @pytest.mark.parametrize(
        "result", [None, [], "failed", {"SUCCESS": False, "FAILURES": "RXX_S00 C00 NOISE"}]
    )
    def test_a_result_that_cannot_be_read(self, result: Any) -> None:
        assert "exposure 1" in self.problem(self.evaluate(stats({1: [], 2: []}) | {1: result}))

    def test_rejected_and_incomplete_is_both(self) -> None:
        verdict = judge({1: fails("NOISE")}, exposures=[1, 2])
        assert "exposure 2" in self.problem(verdict)
        assert verdict.failed_exposures == (1,)


class TestWhatIsIgnored:
    def test_other_exposures_and_the_results_of_the_run(self) -> None:
        results = stats({1: [], 2: fails("NOISE")}) | {
            "RUN": {"MEAN": False},
            "VERIFY": {"RUN": {"MEAN": False}},
        }
        verdict = evaluate(
            results, exposures=[1], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )
        assert verdict.passed
        assert verdict.failures == {}

    def test_whether_exposure_ids_are_numbers_or_text(self) -> None:
        results = {str(key): value for key, value in stats({1: fails("NOISE"), 2: []}).items()}
        assert judge({1: fails("NOISE"), 2: []}) == evaluate(
            results, exposures=[1, 2], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )

    def test_whether_the_truth_is_pythons_or_numpys(self) -> None:
        results: dict[Any, Any] = {1: {"SUCCESS": np.True_, "FAILURES": []}, "SUCCESS": np.bool_(1)}
        arguments: Any = {"detectors": LATISS, "amplifiers": AMPLIFIERS, "max_failures_per_detector": 8}
        assert evaluate(results, exposures=np.array([1]), **arguments).passed

    def test_exposures_and_detectors_that_are_named_twice(self) -> None:
        verdict = judge({1: fails("NOISE"), 2: []}, exposures=[1, 1, 1, 2], detectors=LATISS * 3)
        assert verdict.exposures == (1, 2)
        assert list(verdict.thresholds.values()) == [8, 1, 8, 2, 1]


def oracle(failures: Failures, n_detectors: int, threshold: int) -> tuple[int, bool]:
    """The documented rule once more, as literally as it can be written, for complete results."""
    failed_exposures = 0
    for names in failures.values():
        per_type: dict[tuple[int, str], int] = {}
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
    def test_the_rule_is_the_documented_one(self, failures: Failures, threshold: int) -> None:
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
    def test_another_failure_never_helps(self, failures: Failures, more: list[str], threshold: int) -> None:
        before = judge(failures, detectors=some_detectors, threshold=threshold)
        worse = judge({**failures, 1: [*failures[1], *more]}, detectors=some_detectors, threshold=threshold)
        assert before.passed or not worse.passed

    @given(runs, st.integers(1, 15))
    def test_a_lower_threshold_is_never_kinder(self, failures: Failures, threshold: int) -> None:
        strict = judge(failures, detectors=some_detectors, threshold=threshold)
        lax = judge(failures, detectors=some_detectors, threshold=threshold + 1)
        assert lax.passed or not strict.passed

    @given(runs, thresholds, st.randoms(use_true_random=False))
    def test_the_order_does_not_matter(
        self, failures: Failures, threshold: int, random: random.Random
    ) -> None:
        mixed = {key: random.sample(names, len(names)) for key, names in failures.items()}
        first = judge(failures, detectors=some_detectors, threshold=threshold)
        assert first == judge(mixed, detectors=some_detectors, threshold=threshold)

    @given(runs)
    def test_what_lacks_an_exposure_does_not_pass(self, failures: Failures) -> None:
        assert not judge(failures, exposures=[*failures, 99], detectors=some_detectors).passed

    @given(runs)
    def test_the_arguments_are_not_changed(self, failures: Failures) -> None:
        results = stats(failures)
        before = copy.deepcopy(results)
        evaluate(
            results, exposures=list(failures), detectors=some_detectors, amplifiers=AMPLIFIERS,
            max_failures_per_detector=8,
        )  # fmt: skip
        assert results == before

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["SUCCESS", "FAILURES", "AMP", 1, "1"]), inner, max_size=3)
            ),
        )
    )
    def test_nonsense_is_incomplete_and_no_crash(self, nonsense: Any) -> None:
        results = nonsense if isinstance(nonsense, dict) else {1: nonsense}
        verdict = evaluate(
            results, exposures=[1], detectors=LATISS, amplifiers=AMPLIFIERS, max_failures_per_detector=8
        )
        assert verdict.complete == (not verdict.problems)
