"""Has jobs forked from a process that has imported pipetask already, one for this Python."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from . import prepared_pipetask
from .prepared_pipetask import ForkRequest

__all__ = ["Fork", "Prepared", "prepared"]


class Fork:
    """A job under way.

    Parameters
    ----------
    prepared, number
        Whose fork it is, and what it is called there.
    """

    def __init__(self, prepared: Prepared, number: int) -> None:
        self.status: Future[int] = Future()
        self._prepared, self._number = prepared, number

    def wait(self) -> int:
        """Wait for its end; return its exit status, or raise ChildProcessError if nobody knows it."""
        return self.status.result()

    def kill(self) -> None:
        """End it and all that it started, at once; or as soon as there is the process."""
        with contextlib.suppress(OSError):  # all have ended
            self._prepared.send(self._number)


class Prepared:
    """The process that is forked. It is begun here, and ends with this one.

    Parameters
    ----------
    environment
        Its environment variables.
    program
        What Python runs.
    """

    def __init__(
        self, environment: Mapping[str, str], program: Sequence[str] = ("-m", prepared_pipetask.__name__)
    ) -> None:
        command = [sys.executable, *program]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            text=True,
            start_new_session=True,  # Ctrl-C at the terminal is for the script, which then has jobs ended
        )
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._forks: dict[int, Fork] = {}
        threading.Thread(target=self._receive, name="prepared pipetask", daemon=True).start()

    @property
    def has_ended(self) -> bool:
        """Whether the process is there no more."""
        return self._process.poll() is not None

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Fork:
        """Begin a job.

        Parameters
        ----------
        arguments, environment
            Arguments of pipetask, and environment variables.
        log
            File to which its output is appended; it works in the folder of it.

        Returns
        -------
        fork
            The job. There is an OSError if the process has ended meanwhile.
        """
        number = next(self._numbers)
        self._forks[number] = fork = Fork(self, number)
        try:
            self.send(ForkRequest(number, [*arguments], {**environment}, str(log.parent), str(log)))
        except OSError:
            self._forks.pop(number, None)
            raise
        return fork

    def send(self, request: ForkRequest | int) -> None:
        """Ask for a job, or for the end of the one of a number.

        Parameters
        ----------
        request
            What is asked for.

        Raises
        ------
        OSError
            The process has ended.
        """
        assert self._process.stdin is not None
        with self._lock:
            if self._process.stdin.closed:
                raise BrokenPipeError(f"{prepared_pipetask.__name__} has ended")
            self._process.stdin.write(f"{json.dumps(request)}\n")
            self._process.stdin.flush()

    def end(self) -> None:
        """End the process, and all jobs."""
        self._close()
        self._process.wait()

    def _close(self) -> None:
        assert self._process.stdin is not None
        with self._lock, contextlib.suppress(OSError):  # of what was not sent
            self._process.stdin.close()

    def _receive(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for line in lines:
                number, status = json.loads(line)
                self._forks.pop(number).status.set_result(status)
        code = self._process.wait()
        self._close()
        for fork in [self._forks.pop(number) for number in tuple(self._forks)]:
            fork.status.set_exception(
                ChildProcessError(f"the process that begins the jobs has ended with exit status {code}")
            )


_LOCK = threading.Lock()
_PREPARED: dict[str, Prepared] = {}


def prepared(environment: Mapping[str, str]) -> Prepared:
    """Return the process that can be forked.

    Parameters
    ----------
    environment
        Environment variables of a job. One process is kept for each path of imports.

    Returns
    -------
    prepared : Prepared
        It may still be importing: that does not matter to who asks it for something.
    """
    path = environment.get("PYTHONPATH", "")
    with _LOCK:
        if path not in _PREPARED or _PREPARED[path].has_ended:
            _PREPARED[path] = Prepared(environment)
            atexit.register(_PREPARED[path].end)
        return _PREPARED[path]


def _forget() -> None:
    """In a process that was forked from this one: the pipes belong to the other."""
    _PREPARED.clear()


os.register_at_fork(after_in_child=_forget)
