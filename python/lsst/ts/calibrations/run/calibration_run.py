"""A run from preflight to outcome."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial

from ..butler.archive import Archive
from ..butler.certification import Certifier, PlannedCertification
from ..butler.pipeline_files import PipelineFiles
from ..butler.repository import Repository
from ..components.clients import Clients
from ..components.component_watch import ComponentWatch
from ..config.config import CalibrationConfig
from ..domain.calibrations import StepKind, step_name
from ..domain.errors import AcquisitionHalted, CalibrationError, PreflightError
from ..domain.instruments import ImageType, Instrument
from ..domain.jobs import RUN_COLLECTION
from ..journal.journal import JournalError
from ..workflow.plan import Plan
from ..workflow.workflow import make_workflow
from .acquisition import Acquisition
from .context import RunContext
from .filter_and_grating import FilterAndGrating, References
from .pipeline_check import PipelineCheck
from .preflight import Preflight
from .processing import Processing
from .recovery import Recovery
from .step_work import StepWork

__all__ = ["CalibrationRun"]


class CalibrationRun:
    """One run of a calibration script.

    Parameters
    ----------
    context, clients
        Journal, clock and log, and the connections to the components.
    instrument, config, plan
        What was asked for.
    checkpoint, group_id
        As for `Acquisition`.
    """

    def __init__(
        self,
        context: RunContext,
        instrument: Instrument,
        config: CalibrationConfig,
        plan: Plan,
        clients: Clients,
        *,
        checkpoint: Callable[[str], Awaitable[None]],
        group_id: Callable[[], str],
    ) -> None:
        self.context = context
        self.config = config
        self.plan = plan
        self.repository = Repository(config.repo, context.settings.open_butler)
        archive = Archive(self.repository, instrument)
        certifier = Certifier(self.repository, instrument.name)
        self.pipelines = PipelineFiles(instrument, context.settings.pipelines)
        self.workflow = make_workflow(config)
        self.work = StepWork(context, instrument, config, clients.ocps, archive, certifier, self.pipelines)
        self.processing = Processing(context, self.workflow, self.work)
        references = References(self.workflow.references, config.detectors, archive, context.now)
        self.filter_and_grating = FilterAndGrating(
            config.filter, config.grating, clients.camera, references, context.log
        )
        pipelines = PipelineCheck(self.pipelines, self.workflow, context.log)
        checks = [self.filter_and_grating.problems, references.problems, pipelines.problems]
        if self._is_left(ImageType.FLAT):
            checks.append(partial(clients.telescope_problems, config.ignore))
        self.preflight = Preflight(instrument, clients.remotes, archive, certifier, self.pipelines, checks)
        detectors = {number: instrument.detectors[number] for number in config.detectors}
        self.components = ComponentWatch(clients.remotes, context.now, context.log)
        self.recovery = Recovery(context, clients, archive, detectors, config.oods_timeout)
        self.acquisition = Acquisition(
            context=context,
            camera=clients.camera,
            ingest=clients.ingest,
            archive=archive,
            processing=self.processing,
            detectors=detectors,
            annotations=config.annotations,
            oods_timeout=config.oods_timeout,
            wait_between_exposures=config.wait_between_exposures,
            checkpoint=checkpoint,
            group_id=group_id,
        )

    async def run(self) -> str:
        """Run; return the outcome in words for the operator: negative verdicts first.

        Raises
        ------
        CalibrationError
            The run ended early, or something that was asked for was not done; it names components that were
            silent or not ENABLED.
        """
        watching = asyncio.ensure_future(self.components.watch())
        try:
            return await self._run()
        except PreflightError:  # which has looked at the components itself
            raise
        except CalibrationError as error:
            if not (outages := self.components.outages):
                raise
            happened = "; ".join([*outages, error.happened])
            raise CalibrationError(happened, kept=error.kept, advice=error.advice) from error
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _run(self) -> str:
        try:
            if (remark := self.pipelines.remark) is not None:
                self.context.log.info(remark)
            await self.preflight.check(
                self.workflow,
                certification=await self._certification(),
                folder=self.context.settings.folder,
                resumed=self.context.record.resumed,
            )
            if self.context.record.resumed:
                await self.recovery.run(self._needed())
            if any(map(self._is_left, self.config.images)):
                await self.filter_and_grating.set_up()
                await self.recovery.compare(flats=self._is_left(ImageType.FLAT))
            error = await self._take_and_process()
        except BaseException as end:
            self._name_what_is_left(end)
            if isinstance(end, PreflightError) and self.context.record.has_begun:
                raise PreflightError(end.problems, resumed=True, lasting=end.lasting) from None
            raise
        finally:
            self.repository.close()
        return self._outcome(error)

    def _name_what_is_left(self, end: BaseException) -> None:
        """Note the steps that an early end leaves undone; a disk that takes nothing more hides no cause."""
        if isinstance(end, asyncio.CancelledError):
            reason = "the run was stopped before"
        elif isinstance(end, PreflightError):
            reason = "the check before the first exposure found problems"
        else:
            reason = "the run failed before"
        with contextlib.suppress(JournalError):
            self.processing.give_up(reason, end.lasting if isinstance(end, PreflightError) else "")

    def _needed(self) -> set[ImageType]:
        """Types of images of which not all that they are for is done; those for nothing are the product."""
        record, needed = self.context.record, set(self.config.images)
        for kind in self.config.images:
            steps = [step for step in self.workflow if kind in step.images]
            if steps and all(map(record.is_done, steps)):
                needed.discard(kind)
        return needed

    def _is_left(self, image_type: ImageType) -> bool:
        """Whether images of a type are still to be taken: always if any are, unless the run was resumed."""
        if image_type not in self.config.images:
            return False
        held = self.context.record.held(image_type.value)
        return len(held) < len(self.config.images[image_type].exposure_times)

    async def _certification(self) -> PlannedCertification | None:
        """What is going to be certified, where and for when; None if nothing is."""
        config, dataset_types = self.config, self.workflow.dataset_types_to_certify
        if not dataset_types:
            return None
        flats = ImageType.FLAT.lower() in dataset_types
        return PlannedCertification(
            dataset_types=dataset_types,
            physical_filter=await self.filter_and_grating.physical_filter() if flats else None,
            detectors=config.detectors,
            collection=config.calib_collection,
            begin=config.certify_begin,
            end=config.certify_end,
            own=tuple(
                RUN_COLLECTION.format(job.submitted.collection)
                for job in self.context.record.jobs.values()
                if job.submitted.kind == StepKind.GENERATE
            ),
        )

    async def _take_and_process(self) -> CalibrationError | None:
        """Take the images while what is complete is processed; return what ended data taking early.

        A failure of the camera ends data taking, yet what was handed over is processed to its end; a stop
        ends both.
        """
        taking = asyncio.ensure_future(self._take())
        try:
            error = await asyncio.shield(taking)
            await self.processing.finish()
        except BaseException:  # a stop, a full disk, a fault of this program
            # At once, and not when the camera has ended what it has begun: until then jobs would be begun.
            taking.cancel()
            await asyncio.gather(taking, self.processing.cancel(), return_exceptions=True)
            raise
        return error

    async def _take(self) -> CalibrationError | None:
        """Take the images; return what ended that early."""
        try:
            await self.acquisition.run(self.plan)
        except CalibrationError as failure:
            self.processing.give_up_missing()
            return failure
        return None

    def _outcome(self, error: CalibrationError | None) -> str:
        """Put the outcome into words; raises unless every step that was asked for was done."""
        record, reports = self.context.record, self.work.reports
        if error is not None or record.not_done:
            raise CalibrationError(
                ". ".join(map(_sentence, [*self._failures(error), *self.plan.warnings])),
                kept="All images that were taken are kept.",
                advice=f"See {self.context.settings.folder}.",
            )
        done = [report.in_brief for report in reports.values() if report.verdict.passed]
        done += [
            f"{each.dataset_type} certified {'' if each.verified else 'UNVERIFIED '}in {each.collection}"
            for each in record.certified
        ]
        warning = self.config.validity_warning(self.context.now())
        remarks = [*self.plan.warnings, *([warning] if warning else [])]
        negative = self.work.negative
        return "; ".join([*negative, *done, *remarks]) or "nothing was verified, as configured"

    def _failures(self, error: CalibrationError | None) -> list[str]:
        """Causes first, then what ended data taking, then what was not done for these reasons."""
        not_done, bad = self.context.record.not_done, self.work.not_passed
        rejected = {step_name(StepKind.CERTIFY, each.calibration) for each in bad if each.verdict.complete}
        causes = [each.in_brief for each in bad]
        causes += [f"Likely cause: {cause}" for cause in dict.fromkeys(each.cause for each in bad) if cause]
        causes += [
            f"Not done: {each.step} ({each.reason})"
            for each in not_done
            if not each.follows and each.step not in rejected
        ]
        if error is not None and not (isinstance(error, AcquisitionHalted) and rejected):
            causes.append(error.brief)
        # All steps are in the summary; here, what they are about.
        kinds = tuple(f"{kind} " for kind in StepKind)
        others = dict.fromkeys(
            each.step.partition(" ")[2] if each.step.startswith(kinds) else each.step
            for each in not_done
            if each.follows
        )
        return [*causes, *([f"Therefore not done: {', '.join(others)}"] if others else [])]


def _sentence(text: str) -> str:
    """Begin a sentence with a capital letter, but for the name of an option."""
    return text[:1].upper() + text[1:] if text.partition(" ")[0].isalpha() else text
