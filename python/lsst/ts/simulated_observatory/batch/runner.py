"""Runs a job of the simulated OCPS on the batch system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..pipelines.ocps_job import Job
from ..pipelines.pipetask import PipetaskProcess, PipetaskRunner
from .description import submit_description
from .sessions import kill_session

__all__ = ["BatchProcess", "BatchRunner"]

DESCRIPTION, SITE = "submit.yaml", "site.yaml"
"""Files in the folder of a job."""


class BatchProcess(PipetaskProcess):
    """The process that submits a job and follows it.

    Parameters
    ----------
    files
        Texts that it reads, by path.
    log, environment
        Where its output goes, and its environment variables.
    """

    program = "the batch job"

    def __init__(self, files: Mapping[Path, str], log: Path, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", f"{__package__}.submission", str(next(iter(files)))]
        super().__init__(command, log, (), environment)
        self._files = files

    def run(self) -> int:
        """Run it to its end, with all that the batch system has started here; return its exit status."""
        for path, text in self._files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        try:
            return super().run()
        finally:
            if self._process is not None:
                kill_session(self._process.pid)  # if it was killed itself

    def kill(self) -> None:
        """Have the process give the workers back and end; it does so within seconds, `run` waits for it."""
        with self._lock:
            self._killed = True
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()


@dataclass(frozen=True)
class BatchRunner(PipetaskRunner):
    """Makes the submit description of a job; how many processes it has is up to the site.

    Parameters
    ----------
    repository, raw_collection, processes, environment
        As of the base class.
    site
        The site, as `read_batch` gives it.
    """

    site: str = ""

    def __call__(self, job: Job) -> BatchProcess:
        """Prepare the process of a job."""
        site = job.folder / SITE
        description = submit_description(
            job, self.pipeline(job), self.repository.absolute(), self.raw_collection, site
        )
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return BatchProcess(
            {job.folder / DESCRIPTION: description, site: self.site},
            job.log,
            {**self.variables, "PATH": programs},  # Parsl finds its programs there
        )
