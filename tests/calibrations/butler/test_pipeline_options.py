"""Options of the pipelines, compared with the pipelines themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsst.ts.calibrations.butler.pipeline_options import check_pipeline
from lsst.ts.simulated_observatory.pipelines import PIPELINES

FLAT = f"{PIPELINES}/cpFlat.yaml"
PAIRS = f"{PIPELINES}/cpPtc.yaml#generateGainFromFlatPair"


def the_problem(options: str, address: str = FLAT) -> str:
    ((problem,), remarks) = check_pipeline("config_options_flat", address, options)
    assert remarks == []
    return problem


@pytest.mark.parametrize(
    "options",
    [
        "",
        "-c isr:doDefect=False -c isr:doLinearize=False --config isr:doCrosstalk=False",
        "--config=isr:doDefect=False -cisr:doCrosstalk=False",
        "-c isr:overscan.fitType='MEDIAN_PER_ROW'",
    ],
)
def test_options_that_the_pipeline_has_are_no_problem(options: str) -> None:
    assert check_pipeline("config_options_flat", FLAT, options) == ([], [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            "-c isr:doDefct=False",
            "isr:doDefct=False: IsrConfig has no field doDefct; the nearest is doDefect",
        ),
        ("-cisr:doDefct=False", "has no field doDefct"),
        ("-c isr:overscan.fitTpe='MEDIAN'", "OverscanConfig has no field fitTpe; the nearest is fitType"),
        ("-c isr:doDefect=maybe", "Value maybe is of incorrect type str. Expected type bool"),
        ("-c isr:overscan.fitType='MEDAIN'", "Allowed values: [MEDIAN_PER_ROW"),
        ("-c irs:doDefect=False", "has no task irs, only cpFlatCombine, "),
        ("--config-file irs:file.py", "the nearest is isr"),
    ],
)
def test_what_the_pipeline_does_not_have_is_named_with_what_is_nearest(options: str, words: str) -> None:
    problem = the_problem(options)
    assert problem.startswith("config_options_flat: ")
    assert words in problem
    assert "\n" not in problem
    assert "site-packages" not in problem


def test_a_file_of_options_is_applied_where_it_can_be_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("config.doDefect = False\n")
    bad.write_text("config.doDefct = False\n")
    assert check_pipeline("config_options_flat", FLAT, f"-C isr:{good}") == ([], [])
    assert "doDefct" in the_problem(f"-C isr:{good} --config-file isr:{bad}")


@pytest.mark.parametrize("file", ["isr_overrides.py", "/no/such/file.py", "s3://bucket/file.py"])
def test_a_file_that_only_the_job_can_read_is_a_remark(file: str) -> None:
    problems, remarks = check_pipeline("config_options_flat", FLAT, f"-C isr:{file} -c isr:doDefect=False")
    assert (problems, len(remarks)) == ([], 1)
    assert f"-C isr:{file} is not checked" in remarks[0]


def test_all_problems_of_the_options_are_told() -> None:
    options = "-c isr:doDefct=False -c irs:doDefect=False -c isr:doBias=2"
    problems, _ = check_pipeline("config_options_flat", FLAT, options)
    assert len(problems) == 3


def test_an_option_of_a_task_that_a_part_of_the_pipeline_has_not_is_a_problem() -> None:
    assert "has no task cpPtcSolve" in the_problem("-c cpPtcSolve:ptcFitType='POLYNOMIAL'", PAIRS)


def test_a_pipeline_whose_import_is_missing_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "verifyBias.yaml"
    file.write_text(
        "description: none\nimports:\n  - location: $NO_SUCH_PACKAGE_DIR/pipelines/verifyBias.yaml\n"
    )
    assert "verifyBias.yaml cannot be read: " in the_problem("", str(file))


def test_tasks_that_cannot_be_imported_here_are_a_remark_yet_labels_are_checked(tmp_path: Path) -> None:
    """The OCPS runs the pipeline elsewhere, with a stack that this environment need not have."""
    file = tmp_path / "cpBias.yaml"
    file.write_text("description: bias\ntasks:\n  cpBiasIsr: no.such.package.IsrTask\n")
    problems, (remark,) = check_pipeline("config_options_bias", str(file), "-c cpBiasIsr:x=1 -c isr:x=1")
    assert [problem.partition(", only")[0] for problem in problems] == [
        f"config_options_bias: -c isr:x=1: {file} has no task isr"
    ]
    assert "is not checked further, as its tasks cannot be imported here" in remark
