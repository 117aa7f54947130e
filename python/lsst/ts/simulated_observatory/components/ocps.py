"""A simulated OCPS: takes pipeline jobs, runs them, and publishes how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..faults.butler import ButlerFaults
from ..faults.faults import Fault, Faults
from ..pipelines.ocps_job import Job
from .csc import SimulatedCsc
from .durations import Durations
from .job_messages import JobMessages
from .machinery import JobProcess, JobRunner

__all__ = ["Ocps"]

ABORTED = 255
"""exit_code of a job that was aborted."""

FAULT_DURATION = 5.0
"""Seconds that a job takes which fails because a fault was asked for."""

MOST_PROCESSES = 2
"""Real processes at a time. In simulated time all jobs run at once, as on the cluster of the real OCPS."""


@dataclass
class _Running:
    """A job under way."""

    job: Job
    process: JobProcess
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)


class Ocps(SimulatedCsc):
    """The OCPS of one instrument.

    The conversation is that of the real one: the command is acknowledged with the job id and completes even
    if the job failed; only ``exit_code`` of job_result shows that, and ``phase`` in its JSON is that of the
    submission.

    Parameters
    ----------
    instrument, folder
        Whose images it processes, and where the folders of the jobs go.
    run_job
        Prepares the process of a job.
    durations, rng
        How long jobs take, in simulated time, and their ids.
    faults
        What goes wrong.
    butler_faults
        What goes wrong with the repository when jobs end; None if there is no repository.
    initial_state
        Summary state at the beginning.
    """

    def __init__(
        self,
        instrument: Instrument,
        *,
        folder: Path,
        run_job: JobRunner,
        durations: Durations,
        rng: numpy.random.Generator,
        faults: Faults,
        butler_faults: ButlerFaults | None = None,
        initial_state: salobj.State = salobj.State.STANDBY,
    ) -> None:
        super().__init__(
            "OCPS",
            instrument.ocps_index,
            initial_state,
            concurrent=("execute",),
            override=_override(instrument, faults),
        )
        self.instrument = instrument
        self._folder = folder
        self._run_job = run_job
        self._durations = durations
        self._rng = rng
        self._faults = faults
        self._jobs: dict[str, _Running] = {}
        self._butler_faults = butler_faults
        self._threads = ThreadPoolExecutor(max_workers=MOST_PROCESSES, thread_name_prefix="OCPS")

    async def close_tasks(self) -> None:
        """End all jobs and wait until their processes are gone."""
        self._stop_all()
        await super().close_tasks()
        if self._butler_faults is not None:
            self._butler_faults.close()
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def begin_start(self, data: salobj.BaseMsgType) -> None:
        """Publish which configuration is taken, as every configurable component does when it is started.

        Parameters
        ----------
        data
            The command.
        """
        await super().begin_start(data)
        files = ["_init.yaml", *filter(None, [data.configurationOverride])]
        await self.evt_configurationApplied.set_write(configurations=",".join(files), force_output=True)

    async def handle_summary_state(self) -> None:
        """End all jobs when the component is neither ENABLED nor DISABLED."""
        await super().handle_summary_state()
        if not self.disabled_or_enabled:
            self._stop_all()

    async def do_execute(self, data: salobj.BaseMsgType) -> None:
        """Run a job; complete when it has ended, however it did."""
        self.assert_enabled("execute")
        for needed in filter(None, (part.strip() for part in data.prereq_jobs.split(","))):
            if needed in self._jobs:
                await self._jobs[needed].ended.wait()
            else:
                self.log.warning("prerequisite job %s is not running", needed)
        job_id = self._rng.bytes(16).hex()
        job = Job(job_id, data.pipeline, data.config, data.data_query, self._folder / job_id)
        if self._strike("ocps-refused", job):
            raise salobj.ExpectedError("the job was refused: fault ocps-refused was asked for")
        if self._strike("ocps-silent", job):
            await asyncio.Event().wait()
        messages = JobMessages(self, data, job, self.instrument, self._keep, self._faults)
        running = self._jobs[job.job_id] = _Running(job, self._run_job(job))
        self.log.info("job %s: %s %s", job.job_id, job.pipeline, job.data_query)
        if self._strike("ocps-offline", job):
            self._keep(self._go_offline())
        try:
            if not messages.result_first:
                await messages.took()
            exit_code = await self._exit_code(running)
            await messages.ended(exit_code)
            if messages.result_first:
                await messages.took()
        finally:
            running.process.kill()
            running.ended.set()
            del self._jobs[job.job_id]

    async def do_abort_job(self, data: salobj.BaseMsgType) -> None:
        """End a job at once.

        Two results follow, as from the real one: that of the abort, and that of the execute command, which
        sees that the job did not complete.
        """
        self.assert_enabled("abort_job")
        running = self._jobs.get(data.job_id)
        if running is None:
            raise salobj.ExpectedError(f"404 Not Found: no job {data.job_id!r} is running")
        result = json.dumps({"jobId": data.job_id, "phase": "aborted"})
        await self.evt_job_result.set_write(
            job_id=data.job_id, exit_code=ABORTED, result=result, force_output=True
        )
        running.stopped.set()

    def _strike(self, name: str, job: Job) -> Fault | None:
        return self._faults.strike(name, kind=job.kind, calibration=job.calibration)

    async def _go_offline(self) -> None:
        """Be taken OFFLINE as an operator does it."""
        await clock.sleep(FAULT_DURATION)
        for command in ("disable", "standby", "exitControl"):
            await getattr(self, f"do_{command}")(getattr(self, f"cmd_{command}").DataType())

    async def _exit_code(self, running: _Running) -> int:
        """Run the job and return its exit code."""
        job, run = running.job, running.process.run
        detectors = len(job.selected("detector") or self.instrument.detectors)
        duration = self._durations.job(self._rng, len(job.selected("exposure")), detectors)
        if (slow := self._strike("ocps-slow", job)) is not None:
            duration *= slow.number("factor")
        fault = self._strike("ocps-exit", job)
        if fault is not None:
            duration, run = FAULT_DURATION, functools.partial(_fail, job, fault)
        work = asyncio.ensure_future(clock.work(duration, run, executor=self._threads))
        stop = asyncio.ensure_future(running.stopped.wait())
        try:
            await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
            status = self._status(work, job) if work.done() else ABORTED
        finally:
            for future in (work, stop):
                future.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await future
        if not self.disabled_or_enabled:
            raise salobj.ExpectedError(f"job {job.job_id} was ended: the OCPS is {self.summary_state.name}")
        if status == 0 and self._butler_faults is not None:
            await self._butler_faults.job_ended(job)
        return status if fault is not None else int(status != 0)

    def _status(self, work: asyncio.Future[int], job: Job) -> int:
        """Exit status of a job that has ended."""
        if error := work.exception():
            self.log.error("job %s could not be run: %s", job.job_id, error)
            return 1
        return work.result()

    def _stop_all(self) -> None:
        for running in self._jobs.values():
            running.process.kill()
            running.stopped.set()


def _override(instrument: Instrument, faults: Faults) -> str:
    """Name of the configuration file: that of the instrument, unless a fault was asked for."""
    fault = faults.strike("ocps-configuration")
    return f"{instrument.name if fault is None else fault['instrument']}.yaml"


def _fail(job: Job, fault: Fault) -> int:
    """Write the log of a job that is made to fail; return its exit code."""
    job.log.parent.mkdir(parents=True, exist_ok=True)
    code = int(fault["code"] or 1)
    job.log.write_text(f"SIMULATED: the fault {fault.kind.name} was asked for: exit code {code}.\n")
    return code
