"""A campaign is worth something if it notices: a guard of the script is undone, and a violation follows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations import base_make_calibrations
from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.butler import archive, certification
from lsst.ts.calibrations.components import camera, ingest, ocps
from lsst.ts.calibrations.journal import facts, journal, summary
from lsst.ts.calibrations.run import (
    acquisition,
    calibration_run,
    context,
    jobs,
    processing,
    recovery,
    step_work,
)
from lsst.ts.calibrations.verification import Accepted, rule
from lsst.ts.calibrations.verification.seal import sealed
from lsst.ts.calibrations.workflow.workflow import Step, StepKind, Workflow
from lsst.ts.simulated_observatory.campaign.campaign import play
from lsst.ts.simulated_observatory.campaign.interruption import Act
from lsst.ts.simulated_observatory.campaign.matrix import matrix
from lsst.ts.simulated_observatory.campaign.runner import Workshop
from lsst.ts.simulated_observatory.campaign.scenario import draw_scenario

MOST = 30
"""Scenarios within which a violation must be found."""

Patch = pytest.MonkeyPatch


def exit_code_ignored(patch: Patch) -> None:
    run = ocps.OcpsClient.run

    async def always_zero(self: Any, *args: Any, **kwargs: Any) -> tuple[str, int]:
        job_id, _ = await run(self, *args, **kwargs)
        return job_id, 0

    patch.setattr(ocps.OcpsClient, "run", always_zero)


def completeness_ignored(patch: Patch) -> None:
    patch.setattr(rule, "_measurement_gaps", lambda *_: [])


def threshold_off_by_one(patch: Patch) -> None:
    fails = rule._fails
    patch.setattr(
        rule, "_fails", lambda failed, amplifiers, most, half: fails(failed, amplifiers, most + 1, half)
    )


def failed_exposures_off_by_one(patch: Patch) -> None:
    thresholds = rule._thresholds

    def one_more(*args: Any) -> dict[str, int]:
        found = thresholds(*args)
        return found | {rule._EXPOSURES: found[rule._EXPOSURES] + 1}

    patch.setattr(rule, "_thresholds", one_more)


def acceptance_forged(patch: Patch) -> None:
    def forge(self: Any, calibration: str) -> Accepted:
        return sealed(Accepted, combined=self.made[calibration])

    patch.setattr(step_work.StepWork, "_ground", forge)


def conflict_ignored(patch: Patch) -> None:
    certify = certification._certify

    def swallow(butler: Any, wish: Any) -> int:
        try:
            return certify(butler, wish)
        except Exception:
            return 1

    patch.setattr(certification, "_certify", swallow)


def half_a_set_certified(patch: Patch) -> None:
    certify = certification._certify

    def first_alone(butler: Any, wish: Any) -> int:
        found = certification._refs
        patch.setattr(certification, "_refs", lambda *args: set(sorted(found(*args))[:1]))
        return certify(butler, wish)

    patch.setattr(certification, "_certify", first_alone)


def halt_ignored(patch: Patch) -> None:
    patch.setattr(processing.Processing, "halted", lambda self: None)


def journal_kept_in_memory(patch: Patch) -> None:
    def append(self: Any, fact: Any) -> None:
        for listener in self._listeners:
            listener(fact)

    patch.setattr(journal.Journal, "append", append)


def abort_not_sent(patch: Patch) -> None:
    async def nothing(self: Any, *_: Any, **__: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(ocps.OcpsClient, "_abort", nothing)


def ingest_not_awaited(patch: Patch) -> None:
    async def at_once(self: Any, *_: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(ingest.IngestWatcher, "confirmed", at_once)


def status_of_ingest_ignored(patch: Patch) -> None:
    patch.setattr(
        ingest.IngestWatcher,
        "missing",
        lambda self, obs_id, names: {name: "" for name in names if name not in self._images[obs_id].codes},
    )


def one_detector_is_enough(patch: Patch) -> None:
    patch.setattr(
        ingest.IngestWatcher,
        "missing",
        lambda self, obs_id, names: {} if self._images[obs_id].codes else dict.fromkeys(names, "none"),
    )


def no_time_limit(patch: Patch) -> None:
    run = ocps.OcpsClient.run

    async def patiently(self: Any, *args: Any, **kwargs: Any) -> tuple[str, int]:
        return await run(self, *args, **{**kwargs, "timeout": 1e7})

    patch.setattr(ocps.OcpsClient, "run", patiently)


def results_of_others_accepted(patch: Patch) -> None:
    take = ocps.OcpsClient._take

    async def take_any(self: Any, data: Any) -> None:
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_result(data.exit_code)
        await take(self, data)

    patch.setattr(ocps.OcpsClient, "_take", take_any)


def types_confused(patch: Patch) -> None:
    note = acquisition.ExposureTaken
    patch.setattr(acquisition, "ExposureTaken", lambda **fields: note(**{**fields, "image_type": "BIAS"}))


def discards_forgotten(patch: Patch) -> None:
    note = acquisition.ExposureTaken
    patch.setattr(acquisition, "ExposureTaken", lambda **fields: note(**{**fields, "discarded": False}))


def ingests_taken_for_granted(patch: Patch) -> None:
    exposure = summary._exposure
    patch.setattr(summary, "_exposure", lambda each: exposure(each) | {"ingested": True})


def failures_forgotten(patch: Patch) -> None:
    patch.setattr(processing.Processing, "_note_not_done", lambda *_, **__: None)


def outcome_always_good(patch: Patch) -> None:
    patch.setattr(calibration_run.CalibrationRun, "_outcome", lambda *_: "all is well")


def steps_not_cancelled(patch: Patch) -> None:
    async def nothing(self: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(processing.Processing, "cancel", nothing)


def stop_waits_for_the_camera(patch: Patch) -> None:
    async def take_and_process(self: Any) -> Any:
        try:
            error = await self._take()
            await self.processing.finish()
        except BaseException:  # jobs are begun until then
            await self.processing.cancel()
            raise
        return error

    patch.setattr(calibration_run.CalibrationRun, "_take_and_process", take_and_process)


def verdict_noted_last(patch: Patch) -> None:
    note, held = context.RunContext.note, list[Any]()

    def hold(self: Any, fact: Any) -> None:
        if isinstance(fact, facts.VerdictGiven) and fact.passed and fact.generation_collection:
            held.append(fact)
            return
        note(self, fact)
        while isinstance(fact, facts.Certified) and held:
            note(self, held.pop())

    patch.setattr(context.RunContext, "note", hold)


def certified_elsewhere_too(patch: Patch) -> None:
    certify = certification._certify

    def twice(butler: Any, wish: Any) -> int:
        certify(butler, replace(wish, collection="LATISS/calib/other"))
        return certify(butler, wish)

    patch.setattr(certification, "_certify", twice)


def end_of_job_noted_last(patch: Patch) -> None:
    note, held = context.RunContext.note, list[Any]()

    def hold(self: Any, fact: Any) -> None:
        if isinstance(fact, facts.JobEnded):
            held.append(fact)
            return
        while isinstance(fact, facts.RunEnded) and held:
            note(self, held.pop())
        note(self, fact)

    patch.setattr(context.RunContext, "note", hold)


def all_given_up_as_lost(patch: Patch) -> None:
    async def nothing(self: Any, *_: Any) -> None:
        await asyncio.sleep(0)

    patch.setattr(recovery.Recovery, "_image", nothing)


def camera_asked_after_the_stop(patch: Patch) -> None:
    patch.setattr(camera.Camera, "asked", property(lambda self: 0.0, lambda self, value: None), raising=False)


def run_begun_after_its_stop(patch: Patch) -> None:
    patch.setattr(BaseMakeCalibrations, "do_stop", salobj.BaseScript.do_stop)


def resumed_stops(patch: Patch) -> None:
    run = calibration_run.CalibrationRun.run

    async def end(self: Any) -> str:
        if self.context.record.resumed:
            self.processing.give_up("the run was stopped before")
            raise asyncio.CancelledError
        return await run(self)

    patch.setattr(calibration_run.CalibrationRun, "run", end)


def _changed_summary(patch: Patch, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the summary before it is written."""
    make = summary.make_summary

    def changed(*args: Any, **kwargs: Any) -> dict[str, Any]:
        found = make(*args, **kwargs)
        change(found)
        return found

    patch.setattr(base_make_calibrations, "make_summary", changed)


