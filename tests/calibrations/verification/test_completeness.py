"""What is missing or not finite in the measurements is seen, and then nothing passes."""

from __future__ import annotations

import copy
import math
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

Measured = dict[tuple[int, str], dict[str, Any]]


def judge(
    failures: Mapping[int, Sequence[str]],
    measured: Mapping[tuple[int, str], Any] | None,
    detectors: Sequence[str] = LATISS,
) -> Verdict:
    """Judge exposures of which some tests are named as failed."""
    results = {key: {"SUCCESS": not names, "FAILURES": list(names)} for key, names in failures.items()}
    return evaluate(
        {**results, "SUCCESS": not any(failures.values())},
        exposures=list(failures),
        detectors=detectors,
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
        measured=measured,
    )


def measurements(
    exposures: Sequence[int], detectors: Sequence[str] = LATISS, failures: Sequence[str] = ()
) -> Measured:
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


def problem(measured: Mapping[tuple[int, str], Any]) -> str:
    """All that is missing, where no failed test is named."""
    verdict = judge({1: [], 2: []}, measured)
    assert not verdict.complete
    assert not verdict.passed
    return " / ".join(verdict.problems)


def test_what_is_all_there_passes_and_its_tests_are_counted() -> None:
    names = [f"RXX_S00 {name} MEAN" for name in AMPLIFIERS[:3]]
    verdict = judge({1: names, 2: []}, measurements([1, 2]) | measurements([1], failures=names))
    assert verdict.passed
    assert verdict.problems == ()
    assert (verdict.n_failed, verdict.n_tests) == (3, 2 * 16 * 2)


def test_without_measurements_the_number_of_tests_is_not_known() -> None:
    assert judge({1: []}, None).n_tests is None


def test_an_exposure_or_detector_was_not_measured() -> None:
    assert "exposure 2, RXX_S00: no measurements" in problem(measurements([1]))
    verdict = judge({1: []}, measurements([1], COMCAM[:8]), COMCAM)
    assert verdict.problems == (f"exposure 1, {COMCAM[8]}: no measurements",)


def test_an_amplifier_was_not_measured() -> None:
    measured = measurements([1, 2])
    del measured[2, "RXX_S00"]["AMP"]["C13"]
    assert "exposure 2, RXX_S00: no measurements of C13" in problem(measured)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None, "0.1", np.float32("nan")])
def test_a_value_is_not_finite(value: Any) -> None:
    measured = measurements([1, 2])
    measured[1, "RXX_S00"]["AMP"]["C05"]["NOISE"] = value
    assert "exposure 1, RXX_S00: C05 NOISE is not finite" in problem(measured)


def test_nothing_is_missed_of_an_amplifier_that_is_a_defect_as_a_whole() -> None:
    measured = measurements([1, 2])
    for exposure in (1, 2):
        measured[exposure, "RXX_S00"]["AMP"]["C05"]["NOISE"] = math.nan
        measured[exposure, "RXX_S00"]["METADATA"]["MASKED_AMPLIFIERS"] = ["C05"]
    assert judge({1: [], 2: []}, measured).passed
    measured[1, "RXX_S00"]["AMP"]["C06"]["NOISE"] = math.nan
    assert problem(measured) == "exposure 1, RXX_S00: C06 NOISE is not finite"


def test_a_value_of_the_detector_is_not_finite() -> None:
    measured = measurements([1, 2])
    measured[1, "RXX_S00"]["DET"] = {"MEAN": math.nan, "SCATTER": 1.0}
    assert "exposure 1, RXX_S00: MEAN is not finite" in problem(measured)


@pytest.mark.parametrize(
    "verify",
    [{}, {"AMP": {}}, {"DET": {"SCATTER": True}}, {"AMP": {name: {} for name in AMPLIFIERS}}, "x", None]
    + [{"AMP": {name: {test: True} for name in AMPLIFIERS}} for test in ("SUCCESS", "PROB_TEST")],
)
def test_all_was_measured_and_nothing_tested(verify: Any) -> None:
    measured = measurements([1, 2])
    measured[2, "RXX_S00"]["VERIFY"] = verify
    assert "exposure 2, RXX_S00: no test has a result for C00, C01" in problem(measured)
    measured[1, "RXX_S00"]["VERIFY"] = verify
    assert "exposure 1, RXX_S00: no test has a result for C00, C01" in problem(measured)


