"""Names of the collections in which the OCPS leaves what a job has made."""

from __future__ import annotations

__all__ = ["job_collection", "run_collection"]


def job_collection(job_id: str) -> str:
    """Name the collection of a job: a chain of its RUN collection and of its inputs.

    Parameters
    ----------
    job_id
        Id that the OCPS gave the job.

    Returns
    -------
    collection
        E.g. ``u/ocps/5579a1``.
    """
    return f"u/ocps/{job_id}"


def run_collection(collection: str) -> str:
    """Name the RUN collection of a job, which holds what the job made and nothing else.

    Parameters
    ----------
    collection
        Collection of the job.

    Returns
    -------
    run
        E.g. ``u/ocps/5579a1/run``.
    """
    return f"{collection}/run"
