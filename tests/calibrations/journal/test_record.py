"""What the record tells of jobs and steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.instruments import ImageType
from lsst.ts.calibrations.domain.jobs import JobRequest
from lsst.ts.calibrations.journal.facts import (
    CalibrationMade,
    Certified,
    GainsMeasured,
    JobEnded,
    JobSubmitted,
)
from lsst.ts.calibrations.journal.record import FORMER_PIPELINES, RunRecord
from lsst.ts.calibrations.workflow.workflow import Step
from lsst.ts.simulated_observatory.pipelines import PIPELINES

REQUEST = JobRequest(
    StepKind.GAINS,
    "GAIN",
    pipeline=f"{PIPELINES}/cpPtc.yaml#gains",
    config="-j 8",
    data_query="detector IN (0)",
)


def record(pipeline: str, exit_code: int | None = 0) -> RunRecord:
    """The record of one job."""
    made = RunRecord()
    submitted = JobSubmitted(
        time=1.0,
        job_id="a",
        kind="gain",
        calibration="GAIN",
        pipeline=pipeline,
        config="-j 8",
        data_query="detector IN (0)",
        collection="u/ocps/a",
        log="a/ocps.log",
    )
    for fact in (submitted, JobEnded(time=2.0, job_id="a", exit_code=exit_code)):
        made.apply(fact)
    return made


@pytest.mark.parametrize("folder", [PIPELINES, FORMER_PIPELINES])
def test_a_job_that_succeeded_is_found_also_if_its_pipeline_was_moved_since(folder: str) -> None:
    found = record(f"{folder}/cpPtc.yaml#gains").successful_job(REQUEST)
    assert found is not None
    assert found.submitted.job_id == "a"


@pytest.mark.parametrize("pipeline", ["cpPtc.yaml#other", "cpFlat.yaml#gains", "old/cpPtc.yaml#gains"])
def test_another_pipeline_is_another_job(pipeline: str) -> None:
    assert record(f"{FORMER_PIPELINES}/{pipeline}").successful_job(REQUEST) is None


def test_a_pipeline_of_another_package_is_none_of_those_that_were_moved() -> None:
    former = record(f"{FORMER_PIPELINES}/cpPtc.yaml#gains")
    for folder in ("resource://elsewhere.pipelines", "/home/me/pipelines"):
        present = replace(REQUEST, pipeline=f"{folder}/cpPtc.yaml#gains")
        assert former.successful_job(present) is None


def test_a_pipeline_of_cp_pipe_is_none_of_those_that_were_moved() -> None:
    present = replace(REQUEST, pipeline="${CP_PIPE_DIR}/pipelines/cpPtc.yaml#gains")
    assert record(f"{FORMER_PIPELINES}/cpPtc.yaml#gains").successful_job(present) is None
    assert record(present.pipeline).successful_job(present) is not None


@pytest.mark.parametrize("change", [{"config": "-j 4"}, {"data_query": "detector IN (1)"}])
def test_other_words_are_another_job(change: dict[str, str]) -> None:
    assert record(REQUEST.pipeline).successful_job(replace(REQUEST, **change)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("exit_code", [1, None])
def test_a_job_that_failed_is_not_done(exit_code: int | None) -> None:
    assert record(REQUEST.pipeline, exit_code).successful_job(REQUEST) is None


def test_a_step_is_done_when_the_record_has_what_came_of_it() -> None:
    made = RunRecord()
    steps = {kind: Step(kind=kind, calibration="BIAS", images=(ImageType.BIAS,)) for kind in StepKind}
    assert not any(made.is_done(step) for step in steps.values())
    made.apply(CalibrationMade(time=1.0, calibration="BIAS", collection="u/ocps/a", datasets=("id",)))
    assert made.is_done(steps[StepKind.GENERATE])
    begin, end = "2025-01-15T00:00:00.000", "2025-01-16T00:00:00.000"
    made.apply(
        Certified(time=2.0, dataset_type="bias", collection="u/new", begin=begin, end=end, verified=True)
    )
    assert made.is_done(steps[StepKind.CERTIFY])
    made.apply(GainsMeasured(time=3.0, gains=({"gain": 1.0},)))
    assert made.is_done(steps[StepKind.GAINS])
    assert not made.is_done(steps[StepKind.VERIFY])
