"""A process that has imported pipetask and its tasks, and is forked for each job.

To import them takes more than two seconds of CPU, which many a job does not need for its work. Standard input
has a `ForkRequest` as JSON on each line, or the number of a job that is to be killed; standard output gets
``[number, exit status]`` of each job that has ended. When standard input is closed, all jobs are killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

from .pipetask_process import end_with_pipe, run_pipetask

__all__ = ["ForkRequest", "serve"]

_MODULES = (
    "lsst.ctrl.mpexec.cli.pipetask",
    "lsst.ctrl.mpexec.cli.script",
    ".combine",
    ".formatters",
    ".instruments",
    ".isr",
    ".measuredefects",
    ".ptc",
    ".storage_classes",
    ".verify",
)
"""Of pipetask, of the tasks, and of what their datasets need."""


class ForkRequest(NamedTuple):
    """What a forked process is to do.

    Parameters
    ----------
    number
        Of the job, other than that of any job before.
    arguments, environment, folder
        Arguments of pipetask, environment variables, and working directory.
    log
        File to which standard output and standard error are appended.
    """

    number: int
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    log: str


class _Forks:
    """Forks this process for jobs, and tells how they ended."""

    def __init__(self) -> None:
        self._numbers: dict[int, int] = {}  # of the jobs under way, by process id
        self._alive, self._held = os.pipe()
        self._ended, woken = os.pipe()
        for descriptor in (self._ended, woken, sys.stdin.fileno()):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken)

    def next_job(self) -> ForkRequest | None:
        """Wait for jobs; return in the process of each, and None in this one when there are no more."""
        with selectors.DefaultSelector() as selector:
            selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            rest = b""
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._ended in ready:
                    os.read(self._ended, 4096)
                    self._tell_ended()
                if sys.stdin.fileno() in ready:
                    received = _read_all(sys.stdin.fileno())
                    if received is None:
                        for number in tuple(self._numbers.values()):
                            self._kill(number)
                        return None
                    *lines, rest = (rest + received).split(b"\n")
                    for line in lines:
                        asked = json.loads(line)
                        if isinstance(asked, int):
                            self._kill(asked)
                        elif self._is_forked(request := ForkRequest(*asked)):
                            return request

    def _is_forked(self, request: ForkRequest) -> bool:
        process = os.fork()
        if process:
            self._numbers[process] = request.number
            return False
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._held)
        end_with_pipe(self._alive)
        return True

    def _kill(self, number: int) -> None:
        for process in [each for each, other in self._numbers.items() if other == number]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)  # and what it has started

    def _tell_ended(self) -> None:
        while self._numbers:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            print(json.dumps([self._numbers.pop(process), os.waitstatus_to_exitcode(status)]), flush=True)


def _read_all(descriptor: int) -> bytes | None:
    """Read what there is; None if the other end is closed."""
    received = b""
    with contextlib.suppress(BlockingIOError):
        while part := os.read(descriptor, 65536):
            received += part
        return None
    return received


def _begin(request: ForkRequest) -> None:
    """Make this process the one of a job."""
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    for path, flags, descriptors in (
        (os.devnull, os.O_RDONLY, (0,)),
        (request.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, (1, 2)),
    ):
        opened = os.open(path, flags)
        for descriptor in descriptors:
            os.dup2(opened, descriptor)
        os.close(opened)


def serve(work: Callable[[Sequence[str]], None]) -> None:
    """Fork for jobs until standard input is closed; in the process of a job, do its work.

    Parameters
    ----------
    work
        Called with the arguments of the job.
    """
    gc.freeze()  # what is here now is in no job's way
    job = _Forks().next_job()
    if job is not None:
        _begin(job)
        work(job.arguments)


if __name__ == "__main__":
    for name in _MODULES:
        importlib.import_module(name, __package__)
    serve(run_pipetask)
