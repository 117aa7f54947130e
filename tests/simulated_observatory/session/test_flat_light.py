"""Warnings of flats before they are taken: from nominal light, full wells, read noise."""

from __future__ import annotations

import pytest

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS
from lsst.ts.simulated_observatory.cameras import CAMERAS
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector import illumination
from lsst.ts.simulated_observatory.detector.illumination import LAMP_RATE
from lsst.ts.simulated_observatory.pipelines import curvecriteria
from lsst.ts.simulated_observatory.session.flat_light import (
    TURNOFF,
    _curve_warnings,
    _faint_warnings,
    _nominal_rate,
    _saturation_warnings,
    light_warnings,
)

MODELS = [detector_model("LATISS", 0)]


def warnings(**options: object) -> str:
    config = CalibrationConfig.from_namespace(options, LATISS)
    return "\n".join(light_warnings(config, LATISS))


def test_the_nominal_light_is_that_of_the_simulated_lamp() -> None:
    for slot in CAMERAS["LATISS"].filters:
        for other in CAMERAS["LATISS"].gratings:
            light = illumination.throughput(f"{slot.name}~{other.name}")
            assert _nominal_rate(slot.name, other.name) == pytest.approx(LAMP_RATE * light)
    for instrument in ("LSSTComCam", "LSSTCam"):
        for each in CAMERAS[instrument].filters:
            assert _nominal_rate(each.name, None) == LAMP_RATE * illumination.throughput(each.name)


def test_the_turnoff_is_that_of_the_test() -> None:
    assert TURNOFF == curvecriteria.TURNOFF


@pytest.mark.parametrize(
    ("filter_", "grating"), [(None, None), (2, 0), ("SDSSr_65mm", None), (None, "empty_1")]
)
def test_without_a_name_the_r_filter_is_assumed(filter_: str | int | None, grating: str | int | None) -> None:
    assert _nominal_rate(filter_, grating) == LAMP_RATE


@pytest.mark.parametrize(("filter_", "grating"), [("BG99", None), ("SDSSr_65mm", "prism")])
def test_there_is_no_rate_for_what_is_not_known(filter_: str, grating: str | None) -> None:
    assert _nominal_rate(filter_, grating) is None


@pytest.mark.parametrize(
    ("instrument", "seconds"), [("LATISS", 37.0), ("LSSTComCam", 36.6), ("LSSTCam", 36.4)]
)
def test_flats_saturate_where_the_smallest_amplifier_is_full(instrument: str, seconds: float) -> None:
    models = [detector_model(instrument, number) for number in INSTRUMENTS[instrument].detectors]
    assert list(_saturation_warnings([seconds - 0.1], LAMP_RATE, models)) == []
    (warning,) = _saturation_warnings([5.0, seconds + 0.1], LAMP_RATE, models)
    assert warning.startswith(f"flats of {seconds + 0.1:g} s saturate")
    assert f"{seconds} s" in warning


def test_twice_the_light_saturates_in_half_the_time() -> None:
    assert "flats of 20, 30 s saturate" in warnings(n_flat=3, exp_times_flat=[5, 20, 30], filter="SDSSz_65mm")
    assert "saturate" not in warnings(n_flat=3, exp_times_flat=[5, 20, 30], filter="SDSSr_65mm")
    assert "saturate" not in warnings(exp_times_flat=600, filter="SDSSu_65mm")


def test_flats_are_too_faint_where_read_noise_is_more_than_brighter_fatter_takes_away() -> None:
    # 1.032 x 8.55 electron / sqrt(2.5e-6 / electron) = 5581 electron, the median amplifier of LATISS
    (warning,) = _faint_warnings([1.6, 1.7], LAMP_RATE, MODELS, internal=False)
    assert warning.startswith("flats of 1.6 s are too faint to pass the test NOISE")
    assert "it takes 1.7 s or more" in warning


def test_a_flat_made_of_themselves_takes_a_part_of_their_noise_away() -> None:
    assert list(_faint_warnings([0.5] * 20, LAMP_RATE, MODELS, internal=True)) == []
    (warning,) = _faint_warnings([0.4] * 20, LAMP_RATE, MODELS, internal=True)
    assert "flats of 0.4 s" in warning
    (warning,) = _faint_warnings([0.5] * 1000, LAMP_RATE, MODELS, internal=True)
    assert "flats of 0.5 s" in warning


def test_half_of_the_noise_of_two_flats_is_in_their_own_flat() -> None:
    # (s + r^2) / 2 = s: from s = r^2 = (1.032 x 8.55 electron)^2 = 77.9 electron on
    assert list(_faint_warnings([0.8, 0.8], 100.0, MODELS, internal=True)) == []
    (warning,) = _faint_warnings([0.75, 0.75], 100.0, MODELS, internal=True)
    assert "flats of 0.75 s" in warning


def test_what_is_not_verified_is_not_warned_of() -> None:
    assert "too faint" in warnings(exp_times_flat=0.5)
    assert "too faint" not in warnings(exp_times_flat=0.5, do_verify=False)


def test_a_curve_must_reach_its_turnoff() -> None:
    assert list(_curve_warnings([5.0, 5.0, 28.0, 28.0], LAMP_RATE)) == []
    (warning,) = _curve_warnings([5.0, 5.0, 27.0, 27.0, 35.0], LAMP_RATE)
    assert "its longest pair, 27 s, has 89100; it takes 28 s" in warning
    curve = {"n_flat": 6, "exp_times_flat": [5, 5, 10, 10, 15, 15]}
    assert "PTC_TURNOFF" in warnings(**curve, do_ptc=True)
    assert "PTC_TURNOFF" not in warnings(**curve)


def test_a_long_list_is_shortened() -> None:
    times = [40.0 + number for number in range(30)]
    (warning,) = _saturation_warnings(times, LAMP_RATE, MODELS)
    assert warning.startswith("flats of 40, 41, ")
    assert ", ..., 69 s" in warning


def test_one_flat_alone_is_compared_with_itself_and_never_too_faint() -> None:
    assert list(_faint_warnings([0.1], LAMP_RATE, MODELS, internal=True)) == []