def verdicts_embellished(patch: Patch) -> None:
    def embellish(found: dict[str, Any]) -> None:
        for verdict in found["verification"].values():
            verdict.update(passed=True, complete=True, failures={})

    _changed_summary(patch, embellish)


def exit_codes_embellished(patch: Patch) -> None:
    _changed_summary(patch, lambda found: [each.update(exit_code=0) for each in found["jobs"]])


def reason_left_out(patch: Patch) -> None:
    _changed_summary(patch, lambda found: found.update(reason=""))


def why_not_done_left_out(patch: Patch) -> None:
    _changed_summary(patch, lambda found: [each.update(reason="") for each in found["not_done"]])


def files_left_out(patch: Patch) -> None:
    _changed_summary(patch, lambda found: [each.update(files=[]) for each in found["exposures"]])


def certified_filed_elsewhere(patch: Patch) -> None:
    note = step_work.Certified
    patch.setattr(step_work, "Certified", lambda **fields: note(**{**fields, "collection": "elsewhere"}))


def validity_filed_wrongly(patch: Patch) -> None:
    note = step_work.Certified
    patch.setattr(
        step_work, "Certified", lambda **fields: note(**{**fields, "begin": "1999-01-01T00:00:00.000"})
    )


def failures_of_exposures_forgotten(patch: Patch) -> None:
    note = step_work.VerdictGiven
    patch.setattr(step_work, "VerdictGiven", lambda **fields: note(**{**fields, "failures": {}}))