def test_an_exposure_was_not_tested_like_the_others() -> None:
    measured = measurements([1, 2])
    for tests in measured[2, "RXX_S00"]["VERIFY"]["AMP"].values():
        del tests["NOISE"]
    assert problem(measured) == ("exposure 2, RXX_S00: no result of NOISE, which other exposures have")


def test_measurements_without_any_verify_say_nothing_of_tests() -> None:
    measured = measurements([1])
    del measured[1, "RXX_S00"]["VERIFY"]
    assert judge({1: []}, measured).passed


def test_one_amplifier_lacks_a_value_or_a_result_that_the_others_have() -> None:
    measured = measurements([1, 2])
    del measured[1, "RXX_S00"]["AMP"]["C05"]["CR_NOISE"]
    del measured[2, "RXX_S00"]["VERIFY"]["AMP"]["C06"]["NOISE"]
    # this one is written after SUCCESS, and not for every amplifier
    del measured[2, "RXX_S00"]["VERIFY"]["AMP"]["C07"]["READ_NOISE_CONSISTENT"]
    found = problem(measured)
    assert "C07" not in found
    assert "exposure 1, RXX_S00: no value CR_NOISE for C05" in found
    assert "exposure 2, RXX_S00: no result NOISE for C06" in found


def test_an_amplifier_without_any_value() -> None:
    measured = measurements([1, 2])
    for values in measured[1, "RXX_S00"]["AMP"].values():
        values.clear()
    measured[2, "RXX_S00"]["AMP"]["C13"] = 5.6
    found = problem(measured)
    assert "exposure 1, RXX_S00: no values for C00" in found
    assert "exposure 2, RXX_S00: no values for C13" in found


def test_what_is_written_on_failure_only_may_be_there_for_some() -> None:
    names = ["RXX_S00 C00 PROCESSING"]
    measured = measurements([1, 2])
    measured[1, "RXX_S00"]["AMP"]["C00"]["FORCE_FAILURE"] = True
    measured[1, "RXX_S00"]["VERIFY"]["AMP"]["C00"]["PROCESSING"] = False
    assert judge({1: names, 2: []}, measured).complete


def test_detectors_and_amplifiers_that_nobody_expects() -> None:
    measured = measurements([1, 2])
    measured[1, "RXX_S00"]["AMP"]["C99"] = {"MEAN": 0.0, "NOISE": 1.0, "CR_NOISE": 1.0}
    assert "measurements of C99" in problem(measured)
    assert "R22_S11: this detector is not expected" in problem(
        measurements([1, 2]) | measurements([1], ["R22_S11"])
    )


def test_other_exposures_do_not_matter() -> None:
    assert judge({1: []}, measurements([1]) | {(7, "R22_S11"): {}}).passed


def test_a_failure_that_was_lost_on_the_way() -> None:
    measured = measurements([1, 2], failures=["RXX_S00 C05 NOISE"])
    assert "RXX_S00 C05 NOISE failed and is not among the failures" in problem(measured)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["SUCCESS", "FAILURES", "AMP", 1, "1"]), inner, max_size=3)
        ),
    )
)
def test_nonsense_is_incomplete_and_no_crash(nonsense: Any) -> None:
    verdict = judge({1: []}, {(1, "RXX_S00"): nonsense})
    assert not verdict.passed
    assert verdict.problems


def test_the_measurements_are_not_changed() -> None:
    measured = measurements([1, 2], failures=["RXX_S00 C05 NOISE"])
    before = copy.deepcopy(measured)
    judge({1: [], 2: []}, measured)
    assert repr(measured) == repr(before)


def test_added_tests_that_fail_are_reported_and_neither_counted_nor_missed() -> None:
    measured = measurements([1, 2, 3])
    for (exposure, _), each in measured.items():
        for number, tests in enumerate(each["VERIFY"]["AMP"].values()):
            tests["LEVEL"] = exposure == 1 or number > 9
    verdict = judge({1: [], 2: [], 3: []}, measured)
    assert (verdict.passed, verdict.complete, verdict.n_failed, verdict.n_tests) == (True, True, 0, 96)
    assert verdict.failures == {2: {"LEVEL": 10}, 3: {"LEVEL": 10}}
