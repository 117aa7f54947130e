"""What the OCPS publishes of a job: that it took it, how it ended, and that the command is complete.

The texts are those of the service that executes the jobs (lsst-ts/dm_OCPS, lsst-dm/uws-api-server).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..faults.faults import Fault, Faults
from ..pipelines.ocps_job import Job
from .csc import SimulatedCsc

__all__ = ["ABORTED", "ACK_TIMEOUT", "DELETED", "JobMessages", "http_error"]

ACK_TIMEOUT = 600.0
"""Seconds that the acknowledgement of a job promises."""

ABORTED = 255
"""exit_code of a job that was aborted."""

DELETED = json.dumps({"status": "Success", "message": "", "code": 200}, indent=2)
"""Answer of the execution service to whoever deletes a job; the OCPS publishes it as the result."""

SERVICE = "http://uws.simulated/api/v1/job"
"""Address of the execution service, for texts alone."""

HTTP_ERRORS = {404: "404 Client Error: Not Found", 500: "500 Server Error: Internal Server Error"}

TAI_MINUS_UTC = 37.0
"""Seconds."""

FOREIGN = 3
"""Results of jobs of others that come before that of a job, if that was asked for."""


def http_error(code: int, job_id: str = "") -> str:
    """Text with which a command fails when the execution service refuses what the OCPS asks for.

    Parameters
    ----------
    code, job_id
        HTTP status, and the job; none for one that is not made.

    Returns
    -------
    text
        As the client of the execution service words it.
    """
    return f"{HTTP_ERRORS[code]} for url: {SERVICE}{'/' * bool(job_id)}{job_id}"


class JobMessages:
    """The conversation about one job.

    Parameters
    ----------
    ocps, data
        What publishes, and the execute command.
    job, instrument
        The job, and whose images it processes.
    keep
        Runs something beside, until the component closes.
    faults
        What goes wrong.
    """

    def __init__(
        self,
        ocps: SimulatedCsc,
        data: salobj.BaseMsgType,
        job: Job,
        instrument: Instrument,
        keep: Callable[[Coroutine[Any, Any, None]], object],
        faults: Faults,
    ) -> None:
        self._ocps = ocps
        self._data = data
        self._job = job
        self._submitted = _submitted(job, data, instrument)
        self._keep = keep
        self._faults = faults
        self.result_first = self._strike("ocps-result-early") is not None
        """Whether the result is to be published before the acknowledgement."""

    async def took(self) -> None:
        """Acknowledge that the job was taken."""
        if self._strike("ocps-foreign"):
            for number in range(FOREIGN):
                await self._publish(f"{number:032x}", 1, "{}")
        text = json.dumps({"job_id": self._job.job_id})
        malformed = self._strike("ocps-malformed", where="ack")
        await self._ocps.cmd_execute.ack_in_progress(
            self._data, timeout=ACK_TIMEOUT, result=text[:-2] if malformed else text
        )

    async def ended(self, exit_code: int) -> None:
        """Publish the result; the command is complete when this returns.

        Parameters
        ----------
        exit_code
            Of the job.
        """
        if self._strike("ocps-result-lost"):
            return
        if (late := self._strike("ocps-result-late")) is not None:
            self._keep(self._later(late.number("seconds"), exit_code))
            return
        await self._result(exit_code)
        if self._strike("ocps-result-duplicated"):
            await self._result(exit_code)
        if (slow := self._strike("ocps-completion-late")) is not None:
            await clock.sleep(slow.number("seconds"))

    async def _later(self, seconds: float, exit_code: int) -> None:
        await clock.sleep(seconds)
        await self._result(exit_code)

    async def _result(self, exit_code: int) -> None:
        text = self._submitted
        if (phase := self._strike("ocps-phase")) is not None:
            text = json.dumps({**json.loads(text), "phase": phase["phase"]})
        if self._strike("ocps-malformed", where="result"):
            text = text[: len(text) // 2]
        await self._publish(self._job.job_id, exit_code, text)

    async def _publish(self, job_id: str, exit_code: int, text: str) -> None:
        await self._ocps.evt_job_result.set_write(
            job_id=job_id, exit_code=exit_code, result=text, force_output=True
        )

    def _strike(self, name: str, **more: object) -> Fault | None:
        return self._faults.strike(name, kind=self._job.kind, calibration=self._job.calibration, **more)


def _submitted(job: Job, data: Any, instrument: Instrument) -> str:
    """JSON text of a job that has just been submitted, as the execution service behind the OCPS describes it.

    The OCPS publishes this text as the result of the job when it has ended: ids and parameters are right,
    phase and times are those of the submission.
    """
    environment = {
        "JOB_SOURCE_DIR": f"{job.folder}/src",
        "SRC_GIT_URL": "https://github.com/lsst-dm/uws_scripts",
        "GIT_COMMIT_REF": "main",
        "JOB_OUTPUT_DIR": f"{job.log.parent}",
        "JOB_ID": job.job_id,
        "IMAGE_TAG": data.version,
        "PIPELINE_URL": job.pipeline,
        "BUTLER_REPO": instrument.name,
        "RUN_OPTIONS": f"-i {instrument.raw_collection} {job.config}",
        "OUTPUT_GLOB": data.output_dataset_types or "*",
        "DATA_QUERY": job.data_query,
        "DAF_BUTLER_REPOSITORY_INDEX": "/project/data-repos.yaml",
    }
    created = datetime.fromtimestamp(clock.current_tai() - TAI_MINUS_UTC, UTC)
    return json.dumps(
        {
            "jobId": job.job_id,
            "runId": f"{data.private_seqNum}",
            "ownerId": "",
            "phase": "pending",
            "creationTime": str(created.replace(microsecond=0)),
            "startTime": None,
            "endTime": None,
            "executionDuration": None,
            "destruction": None,
            "parameters": {
                "command": ["/bin/bash", "-c", "cd $JOB_SOURCE_DIR && bash bin/pipetask.sh"],
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            },
            "results": [],
            "errorSummary": {"message": ""},
            "jobInfo": {},
        },
        indent=2,
    )