def negative_verdict_told_last(patch: Patch) -> None:
    outcome = calibration_run.CalibrationRun._outcome
    patch.setattr(
        calibration_run.CalibrationRun,
        "_outcome",
        lambda self, error: "; ".join(reversed(outcome(self, error).split("; "))),
    )


def negative_verdict_not_told(patch: Patch) -> None:
    outcome = calibration_run.CalibrationRun._outcome

    def silent(self: Any, error: Any) -> str:
        if error is None and not self.context.record.not_done:
            self.processing.work.reports.clear()
        return outcome(self, error)

    patch.setattr(calibration_run.CalibrationRun, "_outcome", silent)


def own_calibrations_not_read(patch: Patch) -> None:
    inputs = step_work.StepWork._inputs

    def configured_alone(self: Any, step: Step) -> tuple[str, ...]:
        made = step.calibration in self.made
        return inputs(self, step) if made else step.configured_inputs

    patch.setattr(step_work.StepWork, "_inputs", configured_alone)


def all_detectors_asked_for(patch: Patch) -> None:
    query = jobs.data_query
    patch.setattr(
        jobs, "data_query", lambda instrument, _, exposures: query(instrument, (0, 1, 2), exposures)
    )


def halt_in_external_verification(patch: Patch) -> None:
    make = processing.make_workflow

    def halting(config: Any) -> Workflow:
        external = {step for step in make(config) if step.kind is StepKind.VERIFY and not step.needs}
        return Workflow(tuple(replace(step, halts=step in external or step.halts) for step in make(config)))

    patch.setattr(processing, "make_workflow", halting)


def stop_has_no_limit(patch: Patch) -> None:
    settle = acquisition._settle

    async def patiently(tasks: Any, limit: float | None) -> None:
        await settle(tasks, 3000.0)

    patch.setattr(acquisition, "_settle", patiently)


def gains_taken_for_one(patch: Patch) -> None:
    find = archive.pair_gains
    patch.setattr(archive, "pair_gains", lambda *args: [replace(each, gain=1.0) for each in find(*args)])


def one_gain_is_enough(patch: Patch) -> None:
    find = archive.pair_gains
    patch.setattr(archive, "pair_gains", lambda *args: find(*args)[:1])


@dataclass(frozen=True)
class Undone:
    """A guard, a fault by which its absence shows, and the invariant that notices."""

    undo: Callable[[Patch], None]
    focus: str
    invariant: str
    first: int = 0
    """Scenario to begin with: some take place at a moment that few scenarios meet."""


