"""What each kind of step does: generate, verify and certify a calibration, measure gains."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..butler.archive import Archive
from ..butler.certification import Certification, Certifier
from ..butler.exposures import check_exposures
from ..butler.pairgains import PairGain
from ..butler.pipeline_files import PipelineFiles
from ..components.ocps import OcpsClient
from ..config.config import CalibrationConfig
from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS, StepKind
from ..domain.errors import CertificationError, ProcessingError, VerificationIncomplete
from ..domain.exposure_times import flat_pairs
from ..domain.instruments import ImageType, Instrument
from ..domain.jobs import RUN_COLLECTION, JobRequest, data_query, pipetask_options
from ..domain.text import on_screen
from ..journal.facts import (
    CalibrationMade,
    Certified,
    CurvesMeasured,
    ExposuresLeftOut,
    GainsMeasured,
    OutcomesRead,
    VerdictGiven,
)
from ..report.gains import gain_line, gain_table
from ..report.verification import VerificationReport, fit
from ..verification import (
    MAX_FAILURES_BY_ITSELF,
    Accepted,
    CombinedCalibration,
    KnownBad,
    Waiver,
    judge,
    waive,
)
from ..workflow.workflow import Step
from .context import STOP_LIMIT, RunContext
from .jobs import run_job
from .pipeline_check import options_of

__all__ = ["StepWork"]

OPTION = "known_bad_amplifiers"
"""What says that an amplifier is bad, beside the calibrations in use."""

# Tests of a verification that are noted at most: 20 exposures of 9 detectors. Those of all types are written
# into the summary before a stopped run is STOPPED.
MOST_TESTS = 15_000


@dataclass(frozen=True)
class StepWork:
    """Does the work of single steps; what they need has been done before.

    What was made and how it was judged is kept for the steps that follow in this process, and not taken from
    the record: only verification can give a verdict that certification accepts, and none can be read from a
    file. A resumed run reads the results of its jobs again and judges them again.
    """

    context: RunContext
    """Journal, clock and log."""
    instrument: Instrument
    """Whose images are processed."""
    config: CalibrationConfig
    """What was asked for."""
    ocps: OcpsClient
    """What runs jobs."""
    archive: Archive
    """What holds their results."""
    certifier: Certifier
    """What certifies them."""
    pipelines: PipelineFiles
    """Which pipelines there are."""
    made: dict[str, CombinedCalibration] = field(default_factory=dict)
    """What was generated, by calibration."""
    reports: dict[str, VerificationReport] = field(default_factory=dict)
    """The verdicts with their collections, by calibration, in the order in which they were given."""

    @property
    def negative(self) -> list[str]:
        """One line for every verdict that is not positive."""
        lines = (report.negative_line for report in self.not_passed)
        return [line for line in lines if line is not None]

    @property
    def not_passed(self) -> list[VerificationReport]:
        """The verdicts that are not positive."""
        return [report for report in self.reports.values() if not report.verdict.passed]

    async def do(self, step: Step, images: Mapping[ImageType, Sequence[int]]) -> None:
        """Do a step; a `CalibrationError` says that it was not done.

        Parameters
        ----------
        step
            What is to be done.
        images
            Ids of the kept exposures by image type: those that the step needs are there.
        """
        exposures = {kind.value: tuple(images[kind]) for kind in step.images}
        match step.kind:
            case StepKind.GENERATE:
                await self._generate(step, exposures)
            case StepKind.VERIFY:
                await self._verify(step, exposures)
            case StepKind.CERTIFY:
                await self._certify(step.calibration)
            case StepKind.GAINS:
                await self._measure_gains(step, exposures[PAIR_GAINS.made_from])

    async def _run_job(self, step: Step, exposures: Sequence[int]) -> str:
        """Run the job of a step to success; return the collection of its results."""
        # What this run made and accepted comes before what was configured.
        runs = [self.made[name].run for name in step.inputs_of_run]
        pipeline = await asyncio.to_thread(self.pipelines.find, step.kind, step.calibration)
        options, notes = options_of(step, pipeline.isr_label)
        for note in notes:
            self.context.log.info("%s %s: %s.", step.kind, step.calibration, note)
        inputs = tuple(dict.fromkeys([*runs, *self._searched(step)]))
        request = JobRequest(
            step.kind,
            step.calibration,
            pipeline=pipeline.address,
            config=pipetask_options(inputs, self.config.n_processes, options),
            data_query=data_query(self.instrument, self.config.detectors, exposures),
        )
        if self.context.record.successful_job(request) is None:  # what was done before had its own
            check_exposures(await self.archive.exposures(exposures), self.context.record)
        return await run_job(request, self.context, self.ocps, self.config.job_timeout)

    def _searched(self, step: Step) -> tuple[str, ...]:
        """Collections in which the job of a step finds what it does not take from this run, in order."""
        certified = [self.config.calib_collection] if step.accepted_inputs else []
        return tuple(dict.fromkeys([*certified, *step.configured_inputs]))

    async def _generate(self, step: Step, exposures: Mapping[str, tuple[int, ...]]) -> None:
        """Make a calibration, and note which datasets it is.

        What is noted counts, also if that was before the run was resumed and others are there now.
        """
        ids = [exposure for each in exposures.values() for exposure in each]
        collection = await self._run_job(step, ids)
        made = CombinedCalibration(step.calibration, exposures, collection, ())
        if collection not in self.context.record.made:
            datasets, now = await self.certifier.made(made.dataset_type, made.run), self.context.now()
            if len(datasets) < (wanted := len(self.config.detectors)):
                there = f"a {made.dataset_type} of {len(datasets)} of {wanted} detectors is in {made.run}"
                raise ProcessingError(step.name, f"its results are not there: {there}")
            self.context.note(
                CalibrationMade(time=now, calibration=made.name, collection=collection, datasets=datasets)
            )
        datasets = self.context.record.made[collection].datasets
        used = await self._used(replace(made, datasets=datasets))
        self.made[step.calibration] = used
        if CALIBRATIONS[step.calibration].verified_by_itself:
            await self._note_curves(collection)

    async def _note_curves(self, collection: str) -> None:
        """Note the photon transfer curves that were made."""
        curves = tuple(await self.archive.curves(collection, self.config.detectors))
        if json.dumps(curves) != json.dumps(tuple(self.context.record.curves)):
            self.context.note(CurvesMeasured(time=self.context.now(), collection=collection, curves=curves))

    async def _used(self, made: CombinedCalibration) -> CombinedCalibration:
        """What was made, of the exposures that were used; those that were not are noted and told."""
        members = await self.archive.members(made.dataset_type, made.run, self.config.detectors)
        for exposure, reason in members.left_out.items():
            self.context.log.warning("%s: exposure %d is left out: %s.", made.name, exposure, reason)
        for exposure, reason in members.odd.items():
            self.context.log.warning("%s: exposure %d is used and odd: %s.", made.name, exposure, reason)
        if (members.left_out or members.odd) and made.collection not in self.context.record.left_out:
            left_out, odd = (
                {str(key): why for key, why in each.items()} for each in (members.left_out, members.odd)
            )
            now = self.context.now()
            self.context.note(
                ExposuresLeftOut(
                    time=now, calibration=made.name, collection=made.collection, left_out=left_out, odd=odd
                )
            )
        exposures = {
            kind: tuple(each for each in ids if each not in members.left_out)
            for kind, ids in made.exposures.items()
        }
        return replace(made, exposures=exposures, left_out=members.left_out, odd=members.odd)

    async def _verify(self, step: Step, exposures: Mapping[str, tuple[int, ...]]) -> None:
        """Verify images against a calibration, or a calibration by itself; note and report the verdict."""
        calibration, made = CALIBRATIONS[step.calibration], self.made.get(step.calibration)
        ids = exposures[calibration.verified_with] if made is None else made.verified_with
        collection = await self._run_job(step, ids)
        by_itself = made is not None and calibration.verified_by_itself
        known_bad = await self._known_bad(step, ids)
        results = await self.archive.verification(
            collection, step.calibration, None if by_itself else ids, self.config.detectors, known_bad
        )
        of_images = self.config.images[calibration.verified_with].threshold
        threshold = MAX_FAILURES_BY_ITSELF if by_itself else of_images
        most_bad = self.config.max_known_bad_amplifiers
        # In threads: with the hundreds of thousands of tests of a large camera, a stop would wait for each.
        verdict = await asyncio.to_thread(
            judge, results, max_failures_per_detector=threshold, max_known_bad=most_bad, combined=made
        )
        tests = await asyncio.to_thread(lambda: tuple(each.as_row() for each in results.tests))
        generation = None if made is None else made.collection
        report = VerificationReport(step.calibration, verdict, collection, generation, tests)
        text = await asyncio.to_thread(report.full_text)
        self._note_outcomes(report)
        self._note_verdict(report)
        path = str(self.context.add_to_report(text))
        self.reports[step.calibration] = report
        level = logging.INFO if verdict.passed and not verdict.failures else logging.WARNING
        if report.negative_line is not None:
            self.context.log.warning(report.negative_line, extra=on_screen(""))
        love_text, shown = await asyncio.to_thread(lambda: (report.love_text(path), report.on_screen))
        self.context.log.log(level, love_text, extra=on_screen(shown))
        if not verdict.complete:
            raise VerificationIncomplete(step.calibration, verdict.problems)

    async def _known_bad(self, step: Step, exposures: Sequence[int]) -> list[KnownBad]:
        """Amplifiers that the operator names, and those that the calibrations in use declare bad."""
        names = {self.instrument.detectors[each] for each in self.config.detectors}
        own = [RUN_COLLECTION.format(each) for each in self.context.record.made]
        declared = await self.archive.declared_bad.find(
            self._searched(step), exposures[0], self.config.detectors, own
        )
        option = [KnownBad(*each, OPTION) for each in self.config.known_bad_amplifiers if each[0] in names]
        return list({str(each): each for each in (*option, *declared)}.values())

    def _note_outcomes(self, report: VerificationReport) -> None:
        """Note what the tests came to, unless an earlier part of the run has read the same.

        Of too many those that failed are noted, and of too many of these those first that count.
        """
        tests, name = report.tests, report.calibration
        if len(tests) > MOST_TESTS:
            failed = (each for each in tests if not each["passed"])
            tests = sorted(failed, key=lambda each: not each["counted"])[:MOST_TESTS]
        if json.dumps(tests) != json.dumps(self.context.record.tests.get(name)):
            collection, now = report.verification_collection, self.context.now()
            self.context.note(
                OutcomesRead(time=now, calibration=name, collection=collection, tests=tuple(tests))
            )

    def _note_verdict(self, report: VerificationReport) -> None:
        """Note a verdict, unless an earlier part of the run came to the same one."""
        verdict = report.verdict
        given = VerdictGiven(
            time=self.context.now(),
            calibration=report.calibration,
            passed=verdict.passed,
            complete=verdict.complete,
            verification_collection=report.verification_collection,
            generation_collection=report.generation_collection,
            failures={str(each): dict(tests) for each, tests in verdict.failures.items()},
            thresholds=dict(verdict.thresholds),
            n_failed=verdict.n_failed,
            n_tests=verdict.n_tests,
            known_bad=tuple(each.as_row() for each in verdict.known_bad),
        )
        before = self.context.record.verdicts.get(given.calibration)
        if before is not None and replace(before, time=given.time) == given:
            return
        if before is not None:
            self.context.log.warning(
                "%s was judged again, and the verdict differs from the one before the run was resumed"
                " (passed: %s, now %s).",
                given.calibration,
                before.passed,
                given.passed,
            )
        self.context.note(given)

    async def _certify(self, calibration: str) -> None:
        """Certify a calibration that was accepted, or whose verification the operator waived."""
        request = Certification(
            ground=self._ground(calibration),
            detectors=self.config.detectors,
            collection=self.config.calib_collection,
            begin=self.config.certify_begin,
            end=self.config.certify_end,
        )
        certifying = asyncio.ensure_future(self._certify_and_note(calibration, request))
        try:
            await asyncio.shield(certifying)
        except asyncio.CancelledError:
            # A transaction that has begun is not to be stopped: what it did belongs into the journal.
            await asyncio.wait([certifying], timeout=STOP_LIMIT)
            if not certifying.done():
                certifying.cancel()
                self.context.log.warning(
                    "The Butler has not answered whether %s is certified in %s; a resumed run looks.",
                    calibration,
                    request.collection,
                )
            await asyncio.gather(certifying, return_exceptions=True)  # the stop comes first
            raise

    async def _certify_and_note(self, calibration: str, request: Certification) -> None:
        await self.certifier.certify(request)
        begin, end = (date.isoformat(timespec="milliseconds") for date in (request.begin, request.end))
        certified = Certified(
            time=self.context.now(),
            dataset_type=request.dataset_type,
            collection=request.collection,
            begin=begin,
            end=end,
            verified=request.verified,
            known_bad=self._left_out(calibration),
        )
        # After a run was resumed it may be certified, or even noted, already.
        if not any(replace(each, time=certified.time) == certified for each in self.context.record.certified):
            self.context.note(certified)
        self.context.log.info(
            "%s certified in %s, valid from %s to %s (TAI).", calibration, request.collection, begin, end
        )

    def _left_out(self, calibration: str) -> tuple[str, ...]:
        """Amplifiers that the verification of a calibration left out; none if it was not verified."""
        report = self.reports.get(calibration)
        return () if report is None else tuple(map(str, report.verdict.known_bad))

    def _ground(self, calibration: str) -> Accepted | Waiver:
        """The ground to certify what was made; only the operator may waive its verification."""
        made, report = self.made[calibration], self.reports.get(calibration)
        if self.config.waives_verification:
            self.context.log.warning("%s is certified UNVERIFIED: do_verify is false.", made.name)
            return waive(made, self.config)
        kept = f"It is kept in {made.collection}."
        if report is None or not report.verdict.passed:
            raise CertificationError(
                f"{made.name} calibration failed verification and will not be certified", kept=kept
            )
        try:
            accepted = report.verdict.accept()
        except ValueError as error:
            raise CertificationError(f"{made.name} will not be certified: {error}", kept=kept) from error
        if accepted.combined != made:
            raise CertificationError(f"{made.name} will not be certified: another was verified", kept=kept)
        return accepted

    async def _measure_gains(self, step: Step, flats: Sequence[int]) -> None:
        """Measure gains with every pair of flats; with a warning and nothing else if there is none."""
        pairs = self._pairs(flats)
        if not pairs:
            self.context.log.warning("No two flats have the same exposure time: no gain is measured.")
            return
        paired = [each for pair in pairs for each in pair]
        collection = await self._run_job(step, paired)
        measured = await self.archive.pair_gains(collection, pairs, self.config.detectors)
        curves = await self.archive.coefficients(collection, paired[0], self.config.detectors)
        gains = tuple(self._gain(each, curves.get((each.detector, each.amplifier))) for each in measured)
        # As text, in which also gains that are no numbers can be equal; tuples become lists in the journal.
        if json.dumps(gains) != json.dumps(self.context.record.gains):
            self.context.note(GainsMeasured(time=self.context.now(), gains=gains))
        exposures = self.context.record.exposures
        table = gain_table(gains, {each: exposures[each].taken.exp_time for each in paired})
        path = self.context.add_to_report(table)
        self.context.log.info(fit(table, f"All gains: {path}"), extra=on_screen(gain_line(gains)))

    def _pairs(self, flats: Sequence[int]) -> list[tuple[int, int]]:
        """Ids of the flats that the pipeline will pair, which does it in the order of their ids."""
        flats = sorted(flats)  # one that was taken again is later than its place among the images
        known = [self.context.record.exposures[each] for each in flats]
        found = flat_pairs([each.taken.exp_time for each in known], [each.physical_filter for each in known])
        return [(flats[first], flats[second]) for first, second in found.pairs]

    def _gain(self, measured: PairGain, curve: tuple[float, float] | None) -> Mapping[str, Any]:
        """As ``summary.json`` has it; `curve` is a00 and turnoff of the curve in use, if there is one."""
        values = {name: getattr(measured, name) for name in ("exposures", "detector", "amplifier", "gain")}
        a00, turnoff = curve or (None, math.inf)
        corrected = self.instrument.corrected_gain(measured.detector, measured.gain, measured.mean, a00)
        reason = measured.reason
        if measured.mean > turnoff:
            corrected, reason = (
                math.nan,
                reason or f"brighter than the turnoff of the ptc in use, {turnoff:.0f} adu",
            )
        elif not math.isfinite(corrected):
            reason = reason or (
                f"no correction for the brighter-fatter effect at {measured.mean:.0f} adu"
                if math.isfinite(measured.gain)
                else "not measured"
            )
        known = math.isfinite(measured.overscan_noise)
        noise = measured.overscan_noise * corrected if known else measured.noise
        return values | {"noise": noise, "gain_corrected": corrected, "reason": reason or None}
