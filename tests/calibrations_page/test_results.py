"""Outcomes of tests as the page shows them: how near to their limits, and in which colour."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS
from lsst.ts.calibrations_page.results import Results, TestResult, number

from .example_run import FIRST, row


@pytest.mark.parametrize(
    ("about", "position"),
    [
        ({"value": 10.5}, 1.0),
        ({"value": 9.75}, -0.5),
        ({"value": 6.0, "limit": [None, 8.0], "reference": None}, 0.75),
        ({"value": 100.0, "limit": [90.0, None], "reference": None}, 0.9),
    ],
)
def test_the_position_of_a_value_is_in_units_of_what_is_allowed(
    about: dict[str, Any], position: float
) -> None:
    test = TestResult.from_row({"calibration": "BIAS", **row("C00", "RXX_S00", FIRST, "NOISE", **about)})
    assert test.position == pytest.approx(position)


def test_a_colour_follows_the_outcome_also_where_no_limit_is_known() -> None:
    about: dict[str, Any] = {"value": None, "limit": None, "passed": False}
    test = TestResult.from_row({"calibration": "BIAS", **row("C00", "RXX_S00", FIRST, "NOISE", **about)})
    assert test.shade == "f1"
    assert Results([]).failures() == []


@pytest.mark.parametrize(
    ("test", "value", "reference", "limit", "severity"),
    [
        ("NOISE", 128.6, 128.9, [None, 128.9], 0.0),
        ("READ_NOISE_CONSISTENT", 10.1, 10.0, [None, 10.5], 0.2),
        ("READ_NOISE_CONSISTENT", 9.0, 10.0, [None, 10.5], 0.0),
        ("NOISE_FLOOR", 97.0, 100.0, [90.0, None], 0.3),
        ("MAX", 8.9, 9.0, [None, 9.0], 0.0),
        ("MIN", -8.9, -9.0, [-9.0, None], 0.0),
        ("COLD_LEFT", 8.9, None, [None, 9.0], 8.9 / 9.0),
        ("NOISE", 10.4, 10.0, [9.5, 10.5], 0.8),
    ],
)
def test_a_good_value_is_not_near_to_a_limit_that_is_where_good_values_are(
    test: str, value: float, reference: float | None, limit: list[float | None], severity: float
) -> None:
    about: dict[str, Any] = {"value": value, "reference": reference, "limit": limit, "passed": True}
    result = TestResult.from_row(row("C00", "RXX_S00", 1, test, calibration="FLAT", **about))
    assert result.severity == pytest.approx(severity)
    assert replace(result, passed=False).shade[0] == "f"


def test_the_map_of_a_good_run_shows_the_bias_that_is_near_to_its_limit() -> None:
    flat: dict[str, Any] = {"calibration": "FLAT", "value": 128.8, "reference": 128.9, "limit": [None, 128.9]}
    flats = [row(name, "RXX_S00", 3, "NOISE", **flat) for name in AMPLIFIERS]
    near: dict[str, Any] = {"value": 10.48, "reference": 10.0, "limit": [9.5, 10.5]}
    biases = [row(name, "RXX_S00", 1, "NOISE", **(near if name == "C05" else {})) for name in AMPLIFIERS]
    worst = Results([{"calibration": "BIAS"} | each | {"passed": True} for each in (*flats, *biases)])
    shades = {place[1]: each.shade for place, each in worst.worst_by_amplifier().items()}
    assert [name for name, shade in shades.items() if shade == "q2"] == ["C05"]
    assert worst.worst_by_amplifier()["RXX_S00", "C05"].calibration == "BIAS"


@pytest.mark.parametrize(
    ("value", "written"), [(None, "unknown"), (9.12345, "9.123"), (111412.3, "111412"), (2.5e-6, "2.5e-06")]
)
def test_numbers_are_written_without_exponents_where_they_are_read(value: float | None, written: str) -> None:
    assert number(value) == written
