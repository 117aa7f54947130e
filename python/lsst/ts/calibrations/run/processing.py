"""What is made of the images: verification of each type, gains from pairs of flats."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.gain_report import gain_table, love_gain_table
from ..adapters.report import VerificationReport
from ..domain.camera import detector_model
from ..domain.errors import ProcessingError, VerificationIncomplete
from ..domain.exposure_times import flat_pairs
from ..domain.exposures import ImageType
from ..domain.gains import corrected_gain
from ..domain.jobs import JobRequest, data_query, gain_job, verification_job
from ..verification import evaluate, merge_exposures
from .context import RunContext
from .facts import GainsMeasured, JobEnded, JobSubmitted, StepNotDone, VerdictGiven
from .steps import Steps

if TYPE_CHECKING:
    from ..adapters.archive import Archive, PairGain
    from ..adapters.ocps import OcpsClient
    from ..domain.config import CalibrationConfig
    from ..domain.instruments import Instrument

__all__ = ["Processing"]

SIMULATED = "SIMULATED: the images of this report were made by the simulated observatory of ts_calibrations."
"""First line of the report of a simulated run."""


class Processing:
    """The steps that follow the images, each begun as soon as its images are confirmed.

    Parameters
    ----------
    context
        Journal, clock and log of the run.
    instrument, config
        What was asked for.
    ocps, archive
        What processes and what holds the results.
    """

    def __init__(
        self,
        context: RunContext,
        instrument: Instrument,
        config: CalibrationConfig,
        ocps: OcpsClient,
        archive: Archive,
    ) -> None:
        self.context = context
        self.instrument = instrument
        self.config = config
        self.ocps = ocps
        self.archive = archive
        self.steps = Steps(self._not_done)
        self.negative: list[str] = []
        """One line for every verification that did not pass."""
        self._handed_over: set[ImageType] = set()

    def hand_over(self, image_type: ImageType, exposures: Sequence[int]) -> None:
        """Begin what these exposures are for.

        Parameters
        ----------
        image_type
            Their type.
        exposures
            Ids of the kept exposures, all confirmed.
        """
        self._handed_over.add(image_type)
        for name, step in self._steps_of(image_type).items():
            self.steps.add(name, partial(step, tuple(exposures)))

    def give_up_missing(self) -> None:
        """Note the steps of image types that were never handed over: their images are not all there."""
        for image_type in self.config.image_types:
            if image_type in self._handed_over:
                continue
            for step in self._steps_of(image_type):
                self._not_done(step, f"the {image_type} images were not all taken and confirmed")

    def _steps_of(self, image_type: ImageType) -> dict[str, Callable[[Sequence[int]], Awaitable[None]]]:
        """What is to be done with the images of a type, by the name of the step."""
        steps: dict[str, Callable[[Sequence[int]], Awaitable[None]]] = {}
        if self.config.do_verify:
            steps[f"verify {image_type}"] = partial(self._verify, image_type)
        if image_type == ImageType.FLAT and self.config.do_gain_from_flat_pairs:
            steps["gains from flat pairs"] = self._measure_gains
        return steps

    def _not_done(self, step: str, reason: str) -> None:
        self.context.log.error("Not done: %s: %s.", step, reason)
        self.context.note(StepNotDone(time=self.context.now(), step=step, reason=reason))

    async def _verify(self, image_type: ImageType, exposures: Sequence[int]) -> None:
        """Verify one type against the calibrations of its input collections and judge it."""
        detectors = {number: self.instrument.detectors[number] for number in self.config.detectors}
        names = tuple(detectors.values())
        collection = await self._run_job(
            verification_job(
                image_type,
                inputs=self.config.images[image_type].verify_collections,
                processes=self.config.n_processes,
                query=data_query(self.instrument, self.config.detectors, exposures),
            )
        )
        results = await self.archive.verification(collection, image_type.value, exposures, detectors)
        verdict = evaluate(
            merge_exposures(results.by_exposure, detectors=names),
            exposures=exposures,
            detectors=names,
            amplifiers=self.instrument.amplifiers,
            max_failures_per_detector=self.config.images[image_type].threshold,
            measured=results.measured,
        )
        self._tell(VerificationReport(image_type.value, verdict, collection))
        if not verdict.complete:
            raise VerificationIncomplete(image_type.value, verdict.problems)

    def _tell(self, report: VerificationReport) -> None:
        """Write a verdict down and report it."""
        verdict = report.verdict
        self.context.note(
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
        path = str(self._add_to_report(report.full_text()))
        if verdict.passed and not verdict.failures:
            self.context.log.info(report.short_text(path))
            return
        if report.negative_line is not None:
            self.negative.append(report.negative_line)
            self.context.log.warning(report.negative_line)
        self.context.log.warning(report.love_text(path))

    def _add_to_report(self, text: str) -> Path:
        """Append a section to the report of the run and return its path."""
        settings = self.context.settings
        path = settings.folder / "report.txt"
        if settings.simulated and not path.exists():
            text = f"{SIMULATED}\n\n{text}"
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n\n")
        return path

    async def _measure_gains(self, exposures: Sequence[int]) -> None:
        """Measure and report the gain of every pair of flats."""
        times = [self.context.record.exposures[each].taken.exp_time for each in exposures]
        pairs = [(exposures[first], exposures[second]) for first, second in flat_pairs(times).pairs]
        if not pairs:
            self.context.log.warning("No two flats have the same exposure time: no gain is measured.")
            return
        paired = [each for pair in pairs for each in pair]
        collection = await self._run_job(
            gain_job(
                inputs=self.config.ptc.input_collections,
                processes=self.config.n_processes,
                options=self.config.ptc.config_options,
                query=data_query(self.instrument, self.config.detectors, paired),
            )
        )
        measured = await self.archive.pair_gains(collection, pairs, self.config.detectors)
        gains = tuple(self._gain(each) for each in measured)
        self.context.note(GainsMeasured(time=self.context.now(), gains=gains))
        path = self._add_to_report(gain_table(gains))
        self.context.log.info(love_gain_table(gains, str(path)))

    def _gain(self, measured: PairGain) -> Mapping[str, Any]:
        values = asdict(measured)
        mean = values.pop("mean")
        vendor = detector_model(self.instrument.name, measured.detector).vendor
        values["gain_corrected"] = corrected_gain(measured.gain, mean, vendor)
        return values

    async def _run_job(self, request: JobRequest) -> str:
        """Run a job to success and return the collection of its results.

        Raises
        ------
        ProcessingError
            It did not end with exit code 0.
        """
        submitted: list[str] = []

        def note_submitted(job_id: str) -> None:
            submitted.append(job_id)
            self._note_submitted(request, job_id)

        exit_code: int | None = None
        try:
            job_id, exit_code = await self.ocps.run(
                request, timeout=self.config.job_timeout, on_submitted=note_submitted
            )
        finally:
            if submitted:
                self.context.note(JobEnded(time=self.context.now(), job_id=submitted[0], exit_code=exit_code))
        log = str(self.context.settings.job_log(job_id))
        if exit_code != 0:
            raise ProcessingError(
                request.name, f"exit code {exit_code}", job_id=job_id, exit_code=exit_code, log=log
            )
        self.context.log.info("Job %s (%s) succeeded.", job_id, request.name)
        return _collection(job_id)

    def _note_submitted(self, request: JobRequest, job_id: str) -> None:
        log = str(self.context.settings.job_log(job_id))
        self.context.log.info("Job %s: %s. Its log: %s", job_id, request.name, log)
        self.context.note(
            JobSubmitted(
                time=self.context.now(),
                job_id=job_id,
                kind=request.kind,
                calibration=request.calibration,
                pipeline=request.pipeline,
                config=request.config,
                data_query=request.data_query,
                collection=_collection(job_id),
                log=log,
            )
        )


def _collection(job_id: str) -> str:
    """Collection in which the OCPS leaves the results of a job."""
    return f"u/ocps/{job_id}"
