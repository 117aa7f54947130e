"""What a run consists of follows from the configuration and the table of calibration types."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.workflow.workflow import Step, Workflow, make_workflow

INTERNAL = {"generate_calibrations": True, "calib_collection": "u/new"}


def workflow(**options: Any) -> Workflow:
    return make_workflow(CalibrationConfig.from_namespace(options, LATISS))


def named(steps: Workflow, name: str) -> Step:
    (found,) = (step for step in steps if step.name == name)
    return found


def test_the_daily_default_verifies_each_type_by_itself_and_measures_gains() -> None:
    steps = workflow()
    assert [step.name for step in steps] == [
        "verify BIAS",
        "verify DARK",
        "verify FLAT",
        "gains from flat pairs",
    ]
    assert all(not step.needs and not step.halts and not step.inputs_of_run for step in steps)
    assert steps.input_collections == {"LATISS/calib"}
    assert steps.dataset_types_to_certify == ()


def test_combined_calibrations_are_made_of_those_that_were_accepted_before() -> None:
    steps = workflow(**INTERNAL)
    flat = named(steps, "generate FLAT")
    assert [step.name for step in flat.needs] == ["certify BIAS", "certify DARK"]
    assert flat.inputs_of_run == ("DARK", "BIAS")
    verification = named(steps, "verify FLAT")
    assert verification.inputs_of_run == ("FLAT", "DARK", "BIAS")
    assert verification.accepted_inputs == ("DARK", "BIAS")
    assert steps.dataset_types_to_certify == ("bias", "dark", "flat")


def test_each_step_comes_after_those_that_it_needs() -> None:
    steps = workflow(
        **INTERNAL,
        do_defects=True,
        do_ptc=True,
        n_flat=6,
        exp_times_flat=[5, 5, 15, 15, 30, 30],
    )
    before: set[Step] = set()
    for step in steps:
        assert before.issuperset(step.needs)
        assert set(step.job_images) <= set(step.images)
        before.add(step)
    assert {step.calibration for step in steps if step.halts} == {"BIAS", "DARK", "FLAT"}


def test_what_is_not_verified_is_certified_when_it_was_made() -> None:
    steps = workflow(**INTERNAL, do_verify=False, script_mode="BIAS")
    assert [step.name for step in steps] == ["generate BIAS", "certify BIAS"]
    assert named(steps, "certify BIAS").needs == (named(steps, "generate BIAS"),)


@pytest.mark.parametrize("kind", list(StepKind))
def test_only_certifying_needs_no_job(kind: StepKind) -> None:
    steps = workflow(**INTERNAL, do_ptc=True, n_flat=6, exp_times_flat=[5, 5, 15, 15, 30, 30])
    assert all(bool(step.job_images) == (kind is not StepKind.CERTIFY) for step in steps if step.kind is kind)
    assert (StepKind.GAINS, "GAIN") in steps.jobs


def test_options_and_collections_of_a_step_are_those_of_its_calibration() -> None:
    steps = workflow(
        **INTERNAL,
        config_options_dark="-c isr:doDefect=False",
        input_collections_dark="u/a, u/b",
        input_collections_verify_dark="u/c",
    )
    making = named(steps, "generate DARK")
    assert (making.options, making.configured_inputs) == ("-c isr:doDefect=False", ("u/a", "u/b"))
    assert named(steps, "verify DARK").configured_inputs == ("u/c",)
    assert named(steps, "verify DARK").options == ""


def test_products_of_an_external_verification_need_images_alone() -> None:
    steps = workflow(do_defects=True)
    assert named(steps, "generate DEFECTS").needs == ()
    assert named(steps, "generate DEFECTS").job_images == (ImageType.DARK, ImageType.FLAT)
    assert named(steps, "verify DEFECTS").job_images == (ImageType.FLAT,)


ALL_TYPES = (ImageType.BIAS, ImageType.DARK, ImageType.FLAT)


@pytest.mark.parametrize(
    ("options", "references"),
    [
        ({}, ALL_TYPES),
        ({"script_mode": "BIAS_DARK", "n_dark": 5, "exp_times_dark": 30}, ALL_TYPES[:2]),
        ({"do_defects": True}, ALL_TYPES),
        ({"do_verify": False}, ()),
        (INTERNAL, ()),
        (INTERNAL | {"do_verify": False}, ()),
    ],
)
def test_only_what_the_run_does_not_make_is_looked_for_to_verify_against(
    options: dict[str, Any], references: tuple[ImageType, ...]
) -> None:
    assert workflow(**options).references == dict.fromkeys(references, ("LATISS/calib",))


@pytest.mark.parametrize("generate", [True, False])
@pytest.mark.parametrize("product", [True, False])
def test_the_workflow_certifies_what_the_configuration_has_made(generate: bool, product: bool) -> None:
    options = {"generate_calibrations": generate, "do_defects": product, "calib_collection": "u/new"}
    config = CalibrationConfig.from_namespace(options, LATISS)
    certified = [step.calibration for step in make_workflow(config) if step.kind is StepKind.CERTIFY]
    assert certified == list(config.calibrations_to_make)
    assert bool(certified) == (generate or product)


def test_the_kind_of_a_job_is_that_of_its_step() -> None:
    assert [kind for kind, _ in workflow().jobs][-2:] == [StepKind.VERIFY, StepKind.GAINS]
    assert StepKind.CERTIFY not in [kind for kind, _ in workflow(**INTERNAL).jobs]
