"""Kinds of faults of the OCPS, of what its jobs leave, and of the Butler."""

from __future__ import annotations

from .options import CALIBRATION, JOB_KIND, SECONDS, TIMES, FaultKind, Option, counted

__all__ = ["FAULTS_OF_JOBS", "VERIFY"]

_OF_JOB = {"kind": JOB_KIND, "calibration": CALIBRATION, "times": TIMES}
_OF_VERIFICATION = {"calibration": CALIBRATION, "times": TIMES}
_ONCE = {**_OF_JOB, "times": Option("how often it strikes", counted, default=1)}

VERIFY = "verify-"
"""How the names of the faults of verification results begin."""


def _factor(text: str) -> float:
    number = float(text)
    if not 1.0 <= number <= 1e6:
        raise ValueError("a factor from 1 to 1e6")
    return number


FAULTS_OF_JOBS = (
    FaultKind(
        "ocps-configuration",
        "the OCPS was enabled with the configuration of another instrument",
        {"instrument": Option("which", required=True, choices=("LATISS", "LSSTComCam", "LSSTCam"))},
    ),
    FaultKind(
        "ocps-exit",
        "a job fails with an exit code",
        {**_OF_JOB, "code": Option("exit code", counted, default=1)},
    ),
    FaultKind("ocps-refused", "the OCPS refuses a job", _OF_JOB),
    FaultKind("ocps-silent", "the OCPS never answers to a job", _OF_JOB),
    FaultKind("ocps-foreign", "job_result of jobs of others come before that of a job", _OF_JOB),
    FaultKind(
        "ocps-result-early", "job_result comes before the OCPS has acknowledged that it took a job", _OF_JOB
    ),
    FaultKind(
        "ocps-completion-late",
        "the command completes long after job_result has come",
        {**_OF_JOB, "seconds": SECONDS},
    ),
    FaultKind(
        "ocps-result-late",
        "job_result comes after the command has completed",
        {**_OF_JOB, "seconds": SECONDS},
    ),
    FaultKind("ocps-result-lost", "a job_result is never published", _OF_JOB),
    FaultKind("ocps-result-duplicated", "a job_result is published twice", _OF_JOB),
    FaultKind(
        "ocps-phase",
        "the JSON of job_result says another phase than that of the submission",
        {
            **_OF_JOB,
            "phase": Option(
                "which", default="completed", choices=("completed", "error", "executing", "aborted")
            ),
        },
    ),
    FaultKind(
        "ocps-malformed",
        "a text that should be JSON is none",
        {
            **_OF_JOB,
            "where": Option(
                "of the acknowledgement or of job_result; of both if left out",
                condition=True,
                choices=("ack", "result"),
            ),
        },
    ),
    FaultKind("ocps-offline", "the OCPS goes OFFLINE while a job runs", _OF_JOB),
    FaultKind(
        "ocps-slow",
        "a job takes much longer",
        {**_OF_JOB, "factor": Option("how much", _factor, default=10.0)},
    ),
    FaultKind(f"{VERIFY}no-exposure", "the result of an exposure is missing", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}no-detector", "the result of a detector is missing", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}no-amplifier", "the results of an amplifier are missing", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}nan", "a measured value is not a number", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}untested", "an exposure was measured and not tested", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}extra", "results have keys that nobody knows", _OF_VERIFICATION),
    FaultKind(f"{VERIFY}empty", "the results of an exposure are empty", _OF_VERIFICATION),
    FaultKind(
        "butler-locked",
        "the database of the repository is locked from the end of a job on",
        {**_ONCE, "seconds": SECONDS},
    ),
    FaultKind("butler-full", "nothing can be certified from the end of a job on: the disk is full", _ONCE),
    FaultKind("butler-read-only", "the repository is read-only from the end of a job on", _ONCE),
    FaultKind(
        "butler-conflict",
        "when a job ends somebody else certifies, for all times, another calibration of its type",
        {
            **_ONCE,
            "collection": Option(
                "where; by default the calib_collection of the default configuration", default=""
            ),
        },
    ),
)
"""Faults of jobs; those of the Butler strike at the end of one."""
