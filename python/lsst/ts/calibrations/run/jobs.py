"""Jobs of a run: sent to the OCPS, written into the journal, and successful with exit code 0 alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.errors import ProcessingError
from ..domain.jobs import JOB_COLLECTION, JobRequest, data_query, pipetask_options, with_label
from ..journal.facts import JobEnded, JobSubmitted
from .context import RunContext

if TYPE_CHECKING:
    from ..butler.pipeline_files import PipelineFiles
    from ..components.ocps import OcpsClient
    from ..config.config import CalibrationConfig
    from ..domain.instruments import Instrument
    from ..workflow.workflow import Step

__all__ = ["Jobs"]


@dataclass(frozen=True)
class Jobs:
    """Runs the jobs of a run.

    Parameters
    ----------
    context
        Journal, clock and log.
    ocps
        What runs them.
    pipelines
        Which pipelines.
    instrument, config
        What was asked for.
    """

    context: RunContext
    ocps: OcpsClient
    pipelines: PipelineFiles
    instrument: Instrument
    config: CalibrationConfig

    async def run(
        self, step: Step, exposures: Sequence[int], inputs: Sequence[str], options: str = ""
    ) -> str:
        """Run the job of a step to success.

        Parameters
        ----------
        step
            What the job is for.
        exposures
            Ids.
        inputs
            Input collections.
        options
            Of pipetask, as configured.

        Returns
        -------
        collection
            Collection of its results.

        Raises
        ------
        ProcessingError
            It did not end with exit code 0.
        ArchiveError
            There is no such pipeline.
        """
        pipeline = await asyncio.to_thread(self.pipelines.find, step.job_kind, step.calibration)
        options, notes = with_label(options, pipeline.isr_label)
        for note in notes:
            self.context.log.info("%s %s: %s.", step.kind, step.calibration, note)
        return await self._succeed(
            JobRequest(
                step.job_kind,
                step.calibration,
                pipeline=pipeline.address,
                config=pipetask_options(inputs, self.config.n_processes, options),
                data_query=data_query(self.instrument, self.config.detectors, exposures),
            )
        )

    async def _succeed(self, request: JobRequest) -> str:
        """Run a job, if it has not succeeded before; return its collection if it ends with exit code 0."""
        done = self.context.record.successful_job(request, self.context.settings.pipelines)
        if done is not None:
            self.context.log.info("Job %s (%s) had succeeded.", done.submitted.job_id, request.name)
            return JOB_COLLECTION.format(done.submitted.job_id)
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
        if exit_code != 0:
            raise ProcessingError(
                request.name,
                f"exit code {exit_code}",
                job_id=job_id,
                log=str(self.context.settings.job_log(job_id)),
            )
        self.context.log.info("Job %s (%s) succeeded.", job_id, request.name)
        return JOB_COLLECTION.format(job_id)

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
                collection=JOB_COLLECTION.format(job_id),
                log=log,
            )
        )
