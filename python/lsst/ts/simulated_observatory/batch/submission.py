"""Submits a job to the batch system, follows it to its end, and ends it when the parent process is gone.

Standard input is a pipe whose other end the parent holds, as for a process of pipetask. When it is closed,
the workers are given back to the batch system, also those of a cluster, and all processes of this session are
killed; so they are when this process is.

The exit status is 0 if all quanta succeeded and their results were brought into the repository.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..former_names import understand_former_names
from .command import STARTED
from .reason import reason_in_one_line
from .sessions import kill_session, kill_session_afterwards

if TYPE_CHECKING:
    from lsst.ctrl.bps.parsl.job import ParslJob
    from lsst.ctrl.bps.parsl.workflow import ParslWorkflow

__all__ = ["submit"]

PERIOD = 1.0
"""Seconds between two looks at the states of the parts of the job, each of one quantum or several."""

PATIENCE = 20.0
"""Seconds within which the batch system must have taken the workers back."""

LONGEST_LOG = 20_000
"""Characters of the log of a failed part that are gathered; the whole one stays where it is."""

_abandoned = threading.Event()
_following = threading.Event()
_given_back = threading.Event()


def submit(description: Path) -> int:
    """Run a job to its end.

    Parameters
    ----------
    description
        Its submit description.

    Returns
    -------
    status
        Exit status.
    """
    from lsst.ctrl.bps.drivers import prepare_driver

    _keep_environment_private()
    graph_log = description.parent / "submit" / "quantumGraphGeneration.out"
    with _named("the graph of quanta could not be made", graph_log):
        _, workflow = prepare_driver(str(description))
    with _named("the output collection could not be prepared", _log_of(workflow.jobs.get("pipetaskInit"))):
        workflow.start()
    _following.set()
    try:
        workflow.run(block=False)
        _follow(workflow)
    finally:
        workflow.shutdown()
        _given_back.set()
    if _abandoned.is_set():
        return 1
    failed = dict(_failures(workflow))
    for name, error in failed.items():
        _say(f"part {name} failed: {reason_in_one_line(error)}", *_end_of(_log_of(workflow.jobs[name])))
    with _named("the results could not be brought into the repository", _log_of(workflow.final)):
        workflow.finalize_jobs()
    return 1 if failed else 0


def _keep_environment_private() -> None:
    """Have ``lsst.ctrl.bps`` write no environment variables beside the job, of which some are secrets.

    It has no setting for that. The jobs have the variables all the same.

    Raises
    ------
    AttributeError
        It writes them in another way than the version that this project needs.
    """
    from lsst.ctrl.bps import initialize

    if not hasattr(initialize, "_dump_env_info"):
        raise AttributeError("lsst.ctrl.bps may write environment variables, and secrets, into files")
    initialize._dump_env_info = lambda filename: None


@contextlib.contextmanager
def _named(what: str, log: Path) -> Iterator[None]:
    """If a command fails, gather the end of its log, name the last line as the reason, and end with 1."""
    from lsst.ctrl.bps import BpsSubprocessError

    try:
        yield
    except (BpsSubprocessError, subprocess.CalledProcessError) as error:
        lines = [line.strip() for line in _text(log).replace(STARTED, "").splitlines() if line.strip()]
        last = lines[-1] if lines else reason_in_one_line(error)
        _say(*_end_of(log), f"ERROR batch job - {what}: {last}")
        sys.exit(1)


def _follow(workflow: ParslWorkflow) -> None:
    """Wait until all parts have ended, or nobody wants them any more; say how many are in which state."""
    futures: list[Future[Any]] = [job.future for job in workflow.jobs.values() if job.future is not None]
    said = ""
    while not _abandoned.is_set():
        _, running = wait(futures, timeout=PERIOD)
        if running and (lost := _lost(workflow)):
            _say(f"the process of Parsl that reaches the workers of {lost} has ended: so does the job")
            _abandoned.set()
            threading.Thread(target=_give_back, daemon=True).start()
            return
        states = Counter(future.task_status() for future in futures)  # type: ignore[attr-defined]
        text = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        if text != said:
            _say(f"{len(futures)} parts: {text}")
            said = text
        if not running:
            return


def _failures(workflow: ParslWorkflow) -> Iterator[tuple[str, BaseException]]:
    for name, job in workflow.jobs.items():
        if job.future is None:
            continue
        if (error := job.future.exception()) is not None:
            yield name, error
        elif not any(STARTED in _text(Path(each)) for each in (job.stderr, job.stdout)):
            # All that the site has before it ended well, and may have sent one of them to the other.
            yield name, RuntimeError("its command was not run; see commandPrefix of the site")


def _log_of(job: ParslJob | None) -> Path:
    """Where a job writes what goes wrong."""
    return Path() if job is None else Path(job.stderr)


def _text(log: Path) -> str:
    """A log; empty if it has not begun."""
    return log.read_text(encoding="utf-8", errors="replace") if log.is_file() else ""


def _end_of(log: Path) -> Iterator[str]:
    """The end of a log; nothing if it is empty."""
    if text := _text(log):
        left_out = "" if len(text) <= LONGEST_LOG else f", the last {LONGEST_LOG} characters"
        yield f"--- {log}{left_out}:"
        yield text[-LONGEST_LOG:]
        yield "---"


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def _lost(workflow: ParslWorkflow) -> str:
    """Name the executors whose workers nothing reaches any more; Parsl would wait for them without end."""
    processes = {
        each.label: getattr(each, "interchange_proc", None) for each in workflow.parsl_config.executors
    }
    return ", ".join(
        label for label, each in processes.items() if each is not None and each.poll() is not None
    )


def _end_with_parent() -> None:
    """End everything when standard input is closed."""
    os.read(sys.stdin.fileno(), 1)
    _abandoned.set()
    _give_back()


def _give_back() -> None:
    """Wait until the batch system has the workers back, but not for long, and end all processes."""
    if _following.is_set():
        _given_back.wait(PATIENCE)
    kill_session(os.getpid())
    os._exit(1)


if __name__ == "__main__":
    kill_session_afterwards()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    understand_former_names()  # of a repository that an earlier version has made
    sys.exit(submit(Path(sys.argv[1])))
