"""What is done with the images: each step as soon as it can be, and no job forgotten."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import ProcessingError
from lsst.ts.calibrations.domain.instruments import ImageType
from lsst.ts.calibrations.journal.facts import (
    GainsMeasured,
    JobEnded,
    JobSubmitted,
    StepNotDone,
    VerdictGiven,
)
from lsst.ts.calibrations.run.context import RunContext
from lsst.ts.calibrations.run.processing import Processing
from lsst.ts.calibrations.workflow.workflow import Step, Workflow
from lsst.ts.simulated_observatory import clock

from .doubles import (
    EXPOSURES,
    HALF,
    INTERNAL,
    MakeRun,
    ScriptedArchive,
    ScriptedOcps,
    begin,
    make_processing,
)


@pytest.mark.parametrize("kind", list(ImageType))
def test_each_type_is_verified_against_the_calibrations_of_its_own_collections(
    make_run: MakeRun, kind: ImageType
) -> None:
    option = f"input_collections_verify_{kind.lower()}"
    case = make_run(do_gain_from_flat_pairs=False, n_processes=3, **{option: "u/mine, LATISS/calib"})
    case.hand_over(kind)
    (request,) = case.ocps.requests
    assert (request.kind, request.calibration) == ("verify", kind)
    assert request.pipeline.endswith(f"/verify{kind.capitalize()}.yaml")
    assert request.config.startswith("-j 3 -i u/mine,LATISS/calib ")
    assert request.data_query == (
        f"instrument='LATISS' AND detector IN (0) AND exposure IN ({', '.join(map(str, EXPOSURES))})"
    )


def test_a_job_with_the_id_of_an_earlier_one_is_not_taken_for_it(make_run: MakeRun) -> None:
    ocps = ScriptedOcps()
    ocps.job_id = "same"
    case = make_run(ocps, do_gain_from_flat_pairs=False)
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    (submitted,) = case.of(JobSubmitted)
    assert submitted.calibration == "BIAS"
    assert len(case.of(JobEnded)) == 1
    assert "the id of an earlier job, same" in case.not_done["verify DARK"]


def test_a_job_is_in_the_journal_when_it_is_submitted_and_when_it_ends(make_run: MakeRun) -> None:
    case = make_run(job_timeout=777)
    case.hand_over(ImageType.BIAS)
    (submitted,), (ended,) = case.of(JobSubmitted), case.of(JobEnded)
    assert (submitted.job_id, submitted.kind, submitted.calibration) == ("job1", "verify", "BIAS")
    assert submitted.log == str(case.context.settings.folder / "uws" / "job1" / "outs" / "ocps.log")
    assert submitted.collection == "u/ocps/job1"
    assert (ended.job_id, ended.exit_code, ended.time - submitted.time) == ("job1", 0, 60.0)
    assert case.ocps.timeouts == [777.0]


def test_good_results_are_a_positive_verdict_and_no_warning(make_run: MakeRun, caplog: Any) -> None:
    case = make_run()
    with caplog.at_level(logging.INFO):
        processing = case.hand_over(ImageType.DARK)
    (verdict,) = case.of(VerdictGiven)
    assert (verdict.calibration, verdict.passed, verdict.complete, verdict.failures) == (
        "DARK",
        True,
        True,
        {},
    )
    assert (verdict.n_failed, verdict.n_tests) == (0, 4 * 16 * 2)
    assert (verdict.verification_collection, verdict.generation_collection) == ("u/ocps/job1", None)
    assert processing.work.negative == []
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "DARK calibration passed" in caplog.text


def test_a_negative_verdict_is_a_result_with_a_line_to_look_for(make_run: MakeRun, caplog: Any) -> None:
    case = make_run(archive=ScriptedArchive(HALF))
    with caplog.at_level(logging.WARNING):
        processing = case.hand_over(ImageType.BIAS)
    (verdict,) = case.of(VerdictGiven)
    assert (verdict.passed, verdict.complete) == (False, True)
    assert verdict.failures == {str(each): {"NOISE": 8} for each in EXPOSURES}
    assert case.not_done == {}
    assert caplog.records[0].message.startswith("CALIBRATION VERIFICATION NEGATIVE: BIAS failed")
    assert len(processing.work.negative) == 1
    assert "BIAS calibration failed verification" in (case.context.settings.folder / "report.txt").read_text()


def test_the_threshold_of_the_type_decides(make_run: MakeRun) -> None:
    case = make_run(
        archive=ScriptedArchive(HALF),
        number_verification_tests_threshold_dark=9,
    )
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    assert {fact.calibration: fact.passed for fact in case.of(VerdictGiven)} == {"BIAS": False, "DARK": True}


def test_a_pass_with_failed_tests_is_a_warning_that_names_them(make_run: MakeRun, caplog: Any) -> None:
    case = make_run(archive=ScriptedArchive({"C05": ["NOISE"]}))
    with caplog.at_level(logging.WARNING):
        processing = case.hand_over(ImageType.BIAS)
    assert case.of(VerdictGiven)[0].passed
    assert processing.work.negative == []
    assert "RXX_S00 C05 NOISE" in caplog.text


def test_a_verification_without_all_results_is_not_done(make_run: MakeRun) -> None:
    case = make_run(archive=ScriptedArchive(without=[EXPOSURES[2]]))
    processing = case.hand_over(ImageType.FLAT)
    (verdict,) = case.of(VerdictGiven)
    assert (verdict.passed, verdict.complete) == (False, False)
    assert list(case.not_done) == ["verify FLAT"]
    assert f"exposure {EXPOSURES[2]}: it has no result" in case.not_done["verify FLAT"]
    assert len(processing.work.negative) == 1


def test_a_failed_job_is_not_done_and_its_log_is_named(make_run: MakeRun, context: RunContext) -> None:
    log = context.settings.job_log("job2")
    log.parent.mkdir(parents=True)
    log.write_text("Traceback (most recent call last):\n  File 'isr.py', line 1\nlsst.NoFlatError: none\n")
    case = make_run(ocps=ScriptedOcps({"verify DARK": 3}))
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    assert case.not_done == {
        "verify DARK": f"exit code 3, NoFlatError: none (job job2, its log: {log})",
    }
    assert {fact.job_id: fact.exit_code for fact in case.of(JobEnded)} == {"job1": 0, "job2": 3}
    assert [fact.calibration for fact in case.of(VerdictGiven)] == ["BIAS"]


def test_a_job_whose_end_never_became_known_has_no_exit_code(make_run: MakeRun) -> None:
    case = make_run(
        ocps=ScriptedOcps({"verify BIAS": ProcessingError("verify BIAS", "it did not end", job_id="job1")})
    )
    case.hand_over(ImageType.BIAS)
    assert [(fact.job_id, fact.exit_code) for fact in case.of(JobEnded)] == [("job1", None)]
    assert "it did not end" in case.not_done["verify BIAS"]


def test_a_refused_job_is_not_done_and_was_never_submitted(make_run: MakeRun) -> None:
    case = make_run(
        ocps=ScriptedOcps({"verify BIAS": ProcessingError("verify BIAS", "the OCPS refused it: DISABLED")})
    )
    case.hand_over(ImageType.BIAS)
    assert (case.of(JobSubmitted), case.of(JobEnded)) == ([], [])
    assert "refused it: DISABLED" in case.not_done["verify BIAS"]


def test_nothing_is_verified_or_measured_that_was_not_asked_for(make_run: MakeRun) -> None:
    case = make_run(do_verify=False, do_gain_from_flat_pairs=False)
    case.hand_over(ImageType.BIAS, ImageType.FLAT)
    assert case.ocps.requests == []


def test_steps_whose_images_never_came_are_named(make_run: MakeRun) -> None:
    case = make_run()

    async def act(processing: Processing) -> None:
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        processing.give_up_missing()

    case.run(act)
    assert list(case.not_done) == ["verify DARK", "verify FLAT", "gains from flat pairs"]
    assert case.not_done["verify DARK"] == "not all DARK images were taken and confirmed"
    assert [fact.calibration for fact in case.of(VerdictGiven)] == ["BIAS"]


def test_a_stop_aborts_the_jobs_and_their_end_is_in_the_journal(make_run: MakeRun) -> None:
    case = make_run()

    async def main() -> None:
        processing = make_processing(case.context, case.config, case.ocps, case.archive)
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        await asyncio.sleep(10)
        await processing.cancel()

    clock.run(main)
    assert case.ocps.aborted == ["job1"]
    assert [(fact.job_id, fact.exit_code) for fact in case.of(JobEnded)] == [("job1", None)]
    assert case.not_done == {}


def test_the_report_holds_every_verdict_once(make_run: MakeRun) -> None:
    case = make_run()
    case.hand_over(ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    report = Path(case.context.settings.folder / "report.txt").read_text()
    for kind in ("BIAS", "DARK", "FLAT"):
        assert report.count(f"{kind} calibration passed the overall verification criteria") == 1
    assert report.count("Mean gain [electron/adu]") == 1


@pytest.mark.parametrize("simulated", [True, False])
def test_the_report_of_a_simulated_run_says_so_once(make_run: MakeRun, simulated: bool) -> None:
    case = make_run()
    case.context.settings = replace(case.context.settings, simulated=simulated)
    case.hand_over(ImageType.BIAS, ImageType.DARK)
    report = (case.context.settings.folder / "report.txt").read_text()
    assert report.startswith("SIMULATED") is simulated
    assert report.count("SIMULATED") == int(simulated)


def test_what_has_succeeded_is_not_submitted_again_but_judged_again(make_run: MakeRun, caplog: Any) -> None:
    case = make_run()
    case.hand_over(ImageType.FLAT)
    before, read = list(case.facts), len(case.archive.read)
    with caplog.at_level(logging.INFO):
        case.run(lambda processing: begin(processing, ImageType.FLAT))
    assert len(case.ocps.requests) == 2
    assert case.facts == before
    assert len(case.archive.read) == 2 * read
    assert "Job job1 (verify FLAT) had succeeded" in caplog.text
    report = (case.context.settings.folder / "report.txt").read_text()
    assert report.count("FLAT calibration passed") == 1


def test_a_job_that_failed_is_submitted_again(make_run: MakeRun) -> None:
    case = make_run(ocps=ScriptedOcps({"verify BIAS": 3}))
    case.hand_over(ImageType.BIAS)
    case.ocps.outcomes = {}
    case.run(lambda processing: begin(processing, ImageType.BIAS))
    assert [request.name for request in case.ocps.requests] == ["verify BIAS"] * 2
    assert case.of(VerdictGiven)[-1].passed


def test_a_verdict_that_differs_from_the_one_of_before_is_told(make_run: MakeRun, caplog: Any) -> None:
    case = make_run()
    case.hand_over(ImageType.BIAS)
    case.archive.failing = HALF
    with caplog.at_level(logging.WARNING):
        processing = case.run(lambda processing: begin(processing, ImageType.BIAS))
    assert [fact.passed for fact in case.of(VerdictGiven)] == [True, False]
    assert "BIAS was judged again, and the verdict differs" in caplog.text
    assert len(processing.work.negative) == 1


def test_an_external_verification_never_halts_data_taking(make_run: MakeRun) -> None:
    case = make_run(archive=ScriptedArchive(without=[EXPOSURES[0]]))
    assert case.hand_over(ImageType.BIAS).halted() is None


def test_a_failure_takes_along_what_needs_it_and_nothing_else(make_run: MakeRun) -> None:
    case = make_run(ScriptedOcps({"generate BIAS": 1}), **INTERNAL | {"do_gain_from_flat_pairs": True})
    case.hand_over(ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    assert [request.name for request in case.ocps.requests] == ["generate BIAS", "gains from flat pairs"]
    assert case.not_done["verify BIAS"] == "it needs 'generate BIAS', which was not done"
    assert case.not_done["generate FLAT"] == "it needs 'certify BIAS', which was not done"
    assert {fact.step: fact.follows for fact in case.of(StepNotDone)}["generate BIAS"] is False
    assert len(case.of(GainsMeasured)) == 1


@pytest.mark.parametrize("slow", ["verify BIAS", "verify DARK"])
def test_a_step_waits_for_all_that_it_needs(make_run: MakeRun, slow: str) -> None:
    case = make_run()
    case.ocps.seconds[slow] = 300.0
    kinds = (ImageType.BIAS, ImageType.DARK)
    needs = tuple(verification_of(kind) for kind in kinds)

    async def act(processing: Processing) -> None:
        processing.workflow = Workflow((*needs, verification_of(ImageType.FLAT, needs)))
        for kind in (*kinds, ImageType.FLAT):
            processing.hand_over(kind, EXPOSURES)

    case.run(act)
    begun = {fact.calibration: fact.time for fact in case.of(JobSubmitted)}
    assert begun["BIAS"] == begun["DARK"]
    assert begun["FLAT"] - begun["BIAS"] == 300.0
    assert case.not_done == {}


def verification_of(kind: ImageType, needs: tuple[Step, ...] = ()) -> Step:
    return Step(kind=StepKind.VERIFY, calibration=kind.value, images=(kind,), job_images=(kind,), needs=needs)


def test_a_fault_of_the_program_is_not_taken_for_a_failed_step(make_run: MakeRun) -> None:
    case = make_run(ScriptedOcps({"verify BIAS": ZeroDivisionError()}))
    with pytest.raises(ZeroDivisionError):
        case.hand_over(ImageType.BIAS)
    assert case.not_done == {}


def test_steps_that_are_added_after_a_stop_do_not_begin(make_run: MakeRun) -> None:
    case = make_run()

    async def act(processing: Processing) -> None:
        await processing.cancel()
        processing.hand_over(ImageType.BIAS, EXPOSURES)
        await asyncio.sleep(100)
        processing.give_up("the run was stopped before")

    with pytest.raises(asyncio.CancelledError):
        case.run(act)
    assert case.ocps.requests == []
    assert case.not_done["verify BIAS"] == "the run was stopped before"
