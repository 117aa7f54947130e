"""The table of calibration types is whole, and in an order in which they can be made."""

from __future__ import annotations

import pytest

from lsst.ts.calibrations.domain.calibrations import (
    CALIBRATIONS,
    PAIR_GAINS,
    StepKind,
    pipeline_files,
    products,
    step_name,
)
from lsst.ts.calibrations.domain.instruments import ImageType


def test_each_type_comes_after_those_that_it_needs() -> None:
    made: list[str] = []
    for name, calibration in CALIBRATIONS.items():
        assert calibration.name == name
        assert set(calibration.needs) <= set(made)
        made.append(name)


def test_what_is_verified_with_images_is_made_from_these_images() -> None:
    for calibration in CALIBRATIONS.values():
        assert calibration.verified_with in calibration.made_from


def test_each_image_type_is_combined_into_a_calibration_of_its_own() -> None:
    combined = [each for each in CALIBRATIONS.values() if each.image_type is not None]
    assert [each.image_type for each in combined] == list(ImageType)
    assert all(each.made_from == (each.image_type,) and each.halts for each in combined)
    assert list(products()) == [each for each in CALIBRATIONS.values() if each.image_type is None]
    assert {"DEFECTS", "PTC"} <= {each.name for each in products()}
    assert not any(each.halts for each in products())


def test_options_and_datasets_are_named_after_the_calibration() -> None:
    dark = CALIBRATIONS["DARK"]
    assert dark.option_of("input_collections_verify") == "input_collections_verify_dark"
    assert (dark.dataset_type, dark.statistics_prefix) == ("dark", "verifyDark")


def test_the_present_name_of_a_pipeline_is_the_first() -> None:
    assert pipeline_files(StepKind.GENERATE, "DEFECTS") == ("cpDefects.yaml", "findDefects.yaml")
    assert pipeline_files(StepKind.VERIFY, "PTC") == ("verifyPtc.yaml",)
    assert pipeline_files(StepKind.GAINS, PAIR_GAINS.name)[0] == "cpPtc.yaml"
    with pytest.raises(KeyError):
        pipeline_files(StepKind.GENERATE, "FRINGE")


def test_a_step_is_named_after_its_kind_and_its_calibration() -> None:
    assert step_name(StepKind.VERIFY, "BIAS") == "verify BIAS"
    assert step_name(StepKind.GAINS, PAIR_GAINS.name) == "gains from flat pairs"
