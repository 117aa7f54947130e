"""Faults that ``run_simulator`` puts on the bus, and what the operator at the queue reads of each."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest
from log_checks import FEW
from simulator import SIMULATOR

pytestmark = pytest.mark.timeout(600)

STORIES = {
    "camera": ("take-images-refused:image=2", "FAILED", "ATCamera did not take the BIAS of 0 s", 1),
    "state": ("component-state:component=ATOODS,state=FAULT", "FAILED", "ATOODS is in FAULT", 0),
    "archive": ("oods-status:image=3", "FAILED", "statusCode 1: ingest failure", 8),
    "job": ("ocps-exit:kind=verify,calibration=DARK,code=7", "FAILED", "verify DARK (exit code 7", 8),
    "result": ("ocps-result-lost:kind=verify,calibration=BIAS", "FAILED", "sent no job_result", 8),
    "database": ("butler-locked:kind=verify,calibration=BIAS,seconds=60", "DONE", "FLAT passed", 8),
    "detector": ("shutter-stuck", "DONE", "CALIBRATION VERIFICATION NEGATIVE: FLAT failed", 8),
}
"""Fault, final state of the script, a part of the reason, and how many exposures there are."""


@pytest.mark.long  # a stand of its own for each: about 25 s
@pytest.mark.parametrize("story", STORIES)
async def test_a_fault_is_told_as_what_it_is(client: Any, stand: Any, story: str) -> None:
    fault, state, reason, exposures = STORIES[story]
    with stand("LATISS", "--fault", fault):
        queued = await client.run(FEW + "oods_timeout: 20\n")
    assert (queued.process_state, queued.script_state) == ("DONE", state), queued.reason
    assert reason in queued.reason
    assert len(queued.summary["exposures"]) == exposures
    if state == "FAILED":
        errors = [line for level, line in queued.log if level == logging.ERROR]
        assert reason in errors[-1], errors
        assert "ackcmd" not in queued.reason
    negative = [line for level, line in queued.log if level == logging.WARNING and "NEGATIVE" in line]
    assert len(negative) == (story == "detector")
    assert client.tracebacks() == []


@pytest.mark.parametrize("fault", ["clock-step:image=1", "run-disk-full"])
def test_faults_of_the_machine_of_the_script_are_refused(topics: None, tmp_path: Path, fault: str) -> None:
    out = tmp_path / "out"
    ended = subprocess.run([*SIMULATOR, "--out", str(out), "--fault", fault], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "bin/run_script can do that. Nothing was touched." in " ".join(ended.stderr.split())
    assert not out.exists()


async def test_a_simulator_that_is_started_again_gives_no_name_twice(client: Any, stand: Any) -> None:
    """The bus still tells the last image and the last job of the one before to every script that begins."""
    images, jobs = list[str](), list[str]()
    for _ in range(2):
        with stand("LATISS"):
            queued = await client.run("script_mode: BIAS\nn_bias: 2\n")
        assert queued.script_state == "DONE", queued.reason
        images += [each["obs_id"] for each in queued.summary["exposures"]]
        jobs += [each["job_id"] for each in queued.summary["jobs"]]
    assert len(set(images)) == 6
    assert len(set(jobs)) == 2
