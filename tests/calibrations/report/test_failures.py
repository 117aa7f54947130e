"""What failed, in numbers, grouped so that ten lines say what matters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations.report.failures import failure_lines, likely_cause

Row = dict[str, Any]

ONCE = "failed in 1 exposure:"
NUMBERS = "13.27 electron (reference 10.9, +21.7 %; allowed 10.36 to 11.45)"


def row(
    exposure: int | None = 1, amplifier: str | None = "C05", test: str = "NOISE", value: float | None = 13.27,
    passed: bool = False, *, detector: str | None = "RXX_S00", counted: bool = True,
    reference: float | None = 10.9, limit: Any = (10.355, 11.445), unit: str = "electron",
) -> Row:  # fmt: skip
    return {
        "exposure": exposure, "detector": detector, "amplifier": amplifier, "test": test, "value": value,
        "reference": reference, "limit": limit, "unit": unit, "passed": passed, "counted": counted,
    }  # fmt: skip


def noise(
    failing: Iterable[str], value: float | None = 13.27, exposures: Iterable[int] = range(1, 6)
) -> list[Row]:
    """NOISE of all amplifiers, of which some fail in every exposure, and a MEAN that passed."""
    failing = set(failing)
    tests = [
        row(exposure, name, value=value if name in failing else 10.9, passed=name not in failing)
        for exposure in exposures
        for name in AMPLIFIERS
    ]
    return [*tests, row(1, "C00", "MEAN", 0.0, True, reference=0.0)]


def test_a_noisy_amplifier_is_one_line_with_its_numbers() -> None:
    assert failure_lines(noise(["C05"]), most=10) == [f"C05 NOISE failed in 5 of 5 exposures: {NUMBERS}"]


def test_the_worst_of_several_values_is_named() -> None:
    tests = [*noise(["C05"]), row(6, value=15.0), row(7, value=10.9, passed=True)]
    (line,) = failure_lines(tests, most=10)
    assert line.startswith(
        "C05 NOISE failed in 6 of 7 exposures: 15 electron at worst (reference 10.9, +37.6 %"
    )


def test_a_value_just_beyond_its_limit_is_told_from_it() -> None:
    (line,) = failure_lines([row(value=128.912, reference=128.91, limit=(None, 128.91))], most=10)
    assert line.endswith("128.912 electron (reference 128.9, +0.00155 %; allowed up to 128.91)")


def test_most_amplifiers_of_a_detector_are_one_line_on_the_screen_and_one_each_in_the_report() -> None:
    tests = noise(AMPLIFIERS, value=8.9)
    (line,) = failure_lines(tests, most=10)
    assert line.startswith(
        "NOISE on all 16 amplifiers failed in 5 of 5 exposures: 8.9 electron (reference 10.9,"
    )
    assert [each.split()[0] for each in failure_lines(tests)] == list(AMPLIFIERS)
    (line,) = failure_lines(noise(AMPLIFIERS[:9]), most=10)
    assert line.startswith("NOISE on 9 of 16 amplifiers failed")


def test_amplifiers_that_fail_now_and_then_do_not_hide_the_one_that_always_does() -> None:
    now_and_then = [row(n % 5 + 1, name, value=11.6) for n, name in enumerate(AMPLIFIERS[6:])]
    lines = failure_lines([*noise(["C05"]), *now_and_then], most=3)
    assert lines[0].startswith("C05 NOISE failed in 5 of 5 exposures")
    assert lines[1].startswith("C06 NOISE failed in 1 of 5 exposures")
    first, second, *_ = failure_lines([*noise(AMPLIFIERS[:9]), row(1, "C17", value=11.6)], most=10)
    assert first.startswith("NOISE on 9 of 16 amplifiers failed in 5 of 5 exposures")
    assert second.startswith("C17 NOISE failed in 1 of 5 exposures")


def test_amplifiers_that_fail_in_different_exposures_are_counted_by_tests() -> None:
    """Two flats, all amplifiers of one and three of the other: 19 of 32 tests, not 16 times 2."""
    failing = {(9, name) for name in AMPLIFIERS} | {(8, name) for name in AMPLIFIERS[:3]}
    tests = [row(flat, name, passed=(flat, name) not in failing) for flat in (8, 9) for name in AMPLIFIERS]
    (line,) = failure_lines(tests, most=10)
    assert line.startswith("NOISE on all 16 amplifiers failed in 2 of 2 exposures, 19 of 32 tests: ")
    assert failure_lines(tests, most=1) == [line]
    assert [line.split(" failed")[1].split(":")[0] for line in failure_lines(tests)] == [
        *([" in 2 of 2 exposures"] * 3),
        *([" in 1 of 2 exposures"] * 13),
    ]


def test_a_flag_of_saturated_amplifiers_is_counted_among_all_amplifiers_and_exposures() -> None:
    flags = [row(1, name, "SATURATED", None, reference=None, limit=None) for name in AMPLIFIERS[:8]]
    tests = [*noise([], exposures=(1, 2)), *flags]
    assert failure_lines(tests, most=10) == [
        "SATURATED on 8 of 16 amplifiers failed in 1 of 2 exposures: a flag, which has no value"
    ]
    assert failure_lines([*tests, row(1, "C05")], most=1) == ["... and 9 more failed tests"]


def test_where_only_failed_tests_are_known_none_is_said_to_be_one_of_all() -> None:
    """Of a camera with more tests than the summary has, it has those that failed."""
    failed = [row(exposure, name) for exposure in (1, 2) for name in AMPLIFIERS[:4]]
    (line,) = failure_lines(failed[:-1], most=10)
    assert line.startswith("NOISE on 4 amplifiers failed in 2 exposures, 7 tests: ")


def test_scatter_of_exposures_is_no_further_detector() -> None:
    names = [f"R22_S0{number}" for number in range(3)]
    scatter = [row(amplifier=None, detector=name, test="SCATTER") for name in names]
    exposure = row(amplifier=None, detector=None, test="SCATTER", counted=False)
    first, second = failure_lines([*scatter, exposure, row(passed=True, detector=names[0])], most=10)
    assert first.startswith("SCATTER on all 3 detectors failed in 1 of 1 exposures: ")
    assert second.startswith("SCATTER failed in 1 of 1 exposures: ")


def test_a_bad_detector_among_several_is_named() -> None:
    good = [each | {"detector": f"R22_S0{number}"} for number in range(3) for each in noise([])]
    bad = [each | {"detector": "R22_S21"} for each in noise(AMPLIFIERS)]
    noisy = [each | {"detector": "R22_S22"} for each in noise(["C01"], value=20.0)]
    first, second = failure_lines([*good, *bad, *noisy], most=10)
    assert first.startswith("NOISE on all 16 amplifiers of R22_S21 failed in 5 of 5 exposures")
    assert second.startswith("R22_S22 C01 NOISE failed in 5 of 5 exposures: 20 electron")


def test_the_worst_come_first_and_those_that_do_not_count_last() -> None:
    tests = [
        row(amplifier="C00", value=11.5),
        row(amplifier="C01", value=99.0, counted=False, test="PROB_TEST"),
        row(amplifier="C02", value=20.0),
        *(row(amplifier=name, passed=True, value=10.9) for name in AMPLIFIERS[3:]),
    ]
    lines = failure_lines(tests)
    assert [each.split()[0] for each in lines] == ["C02", "C00", "C01"]
    assert lines[-1].endswith("(not counted)")
    assert failure_lines(tests, most=2)[-1] == "... and 2 more failed tests"


def test_what_failed_often_comes_before_what_failed_once_by_more() -> None:
    tests = [*noise(["C05"], 11.6), row(1, "C06", value=30.0)]
    assert [line.split()[0] for line in failure_lines(tests, most=10)] == ["C05", "C06"]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"limit": None, "reference": None}, f"C05 NOISE {ONCE} 13.27 electron"),
        ({"limit": None, "reference": None, "value": None}, f"C05 NOISE {ONCE} no value"),
        (
            {"limit": (None, 12.0)},
            f"C05 NOISE {ONCE} 13.27 electron (reference 10.9, +21.7 %; allowed up to 12)",
        ),
        (
            {"limit": (90_000.0, None), "value": 81_234.5, "reference": None},
            f"C05 NOISE {ONCE} 81234 electron (allowed from 90000)",
        ),
        ({"exposure": None}, f"C05 NOISE failed: {NUMBERS}"),
        ({"amplifier": None, "test": "SCATTER"}, f"RXX_S00 SCATTER {ONCE} {NUMBERS}"),
        ({"amplifier": None, "detector": None, "test": "SCATTER"}, f"SCATTER {ONCE} {NUMBERS}"),
        (
            {"reference": 0.0, "limit": (-8.0, 8.0)},
            f"C05 NOISE {ONCE} 13.27 electron (reference 0; allowed -8 to 8)",
        ),
    ],
)
def test_what_is_not_known_is_not_said(about: Row, words: str) -> None:
    assert failure_lines([row() | about]) == [words]


def test_nothing_failed() -> None:
    assert failure_lines(noise([])) == []


def test_few_images_are_the_likely_cause_of_too_little_noise_alone() -> None:
    too_low = noise(AMPLIFIERS, value=8.9)
    assert likely_cause(too_low, 3) == "only 3 images were combined; 20 are recommended"
    assert likely_cause(too_low, 1) == "only 1 image was combined; 20 are recommended"
    assert likely_cause(too_low, 14) is None, "the residual noise of 14 images is within the limits"
    assert likely_cause(too_low, None) is None, "they were compared with an older calibration"
    assert likely_cause(noise(AMPLIFIERS, value=13.0), 3) is None, "too much noise has another cause"
    assert likely_cause(noise([]), 3) is None
    assert likely_cause(noise(AMPLIFIERS, value=None), 3) is None, "what was not measured is not too low"
