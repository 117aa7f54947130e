"""The configuration of a run as typed values."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from lsst.ts.calibrations.config.config import CalibrationConfig, examine
from lsst.ts.calibrations.config.schema import defaults, load_schema
from lsst.ts.calibrations.domain.errors import ConfigurationError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType


def make(**options: Any) -> CalibrationConfig:
    return CalibrationConfig.from_namespace(SimpleNamespace(**options), LATISS)


def test_the_daily_default() -> None:
    config = make()
    assert tuple(config.images) == (ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    assert config.images[ImageType.BIAS].exposure_times == (0.0,) * 21
    assert config.images[ImageType.DARK].exposure_times == (5.0,) * 5 + (15.0,) * 2 + (30.0,) * 16
    assert config.images[ImageType.FLAT].exposure_times == (5.0,) * 21
    assert [config.images[kind].threshold for kind in config.images] == [8, 8, 8]
    assert config.detectors == (0,)
    assert config.certify_begin == datetime(1950, 1, 1)
    assert config.as_dict() == defaults(load_schema("LATISS"))


def test_only_what_the_mode_takes_is_there() -> None:
    assert tuple(make(script_mode="DARK").images) == (ImageType.DARK,)
    assert tuple(make(script_mode="BIAS_DARK").images) == (ImageType.BIAS, ImageType.DARK)


def test_collections_are_split_at_their_commas() -> None:
    config = make(input_collections_verify_bias="u/czw/DM-28920/calib.20210720, LATISS/calib")
    settings = config.images[ImageType.BIAS]
    assert settings.verify_collections == ("u/czw/DM-28920/calib.20210720", "LATISS/calib")
    assert settings.input_collections == ("LATISS/calib",)


def test_whole_numbers_written_with_a_point_are_whole_numbers() -> None:
    config = make(n_bias=3.0, n_processes=2.0)
    assert config.images[ImageType.BIAS].exposure_times == (0.0,) * 4
    assert config.n_processes == 2
    assert isinstance(config.n_processes, int)


def test_no_configuration_exists_that_breaks_the_rules() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make(n_dark=5, detectors=[3], do_ptc=True)
    assert len(caught.value.problems) == 3
    assert all(problem in str(caught.value) for problem in caught.value.problems)
    assert "Nothing was exposed" in str(caught.value)


@pytest.mark.parametrize(
    ("date", "is_valid"),
    [
        ("2022-11-04", True),
        ("2022-11-05T05:59:59", True),
        ("2022-11-05T06:00:00", False),
        ("2022-11-03", False),
    ],
)
def test_the_validity_range_includes_its_begin_and_not_its_end(date: str, is_valid: bool) -> None:
    config = make(
        generate_calibrations=True,
        certify_calib_begin_date="2022-11-04",
        certify_calib_end_date="2022-11-05T06:00:00",
    )
    tai = datetime.fromisoformat(date).replace(tzinfo=UTC).timestamp()
    assert (config.validity_warning(tai) is None) == is_valid


def test_a_configuration_does_not_change() -> None:
    config = make()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.repo = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        config.recorded["repo"] = "other"  # type: ignore[index]
    config.as_dict()["repo"] = "other"
    config.as_dict()["exp_times_dark"].clear()
    assert config.as_dict() == defaults(load_schema("LATISS"))


def test_a_range_without_tonight_is_warned_of_if_something_is_certified() -> None:
    tonight = 1736964000.0  # 2025-01-15T18:00:00 TAI
    dates = {"certify_calib_begin_date": "2022-11-04", "certify_calib_end_date": "2022-11-05"}
    makes = {"generate_calibrations": True, **dates}
    assert CalibrationConfig.from_namespace(dates, LATISS).validity_warning(tonight) is None
    warning = CalibrationConfig.from_namespace(makes, LATISS).validity_warning(tonight)
    assert warning is not None
    assert "2022-11-05" in warning
    assert (
        CalibrationConfig.from_namespace({"generate_calibrations": True}, LATISS).validity_warning(tonight)
        is None
    )


@pytest.mark.parametrize(
    "given",
    ["0 C05", "RXX_S00 C05", "rxx_s00,c05", ["0 C05"], [0, "C05"], [["RXX_S00", "C05"], "0 C05"],
     {"detector": 0, "amplifier": "C05"}, [{"detector": "RXX_S00", "amplifier": "C05"}]],
)  # fmt: skip
def test_an_amplifier_known_to_be_bad_is_named_in_any_way(given: Any) -> None:
    text = yaml.safe_dump({"known_bad_amplifiers": given})
    findings = examine(text, load_schema("LATISS"), LATISS)
    assert findings.errors == ()
    assert findings.config is not None
    assert findings.config.known_bad_amplifiers == (("RXX_S00", "C05"),)
    assert make(**yaml.safe_load(findings.text)) == findings.config


@pytest.mark.parametrize("separator", [",", " ", ", "])
def test_two_amplifiers_are_not_taken_for_one(separator: str) -> None:
    text = yaml.safe_dump({"known_bad_amplifiers": [f"RXX_S00{separator}{name}" for name in ("C05", "C06")]})
    findings = examine(text, load_schema("LATISS"), LATISS)
    assert findings.errors == ()
    assert findings.config is not None
    assert findings.config.known_bad_amplifiers == (("RXX_S00", "C05"), ("RXX_S00", "C06"))


@pytest.mark.parametrize(
    "given",
    [
        False,
        [f"{'9' * 5000} C05"],
        [f"{'0' * 5000}1 C05"],
        [10**70, "C05"],
        ["\u0660 C05"],
        ["RXX_S00_C05", "RXX_S00_C06"],
    ],
)
def test_what_names_no_amplifier_is_refused_in_words(given: Any) -> None:
    text = yaml.safe_dump({"known_bad_amplifiers": given})
    errors = examine(text, load_schema("LATISS"), LATISS).errors
    assert errors
    for error in errors:
        assert error.startswith("known_bad_amplifiers: ")
        assert "False]" not in error
        assert "sys." not in error
        assert len(error) < 400


def test_all_that_is_wrong_with_amplifiers_is_found_at_once() -> None:
    text = "known_bad_amplifiers: [C05, 1 C05, RXX_S00 C08, 0 C05]\nmax_known_bad_amplifiers: 9"
    errors = examine(text, load_schema("LATISS"), LATISS).errors
    assert [error.partition("; ")[0] for error in errors] == [
        "max_known_bad_amplifiers: 9 is not allowed",
        "known_bad_amplifiers: 'C05' is no amplifier",
        "known_bad_amplifiers: '1 C05': LATISS has no detector '1'",
        "known_bad_amplifiers: 'RXX_S00 C08': there is no amplifier 'C08'",
    ]
    assert all("RXX_S00 C05" in error or "C00 to C17" in error for error in errors[1:])


def test_more_of_them_than_may_be_are_warned_of() -> None:
    text = "known_bad_amplifiers: [0 C05, 0 C06]\nmax_known_bad_amplifiers: "
    found = [examine(f"{text}{most}", load_schema("LATISS"), LATISS).warnings for most in (2, 1)]
    (warning,) = found[1]
    assert found[0] == ()
    assert warning.startswith(
        "known_bad_amplifiers has 2 of RXX_S00: with more than max_known_bad_amplifiers"
    )
