"""The reports of the procedure page, and what LOVE gets of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.verification import (
    CombinedCalibration,
    KnownBad,
    Verdict,
    evaluate,
    judge,
    read_calibration,
    read_exposures,
)


def judged(
    failures: Mapping[int, Sequence[str]],
    exposures: Iterable[int] | None = None,
    detectors: Sequence[str] = ("RXX_S00",),
) -> Verdict:
    results = {key: {"SUCCESS": not names, "FAILURES": names} for key, names in failures.items()}
    return evaluate(
        {**results, "SUCCESS": not any(failures.values())},
        exposures=exposures or list(failures),
        detectors=detectors,
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
    )


def noise(detector: str = "RXX_S00") -> list[str]:
    return [f"{detector} {name} NOISE" for name in AMPLIFIERS]


@pytest.fixture
def rejected() -> VerificationReport:
    first = [*noise(), *(f"RXX_S00 {name} CR_NOISE" for name in AMPLIFIERS[:8]), "RXX_S00 C01 MEAN"]
    verdict = judged({2022092900001: first, 2022092900002: noise(), 2022092900003: noise()})
    return VerificationReport("BIAS", verdict, "u/ocps/5579", "u/ocps/329c")


@pytest.fixture
def passed() -> VerificationReport:
    failures: dict[int, list[str]] = {2022092900004 + number: [] for number in range(20)}
    failures[2022092900004] = ["RXX_S00 C01 MEAN", "RXX_S00 C01 CR_NOISE", "RXX_S00 C04 CR_NOISE"]
    return VerificationReport("BIAS", judged(failures), "u/ocps/85f2", "u/ocps/def6")


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_the_rejected_biases_of_the_page(rejected: VerificationReport) -> None:
    text = rejected.full_text()
    assert text.startswith("BIAS calibration failed verification and will not be certified.\n")
    shown = lines(text)
    at = shown.index("Exposures with verification tests that failed:")
    assert shown[at + 1] == "2022092900001  2022092900002  2022092900003"
    assert shown[at + 2 : at + 9] == [
        "Number of tests that failed per test type:",
        "Exposure ID: 2022092900001",
        "CR_NOISE: 8",
        "NOISE: 16",
        "MEAN: 1",
        "Exposure ID: 2022092900002",
        "NOISE: 16",
    ]
    at = shown.index("Test types that failed verification per exposure,")
    assert shown[at : at + 8] == [
        "Test types that failed verification per exposure,",
        "detector, and amplifier:",
        "Exposure ID: 2022092900001",
        "RXX_S00 C00 CR_NOISE",
        "RXX_S00 C00 NOISE",
        "RXX_S00 C01 CR_NOISE",
        "RXX_S00 C01 MEAN",
        "RXX_S00 C01 NOISE",
    ]
    at = shown.index("Threshold values:")
    assert shown[at + 1] == "Acceptable maximum number of failures per detector per test type: 8"
    assert "'number_verification_tests_threshold_<IMGTYPE>'" in shown[at + 2]
    assert "number_verification_tests_threshold_bias" in shown[at + 2]
    assert shown[at + 3 : at + 7] == [
        "Acceptable maximum number of failed detectors: 1",
        "Acceptable maximum number of failed tests per exposure: 8",
        "Acceptable maximum number of failed exposures: 3",
        "Final number of exposures that failed verification: 3",
    ]
    assert shown[-2:] == ["Generation collection: u/ocps/329c", "Verification collection: u/ocps/5579"]


def test_biases_that_pass_with_failed_tests(passed: VerificationReport) -> None:
    shown = lines(passed.full_text())
    assert shown[0] == (
        "BIAS calibration passed the overall verification criteria and will be certified,"
        " but there are tests that did not pass:"
    )
    assert shown[1].startswith("3 tests failed; 0 of 20 exposures failed")
    assert shown.count("No failures in 'verify_stats' for this exposure.") == 19
    assert "Acceptable maximum number of failed exposures: 11" in shown
    assert "Final number of exposures that failed verification: 0" in shown
    assert passed.negative_line is None


def test_biases_that_pass_without_a_failed_test_still_say_how_many_were_made() -> None:
    measured = {
        (1, "RXX_S00"): {
            "AMP": {name: {"MEAN": 0.1} for name in AMPLIFIERS},
            "VERIFY": {"AMP": {name: {"MEAN": True, "SUCCESS": True} for name in AMPLIFIERS}},
        }
    }
    verdict = evaluate(
        {1: {"SUCCESS": True}, "SUCCESS": True}, exposures=[1], detectors=["RXX_S00"], amplifiers=AMPLIFIERS,
        max_failures_per_detector=8, measured=measured,
    )  # fmt: skip
    text = VerificationReport("DARK", verdict, "u/ocps/1").full_text()
    assert "0 of 16 tests failed" in text
    assert "Exposures with verification tests that failed" not in text
    assert "Threshold values:" not in text, "there is nothing to explain"


def test_external_verification_promises_no_certification(
    rejected: VerificationReport, passed: VerificationReport
) -> None:
    for report in (rejected, passed):
        external = VerificationReport(report.calibration, report.verdict, "u/ocps/1")
        assert "will be certified" not in external.headline
        assert "against existing calibrations" in external.headline
        assert "Generation collection" not in external.full_text()


def test_one_line_marks_every_negative_verdict(rejected: VerificationReport) -> None:
    line = rejected.negative_line
    assert line is not None
    assert line.startswith(
        "CALIBRATION VERIFICATION NEGATIVE: BIAS failed: 57 tests failed; 3 of 3 exposures"
    )
    assert line.endswith("(3 would reject): NOISE 48, CR_NOISE 8, MEAN 1")
    assert "\n" not in line
    incomplete = VerificationReport("FLAT", judged({1: []}, exposures=[1, 2]), "u/ocps/1")
    assert incomplete.negative_line is not None
    assert incomplete.negative_line.startswith(
        "CALIBRATION VERIFICATION NEGATIVE: FLAT is incomplete (1 problem"
    )


def test_an_incomplete_verification_says_what_is_missing() -> None:
    report = VerificationReport("FLAT", judged({1: []}, exposures=[1, 2, 3]), "u/ocps/1", "u/ocps/2")
    shown = lines(report.full_text())
    assert shown[0].startswith("FLAT verification is incomplete, so nothing can be certified")
    assert "exposure 2: it has no result" in shown
    assert "exposure 3: it has no result" in shown


def test_what_is_negative_for_other_reasons_than_the_criterion_does_not_contradict_it() -> None:
    shown = lines(
        VerificationReport("FLAT", judged({1: noise()}, exposures=[1, 2, 3]), "u/ocps/1").full_text()
    )
    at = shown.index("Exposure ID: 2")
    assert shown[at + 1] == "Not all of its results are there.", "and not that it has no failures"
    at = shown.index("or equal to the acceptable maximum number of failed exposures.")
    assert shown[at + 1] == "Be it met or not, the verdict is negative for what is said above."
    assert "criterion" not in known_bad([*AMPLIFIERS[:5]], most=4).full_text()
    assert "its amplifiers are all known to be bad" in known_bad([*AMPLIFIERS], most=4).full_text()


def test_a_small_report_reaches_love_whole(rejected: VerificationReport) -> None:
    assert rejected.love_text("/run/report.txt") == f"{rejected.full_text()}\nFull report: /run/report.txt"


def test_love_gets_as_many_exposures_as_fit(passed: VerificationReport) -> None:
    whole = passed.love_text("/run/report.txt")
    cut = passed.love_text("/run/report.txt", limit=len(whole) - 1)
    assert "... and 1 more in the full report" in cut
    for limit in range(3000, len(whole), 50):
        text = passed.love_text("/run/report.txt", limit=limit)
        shown = text.count("No failures in")
        longer = passed.love_text("/run/report.txt", limit=limit + 200)
        assert len(text) <= limit
        assert longer.count("No failures in") >= shown
        assert limit - len(text) < 110, "another exposure would have fitted"


def test_a_large_report_is_bounded_verdict_first_and_thresholds_included() -> None:
    detectors = [f"R{raft}_S{number:02}" for raft in range(21) for number in range(9)]
    names = [name for detector in detectors for name in noise(detector)]
    report = VerificationReport(
        "BIAS", judged(dict.fromkeys(range(1, 21), names), detectors=detectors), "u/ocps/1"
    )
    whole = lines(report.full_text())
    assert len(whole) < 2500
    assert whole.count("Exposure ID: 20") == 2
    assert whole.count("... and 1024 more in the verification collection") == 1
    assert whole.count("... and 3024 more in the verification collection") == 19
    text = report.love_text("/run/report.txt", limit=200_000)
    assert len(text.encode()) <= 200_000
    shown = lines(text)
    assert shown[0].startswith("BIAS calibration failed verification")
    assert shown.count("... and 3024 more in the verification collection") == 19
    assert len(text) < 100_000
    assert "Final number of exposures that failed verification: 20" in shown
    assert shown[-1] == "Full report: /run/report.txt"


def test_thousands_of_problems_are_bounded_too() -> None:
    report = VerificationReport("BIAS", judged({1: []}, exposures=range(1, 5000)), "u/ocps/1")
    text = report.love_text("/run/report.txt", limit=3000)
    assert len(text.encode()) <= 3000
    assert text.endswith("Full report: /run/report.txt")
    assert "and 4949 more" in report.love_text("/run/report.txt")
    assert report.full_text().count("it has no result") == 1999
    assert "... and 2999 more" in report.full_text()


def test_a_curve_is_reported_under_its_own_name_and_without_exposures() -> None:
    tests = {name: {"GAIN": number >= 9, "PROB_TEST": False} for number, name in enumerate(AMPLIFIERS)}
    statistics = {"AMP": {name: {"GAIN": 1.1} for name in AMPLIFIERS}, "VERIFY": {"AMP": tests}}
    verdict = judge(
        read_calibration("PTC", {"RXX_S00": statistics}, amplifiers={"RXX_S00": frozenset(AMPLIFIERS)}),
        max_failures_per_detector=8,
        combined=CombinedCalibration("PTC", {"FLAT": tuple(range(20))}, "u/ocps/329c", ("id",)),
    )
    report = VerificationReport("PTC", verdict, "u/ocps/5579", "u/ocps/329c")
    shown = lines(report.full_text())
    at = shown.index("Exposures with verification tests that failed:")
    assert shown[at + 1 : at + 8] == [
        "PTC",
        "Number of tests that failed per test type:",
        "PTC",
        "GAIN: 9",
        "PROB_TEST: 16",
        "Test types that failed verification per exposure,",
        "detector, and amplifier:",
    ]
    assert "RXX_S00 C00 PROB_TEST (not counted)" in shown
    assert "more in the full report" not in report.full_text()
    assert report.negative_line == (
        "CALIBRATION VERIFICATION NEGATIVE: PTC failed: 9 of 16 tests failed (and 16 that are not counted):"
        " GAIN 9"
    )
    assert "number_verification_tests_threshold_ptc" not in report.full_text(), "there is no such option"


def test_defects_name_the_option_that_they_are_judged_with() -> None:
    text = VerificationReport("DEFECTS", judged({1: ["RXX_S00 C01 MIN"]}), "u/ocps/1").full_text()
    assert "(here number_verification_tests_threshold_flat)" in text


def test_numbers_and_cause_come_before_the_text_of_the_page() -> None:
    low: dict[str, Any] = {"detector": "RXX_S00", "test": "NOISE", "passed": False, "counted": True}
    low |= {"value": 8.9, "reference": 10.9, "limit": [10.355, 11.445], "unit": "electron"}
    tests = [low | {"exposure": exposure, "amplifier": name} for exposure in (1, 2, 3) for name in AMPLIFIERS]
    tests.append(low | {"exposure": 1, "amplifier": "C00", "test": "MEAN", "passed": True})
    verdict = evaluate(
        {key: {"SUCCESS": False, "FAILURES": noise()} for key in (1, 2, 3)} | {"SUCCESS": False},
        exposures=[1, 2, 3],
        detectors=["RXX_S00"],
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
        combined=CombinedCalibration("BIAS", {"BIAS": (1, 2, 3)}, "u/ocps/329c", ("id",)),
    )
    report = VerificationReport("BIAS", verdict, "u/ocps/5579", "u/ocps/329c", tests)
    shown = lines(report.love_text("/run/report.txt"))
    assert shown[:4] == [
        "What failed in BIAS:",
        "NOISE on all 16 amplifiers failed in 3 of 3 exposures: 8.9 electron (reference 10.9, -18.3 %;"
        " allowed 10.36 to 11.45)",
        "Likely cause: only 3 images were combined; 20 are recommended.",
        "BIAS calibration failed verification and will not be certified.",
    ]
    whole = lines(report.full_text())
    assert [each.split()[0] for each in whole[1:17]] == list(AMPLIFIERS)
    assert whole[17] == shown[2]


def test_a_good_night_reports_no_failures_of_tests_that_do_not_count() -> None:
    """PROB_TEST fails in every night: neither the screen nor the log say that something failed."""
    about: dict[str, Any] = {"detector": "RXX_S00", "value": 2.0, "reference": 3118.0, "unit": "pixel"}
    prob = about | {"test": "PROB_TEST", "limit": [3118, 3118], "passed": False, "counted": False}
    mean = about | {"test": "MAX", "limit": None, "passed": True, "counted": True}
    places = [{"exposure": exposure, "amplifier": name} for exposure in (1, 2) for name in AMPLIFIERS]
    tests = [each | place for place in places for each in (prob, mean)]
    report = VerificationReport("DEFECTS", judged({1: [], 2: []}), "u/ocps/5579", "u/ocps/329c", tests)
    assert "0 tests failed (and 32 that are not counted);" in report.on_screen
    assert len(report.on_screen.splitlines()) == 1
    assert "PROB_TEST" not in report.love_text("report.txt")
    assert lines(report.full_text())[:2] == [
        "Nothing that counts failed in DEFECTS; these tests are reported only:",
        "PROB_TEST on all 16 amplifiers failed in 2 of 2 exposures: 2 pixel"
        " (reference 3118, -99.9 %; allowed 3118 to 3118) (not counted)",
    ]


def known_bad(names: Sequence[str], most: int) -> VerificationReport:
    """A bias of which some amplifiers, which fail NOISE, are known to be bad."""
    statistics = {
        "AMP": {name: {"NOISE": 5.6} for name in AMPLIFIERS},
        "VERIFY": {"AMP": {name: {"NOISE": name not in names} for name in AMPLIFIERS}},
    }
    failures = [f"{name} NOISE" for name in names]
    read = read_exposures(
        {1: {"RXX_S00": {"SUCCESS": not names, "FAILURES": failures}, "SUCCESS": not names}},
        {(1, "RXX_S00"): statistics},
        exposures=[1],
        amplifiers={"RXX_S00": frozenset(AMPLIFIERS)},
        known_bad=[KnownBad("RXX_S00", name, "no gain in the ptc in use") for name in (*names, "C17")],
    )
    verdict = judge(read, max_failures_per_detector=8, max_known_bad=most)
    return VerificationReport("BIAS", verdict, "u/ocps/a", None, [each.as_row() for each in read.tests])


def test_amplifiers_known_to_be_bad_are_named_everywhere() -> None:
    report = known_bad(["C03"], most=4)
    for text in (report.full_text(), report.love_text("report.txt")):
        assert "Amplifier RXX_S00 C03 is known to be bad (no gain in the ptc in use)" in text
        assert "is not counted.\n" in text
        assert (
            "RXX_S00 C17 is known to be bad (no gain in the ptc in use) and is not counted; it looks" in text
        )
    assert "0 of 14 tests failed (without RXX_S00 C03, RXX_S00 C17, known to be bad)" in report.on_screen
    assert report.reasons() == []
    assert report.negative_line is None


def test_too_many_of_them_are_the_reason_of_a_negative_verdict() -> None:
    report = known_bad([*AMPLIFIERS[:5]], most=4)
    why = "6 of RXX_S00 amplifiers are known to be bad, at most 4 may be"
    assert report.negative_line is not None
    assert report.negative_line.startswith(f"CALIBRATION VERIFICATION NEGATIVE: BIAS failed: {why}: 0 of 10 ")
    assert "C02, RXX_S00 C03 and 2 more, known to be bad" in report.negative_line
    assert why in report.headline
    assert why in report.in_brief
