"""Jobs forked from one prepared process: their output, their exit status, and how they are ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.ts.simulated_observatory.pipelines.forks import Prepared, prepared
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskRunner

from ..processes import is_alive, wait_until

SERVE = (
    "from lsst.ts.simulated_observatory.pipelines.prepared_pipetask import serve\n"
    "serve(lambda arguments: exec(arguments[0], {'arguments': arguments}))"
)
"""A process whose jobs run the code that is their first argument."""

ASLEEP = "import time; print('asleep', flush=True); time.sleep(100)"


@pytest.fixture(scope="module")
def forked() -> Iterator[Prepared]:
    made = Prepared(os.environ, ("-c", SERVE))
    yield made
    made.end()


def _text(log: Path, expected: str) -> str:
    """What is in a log as soon as something is expected there."""
    wait_until(lambda: log.exists() and expected in log.read_text(), 20.0)
    return log.read_text()


def test_a_job_has_its_arguments_environment_folder_and_log(forked: Prepared, tmp_path: Path) -> None:
    code = (
        "import os, sys; print(arguments[1:], os.environ, os.getcwd(), repr(sys.stdin.read())); sys.exit(3)"
    )
    log = tmp_path / "a.log"
    log.write_text("before\n")
    assert forked.fork([code, "$(b) ; 'c"], {"ONLY": "this"}, log).wait() == 3
    expected = f"""before\n["$(b) ; 'c"] environ({{'ONLY': 'this'}}) {tmp_path} ''\n"""
    assert log.read_text() == expected


def test_an_error_of_a_job_is_in_its_log_and_the_next_job_knows_nothing_of_it(
    forked: Prepared, tmp_path: Path
) -> None:
    assert forked.fork(["import json; json.spoilt = 1; 1 / 0"], os.environ, tmp_path / "a.log").wait() == 1
    assert "ZeroDivisionError" in (tmp_path / "a.log").read_text()
    assert forked.fork(["import json; json.spoilt"], os.environ, tmp_path / "b.log").wait() == 1


def test_jobs_run_side_by_side_and_each_has_its_own_status(forked: Prepared, tmp_path: Path) -> None:
    first = forked.fork([ASLEEP], os.environ, tmp_path / "a.log")
    later = [forked.fork([f"raise SystemExit({k})"], os.environ, tmp_path / f"{k}.log") for k in range(8)]
    assert [each.wait() for each in later] == [*range(8)]
    _text(tmp_path / "a.log", "asleep")
    assert not first.status.done()
    first.kill()
    assert first.wait() == -signal.SIGKILL
    first.kill()  # it has ended: nothing to do


def test_a_job_is_killed_with_all_that_it_started(forked: Prepared, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    code = f"import subprocess; print('child', subprocess.Popen(['sleep', '100']).pid, flush=True); {ASLEEP}"
    job = forked.fork([code], os.environ, log)
    child = int(_text(log, "asleep").split()[1])
    job.kill()
    assert job.wait() == -signal.SIGKILL
    wait_until(lambda: not is_alive(child))


def test_a_job_that_is_killed_at_once_leaves_nothing(forked: Prepared, tmp_path: Path) -> None:
    job = forked.fork([ASLEEP], os.environ, tmp_path / "a.log")
    job.kill()
    assert job.wait() == -signal.SIGKILL


def test_jobs_end_when_the_process_that_began_them_is_gone(tmp_path: Path) -> None:
    begun = Prepared(os.environ, ("-c", SERVE))
    code = f"import os; print(os.getpid(), '.', flush=True); {ASLEEP}"
    job = begun.fork([code], os.environ, tmp_path / "a.log")
    process = int(_text(tmp_path / "a.log", "asleep").split()[0])
    os.kill(begun._process.pid, signal.SIGKILL)
    with pytest.raises(ChildProcessError, match="has ended with exit status -9"):
        job.wait()
    wait_until(lambda: not is_alive(process))
    assert begun.has_ended
    with pytest.raises(OSError, match=r"pipe|has ended"):
        begun.fork([code], os.environ, tmp_path / "b.log")


def test_jobs_end_with_the_python_that_asked_for_them(tmp_path: Path) -> None:
    """However that ends: it is killed here."""
    log = tmp_path / "a.log"
    code = f"""
import os, time
from pathlib import Path
from lsst.ts.simulated_observatory.pipelines.forks import Prepared
made = Prepared(os.environ, ("-c", {SERVE!r}))
made.fork([{f"import os; print(os.getpid(), '.', flush=True); {ASLEEP}"!r}], os.environ, Path({str(log)!r}))
time.sleep(100)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as asking:
        process = int(_text(log, "asleep").split()[0])
        asking.kill()
    wait_until(lambda: not is_alive(process))


def test_ctrl_c_at_the_terminal_is_not_for_the_jobs(tmp_path: Path) -> None:
    """A terminal sends it to all processes in the foreground, and the script decides what becomes of jobs."""
    log, end = tmp_path / "a.log", tmp_path / "end"
    job = (
        f"import pathlib, time; print('asleep', flush=True)\nwhile not pathlib.Path({str(end)!r}).exists(): "
    )
    code = f"""
import os, signal
from pathlib import Path
from lsst.ts.simulated_observatory.pipelines.forks import Prepared
signal.signal(signal.SIGINT, lambda *_: Path({str(end)!r}).touch())
made = Prepared(os.environ, ("-c", {SERVE!r}))
status = made.fork([{f"{job}time.sleep(0.1)"!r}], os.environ, Path({str(log)!r})).wait()
made.end()
raise SystemExit(10 + status)
"""
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as asking:
        _text(log, "asleep")
        os.killpg(asking.pid, signal.SIGINT)
    assert asking.returncode == 10


def test_a_job_of_the_ocps_is_pipetask_with_the_arguments_that_the_log_shows(tmp_path: Path) -> None:
    runner = PipetaskRunner(tmp_path / "repo", "LATISS/raw/all")
    process = runner(Job("0" * 32, "none.yaml", "-c a:b=1", "exposure IN (1)", tmp_path / "job"))
    assert process.run() != 0
    _, command, *output = (tmp_path / "job/outs/ocps.log").read_text().splitlines()
    assert command.endswith("-d 'exposure IN (1)'")
    assert any("none.yaml" in line for line in output)
    assert prepared(runner.variables) is prepared(runner.variables)
