"""Verification results with other contents than cp_verify's: never accepted, never a crash."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lsst.ts.calibrations.butler.pairgains import pair_gains
from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.verification import (
    MAX_FAILURES_BY_ITSELF,
    CombinedCalibration,
    Verdict,
    evaluate,
    judge,
    read_calibration,
    read_exposures,
)

DETECTOR, AMPLIFIERS = "RXX_S00", ("C00", "C01")
EXPECTED = {DETECTOR: frozenset(AMPLIFIERS)}

STRANGE: tuple[Any, ...] = (
    None, 0, 1, 1.5, float("nan"), "", "x", "True", b"x",
    (), [], ["a"], [1], [None], {}, {"a": 1}, {1: 2}, {None: None},
    {("a", "b"): {"c d": False}}, {"\x1b[2J": {"\x1b[2J x": False}}, {"SUCCESS": "True"}, np.array([]),
    np.array([True, False]), {"SUCCESS": np.array([True, False])},
    {"A": {"B": {"C": [np.array([1.0])]}}}, object(),
    {"x y z w": {"SUCCESS": False, "FAILURES": ["\x1b[31m"]}}, 10**400,
)  # fmt: skip
"""What may stand where something else is expected."""


def exposure_result() -> dict[str, Any]:
    return {DETECTOR: {"SUCCESS": True}, "VERIFY": {"EXP": {"SCATTER": True}}, "SUCCESS": True}


def measurements() -> dict[str, Any]:
    return {
        "AMP": {name: {"MEAN": 1.0} for name in AMPLIFIERS},
        "DET": {},
        "VERIFY": {"AMP": {name: {"MEAN": True, "SUCCESS": True} for name in AMPLIFIERS}, "DET": {}},
        "SUCCESS": True,
    }


def changed(results: dict[str, Any], place: tuple[str, ...], value: Any) -> Any:
    if not place:
        return value
    inner = results
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return results


def judged(result: Any, measured: Any) -> Verdict:
    results = read_exposures({1: result}, {(1, DETECTOR): measured}, exposures=[1], amplifiers=EXPECTED)
    return judge(results, max_failures_per_detector=8)


def judged_by_itself(measured: Any) -> Verdict:
    return judge(
        read_calibration("PTC", {DETECTOR: measured}, amplifiers=EXPECTED),
        max_failures_per_detector=MAX_FAILURES_BY_ITSELF,
        combined=CombinedCalibration("PTC", {"FLAT": (1,)}, "u/ocps/job", ("id",)),
    )


def assert_is_shown(verdict: Verdict) -> None:
    """The report of any verdict is text that a terminal does not obey."""
    report = VerificationReport("BIAS", verdict, "u/ocps/1")
    for text in (report.full_text(), report.love_text("/r"), report.negative_line):
        assert all(each == "\n" or each.isprintable() for each in text or "")


def test_what_is_as_it_should_be_passes() -> None:
    assert judged(exposure_result(), measurements()).passed
    assert judged_by_itself(measurements()).passed


@pytest.mark.parametrize(
    "place",
    [(), (DETECTOR,), (DETECTOR, "SUCCESS"), ("SUCCESS",)],
    ids=lambda place: "-".join(place) or "whole",
)
def test_strange_results_of_an_exposure_never_pass(place: tuple[str, ...]) -> None:
    for value in STRANGE:
        verdict = judged(changed(exposure_result(), place, value), measurements())
        assert not verdict.passed, value
        assert_is_shown(verdict)


@pytest.mark.parametrize(
    "place",
    [
        (DETECTOR, "FAILURES"),
        ("VERIFY",),
        ("VERIFY", "EXP"),
        ("VERIFY", "EXP", "SCATTER"),
        ("RXX_S99",),
        ("\x1b[2J",),
    ],
    ids=lambda place: ascii("-".join(place)),
)
def test_strange_details_of_an_exposure_are_no_crash(place: tuple[str, ...]) -> None:
    for value in STRANGE:
        assert_is_shown(judged(changed(exposure_result(), place, value), measurements()))


@pytest.mark.parametrize(
    "place",
    [(), ("AMP",), ("AMP", "C00"), ("AMP", "C00", "MEAN"), ("DET",), ("VERIFY",), ("VERIFY", "AMP"),
     ("VERIFY", "DET"), ("VERIFY", "AMP", "C00"), ("VERIFY", "AMP", "C00", "MEAN"), ("SUCCESS",)],
    ids=lambda place: "-".join(place) or "whole",
)  # fmt: skip
def test_strange_measurements_are_no_crash(place: tuple[str, ...]) -> None:
    for value in STRANGE:
        assert_is_shown(judged(exposure_result(), changed(measurements(), place, value)))
        assert_is_shown(judged_by_itself(changed(measurements(), place, value)))


@pytest.mark.parametrize(
    "place", [(), ("VERIFY",), ("VERIFY", "AMP"), ("SUCCESS",)], ids=lambda place: "-".join(place)
)
def test_a_calibration_without_results_of_tests_never_passes(place: tuple[str, ...]) -> None:
    for value in STRANGE:
        verdict = judged_by_itself(changed(measurements(), place, value))
        assert not verdict.passed, value
        assert not verdict.complete
        with pytest.raises(ValueError, match="did not pass"):
            verdict.accept()


def test_a_calibration_of_which_nothing_says_that_it_was_tested_never_passes() -> None:
    measured = {key: value for key, value in measurements().items() if key != "VERIFY"}
    verdict = judged_by_itself(measured)
    assert verdict.problems == (f"PTC, {DETECTOR}: no test has a result for {', '.join(AMPLIFIERS)}",)
    assert not verdict.passed


def test_whatever_is_strange_at_two_places_is_no_crash() -> None:
    places = [(DETECTOR,), ("VERIFY",), ("SUCCESS",)]
    for (first, second), one, other in itertools.product(itertools.combinations(places, 2), STRANGE, STRANGE):
        judged(changed(changed(exposure_result(), first, one), second, other), None)


def test_strange_merged_results_are_no_crash() -> None:
    for value in STRANGE:
        for verify_stats in ({1: value}, {1: {"SUCCESS": value, "FAILURES": [value]}, "SUCCESS": value}):
            verdict = evaluate(
                verify_stats,
                exposures=[1],
                detectors=[DETECTOR],
                amplifiers=AMPLIFIERS,
                max_failures_per_detector=8,
            )
            assert not verdict.passed or isinstance(value, str), value  # a name of a test of the exposure
            assert_is_shown(verdict)


@pytest.mark.parametrize(
    "measured",
    [
        SimpleNamespace(gain=None, noise=None, rawMeans=None),
        SimpleNamespace(gain={"C00": 1.0}, noise={}, rawMeans={"C00": [1.0]}),
        SimpleNamespace(gain={"C00": 1.0}, noise={"C00": 1.0}, rawMeans={"C00": None}),
        SimpleNamespace(gain={"C00": 1.0}, noise={"C00": 1.0}, rawMeans={"C00": ["\x1b[2J"]}),
    ],
    ids=["none", "no-noise", "no-means", "text"],
)
def test_a_strange_pair_of_flats_is_an_error_in_words(measured: Any) -> None:
    measured.inputExpIdPairs = [(1, 2)]
    with pytest.raises(ArchiveError, match="what was measured on the flats 1 and 2, detector 0") as caught:
        pair_gains({(1, 0): measured}.get, [(1, 2)], [0], "u/ocps/g")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("measured", [*STRANGE, SimpleNamespace(), {"gain": {"C00": 1.0}}])
def test_what_is_no_pair_of_flats_has_no_gain(measured: Any) -> None:
    with pytest.raises(ArchiveError, match="no gain in u/ocps/g for the flats 1 and 2, detector 0"):
        pair_gains({(1, 0): measured}.get, [(1, 2)], [0], "u/ocps/g")
