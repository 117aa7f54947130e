"""Options written with the documented task label reach the task, whatever the pipeline calls it."""

import pytest

from lsst.ts.calibrations.butler.pipeline_files import _isr_label
from lsst.ts.calibrations.domain.calibrations import PAIR_GAINS, StepKind
from lsst.ts.calibrations.run.pipeline_check import options_of
from lsst.ts.calibrations.workflow.workflow import Step


def step(options: str, kind: StepKind = StepKind.GENERATE) -> Step:
    return Step(kind=kind, calibration="FLAT", images=(), options=options)


def test_the_documented_label_is_left_alone() -> None:
    assert options_of(step("-c isr:doDefect=False"), "isr") == ("-c isr:doDefect=False", [])


def test_the_present_label_takes_its_place_and_it_is_said() -> None:
    options, notes = options_of(
        step("-c isr:doDefect=False -c cpFlatMeasure:doVignette=False -c isr:overscan.fitType='MEDIAN'"),
        "cpFlatIsr",
    )
    assert options == (
        "-c cpFlatIsr:doDefect=False -c cpFlatMeasure:doVignette=False -c cpFlatIsr:overscan.fitType='MEDIAN'"
    )
    assert len(notes) == 2


@pytest.mark.parametrize("given", ["-c isr:doDefect=False", "--config isr:doDefect=False", "-C isr:isr.py"])
def test_without_such_a_task_the_option_is_left_out_and_it_is_said(given: str) -> None:
    options, notes = options_of(step(f"{given} -c cpMergeDefects:x=1"), None)
    assert options == "-c cpMergeDefects:x=1"
    assert notes == [f"{given} is left out: this pipeline has no task isr"]


def test_the_task_of_a_pipeline_is_found_if_there_is_just_one() -> None:
    assert _isr_label({"cpBiasIsr", "cpBiasCombine"}) == "cpBiasIsr"
    assert _isr_label({"isr", "cpExtract"}) == "isr"
    assert _isr_label({"cpMeasureDarkDefects", "cpMergeDefects"}) is None
    assert _isr_label({"oneIsr", "otherIsr"}) is None


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        ("--config=isr:doDefect=False", "--config"),
        ("-cisr:doDefect=False", "-c"),
        ("--config-file=isr:isr.py", "--config-file"),
        ("-Cisr:isr.py", "-C"),
    ],
)
def test_a_flag_may_be_joined_to_its_value(given: str, flag: str) -> None:
    value = given.removeprefix(flag).removeprefix("=")
    of_pipeline = value.replace("isr:", "cpBiasIsr:", 1)
    assert options_of(step(given), "cpBiasIsr")[0] == f"{flag} {of_pipeline}"
    assert options_of(step(given), None)[0] == ""
    unused = step(given.replace("isr:", "cpPtcSolve:", 1), StepKind.GAINS)
    assert options_of(unused, "isr") == ("", [])


def test_options_of_tasks_that_are_not_run_are_left_out() -> None:
    options = (
        "-c isr:doCrosstalk=False -c cpPtcSolve:ptcFitType=FULLCOVARIANCE -C cpPtcSolve:x.py -c cpExtract:n=1"
    )
    assert "cpPtcSolve" in PAIR_GAINS.tasks_left_out
    kept = "-c isr:doCrosstalk=False -c cpExtract:n=1"
    assert options_of(step(options, StepKind.GAINS), "isr") == (kept, [])
    assert options_of(step(options), "isr") == (options, [])
