"""Jobs of a run: sent to the OCPS, written into the journal, and successful with exit code 0 alone."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from ..components.job_log import failure_in_log
from ..components.ocps import OcpsClient
from ..domain.errors import ProcessingError
from ..domain.jobs import JOB_COLLECTION, JobRequest
from ..domain.text import on_screen
from ..journal.facts import JobEnded, JobSubmitted, TimeLimitOver
from .context import RunContext

__all__ = ["run_job"]

ABORTED = 255  # exit code that the OCPS publishes of a job that was aborted


async def run_job(request: JobRequest, context: RunContext, ocps: OcpsClient, timeout: float) -> str:
    """Run a job to success, unless it has succeeded before.

    Parameters
    ----------
    request
        The job.
    context, ocps
        Journal, clock and log of the run, and what runs the job.
    timeout
        Seconds within which it must have ended.

    Returns
    -------
    collection
        Collection of its results.

    Raises
    ------
    ProcessingError
        It did not end with exit code 0.
    """
    if (done := context.record.successful_job(request)) is not None:
        had = f"{request.name} had succeeded."
        context.log.info(
            "Job %s (%s) had succeeded.", done.submitted.job_id, request.name, extra=on_screen(had)
        )
        return JOB_COLLECTION.format(done.submitted.job_id)
    submitted: list[str] = []

    def note_submitted(job_id: str) -> None:
        if job_id in context.record.jobs:  # its results would be those of the other one
            raise ProcessingError(request.name, f"the OCPS gave it the id of an earlier job, {job_id}")
        log = str(context.settings.job_log(job_id))
        begun = f"{request.name}: job {job_id[:8]} began."
        context.log.info("Job %s: %s. Its log: %s", job_id, request.name, log, extra=on_screen(begun))
        context.note(
            JobSubmitted(
                time=context.now(),
                job_id=job_id,
                collection=JOB_COLLECTION.format(job_id),
                log=log,
                **asdict(request),
            )
        )
        submitted.append(job_id)  # of a job that the journal does not know, it cannot know the end either

    exit_code: int | None = None
    try:
        job_id, exit_code = await ocps.run(request, timeout=timeout, on_submitted=note_submitted)
    except ProcessingError as error:
        if error.late:
            context.note(TimeLimitOver(time=context.now(), option="job_timeout"))
        raise
    finally:
        if submitted:
            context.note(JobEnded(time=context.now(), job_id=submitted[0], exit_code=exit_code))
    if exit_code == ABORTED:  # its log is deleted with it
        reason = f"exit code {exit_code}: another client of the OCPS has aborted it"
        raise ProcessingError(request.name, reason, job_id=job_id)
    if exit_code != 0:
        log = context.settings.job_log(job_id)
        why = await asyncio.to_thread(failure_in_log, log)
        reason = f"exit code {exit_code}, {why}" if why else f"exit code {exit_code}"
        raise ProcessingError(request.name, reason, job_id=job_id, log=str(log))
    succeeded = f"{request.name}: job {job_id[:8]} succeeded."
    context.log.info("Job %s (%s) succeeded.", job_id, request.name, extra=on_screen(succeeded))
    return JOB_COLLECTION.format(job_id)
