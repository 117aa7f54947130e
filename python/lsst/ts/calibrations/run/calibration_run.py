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
from ..components.camera import Annotations
from ..components.clients import Clients
from ..config.config import CalibrationConfig
from ..domain.calibrations import JobKind
from ..domain.errors import CalibrationError, PreflightError
from ..domain.instruments import ImageType, Instrument
from ..domain.jobs import RUN_COLLECTION
from ..journal.journal import JournalError
from ..workflow.plan import Plan
from .acquisition import Acquisition
from .context import RunContext
from .filter_and_grating import FilterAndGrating
from .preflight import Preflight
from .processing import Processing
from .recovery import Recovery
from .references import References

__all__ = ["CalibrationRun", "RunIncomplete"]


class RunIncomplete(CalibrationError, RuntimeError):
    """A run ended without something that was asked for."""


class CalibrationRun:
    """One run of a calibration script.

    Parameters
    ----------
    context
        Journal, clock and log.
    instrument, config, plan
        What was asked for.
    clients
        Connections to the components.
    checkpoint
        Where the operator may pause or stop.
    group_id
        Gives the group id of the next exposure.
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
        self.instrument = instrument
        self.config = config
        self.plan = plan
        self.clients = clients
        self.checkpoint = checkpoint
        self.group_id = group_id
        self.repository = Repository(config.repo, context.settings.open_butler)
        self.archive = Archive(self.repository, instrument)
        self.certifier = Certifier(self.repository, instrument.name)
        self.pipelines = PipelineFiles(instrument, context.settings.pipelines)
        self.processing = Processing(
            context, instrument, config, clients.ocps, self.archive, self.certifier, self.pipelines
        )
        needed = self.processing.workflow.references
        self.references = References(config, needed, self.archive, context.now)
        self.filter_and_grating = FilterAndGrating(config, clients.camera, self.references, context.log)

    async def run(self) -> str:
        """Run; return the outcome in words for the operator: negative verdicts first.

        Raises
        ------
        CalibrationError
            The run ended early, or something that was asked for was not done.
        """
        try:
            expected = await self._check()
            if self.context.record.resumed:
                await self._recovery().run()
            if any(map(self.is_left, self.config.images)):
                await self.filter_and_grating.set_up(expected)
                await self._recovery().compare(flats=self._flats_are_left)
            error = await self._take_and_process()
        except BaseException as end:
            self._name_what_is_left(end)
            if isinstance(end, PreflightError) and self.context.record.exposures:
                raise PreflightError(end.problems, resumed=True) from None
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
            self.processing.give_up(reason)

    async def _check(self) -> str | None:
        """Check all before the first exposure; return the filter whose reference flat was looked for."""
        expected: str | None = None

        async def filter_and_grating() -> list[str]:
            nonlocal expected
            problems, expected = await self.filter_and_grating.look()
            return problems

        if (remark := self.pipelines.remark) is not None:
            self.context.log.info(remark)
        checks = [filter_and_grating, self.references.problems]
        if self._flats_are_left:
            ignore = self.config.ignore
            checks.append(partial(self.clients.telescope_problems, ignore))
        preflight = Preflight(
            self.instrument, self.clients.remotes, self.archive, self.certifier, self.pipelines, checks
        )
        await preflight.check(
            self.processing.workflow,
            certification=self._certification(),
            folder=self.context.settings.folder,
        )
        return expected

    def is_left(self, image_type: ImageType) -> bool:
        """Look whether images of a type are still to be taken: always, unless the run was resumed.

        Parameters
        ----------
        image_type
            Type of the images.

        Returns
        -------
        is_left
            Whether there are fewer than were asked for.
        """
        held = self.context.record.held(image_type.value)
        return len(held) < len(self.config.images[image_type].exposure_times)

    @property
    def _flats_are_left(self) -> bool:
        return ImageType.FLAT in self.config.images and self.is_left(ImageType.FLAT)

    def _recovery(self) -> Recovery:
        detectors = {number: self.instrument.detectors[number] for number in self.config.detectors}
        return Recovery(self.context, self.clients, self.archive, detectors, self.config.oods_timeout)

    def _certification(self) -> PlannedCertification | None:
        """What is going to be certified, where and for when; None if nothing is."""
        config, dataset_types = self.config, self.processing.workflow.dataset_types_to_certify
        if not dataset_types:
            return None
        return PlannedCertification(
            dataset_types=dataset_types,
            detectors=config.detectors,
            collection=config.calib_collection,
            begin=config.certify_begin,
            end=config.certify_end,
            own=tuple(
                RUN_COLLECTION.format(job.submitted.collection)
                for job in self.context.record.jobs.values()
                if job.submitted.kind == JobKind.GENERATE
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
            await self._acquisition().run(self.plan, self.processing.hand_over)
        except CalibrationError as failure:
            self.processing.give_up_missing()
            return failure
        return None

    def _acquisition(self) -> Acquisition:
        config = self.config
        return Acquisition(
            context=self.context,
            camera=self.clients.camera,
            ingest=self.clients.ingest,
            archive=self.archive,
            detectors={number: self.instrument.detectors[number] for number in config.detectors},
            annotations=Annotations(program=config.program, reason=config.reason, note=config.note),
            oods_timeout=config.oods_timeout,
            wait_between_exposures=config.wait_between_exposures,
            checkpoint=self.checkpoint,
            group_id=self.group_id,
            halted=self.processing.halted,
            ready=self.processing.decided_again,
        )

    def _outcome(self, error: CalibrationError | None) -> str:
        """Tell the end from the facts: DONE means that every step asked for was done.

        Raises
        ------
        RunIncomplete
            Data taking ended early, or a step was not done.
        """
        record, negative = self.context.record, self.processing.negative
        if error is not None or record.not_done:
            raise RunIncomplete(
                "; ".join([*negative, *self._failures(error), *self.plan.warnings]),
                kept="All images that were taken are kept.",
                advice=f"See {self.context.settings.folder}.",
            )
        done = [
            f"{name} passed verification ({verdict.n_failed} of {verdict.n_tests} tests failed)"
            for name, verdict in record.verdicts.items()
            if verdict.passed
        ]
        done += [
            f"{each.dataset_type} certified {'' if each.verified else 'UNVERIFIED '}in {each.collection}"
            for each in record.certified
        ]
        warning = self.config.validity_warning(self.context.now())
        remarks = [*self.plan.warnings, *([warning] if warning else [])]
        return "; ".join([*negative, *done, *remarks]) or "nothing was verified, as configured"

    def _failures(self, error: CalibrationError | None) -> list[str]:
        """Causes first, then what ended data taking, then the steps that were not done for these reasons."""
        not_done = self.context.record.not_done
        causes = [f"not done: {each.step} ({each.reason})" for each in not_done if not each.follows]
        ended = [] if error is None else [error.brief]
        others = ", ".join(each.step for each in not_done if each.follows)
        return [*causes, *ended, *([f"and so not done: {others}"] if others else [])]
