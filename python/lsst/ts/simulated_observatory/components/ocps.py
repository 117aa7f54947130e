"""A simulated OCPS: takes pipeline jobs, runs them, and publishes how they ended."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import re
import shutil
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
from .job_messages import ABORTED, DELETED, JobMessages, http_error
from .machinery import JobProcess, JobRunner

__all__ = ["Ocps"]

FAULT_DURATION = 5.0
"""Seconds after which a fault strikes a job that was asked for."""

POLL = 0.5
"""Seconds between two questions to the execution service how a job is."""

MOST_PROCESSES = 2
"""Real processes at a time. In simulated time all jobs run at once, as on the cluster of the real OCPS."""

_JOB_ID = re.compile("[0-9a-f]{32}")


@dataclass
class _Running:
    """A job that the execution service has: it does not depend on the command that asked for it."""

    job: Job
    process: JobProcess
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    exit_code: int | None = None
    """None while it runs, and if it was deleted before it ended."""


class Ocps(SimulatedCsc):
    """The OCPS of one instrument.

    The conversation is that of the real one: the command is acknowledged with the job id and completes even
    if the job failed; only ``exit_code`` of job_result shows that, and ``phase`` in its JSON is that of the
    submission. Behind it is an execution service, to which the jobs belong: they run on whatever becomes of
    command and summary state, and who aborts one deletes it, with its log.

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
    run
        What distinguishes this run from others of the same seed, whose jobs have other ids.
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
        run: str = "",
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
        self._run = run.encode()
        self._threads = ThreadPoolExecutor(max_workers=MOST_PROCESSES, thread_name_prefix="OCPS")

    async def close_tasks(self) -> None:
        """End all jobs and wait until their processes are gone; nothing is said of them any more."""
        for running in self._jobs.values():
            running.process.kill()
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

    async def do_execute(self, data: salobj.BaseMsgType) -> None:
        """Run a job; complete when it has ended, however it did."""
        self.assert_enabled("execute")
        for needed in filter(None, (part.strip() for part in data.prereq_jobs.split(","))):
            if needed in self._jobs:
                await self._jobs[needed].ended.wait()
            else:
                self.log.warning("prerequisite job %s is not running", needed)
        drawn = self._rng.bytes(16)
        job_id = (hashlib.blake2b(self._run + drawn, digest_size=16).digest() if self._run else drawn).hex()
        job = Job(job_id, data.pipeline, data.config, data.data_query, self._folder / job_id)
        if self._strike("ocps-refused", job):
            raise salobj.ExpectedError(http_error(500))
        if self._strike("ocps-silent", job):
            await asyncio.Event().wait()
        messages = JobMessages(self, data, job, self.instrument, self._keep, self._faults)
        running = self._jobs[job_id] = _Running(job, self._run_job(job))
        self.log.info("job %s: %s %s", job_id, job.pipeline, job.data_query)
        self._keep(self._work(running))
        if (late := self._strike("ocps-acknowledgement-late", job)) is not None:
            await clock.sleep(late.number("seconds"))
        if not messages.result_first:
            await messages.took()
        self._disturb(job)
        await messages.ended(await self._end_of(running))
        if messages.result_first:
            await messages.took()

    async def do_abort_job(self, data: salobj.BaseMsgType) -> None:
        """Delete a job, with its log, also if it has ended; its result is that of an abort.

        The execute command, if it still waits for the job, then fails: there is no such job any more.
        """
        self.assert_enabled("abort_job")
        known = _JOB_ID.fullmatch(data.job_id) and (self._folder / data.job_id).is_dir()
        if data.job_id not in self._jobs and not known:
            raise salobj.ExpectedError(http_error(404, data.job_id))
        await self._delete(data.job_id)

    async def _delete(self, job_id: str) -> None:
        await self.evt_job_result.set_write(
            job_id=job_id, exit_code=ABORTED, result=DELETED, force_output=True
        )
        if (running := self._jobs.pop(job_id, None)) is not None:
            running.process.kill()
            running.ended.set()
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def _strike(self, name: str, job: Job) -> Fault | None:
        return self._faults.strike(name, kind=job.kind, calibration=job.calibration)

    def _disturb(self, job: Job) -> None:
        """Let happen to the component, or to a job, what was asked for."""
        if self._strike("ocps-offline", job):
            self._keep(self._leave("disable", "standby", "exitControl"))
        if self._strike("ocps-standby", job):
            self._keep(self._leave("disable", "standby"))
        if self._strike("ocps-aborted", job):
            self._keep(self._abort(job))

    async def _leave(self, *commands: str) -> None:
        """Be taken out of ENABLED as an operator does it."""
        await clock.sleep(FAULT_DURATION)
        for command in commands:
            await getattr(self, f"do_{command}")(getattr(self, f"cmd_{command}").DataType())

    async def _abort(self, job: Job) -> None:
        """Delete a job as another client does it."""
        await clock.sleep(FAULT_DURATION)
        if job.job_id in self._jobs:
            await self._delete(job.job_id)

    async def _end_of(self, running: _Running) -> int:
        """Exit code of a job as the OCPS publishes it, when the job has ended."""
        job = running.job
        if self._strike("ocps-poll", job):
            await clock.sleep(FAULT_DURATION)
            raise salobj.ExpectedError(http_error(500, job.job_id))
        await running.ended.wait()
        if not self.isopen:  # whoever asked gets no answer
            await asyncio.Event().wait()
        if running.exit_code is None:
            await clock.sleep(POLL)
            raise salobj.ExpectedError(http_error(404, job.job_id))
        return running.exit_code

    async def _work(self, running: _Running) -> None:
        """Run a job to its end."""
        job = running.job
        run = functools.partial(self._run_process, running)
        detectors = len(job.selected("detector") or self.instrument.detectors)
        duration = self._durations.job(self._rng, len(job.selected("exposure")), detectors)
        if (slow := self._strike("ocps-slow", job)) is not None:
            duration *= slow.number("factor")
        fault = self._strike("ocps-exit", job)
        if fault is not None:
            duration, run = FAULT_DURATION, functools.partial(_fail, job, fault)
        try:
            status = await clock.work(duration, run, executor=self._threads)
        except Exception as error:
            self.log.error("job %s could not be run: %s", job.job_id, error)
            status = 1
        if job.job_id not in self._jobs:  # it was deleted
            return
        if status == 0 and self._butler_faults is not None:
            try:
                await self._butler_faults.job_ended(job)
            except Exception as error:  # of a fault that another one makes impossible
                self.log.error("the fault after job %s could not be made: %s", job.job_id, error)
        running.exit_code = status if fault is not None else int(status != 0)
        running.ended.set()
        self._jobs.pop(job.job_id, None)

    def _run_process(self, running: _Running) -> int:
        """Run the process of a job in a thread; of one that was deleted it wrote files until it ended."""
        try:
            return running.process.run()
        finally:
            if running.job.job_id not in self._jobs:
                shutil.rmtree(running.job.folder, ignore_errors=True)


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
