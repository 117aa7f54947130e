"""Filters and gratings: what is asked for is found, or the error says what there is."""

from __future__ import annotations

import pytest

from lsst.ts.calibrations.domain.instruments import physical_filter
from lsst.ts.calibrations.domain.optics import MountedOptics

WHEELS = MountedOptics(
    "ATSpectrograph",
    ("empty_1", "SDSSg_65mm", "SDSSr_65mm", "SDSSz_65mm"),
    ("empty_1", "holo4_003", "blue300lpmm_qn1", "SDSSy_65mm"),
)
CHANGER = MountedOptics("MTCamera", ("z_20", "i_39", "g_6", "y_10", "r_57"))


@pytest.mark.parametrize(
    ("mounted", "filter_", "grating"),
    [
        (WHEELS, None, None),
        (WHEELS, "SDSSg_65mm", "holo4_003"),
        (WHEELS, 0, 3),
        (CHANGER, "r_57", None),
    ],
)
def test_what_is_there_can_be_asked_for_by_name_and_in_a_wheel_by_position(
    mounted: MountedOptics, filter_: str | int | None, grating: str | int | None
) -> None:
    assert mounted.problems(filter_, grating) == []


def test_an_unknown_name_is_told_with_option_value_what_there_is_and_the_nearest() -> None:
    problems = WHEELS.problems("SDSSr_65", "holo4_3")
    assert problems == [
        "filter: 'SDSSr_65' is not in ATSpectrograph, which has empty_1 (position 0),"
        " SDSSg_65mm (position 1),"
        " SDSSr_65mm (position 2), SDSSz_65mm (position 3); did you mean SDSSr_65mm?",
        "grating: 'holo4_3' is not in ATSpectrograph, which has empty_1 (position 0), holo4_003 (position 1),"
        " blue300lpmm_qn1 (position 2), SDSSy_65mm (position 3); did you mean holo4_003?",
    ]


def test_the_name_of_a_band_leads_to_its_filter() -> None:
    (problem,) = CHANGER.problems("r", None)
    assert problem.startswith("filter: 'r' is not in MTCamera, which has z_20, i_39, g_6, y_10, r_57")
    assert problem.endswith("did you mean r_57?")


@pytest.mark.parametrize("position", [4, "17"])
def test_a_position_that_is_not_there_is_told_without_a_guess(position: str | int) -> None:
    (problem,) = WHEELS.problems(position, None)
    assert problem.startswith(
        f"filter: {position!r} is not in ATSpectrograph, which has empty_1 (position 0)"
    )
    assert "mean" not in problem


@pytest.mark.parametrize("text", ["3", "01", "00", "\u0661", "9" * 5000])
def test_a_number_in_quotes_is_a_name_as_for_the_spectrograph(text: str) -> None:
    (problem,) = WHEELS.problems(text, None)
    assert WHEELS.set_up(("SDSSr_65mm", "empty_1"), text, None) is None
    assert problem.endswith("without quotation marks: 3") == (text == "3")


def test_a_camera_without_wheels_has_no_positions() -> None:
    assert len(CHANGER.problems(2, None)) == len(CHANGER.problems("2", None)) == 1


def test_a_filter_that_is_mounted_among_the_gratings_is_told_so() -> None:
    (problem,) = WHEELS.problems("SDSSy_65mm", None)
    assert problem.endswith("; SDSSy_65mm can be had with the option grating")


PRESENT = ("SDSSr_65mm", "empty_1")


@pytest.mark.parametrize(
    ("filter_", "grating", "names"),
    [
        (None, None, PRESENT),
        ("SDSSg_65mm", None, ("SDSSg_65mm", "empty_1")),
        (3, 1, ("SDSSz_65mm", "holo4_003")),
        ("0", None, None),
        (-1, None, None),
        ("none", None, None),
        (None, 9, None),
    ],
)
def test_what_is_not_asked_for_stays_as_it_is(
    filter_: str | int | None, grating: str | int | None, names: tuple[str, str] | None
) -> None:
    assert WHEELS.set_up(PRESENT, filter_, grating) == names


def test_a_changer_has_no_gratings_that_could_stay() -> None:
    assert CHANGER.set_up(("r_57", None), "g_6", None) == ("g_6", None)


@pytest.mark.parametrize(
    ("filter_", "grating", "name"),
    [
        ("SDSSr_65mm", "empty_1", "SDSSr_65mm~empty"),
        ("empty_1", "holo4_003", "empty~holo4_003"),
        ("r_57", None, "r_57"),
    ],
)
def test_the_butler_joins_the_names_and_does_not_number_what_is_empty(
    filter_: str, grating: str | None, name: str
) -> None:
    assert physical_filter(filter_, grating) == name
