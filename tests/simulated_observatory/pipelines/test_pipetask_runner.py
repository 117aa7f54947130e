"""A job becomes the command line that the real OCPS makes of it, and a process that can be ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskProcess, PipetaskRunner

from ..processes import is_alive, wait_until

JOB_ID = "0123456789abcdef0123456789abcdef"


def job(folder: Path, pipeline: str = "p.yaml", config: str = "", query: str = "exposure IN (1, 2)") -> Job:
    return Job(JOB_ID, pipeline, config, query, folder / JOB_ID)


def arguments(folder: Path, pipeline: str = "p.yaml", config: str = "", **environment: str) -> list[str]:
    runner = PipetaskRunner(folder / "repo", "LATISS/raw/all", environment=environment)
    command = runner(job(folder, pipeline, config)).command
    return list(command[command.index("run") + 1 :])


def test_command_line_is_that_of_the_real_job(tmp_path: Path) -> None:
    assert arguments(
        tmp_path, "cp.yaml#sub", "-j 1 -i LATISS/calib --register-dataset-types -c isr:a='B'"
    ) == [
        *("-p", "cp.yaml#sub"),
        *("-b", str(tmp_path / "repo")),
        *("-o", f"u/ocps/{JOB_ID}"),
        *("-i", "LATISS/raw/all"),
        *("-j", "1", "-i", "LATISS/calib", "--register-dataset-types", "-c", "isr:a='B'"),
        *("--output-run", f"u/ocps/{JOB_ID}/run"),
        *("-d", "exposure IN (1, 2)"),
    ]


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("${CP_PIPE_DIR}/pipelines/cpBias.yaml", "/opt/cp/pipelines/cpBias.yaml"),
        ("$CP_PIPE_DIR/a.yaml#b", "/opt/cp/a.yaml#b"),
        ("${NOT_SET_ANYWHERE}/a.yaml", "/a.yaml"),
        (
            "resource://lsst.ts.simulated_observatory.pipelines/a.yaml",
            "resource://lsst.ts.simulated_observatory.pipelines/a.yaml",
        ),
        ("$(touch x)/a.yaml", "$(touch x)/a.yaml"),
    ],
)
def test_variables_in_the_address_of_a_pipeline(tmp_path: Path, pipeline: str, expected: str) -> None:
    assert arguments(tmp_path, pipeline, CP_PIPE_DIR="/opt/cp")[1] == expected


@pytest.mark.parametrize("asked", ["-j 8", "-j8", "--processes 8", "--processes=8"])
def test_processes_are_capped_and_the_log_says_so(tmp_path: Path, asked: str) -> None:
    words = arguments(tmp_path, config=f"{asked} -c x:n=8")
    assert asked.replace("8", "1").split() == words[8 : 8 + len(asked.split())]
    assert "x:n=8" in words
    made = PipetaskRunner(tmp_path, "raw")(job(tmp_path, config=asked))
    process = PipetaskProcess([sys.executable, "-c", ""], made._log, made._remarks, os.environ)
    assert process.run() == 0
    assert "-j 8 was asked for and -j 1 is used" in made._log.read_text()


def test_nothing_in_a_job_reaches_a_shell(tmp_path: Path) -> None:
    words = arguments(tmp_path, config="-c a:b=$(touch x); rm -rf ~ `id`")
    assert words[8:15] == ["-c", "a:b=$(touch", "x);", "rm", "-rf", "~", "`id`"]


def test_log_says_first_that_it_is_simulated_and_last_how_it_ended(tmp_path: Path) -> None:
    log = tmp_path / "outs" / "ocps.log"
    program = "import os, sys; print('hello'); print(os.environ['OMP_NUM_THREADS']); sys.exit(3)"
    process = PipetaskProcess(
        [sys.executable, "-c", program], log, (), {**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert process.run() == 3
    lines = log.read_text().splitlines()
    assert lines[0].startswith("SIMULATED")
    assert lines[2:] == ["hello", "1", "pipetask ended with exit status 3"]


def test_killed_process_ends_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    program = (
        "import pathlib, subprocess, sys, time;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        f"pathlib.Path({str(child)!r}).write_text(str(p.pid)); time.sleep(60)"
    )
    process = PipetaskProcess([sys.executable, "-c", program], tmp_path / "ocps.log", (), os.environ)
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(process.run()))
    thread.start()
    wait_until(lambda: child.exists() and child.read_text() != "")
    process.kill()
    thread.join(10)
    assert status == [-signal.SIGKILL]
    wait_until(lambda: not is_alive(int(child.read_text())))
    process.kill()  # it has ended: nothing to do


def test_process_killed_before_it_began_never_begins(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = f"open({str(mark)!r}, 'w')"
    process = PipetaskProcess([sys.executable, "-c", program], tmp_path / "ocps.log", (), os.environ)
    process.kill()
    assert process.run() == 255
    assert not mark.exists()


def test_pipetask_ends_when_its_parent_is_gone() -> None:
    """Standard input is what ties them together."""
    code = (
        "import runpy, sys, time, types;"
        "fake = types.ModuleType('fake'); fake.main = lambda: time.sleep(60);"
        "sys.modules['lsst.ctrl.mpexec.cli.pipetask'] = fake;"
        "runpy.run_module('lsst.ts.simulated_observatory.pipelines.pipetask_process', run_name='__main__')"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as process:
        time.sleep(1.0)
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 1


@pytest.mark.parametrize(
    ("pipeline", "kind", "calibration"),
    [
        ("resource://x/cpBias.yaml", "generate", "BIAS"),
        ("${CP_VERIFY_DIR}/pipelines/LATISS/verifyDark.yaml", "verify", "DARK"),
        ("/bias/verifyFlat.yaml#isr", "verify", "FLAT"),
        ("cpPtc.yaml#generateGainFromFlatPair", "gain", "GAIN"),
        ("cpPtc.yaml#cpPtcGainFromFlatPairs", "gain", "GAIN"),
        ("verifyGainFromFlatPairs.yaml", "verify", "GAIN"),
        ("cpPtc.yaml", "generate", "PTC"),
        ("measurePhotonTransferCurve.yaml", "generate", "PTC"),
        ("findDefects.yaml", "generate", "DEFECTS"),
        ("cpGlow.yaml", "generate", "GLOW"),
        ("mine.yaml", "generate", ""),
    ],
)
def test_kind_and_calibration_follow_from_the_name_of_the_pipeline(
    tmp_path: Path, pipeline: str, kind: str, calibration: str
) -> None:
    made = job(tmp_path, pipeline)
    assert (made.kind, made.calibration) == (kind, calibration)


@pytest.mark.parametrize(
    ("query", "exposures", "detectors"),
    [
        ("instrument='LATISS' AND detector IN (0) AND exposure IN (1, 2, 3)", 3, 1),
        ("exposure in (1) and detector IN(0,1,2)", 1, 3),
        ("exposure = 5", 1, 0),
        ("instrument='LATISS'", 0, 0),
    ],
)
def test_number_of_images_follows_from_the_query(
    tmp_path: Path, query: str, exposures: int, detectors: int
) -> None:
    made = job(tmp_path, query=query)
    assert (len(made.selected("exposure")), len(made.selected("detector"))) == (exposures, detectors)
