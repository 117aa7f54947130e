"""Submits a job to the batch system, follows it to its end, and ends it when the parent process is gone.

Standard input is a pipe whose other end the parent holds, as for a process of pipetask. When it is closed,
the workers are given back to the batch system, also those of a cluster, and all processes of this session are
killed.

The exit status is 0 if all quanta succeeded and their results were brought into the repository.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..former_names import understand_former_names
from .sessions import kill_session

if TYPE_CHECKING:
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

    _, workflow = prepare_driver(str(description))
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
        _say(f"part {name} failed: {_reason(error)}", *_log_of(workflow, name))
    workflow.finalize_jobs()
    return 1 if failed else 0


def _follow(workflow: ParslWorkflow) -> None:
    """Wait until all parts have ended, or nobody wants them any more; say how many are in which state."""
    futures: list[Future[Any]] = [job.future for job in workflow.jobs.values() if job.future is not None]
    said = ""
    while not _abandoned.is_set():
        _, running = wait(futures, timeout=PERIOD)
        states = Counter(future.task_status() for future in futures)  # type: ignore[attr-defined]
        text = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        if text != said:
            _say(f"{len(futures)} parts: {text}")
            said = text
        if not running:
            return


def _failures(workflow: ParslWorkflow) -> Iterator[tuple[str, BaseException]]:
    for name, job in workflow.jobs.items():
        if job.future is not None and (error := job.future.exception()) is not None:
            yield name, error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def _log_of(workflow: ParslWorkflow, name: str) -> Iterator[str]:
    """The end of the log of a part; nothing if it has not begun."""
    path = Path(workflow.jobs[name].stderr)
    if path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        left_out = "" if len(text) <= LONGEST_LOG else f", the last {LONGEST_LOG} characters"
        yield f"--- {path}{left_out}:"
        yield text[-LONGEST_LOG:]
        yield "---"


def _say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


def _end_with_parent() -> None:
    """End everything when standard input is closed."""
    os.read(sys.stdin.fileno(), 1)
    _abandoned.set()
    if _following.is_set():
        _given_back.wait(PATIENCE)
    kill_session(os.getpid())
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    understand_former_names()  # of a repository that an earlier version has made
    sys.exit(submit(Path(sys.argv[1])))
