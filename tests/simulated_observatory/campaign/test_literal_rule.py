"""The documented rule, read literally: the numbers of the procedure page, and what never passes."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.simulated_observatory.campaign.literal_rule import (
    NONE_BAD,
    KnownBadAmplifiers,
    LiteralVerdict,
    judge_curve,
    judge_images,
)

DETECTOR = {0: "RXX_S00"}


def statistics(failing: int = 0, test: str = "NOISE") -> dict[str, Any]:
    """Results of a detector in which a test fails in some amplifiers."""
    tests = {name: {"MEAN": True, test: number >= failing} for number, name in enumerate(AMPLIFIERS)}
    return {
        "AMP": {name: {"MEAN": 0.1, "NOISE": 8.0} for name in AMPLIFIERS},
        "VERIFY": {"AMP": tests, "DET": {}},
    }


def judge(
    of_detectors: dict[int, dict[str, Any]],
    threshold: int = 8,
    known_bad: KnownBadAmplifiers = NONE_BAD,
) -> LiteralVerdict:
    exposures = list(of_detectors)
    return judge_images(
        {(number, None): {"RXX_S00": {"SUCCESS": True}} for number in exposures},
        {(number, 0): each for number, each in of_detectors.items()},
        exposures=exposures,
        detectors=DETECTOR,
        amplifiers=AMPLIFIERS,
        threshold=threshold,
        known_bad=known_bad,
    )


@pytest.mark.parametrize(("failed", "passed"), [(2, True), (3, False)])
def test_three_images_are_rejected_when_all_fail(failed: int, passed: bool) -> None:
    results = {number: statistics(8 if number < failed else 0) for number in range(3)}
    assert judge(results).passed is passed


@pytest.mark.parametrize(("failed", "passed"), [(10, True), (11, False)])
def test_twenty_images_are_rejected_when_eleven_fail(failed: int, passed: bool) -> None:
    results = {number: statistics(8 if number < failed else 0) for number in range(20)}
    assert judge(results).passed is passed


@pytest.mark.parametrize(("amplifiers", "passed"), [(7, True), (8, False)])
def test_an_exposure_fails_at_the_threshold(amplifiers: int, passed: bool) -> None:
    assert judge({1: statistics(amplifiers)}).passed is passed


def test_some_tests_are_never_counted() -> None:
    assert judge({1: statistics(16, "READ_NOISE_CONSISTENT")}).passed


def test_what_is_missing_or_no_number_never_passes() -> None:
    without = statistics()
    del without["AMP"]["C05"]
    broken = statistics()
    broken["AMP"]["C05"]["NOISE"] = math.nan
    assert [judge({1: each}) for each in (without, broken, {})] == [LiteralVerdict(False, False)] * 3


def test_a_curve_is_rejected_when_half_of_the_amplifiers_fail() -> None:
    found = [
        judge_curve({(None, 0): statistics(number)}, detectors=DETECTOR, amplifiers=AMPLIFIERS).passed
        for number in (7, 8)
    ]
    assert found == [True, False]


@pytest.mark.parametrize(("known", "others", "passed"), [(8, 4, True), (0, 5, False), (4, 5, False)])
def test_amplifiers_that_are_masked_as_a_whole_are_counted_without_known_ones(
    known: int, others: int, passed: bool
) -> None:
    whole, found = AMPLIFIERS[: known + others], statistics()
    for name, values in found["AMP"].items():
        values["MASKED"] = float(name in whole)
    found["METADATA"] = {"MASKED_AMPLIFIERS": list(whole)}
    found["VERIFY"]["DET"] = {"MASKED": True, "MASKED_AMPLIFIERS": len(whole) <= 4}
    assert judge({1: found}, known_bad=KnownBadAmplifiers({0: AMPLIFIERS[:known]}, 8)).passed is passed
