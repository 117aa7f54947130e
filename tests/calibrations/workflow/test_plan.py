"""What a run takes and how long it lasts."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.workflow.plan import Plan, make_plan


def plan(**options: Any) -> Plan:
    return make_plan(CalibrationConfig.from_namespace(options, LATISS), LATISS)


def test_the_daily_default_is_65_images_in_13_minutes_and_the_verification_of_the_flats() -> None:
    daily = plan()
    assert [(each.image_type, each.n_images, len(each.kept_times)) for each in daily.sets] == [
        (ImageType.BIAS, 21, 20),
        (ImageType.DARK, 23, 22),
        (ImageType.FLAT, 21, 20),
    ]
    assert daily.n_images == 65
    open_ = 5 * 5 + 2 * 15 + 16 * 30 + 21 * 5
    assert daily.floor == open_ + 21 * LATISS.shutter_time + 65 * LATISS.readout_time == 640 + 21 + 130
    # set up, images, ingest of the last, a job on 20 flats (those on biases and darks ended long before)
    assert daily.duration == 2 + 791 + 4 + (20 + 20)
    assert daily.warnings == ()


def test_biases_last_as_long_as_their_readout() -> None:
    assert plan(script_mode="BIAS", n_bias=3, do_verify=False).floor == 4 * LATISS.readout_time


def test_waits_are_between_exposures_only() -> None:
    quick, slow = plan(script_mode="BIAS"), plan(script_mode="BIAS", wait_between_exposures=3)
    assert slow.floor - quick.floor == 20 * 3


def test_what_is_generated_is_verified_before_the_next_type_is_built_on_it() -> None:
    internal = plan(script_mode="BIAS_DARK", n_dark=20, exp_times_dark=0.1, generate_calibrations=True)
    ready_biases = 2 + 21 * 2 + 4
    assert internal.duration == ready_biases + 4 * (
        20 + 20
    )  # make and verify the bias, make and verify the dark


def test_jobs_last_longer_for_more_detectors() -> None:
    options = {"script_mode": "BIAS", "n_bias": 10}
    nine = dataclasses.replace(LATISS, detectors={number: f"R22_S{number:02}" for number in range(9)})
    config = CalibrationConfig.from_namespace(options, nine)
    assert make_plan(config, nine).duration - plan(**options).duration == 10 * 8


def test_no_processing_is_asked_for_and_none_is_waited_for() -> None:
    bare = plan(do_verify=False, do_gain_from_flat_pairs=False)
    assert bare.duration == 2 + bare.floor + 4


def test_flats_that_give_no_gain_are_told() -> None:
    (warning,) = plan(n_flat=2, exp_times_flat=[5, 6]).warnings
    assert "no two flats" in warning
    (warning,) = plan(n_flat=5, exp_times_flat=[5, 5, 6, 7.5, 8]).warnings
    assert warning.endswith("6 s, 7.5 s, 8 s")
    assert plan(n_flat=2, exp_times_flat=[5, 6], do_gain_from_flat_pairs=False).warnings == ()


def test_a_night_of_exposures_is_wondered_about() -> None:
    (warning,) = plan(script_mode="DARK", n_dark=20, exp_times_dark=3000).warnings
    assert warning.startswith("taking the images will last 17.5 h")
    assert plan(script_mode="DARK", n_dark=20, exp_times_dark=900).warnings == ()


@pytest.mark.parametrize(("option", "n_dark"), [("do_defects", 22), ("do_ptc", 0)])
def test_a_product_is_made_and_then_verified_with_the_flats(option: str, n_dark: int) -> None:
    options = {"n_flat": 6, "exp_times_flat": [5, 5, 15, 15, 30, 30], option: True}
    with_product = plan(**options)
    assert with_product.duration == 2 + with_product.floor + 4 + (20 + n_dark + 6) + (20 + 6)
