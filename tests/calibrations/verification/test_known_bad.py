"""Amplifiers that are known to be bad: not counted, not missed, and no excuse for any other one."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Any

import pytest

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

NAME = "RXX_S00"
EXPECTED = {NAME: frozenset(AMPLIFIERS)}


def bad(*amplifiers: str) -> list[KnownBad]:
    return [KnownBad(NAME, each, "test") for each in amplifiers]


def flat(**means: float) -> dict[str, Any]:
    """Statistics of a flat: an amplifier without light is no number, or dark; its detector scatters then."""
    values = {name: {"MEAN": means.get(name, 1e4), "NOISE": 99.0} for name in AMPLIFIERS}
    dark = [name for name, value in means.items() if not value > 5e3]
    return {
        "AMP": values,
        "DET": {"MEAN": math.nan if dark else 1e4, "SCATTER": math.nan if dark else 1.0},
        "VERIFY": {
            "AMP": {name: {"NOISE": name not in dark} for name in AMPLIFIERS},
            "DET": {"SCATTER": not dark},
        },
    }


def verdict(statistics: dict[str, Any], known_bad: Sequence[KnownBad] = (), most: int = 4) -> Verdict:
    tests = statistics["VERIFY"]
    failures = [
        *(test for test, passed in tests["DET"].items() if not passed),
        *(f"{name} {test}" for name, each in tests["AMP"].items() for test in each if not each[test]),
    ]
    results = {1: {NAME: {"SUCCESS": not failures, "FAILURES": failures}, "SUCCESS": not failures}}
    before = copy.deepcopy(statistics)
    found = read_exposures(
        results,
        {(1, NAME): statistics},
        exposures=[1],
        amplifiers=EXPECTED,
        calibration="FLAT",
        known_bad=known_bad,
    )
    assert repr(statistics) == repr(before)
    return judge(found, max_failures_per_detector=8, max_known_bad=most)


def test_a_dead_amplifier_makes_a_flat_incomplete_unless_it_is_known() -> None:
    assert not verdict(flat(C03=math.nan)).complete
    known = verdict(flat(C03=math.nan), bad("C03"))
    assert (known.passed, known.problems, known.failures, known.n_tests) == (True, (), {}, 16)
    assert [str(each) for each in known.known_bad] == ["RXX_S00 C03"]
    assert not known.known_bad[0].looks_healthy


def test_the_scatter_of_a_flat_is_that_of_the_others() -> None:
    assert verdict(flat(C03=0.0)).failures == {1: {"SCATTER": 1, "NOISE": 1}}
    assert verdict(flat(C03=0.0), bad("C03")).failures == {}


def test_it_hides_no_other_one() -> None:
    assert verdict(flat(C03=math.nan, C04=math.nan), bad("C03")).problems == (
        "exposure 1, RXX_S00: C04 MEAN is not finite",
        "exposure 1, RXX_S00: MEAN is not finite",
        "exposure 1, RXX_S00: SCATTER is not finite",
    )
    others = verdict(flat(C03=math.nan, C04=0.0), bad("C03"))
    assert (others.passed, others.failures) == (False, {1: {"SCATTER": 1, "NOISE": 1}})


def test_what_scatters_without_it_scatters() -> None:
    """The mean of a bright one would have made the others look alike."""
    statistics = flat(C03=9e5, C04=7e3, C05=7e3)
    assert statistics["VERIFY"]["DET"]["SCATTER"]
    found = verdict(statistics, bad("C03"))
    assert (found.complete, found.failures) == (True, {1: {"SCATTER": 1}})


@pytest.mark.parametrize(
    ("n", "most", "passes"), [(4, 4, True), (5, 4, False), (8, 16, True), (9, 16, False)]
)
def test_with_too_many_the_verdict_is_negative(n: int, most: int, passes: bool) -> None:
    found = verdict(flat(), bad(*AMPLIFIERS[:n]), most)
    assert (found.complete, found.passed) == (True, passes)
    assert dict(found.too_many_bad) == ({} if passes else {NAME: min(most, 8)})


def test_one_that_looks_healthy_is_told() -> None:
    assert [each.looks_healthy for each in verdict(flat(C04=0.0), bad("C03", "C04")).known_bad] == [
        True,
        False,
    ]


def test_its_tests_are_among_the_tests_and_not_counted() -> None:
    results = read_exposures(
        {}, {(1, NAME): flat()}, exposures=[1], amplifiers=EXPECTED, known_bad=bad("C03")
    )
    rows = [each.as_row() for each in results.tests]
    assert len(rows) == 17
    assert [(each["amplifier"], each["test"]) for each in rows if not each["counted"]] == [("C03", "NOISE")]


@pytest.mark.parametrize("limit", [2, 1])
def test_pixels_that_defects_leave_are_counted_without_it(limit: int) -> None:
    statistics = flat()
    counts = dict.fromkeys(AMPLIFIERS, 0) | {"C00": 2, "C03": math.nan}
    for name, number in counts.items():
        statistics["AMP"][name]["COLD_LEFT"] = number
        statistics["VERIFY"]["AMP"][name]["COLD_LEFT"] = name != "C03"
    statistics["DET"]["COLD_LEFT"] = math.nan
    statistics["VERIFY"]["DET"]["COLD_LEFT"] = False
    statistics["METADATA"] = {"LIMITS": {"COLD_LEFT": [None, limit]}}
    found = verdict(statistics, bad("C03"))
    assert (found.complete, found.failures) == (True, {} if limit == 2 else {1: {"COLD_LEFT": 1}})


def defects(*whole: str, said: bool = True) -> dict[str, Any]:
    """Statistics of defects that mask some amplifiers as a whole, with the limits of the pipelines."""
    masked = {name: float(name in whole) for name in AMPLIFIERS}
    limits = {"MASKED": [None, 0.05], "MASKED_AMPLIFIERS": [None, 4]}
    return {
        "AMP": {name: {"STDEV": 99.0, "MASKED": masked[name]} for name in AMPLIFIERS},
        "DET": {"MASKED": 0.0, "MASKED_AMPLIFIERS": len(whole)},
        "METADATA": {"LIMITS": limits, **({"MASKED_AMPLIFIERS": list(whole)} if said else {})},
        "VERIFY": {
            "AMP": {name: {"STDEV": True, "MASKED": True} for name in AMPLIFIERS},
            "DET": {"MASKED": True, "MASKED_AMPLIFIERS": len(whole) <= 4},
        },
    }


@pytest.mark.parametrize(("known", "others"), [(5, 0), (8, 0), (8, 4), (4, 1), (1, 1), (0, 4)])
def test_amplifiers_that_defects_mask_are_counted_without_those_that_are_known(
    known: int, others: int
) -> None:
    found = verdict(defects(*AMPLIFIERS[: known + others]), bad(*AMPLIFIERS[:known]), most=8)
    assert (found.problems, found.failures, found.passed) == ((), {}, True)


@pytest.mark.parametrize(("known", "others"), [(0, 5), (1, 5), (8, 5)])
def test_others_that_defects_mask_are_not_excused_by_them(known: int, others: int) -> None:
    found = verdict(defects(*AMPLIFIERS[: known + others]), bad(*AMPLIFIERS[:known]), most=8)
    assert (found.complete, found.passed, found.failures) == (True, False, {1: {"MASKED_AMPLIFIERS": 1}})


def test_the_masked_part_is_that_of_the_amplifiers_that_are_not_masked_as_a_whole() -> None:
    statistics = defects("C00", "C01")
    for name in AMPLIFIERS[2:]:
        statistics["AMP"][name]["MASKED"] = 0.06
    assert verdict(statistics, bad("C00")).failures == {1: {"MASKED": 1}}


def test_where_nobody_says_which_are_masked_nothing_is_excused() -> None:
    found = verdict(defects(*AMPLIFIERS[:5], said=False), bad(*AMPLIFIERS[:5]), most=8)
    assert not found.passed


def test_a_curve_without_the_gain_of_a_known_one_is_accepted() -> None:
    statistics = {
        "AMP": {name: {"PTC_GAIN": math.nan if name == "C03" else 1.1} for name in AMPLIFIERS},
        "VERIFY": {"AMP": {name: {"PTC_GAIN": name != "C03"} for name in AMPLIFIERS}},
        "SUCCESS": False,
    }
    made = CombinedCalibration("PTC", {"FLAT": (1, 2)}, "u/ocps/a", ("id",))

    def judged(known_bad: Sequence[KnownBad]) -> Verdict:
        read = read_calibration("PTC", {NAME: statistics}, amplifiers=EXPECTED, known_bad=known_bad)
        return judge(read, max_failures_per_detector=MAX_FAILURES_BY_ITSELF, max_known_bad=1, combined=made)

    assert not judged([]).complete
    assert judged(bad("C03")).accept().combined is made
    with pytest.raises(ValueError, match="did not pass"):
        judged(bad("C03", "C04")).accept()
