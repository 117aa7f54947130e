"""Runs a job of the simulated OCPS with the real pipetask, without any shell."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TextIO

from .forks import Fork, prepared
from .ocps_job import Job

__all__ = ["SIMULATED", "PipetaskProcess", "PipetaskRunner", "kill_pipelines"]

SIMULATED = (
    "SIMULATED: this job ran in the simulated OCPS of ts_calibrations, on images of a simulated camera.\n"
)
"""First line of every log."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PROCESSES = re.compile(r"(?<!\S)(-j\s*|--processes(?:\s+|=\s*))(\d+)(?!\S)")


class PipetaskProcess:
    """The process of one job.

    Parameters
    ----------
    command, environment
        Program and arguments, and its environment variables.
    log, remarks
        Where its output goes, and lines for the beginning of it.
    """

    program = "pipetask"
    """What the last line of the log calls it."""

    def __init__(
        self, command: Sequence[str], log: Path, remarks: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.command = tuple(command)
        self._log, self._remarks, self._environment = log, remarks, environment
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = False

    def run(self) -> int:
        """Run it to its end; return its exit status, 255 if it was killed before it began.

        There is an OSError if the process cannot be started, or the log not be written.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.writelines([SIMULATED, *(f"{line}\n" for line in self._remarks)])
            log.write(f"{shlex.join(self.command)}\n")
            log.flush()
            with self._lock:
                if self._killed:
                    return 255
                self._begin(log)
            _UNDER_WAY.add(self)
            try:
                status = self._wait()
            finally:
                _UNDER_WAY.discard(self)
            log.write(f"{self.program} ended with exit status {status}\n")
            return status

    def kill(self) -> None:
        """End the process and all that it started, at once."""
        with self._lock:
            self._killed = True
            self._kill()

    def _begin(self, log: TextIO) -> None:
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self._log.parent,
            env=dict(self._environment),
            start_new_session=True,
        )

    def _wait(self) -> int:
        assert self._process is not None
        with self._process as process:  # it ends when its standard input is closed
            return process.wait()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class ForkedPipetask(PipetaskProcess):
    """The process of one job, forked from one that has imported pipetask already.

    Its command would do the same, seconds later.

    Parameters
    ----------
    command, log, remarks, environment
        As of the base class.
    """

    _fork: Fork | None = None

    def _begin(self, log: TextIO) -> None:
        arguments = self.command[len(_COMMAND) :]
        self._fork = prepared(self._environment).fork(arguments, self._environment, self._log)

    def _wait(self) -> int:
        assert self._fork is not None
        return self._fork.wait()

    def _kill(self) -> None:
        if self._fork is not None:
            self._fork.kill()


_COMMAND = (sys.executable, "-m", f"{__package__}.pipetask_process")

_UNDER_WAY: set[PipetaskProcess] = set()


def kill_pipelines() -> None:
    """End the processes of all jobs of this Python, at once: for who cannot wait for them, as a signal."""
    for process in tuple(_UNDER_WAY):
        process.kill()


@dataclass(frozen=True)
class PipetaskRunner:
    """Makes the command line of a job as the script of the real OCPS does.

    That script retrieves the outputs from the repository afterwards; this one leaves them there.

    Parameters
    ----------
    repository, raw_collection
        Butler repository, and the input collection that the OCPS adds as the first one.
    processes
        Most processes that one job may use: ``-j`` is accepted and capped. On small machines one is fastest,
        since pipetask starts Python anew for every quantum otherwise.
    environment
        Environment variables of the jobs in addition to those of this process; also what ``${NAME}`` in the
        address of a pipeline means.
    """

    repository: Path
    raw_collection: str
    processes: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, job: Job) -> PipetaskProcess:
        """Prepare the process of a job."""
        most, asked = self.processes, [int(match[2]) for match in _PROCESSES.finditer(job.config)]
        words = _PROCESSES.sub(lambda match: f"{match[1]}{min(int(match[2]), most)}", job.config).split()
        remarks = [
            f"-j {number} was asked for and -j {most} is used, as fits this machine."
            for number in asked[-1:]
            if number > most
        ]
        arguments = [
            *("-p", self.pipeline(job)),
            *("-b", str(self.repository)),
            *("-o", job.collection),
            *("-i", self.raw_collection),
            *words,
            *("--output-run", f"{job.collection}/run"),
            *("-d", job.data_query),
        ]
        command = [*_COMMAND, "--long-log", "run", *arguments]
        return ForkedPipetask(command, job.log, remarks, self.variables)

    @property
    def variables(self) -> dict[str, str]:
        """All environment variables of the jobs."""
        return {**os.environ, **_ONE_THREAD, **self.environment}

    def pipeline(self, job: Job) -> str:
        """Put the variables into the address of a pipeline.

        Parameters
        ----------
        job
            Whose pipeline.

        Returns
        -------
        address
            Where what is not set is nothing, as in the shell of the real job.
        """
        return Template(job.pipeline).safe_substitute(defaultdict(str, self.variables))
