"""A configuration that is queued every day: the day, its dates, the next number, the newest collection."""

from __future__ import annotations

from datetime import datetime

import pytest

from lsst.ts.calibrations.config.config import CalibrationConfig, Findings, examine
from lsst.ts.calibrations.config.observing_day import daily_lines, fill_in, names_beside
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType, day_obs

DAILY = "\n".join(["generate_calibrations: true", *daily_lines("LATISS/calib/daily")])
THERE = ["LATISS/calib", "LATISS/calib/daily", "LATISS/calib/daily/calib.20250115.1"]


def examined(text: str, day: int = 20250115, there: list[str] | None = None) -> Findings:
    return examine(text, load_schema("LATISS"), LATISS, day, there)


def meant(text: str, day: int = 20250115, there: list[str] | None = None) -> CalibrationConfig:
    found = examined(text, day, there)
    assert found.errors == ()
    assert found.config is not None
    return found.config


@pytest.mark.parametrize(
    ("collection", "line"),
    [
        ("LATISS/calib/daily", "LATISS/calib/daily/calib.{day_obs}.{n}"),
        ("LATISS/calib/daily/calib.20221104.1", "LATISS/calib/daily/calib.{day_obs}.{n}"),
        ("LATISS/calib/daily/calib.2022NOV04.12", "LATISS/calib/daily/calib.{day_obs}.{n}"),
        ("LATISS/calib/u/tester/test", "LATISS/calib/u/tester/test.{day_obs}.{n}"),
        ("LATISS/calib/daily/calib.{day_obs}", "LATISS/calib/daily/calib.{day_obs}.{n}"),
    ],
)
def test_the_lines_to_paste_go_on_with_the_name_that_was_given(collection: str, line: str) -> None:
    assert daily_lines(collection)[0] == f"calib_collection: {line}"
    assert daily_lines(collection)[1:] == (
        "certify_calib_begin_date: today",
        "certify_calib_end_date: tomorrow",
    )


def test_all_images_of_an_observing_day_are_in_the_range_from_today_to_tomorrow() -> None:
    config = meant(DAILY, 20241231)
    assert (config.certify_begin, config.certify_end) == (
        datetime(2024, 12, 31, 12),
        datetime(2025, 1, 1, 12),
    )
    epoch = datetime(1970, 1, 1)
    assert day_obs((config.certify_begin - epoch).total_seconds()) == 20241231
    assert day_obs((config.certify_end - epoch).total_seconds() - 1) == 20241231


def test_the_number_is_the_one_after_the_highest_of_that_day() -> None:
    name = "LATISS/calib/daily/calib.20250115."
    assert meant(DAILY, there=[]).calib_collection == f"{name}1"
    assert (
        meant(DAILY, there=[*THERE, f"{name}9", f"{name}10", f"{name}10.x"]).calib_collection == f"{name}11"
    )
    assert meant(DAILY, 20250116, THERE).calib_collection == "LATISS/calib/daily/calib.20250116.1"


def test_before_the_run_the_number_stays_open() -> None:
    found = examined(DAILY)
    assert found.daily
    assert found.config is not None
    assert found.config.calib_collection == "LATISS/calib/daily/calib.20250115.{n}"
    assert not examined("calib_collection: LATISS/calib/daily/calib.20250115.1").daily


def test_the_next_day_finds_what_was_certified_last() -> None:
    text = "input_collections_verify_bias: 'LATISS/calib/daily/calib.{day_obs}.{n},LATISS/calib'"
    last = ["LATISS/calib/daily/calib.20250114.3", "LATISS/calib/daily/calib.20250115.2"]
    searched = meant(text, 20250116, [*THERE, *last]).images[ImageType.BIAS].verify_collections
    assert searched == ("LATISS/calib/daily/calib.20250115.2", "LATISS/calib")
    assert meant(text, there=["LATISS/calib"]).images[ImageType.BIAS].verify_collections == ("LATISS/calib",)


def test_the_newest_is_that_of_the_last_day_wherever_its_name_has_the_day() -> None:
    options = {"input_collections_dark": "LATISS/{n}/x.{day_obs}"}
    there = ["LATISS/2/x.20240101", "LATISS/1/x.20250114", "LATISS/10/x.20250113"]
    assert fill_in(options, 20250115, there) == {"input_collections_dark": "LATISS/1/x.20250114"}


