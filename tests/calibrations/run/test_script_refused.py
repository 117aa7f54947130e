"""A script that is refused or fails before anything moves, and says all that is to be put right."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.calibrations import base_make_calibrations

FEW = "n_bias: 2\nn_dark: 1\nexp_times_dark: 10\nn_flat: 2\n"
ONLY_BIAS = "script_mode: BIAS\nn_bias: 3\n"


def test_filter_and_grating_that_are_not_mounted_are_told_with_all_else_before_anything_moves(
    night: Any,
) -> None:
    outcome = night(
        FEW + "filter: SDSSx_65mm\ngrating: holo4\ninput_collections_verify_dark: u/none",
        "component-state:component=ATOODS,state=DISABLED",
    )
    assert outcome.state == "FAILED"
    for text in (
        "has 4 problems",
        "ATOODS is DISABLED",
        "no collection u/none",
        "filter: 'SDSSx_65mm' is not in ATSpectrograph, which has empty_1 (position 0)",
        "grating: 'holo4' is not in ATSpectrograph",
        "did you mean holo4_003?",
    ):
        assert text in outcome.reason
    assert outcome.summary["exposures"] == []
    assert not (outcome.folder.parent / "images").exists()


def test_a_filter_without_reference_flat_ends_the_run_before_anything_moves(night: Any) -> None:
    outcome = night(FEW + "filter: SDSSz_65mm")
    assert outcome.state == "FAILED"
    assert "LATISS/calib has no combined flat of SDSSz_65mm~empty that is valid now" in outcome.reason
    assert "there are flats of SDSSg_65mm~empty, SDSSr_65mm~empty" in outcome.reason
    assert (outcome.summary["exposures"], outcome.seconds) == ([], pytest.approx(0.0, abs=1.0))


def test_the_same_filter_is_welcome_where_nothing_is_compared_with_its_flat(night: Any) -> None:
    outcome = night(FEW + "filter: SDSSz_65mm\ndo_verify: false")
    assert outcome.state == "DONE"
    assert {each["physical_filter"] for each in outcome.summary["exposures"]} == {"SDSSz_65mm~empty"}


@pytest.mark.parametrize("component", ["ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS", "OCPS:1"])
def test_a_component_that_is_not_enabled_fails_the_script_before_anything_moves(
    night: Any, component: str
) -> None:
    outcome = night(FEW, f"component-state:component={component},state=STANDBY")
    assert outcome.states[-2:] == ["FAILING", "FAILED"]
    assert f"{component}" in outcome.reason
    assert "STANDBY, not ENABLED" in outcome.reason
    assert (outcome.summary["exposures"], outcome.summary["state"]) == ([], "FAILED")
    assert not (outcome.folder.parent / "images").exists()


def test_a_missing_collection_fails_the_script_before_anything_moves(night: Any) -> None:
    outcome = night(FEW + "input_collections_verify_dark: u/none\ninput_collections_ptc: u/nothing")
    assert outcome.state == "FAILED"
    assert "u/none" in outcome.reason
    assert "u/nothing" in outcome.reason
    assert outcome.summary["exposures"] == []


def test_a_collection_that_is_not_used_need_not_be_there(night: Any) -> None:
    assert (
        night(ONLY_BIAS + "input_collections_verify_dark: u/none\ninput_collections_ptc: u/none").state
        == "DONE"
    )


def test_a_refused_configuration_names_all_problems_and_nothing_begins(night: Any) -> None:
    outcome = night("n_bias: many\nn_darks: 3\nfilter: [1]\nexp_times_flat: -1")
    assert outcome.states == ["UNCONFIGURED", "CONFIGURE_FAILED"]
    for text in ("n_bias", "n_darks", "filter", "exp_times_flat", "problems", "Nothing was exposed"):
        assert text in outcome.reason
    assert outcome.facts == []
    assert not outcome.folder.exists()


def test_a_fault_of_the_program_in_a_configuration_leaves_no_script_that_nothing_will_come_of(
    night: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_(*_: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(base_make_calibrations, "examine", break_)
    outcome = night(ONLY_BIAS)
    assert outcome.states == ["UNCONFIGURED", "CONFIGURE_FAILED"]
    assert "it could not be examined (ZeroDivisionError: by zero)" in outcome.reason


def test_a_key_given_twice_is_refused(night: Any) -> None:
    outcome = night("n_bias: 3\nn_bias: 4")
    assert outcome.state == "CONFIGURE_FAILED"
    assert "n_bias" in outcome.reason
