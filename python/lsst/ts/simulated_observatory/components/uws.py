"""What the execution service behind the OCPS says of a job at its submission."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from lsst.ts.calibrations.domain.instruments import Instrument

from ..pipelines.ocps_job import Job

__all__ = ["submitted_job"]

TAI_MINUS_UTC = 37.0


def submitted_job(job: Job, data: Any, instrument: Instrument, tai: float) -> str:
    """JSON text of a job that has just been submitted.

    The OCPS publishes this text as the result of the job when it has ended: ids and parameters are right,
    phase and times are those of the submission.

    Parameters
    ----------
    job
        The job.
    data
        The execute command.
    instrument
        Whose images are processed.
    tai
        Time of the submission, TAI unix seconds.
    """
    environment = {
        "IMAGE_TAG": data.version,
        "PIPELINE_URL": job.pipeline,
        "BUTLER_REPO": instrument.name,
        "RUN_OPTIONS": f"-i {instrument.raw_collection} {job.config}",
        "OUTPUT_GLOB": data.output_dataset_types or "*",
        "DATA_QUERY": job.data_query,
    }
    created = datetime.fromtimestamp(tai - TAI_MINUS_UTC, UTC)
    return json.dumps(
        {
            "jobId": job.job_id,
            "runId": f"{data.private_seqNum}",
            "ownerId": "",
            "phase": "pending",
            "creationTime": created.isoformat(timespec="milliseconds"),
            "startTime": None,
            "endTime": None,
            "executionDuration": None,
            "destruction": None,
            "parameters": {
                "command": "cd $JOB_SOURCE_DIR && bash bin/pipetask.sh",
                "environment": [{"name": name, "value": value} for name, value in environment.items()],
            },
            "results": [],
            "errorSummary": {"message": ""},
            "jobInfo": {},
        }
    )