GUARDS = (
    Undone(exit_code_ignored, "ocps-exit", "verdicts-are-true"),
    Undone(completeness_ignored, "verify-nan", "verdicts-are-true"),
    Undone(threshold_off_by_one, "", "verdicts-are-true"),
    Undone(failed_exposures_off_by_one, "", "verdicts-are-true"),
    Undone(acceptance_forged, "", "certificates-are-earned"),
    Undone(verdict_noted_last, "", "certificates-are-earned"),
    Undone(certified_elsewhere_too, "", "certificates-are-earned"),
    Undone(end_of_job_noted_last, "", "facts-are-flushed"),
    Undone(all_given_up_as_lost, "interruption", "few-are-taken-again"),
    Undone(conflict_ignored, "butler-conflict", "certificates-are-earned"),
    Undone(half_a_set_certified, "oods-one-detector", "sets-are-whole"),
    Undone(halt_ignored, "ocps-exit", "data-taking-halts"),
    Undone(journal_kept_in_memory, "", "facts-are-flushed"),
    Undone(abort_not_sent, "interruption", "nothing-goes-on"),
    Undone(ingest_not_awaited, "oods-lost", "ingests-are-true"),
    Undone(status_of_ingest_ignored, "oods-status", "ingests-are-true"),
    Undone(one_detector_is_enough, "oods-one-detector", "ingests-are-true"),
    Undone(no_time_limit, "ocps-slow", "time-is-bounded"),
    Undone(results_of_others_accepted, "ocps-foreign", "reason-names-the-cause"),
    Undone(types_confused, "", "exposures-are-filed"),
    Undone(discards_forgotten, "", "exposures-are-filed"),
    Undone(ingests_taken_for_granted, "oods-lost", "ingests-are-true"),
    Undone(failures_forgotten, "ocps-refused", "done-means-done"),
    Undone(outcome_always_good, "camera-fault", "done-means-done"),
    Undone(steps_not_cancelled, "interruption", "nothing-goes-on"),
    Undone(stop_waits_for_the_camera, "interruption", "nothing-goes-on", first=20),
    Undone(camera_asked_after_the_stop, "interruption", "nothing-goes-on", first=225155668),
    Undone(run_begun_after_its_stop, "", "ends-agree", first=497023572),
    Undone(resumed_stops, "interruption", "done-means-done"),
    Undone(verdicts_embellished, "", "summary-is-true"),
    Undone(exit_codes_embellished, "ocps-exit", "summary-is-true"),
    Undone(reason_left_out, "", "summary-is-true"),
    Undone(why_not_done_left_out, "ocps-exit", "summary-is-true"),
    Undone(files_left_out, "", "summary-is-true"),
    Undone(certified_filed_elsewhere, "", "summary-is-true"),
    Undone(validity_filed_wrongly, "", "summary-is-true"),
    Undone(failures_of_exposures_forgotten, "", "summary-is-true"),
    Undone(negative_verdict_told_last, "", "negative-verdicts-come-first"),
    Undone(negative_verdict_not_told, "", "negative-verdicts-come-first"),
    Undone(own_calibrations_not_read, "", "jobs-read-their-own"),
    Undone(all_detectors_asked_for, "oods-one-detector", "jobs-read-their-own"),
    Undone(halt_in_external_verification, "ocps-exit", "data-taking-goes-on"),
    Undone(gains_taken_for_one, "", "gains-are-true"),
    Undone(one_gain_is_enough, "", "gains-are-true"),
    Undone(stop_has_no_limit, "oods-lost", "time-is-bounded", first=144),
)


@pytest.mark.long
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.undo.__name__)
def test_a_guard_that_is_undone_is_noticed(guard: Undone, workshop: Workshop, monkeypatch: Patch) -> None:
    guard.undo(monkeypatch)
    draw = partial(draw_scenario, focus=[guard.focus] if guard.focus else [])
    found: list[str] = []
    for seed in range(guard.first, guard.first + MOST):
        found += [invariant for invariant, _ in play(workshop, draw, seed).violations]
        if guard.invariant in found:
            return
    pytest.fail(f"it went unnoticed by {guard.invariant} in {MOST} scenarios; these noticed: {set(found)}")


@pytest.mark.long  # two runs without interruption, and twenty with one
def test_the_matrix_meets_the_moment_at_which_a_run_begins(workshop: Workshop, monkeypatch: Patch) -> None:
    stops = [
        each
        for each in matrix(workshop)
        if each.interruption is not None and each.interruption.state and each.interruption.act is Act.STOP
    ]
    run_begun_after_its_stop(monkeypatch)
    noticed = [bool(play(workshop, stops.__getitem__, number).violations) for number in range(len(stops))]
    assert True in noticed[1:-1]
    assert not noticed[0]
    assert not noticed[-1]
