"""Jobs of the OCPS: submitted, and waited for until their exit code is known."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from lsst.ts import salobj

from ..domain.errors import ProcessingError
from ..domain.jobs import JOB_ID, JobRequest
from ..domain.text import one_line
from .sal import explain

__all__ = ["OcpsClient"]

FIRST_ACK_TIMEOUT = 120.0  # seconds within which the OCPS must acknowledge a job
# Seconds for which a job that was not acknowledged in time is aborted if it is acknowledged after all.
LAST_ACK_TIMEOUT = 3600.0
RESULT_GRACE = 60.0  # seconds that job_result may come after the command has ended
# Seconds within which the OCPS must answer who wants a job to be aborted: a stop waits no longer.
ABORT_TIMEOUT = 2.0
# Results that are kept, since that of a job may come before the first acknowledgement says its id.
RESULTS_KEPT = 1000


class OcpsClient:
    """The only reader of ``job_result``: it files results by job id, so that none is taken for another job's.

    Parameters
    ----------
    remote
        Remote of the OCPS; its ``job_result`` callback is taken.
    """

    def __init__(self, remote: salobj.Remote) -> None:
        self._remote = remote
        self._results: dict[str, int] = {}
        self._waiters: dict[str, asyncio.Future[int]] = {}
        self._late: set[asyncio.Task[None]] = set()
        remote.evt_job_result.callback = self._take

    async def _take(self, data: salobj.BaseMsgType) -> None:
        waiter = self._waiters.get(data.job_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(data.exit_code)
            return
        self._results[data.job_id] = data.exit_code
        while len(self._results) > RESULTS_KEPT:
            del self._results[next(iter(self._results))]

    async def run(
        self, request: JobRequest, *, timeout: float, on_submitted: Callable[[str], None]
    ) -> tuple[str, int]:
        """Run a job to its end.

        Parameters
        ----------
        request
            The job.
        timeout
            Seconds that the job may take; after that it is aborted.
        on_submitted
            Called with the job id as soon as it is known; if it raises, the job is aborted.

        Returns
        -------
        job_id, exit_code
            Id that the OCPS gave the job, and exit code of its pipeline.

        Raises
        ------
        ProcessingError
            The OCPS refused the job, never answered, or the job took longer than `timeout`.
        """
        submission = asyncio.ensure_future(self._submit(request))
        try:
            ack = await asyncio.shield(submission)
        except asyncio.CancelledError:
            await self._abort_submission(request, submission)
            raise
        job_id = _job_id(request, ack)
        if job_id in self._waiters:
            raise ProcessingError(
                request.name, f"the OCPS acknowledged it with the id of another job, {job_id}"
            )
        try:
            on_submitted(job_id)
        except Exception:  # nobody will know of it
            await self._abort(job_id)
            raise
        return job_id, await self._exit_code(request, job_id, ack, timeout)

    async def settle(self, job_id: str) -> int | None:
        """Find out how a job ended that an earlier part of the run submitted, or abort it.

        Parameters
        ----------
        job_id
            Id that the OCPS gave the job.

        Returns
        -------
        exit_code
            None unless the OCPS published it last; then the job was aborted, if it was still running.
        """
        if job_id not in self._results:
            await self._abort(job_id)
            return None
        return self._results.pop(job_id)

    async def _submit(self, request: JobRequest) -> Any:
        sending = asyncio.ensure_future(
            self._remote.cmd_execute.set_start(
                pipeline=request.pipeline,
                config=request.config,
                data_query=request.data_query,
                timeout=LAST_ACK_TIMEOUT,
                wait_done=False,
            )
        )
        try:
            async with asyncio.timeout(FIRST_ACK_TIMEOUT):
                return await asyncio.shield(sending)
        except salobj.AckError as error:
            reason = f"the OCPS refused it: {one_line(error.ackcmd.result)}"
        except TimeoutError:
            reason = f"the OCPS did not answer within {FIRST_ACK_TIMEOUT:.0f} s"
            self._late.add(late := asyncio.ensure_future(self._abort_late(request, sending)))
            late.add_done_callback(self._late.discard)
        raise ProcessingError(request.name, reason)

    async def _abort_late(self, request: JobRequest, sending: asyncio.Future[Any]) -> None:
        """Abort a job as soon as it is acknowledged: nobody waits for it any more."""
        with contextlib.suppress(salobj.AckError, ProcessingError):
            await self._abort(_job_id(request, await sending))

    async def _exit_code(self, request: JobRequest, job_id: str, ack: Any, timeout: float) -> int:
        waiter: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiters[job_id] = waiter
        if job_id in self._results:
            waiter.set_result(self._results.pop(job_id))
        end = asyncio.ensure_future(self._remote.cmd_execute.next_ackcmd(ack, timeout=timeout + RESULT_GRACE))
        try:
            await asyncio.wait((waiter, end), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
            if end.done() and not waiter.done():
                await asyncio.wait((waiter,), timeout=RESULT_GRACE)
            if waiter.done():
                return waiter.result()
            ended = end.done()  # an abort ends it, too
            await self._abort(job_id)
            if not ended:
                reason = f"it did not end within {timeout:.0f} s and was aborted"
            elif isinstance(error := end.exception(), salobj.AckError):
                reason = f"the OCPS gave it up: {explain(error)}"
            else:  # also where the first acknowledgement was the last one, so that no other can be waited for
                reason = f"the OCPS ended the command but sent no job_result within {RESULT_GRACE:.0f} s"
            raise ProcessingError(request.name, reason, job_id=job_id, late=not ended)
        except asyncio.CancelledError:
            await self._abort(job_id)
            raise
        finally:
            del self._waiters[job_id]
            end.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await end

    async def _abort_submission(self, request: JobRequest, submission: asyncio.Future[Any]) -> None:
        """Abort a job of a run that is being stopped, as soon as its id is known, if that is soon."""
        try:
            with contextlib.suppress(TimeoutError, ProcessingError):
                async with asyncio.timeout(ABORT_TIMEOUT):
                    await self._abort(_job_id(request, await submission))
        finally:
            submission.cancel()
            await asyncio.gather(submission, return_exceptions=True)

    async def _abort(self, job_id: str) -> None:
        """Ask the OCPS to stop a job; that it refuses, because the job has ended, does not matter."""
        with contextlib.suppress(salobj.AckError):
            await self._remote.cmd_abort_job.set_start(job_id=job_id, timeout=ABORT_TIMEOUT)


def _job_id(request: JobRequest, ack: Any) -> str:
    try:
        job_id = json.loads(ack.result)["job_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        job_id = None
    if isinstance(job_id, bool) or not isinstance(job_id, (str, int)) or not JOB_ID.fullmatch(f"{job_id}"):
        raise ProcessingError(
            request.name, f"the OCPS acknowledged it without a job id: {one_line(repr(ack.result))}"
        )
    return f"{job_id}"