def test_a_form_of_which_there_is_none_stays_to_be_named() -> None:
    options = {"input_collections_dark": "LATISS/calib/daily/calib.{day_obs}.{n}"}
    assert fill_in(options, 20250115, THERE[:2]) == options


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("calib_collection: LATISS/calib/{date}", "only {day_obs} and {n} can stand in one"),
        ("calib_collection: LATISS/calib/$day", "only {day_obs} and {n} can stand in one"),
        ("certify_calib_begin_date: yesterday", "is no date; write e.g."),
        ("certify_calib_begin_date: tomorrow\ncertify_calib_end_date: today", "is not after"),
        ("certify_calib_begin_date: today\ncertify_calib_end_date: 2025-01-15", "is not after"),
        (f"calib_collection: '{'x' * 56}.{{day_obs}}'", "names of up to 64"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, words: str) -> None:
    (error,) = examined(text).errors
    assert words in error


def test_whoever_certifies_without_dates_is_told_what_to_write() -> None:
    (warning,) = examined("generate_calibrations: true").warnings
    lines = (f"'{line}'" for line in daily_lines("LATISS/calib/daily"))
    assert warning.endswith(f"for every day write {', '.join(lines)}")


@pytest.mark.parametrize(
    ("collection", "words"),
    [
        ("LATISS/calib/daily", "so that no later run can certify the same there; for every day write 'calib"),
        (
            "LATISS/calib.{day_obs}",
            "no later run of that day can certify the same there; for every day write",
        ),
        (
            "LATISS/calib.{day_obs}.{n}",
            "to 2050-01-01; for every day write 'certify_calib_begin_date: today'",
        ),
        ("LATISS/calib.{n}", "to 2050-01-01; for every day write 'certify_calib_begin_date: today'"),
    ],
)
def test_who_gives_no_dates_is_told_which_runs_that_keeps_out(collection: str, words: str) -> None:
    (warning,) = examined(f"generate_calibrations: true\ncalib_collection: {collection}").warnings
    assert words in warning
    assert warning.endswith("'certify_calib_end_date: tomorrow'")


@pytest.mark.parametrize(
    ("taken", "first"),
    [
        ("LATISS/calib/daily", "LATISS/calib/daily.2"),
        ("LATISS/calib/u/test/daily.1", "LATISS/calib/u/test/daily.2"),
        ("LATISS/calib/daily/calib.20221104.1", "LATISS/calib/daily/calib.20221104.2"),
        ("LATISS/calib/daily/calib.2022NOV04.12", "LATISS/calib/daily/calib.2022NOV04.13"),
        ("u/czw/DM-28920.9", "u/czw/DM-28920.10"),
        ("LATISS/calib/daily/calib.20250115", "LATISS/calib/daily/calib.20250115.2"),
        ("LATISS/calib/daily/calib.20250131", "LATISS/calib/daily/calib.20250131.2"),
        ("LATISS/calib/daily/calib.2025JAN15", "LATISS/calib/daily/calib.2025JAN15.2"),
        ("LATISS/calib/daily/calib.2025.01.15", "LATISS/calib/daily/calib.2025.01.15.2"),
        ("LATISS/calib/daily/calib.2025.1.15", "LATISS/calib/daily/calib.2025.1.15.2"),
        ("LATISS/calib/daily/calib.20250115.20250116", "LATISS/calib/daily/calib.20250115.20250116.2"),
        ("LATISS/calib.2025", "LATISS/calib.2025.2"),
        ("LATISS/calib.250115", "LATISS/calib.250115.2"),
        ("LATISS/calib.01", "LATISS/calib.01.2"),
        ("LATISS/20250115", "LATISS/20250115.2"),
    ],
)
def test_beside_a_name_are_its_next_numbers_and_never_those_of_another_day(taken: str, first: str) -> None:
    names = names_beside(taken)
    assert names[0] == first
    assert len(set(names)) == len(names) == 100
    assert taken not in names


@pytest.mark.parametrize("length", range(40, 65))
@pytest.mark.parametrize("letters", ["a", "ab/", "LATISS/calib.", "x_-."])
def test_what_is_proposed_for_a_long_name_is_not_too_long(length: int, letters: str) -> None:
    name = f"{(letters * 64)[: length - 1]}z"
    for line in (daily_lines(name)[0], *(f"calib_collection: {each}" for each in names_beside(name))):
        assert examined(f"{line}\ngenerate_calibrations: true").errors == (), line


def test_what_is_proposed_has_no_half_of_a_placeholder() -> None:
    for length in range(30, 64):
        (line, *_) = daily_lines(f"{'a' * length}{{n}}")
        assert examined(line).errors == (), line
