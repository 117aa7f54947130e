"""Verification steps of a run: a job, its results, the verdict, the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..domain.errors import VerificationIncomplete
from ..journal.facts import VerdictGiven
from ..report.verification import VerificationReport
from ..verification import CombinedCalibration, Verdict, evaluate, evaluate_product, merge_exposures
from .context import RunContext

if TYPE_CHECKING:
    from ..butler.archive import Archive
    from ..config.config import CalibrationConfig
    from ..domain.instruments import Instrument
    from .jobs import Jobs

__all__ = ["Verifications"]


@dataclass
class Verifications:
    """Verifies and judges.

    Parameters
    ----------
    context
        Journal, clock and log.
    instrument, config
        What was asked for.
    jobs, archive
        What verifies, and what holds the results.
    """

    context: RunContext
    instrument: Instrument
    config: CalibrationConfig
    jobs: Jobs
    archive: Archive
    negative: list[str] = field(default_factory=list)
    """One line for every verdict that is not positive."""

    async def verify(
        self,
        calibration: str,
        exposures: Sequence[int],
        inputs: Sequence[str],
        *,
        threshold: int,
        combined: CombinedCalibration | None,
    ) -> Verdict:
        """Verify exposures against the calibrations of the input collections.

        Parameters
        ----------
        calibration
            Which verification.
        exposures
            Ids.
        inputs
            Input collections of the job.
        threshold
            How many amplifiers of a detector must fail a test for an exposure to fail.
        combined
            The calibration if this run made it.

        Raises
        ------
        ProcessingError
            The job failed.
        VerificationIncomplete
            Results are missing or contradict each other; the verdict was reported.
        """
        detectors = {number: self.instrument.detectors[number] for number in self.config.detectors}
        collection = await self.jobs.run("verify", calibration, exposures, inputs)
        results = await self.archive.verification(collection, calibration, exposures, detectors)
        names = tuple(detectors.values())
        verdict = evaluate(
            merge_exposures(results.by_exposure, detectors=names),
            exposures=exposures,
            detectors=names,
            amplifiers=self.instrument.amplifiers,
            max_failures_per_detector=threshold,
            measured=results.measured,
            combined=combined,
            tests_expected=True,
        )
        return self._told(calibration, verdict, collection)

    async def verify_product(self, combined: CombinedCalibration, inputs: Sequence[str]) -> Verdict:
        """Verify a calibration by itself; parameters and errors as for `verify`."""
        calibration = combined.name
        detectors = {number: self.instrument.detectors[number] for number in self.config.detectors}
        collection = await self.jobs.run("verify", calibration, combined.verified_with, inputs)
        verdict = evaluate_product(
            combined,
            await self.archive.products(collection, calibration, detectors),
            detectors=detectors.values(),
            amplifiers=self.instrument.amplifiers,
        )
        return self._told(calibration, verdict, collection)

    def _told(self, calibration: str, verdict: Verdict, collection: str) -> Verdict:
        """Write a verdict down, report it, and return it if it is complete."""
        generation = verdict.combined.collection if verdict.combined is not None else None
        report = VerificationReport(calibration, verdict, collection, generation)
        self._note(
            VerdictGiven(
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
            )
        )
        path = str(self.context.add_to_report(report.full_text()))
        if verdict.passed and not verdict.failures:
            self.context.log.info(report.short_text(path))
            return verdict
        if report.negative_line is not None:
            self.negative.append(report.negative_line)
            self.context.log.warning(report.negative_line)
        self.context.log.warning(report.love_text(path))
        if not verdict.complete:
            raise VerificationIncomplete(report.calibration, verdict.problems)
        return verdict

    def _note(self, given: VerdictGiven) -> None:
        """Note a verdict, unless an earlier part of the run came to the same one.

        A verdict of before is never trusted: the results were read and judged again.
        """
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
