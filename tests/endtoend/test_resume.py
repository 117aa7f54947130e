"""Processes that are really killed, with real pixels and pipelines, and what their users do then."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lsst.ts.calibrations.journal.journal import read_journal
from lsst.ts.calibrations.journal.record import RunRecord

from .conftest import SMALL

SCRIPT = "auxtel/make_latiss_calibrations.py"
BIASES = ("-p", "script_mode=BIAS", "-p", "n_bias=3")
ALL = ("-p", "n_bias=2", "-p", "n_dark=1", "-p", "exp_times_dark=10", "-p", "n_flat=2")

# Under load the whole script takes minutes.
pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lsst.ts.simulated_observatory.cli.run_script", SCRIPT, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def facts(folder: Path) -> int:
    """How many facts the journal of a run holds."""
    path = folder / "journal.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def send(number: int, folder: Path, more: int, *arguments: str) -> tuple[int, str]:
    """Start the command, send it a signal after so many more facts; return status and output."""
    wanted = facts(folder) + more
    process = start(*arguments)
    while facts(folder) < wanted and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(number)
    output, _ = process.communicate()
    return process.returncode, output


def finish(folder: Path) -> str:
    process = start("--resume", str(folder))
    output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


def check(folder: Path, n_exposures: int) -> None:
    """All images of the run are there once, and every job has succeeded once."""
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["state"], summary["not_done"]) == ("DONE", [])
    assert len(summary["exposures"]) == n_exposures
    assert all(each["ingested"] and Path(each["files"][0]).exists() for each in summary["exposures"])
    # A kill between the folder of an image and the note of its begin leaves an empty folder: no image.
    images = {path.parent.name for path in (folder / "repo" / "images").glob("*/*/*")}
    assert images == {each["obs_id"] for each in summary["exposures"]}
    assert not [
        path for path in (folder / "repo" / "images").glob("*/*/*") if path.suffix in (".begun", ".part")
    ]
    succeeded = [(job["kind"], job["calibration"]) for job in summary["jobs"] if job["exit_code"] == 0]
    assert len(set(succeeded)) == len(succeeded)
    record = RunRecord()
    for fact in read_journal(folder / "journal.jsonl"):
        record.apply(fact)
    assert list(record.exposures) == [each["id"] for each in summary["exposures"]]


def test_a_process_that_is_killed_twice_comes_to_its_end(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin = (*SMALL, "--out", str(folder), *BIASES)
    assert send(signal.SIGKILL, folder, 7, *begin)[0] == -signal.SIGKILL
    assert send(signal.SIGKILL, folder, 6, "--resume", str(folder))[0] == -signal.SIGKILL
    assert not (folder / "summary.json").exists()
    output = finish(folder)
    assert "is resumed: " in output
    check(folder, 4)
    log = (folder / "script.log").read_text()
    assert log.count("SIMULATED run") == 3
    refused = start("--resume", str(folder))
    assert "is DONE" in " ".join(refused.communicate()[0].replace("│", "").split())
    assert refused.returncode == 2


@pytest.mark.long
def test_a_process_that_is_told_to_end_says_how_to_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, output = send(signal.SIGTERM, folder, 7, "--out", str(folder), *BIASES)
    assert status == 1
    assert f"bin/run_script --resume {folder}" in output
    assert "Traceback" not in output
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["state"], "terminated by a signal" in summary["reason"]) == ("FAILED", True)
    # An end waits five seconds for the OODS. What that has not by then is found on resume.
    finish(folder)
    check(folder, 4)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_a_process_that_is_killed_anywhere_comes_to_its_end(tmp_path: Path, seed: int) -> None:
    folder, rng = tmp_path / "run", random.Random(seed)
    begin = (*SMALL, "--out", str(folder), *ALL)
    send(signal.SIGKILL, folder, rng.randrange(1, 40), *begin)
    time.sleep(rng.uniform(0.0, 0.5))
    send(signal.SIGKILL, folder, rng.randrange(1, 30), "--resume", str(folder))
    summary = folder / "summary.json"
    if not summary.exists():
        finish(folder)
    check(folder, 8)
    assert not [pid for pid in processes_of(folder) if pid != os.getpid()]


def processes_of(folder: Path) -> list[int]:
    """Processes that have the folder in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found
