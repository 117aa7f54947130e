"""Jobs on the batch system end as those of a process do, with the same results."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.batch.runner import BatchProcess
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job

from .conftest import OPTIONS, Night

pytestmark = [
    pytest.mark.endtoend,
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("batch"),
]


def results(night: Night, job: Job) -> dict[tuple[str, str], Any]:
    """All that a job stored, by dataset type and data id."""
    with Butler.from_config(str(night.repository)) as butler:
        refs = butler.query_all_datasets(f"{job.collection}/run", limit=None)
        return {(ref.datasetType.name, str(ref.dataId)): butler.get(ref) for ref in refs}


def check_same(night: Night, one: Job, other: Job) -> None:
    """The datasets, their content and the collections of two jobs are the same."""
    expected, found = results(night, one), results(night, other)
    assert sorted(found) == sorted(expected)
    for key, value in expected.items():
        assert type(found[key]) is type(value)
        if not key[0].endswith(("_log", "_metadata", "packages")):  # these have times, and what runs them
            assert plain(found[key], other) == plain(value, one), key
        if key[0].endswith("_metadata"):
            assert of_task(found[key]) == of_task(value)
    with Butler.from_config(str(night.repository)) as butler:
        chains = [butler.collections.get_info(job.collection).children for job in (one, other)]
    assert chains[0][1:] == chains[1][1:]


def of_task(metadata: Any) -> dict[str, Any]:
    """What a task itself noted, without times and memory of the quantum and of the process that ran it."""
    noted: dict[str, Any] = metadata.model_dump()["metadata"]
    return {label: part for label, part in noted.items() if label not in ("quantum", "job")}


def plain(value: Any, job: Job) -> str:
    """A dataset as text; where it names its job it does not matter which."""
    if hasattr(value, "image"):
        parts = [value.image.tobytes(), value.mask.tobytes(), value.metadata]
    else:
        parts = [value.to_dict() if hasattr(value, "to_dict") else value]
    return repr([_rounded(each) for each in parts]).replace(job.job_id, "JOB")


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


@contextmanager
def running(process: BatchProcess) -> Iterator[list[int]]:
    """Run a job in a thread; its status is there when the context ends."""
    status: list[int] = []
    thread = threading.Thread(target=lambda: status.append(process.run()))
    thread.start()
    try:
        yield status
    except BaseException:
        process.kill()
        raise
    finally:
        thread.join()


def members(process: BatchProcess) -> dict[int, str]:
    """Processes of the session of a job, and their command lines."""
    found = {}
    assert process._process is not None
    for path in Path("/proc").glob("[0-9]*"):
        try:
            stat = (path / "stat").read_text().rpartition(")")[2].split()
            if int(stat[3]) == process._process.pid and stat[0] not in "ZX":
                found[int(path.name)] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


def until(condition: Callable[[], Any], seconds: float = 500.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def quanta(process: BatchProcess) -> list[int]:
    return [
        number
        for number, command in members(process).items()
        if " run-qbb " in command and "bash" not in command
    ]


@pytest.fixture(scope="module")
def biases(night: Night) -> list[int]:
    return night.take("BIAS", [0.0] * 3)


def test_results_of_a_bias_are_those_of_the_process(night: Night, biases: list[int]) -> None:
    jobs = [night.job(name, "cpBias.yaml", biases) for name in ("process", "batch")]
    assert [run(job).run() for run, job in zip((night.process, night.batch), jobs, strict=True)] == [0, 0]
    check_same(night, *jobs)
    log = jobs[1].log.read_text()
    assert log.startswith("SIMULATED")
    assert "4 quanta: 4 exec_done" in log
    assert log.endswith("the batch job ended with exit status 0\n")


def test_statistics_of_a_verification_are_those_of_the_process(night: Night, biases: list[int]) -> None:
    options = OPTIONS.replace("isr:", "verifyBiasIsr:")  # there are no defects in this repository
    jobs = [
        night.job(f"verify-{name}", "verifyBias.yaml", biases[:1], inputs="u/ocps/process", options=options)
        for name in ("process", "batch")
    ]
    assert [run(job).run() for run, job in zip((night.process, night.batch), jobs, strict=True)] == [0, 0]
    check_same(night, *jobs)
    statistics = results(night, jobs[1])
    assert any(name == "verifyBiasDetStats" for name, _ in statistics)


def test_curve_is_that_of_the_process(night: Night) -> None:
    flats = night.take("FLAT", [2.0, 2.0, 8.0, 8.0])
    jobs = [night.job(f"curve-{name}", "cpPtc.yaml", flats) for name in ("process", "batch")]
    assert [run(job).run() for run, job in zip((night.process, night.batch), jobs, strict=True)] == [0, 0]
    check_same(night, *jobs)


def test_failed_quantum_fails_the_job_and_its_log_is_gathered(night: Night) -> None:
    first, second = night.take("BIAS", [0.0] * 2)
    night.files[second].unlink()
    job = night.job("failing", "cpBias.yaml#isr", [first, second])
    assert night.batch(job).run() == 1
    log = job.log.read_text()
    assert re.search(r"^quantum \S+ failed: BashExitFailure", log, re.MULTILINE)
    assert str(night.files[second]) in log  # from the log of the quantum
    assert "the batch job ended with exit status 1" in log
    assert [name for name, _ in results(night, job)].count("cpBiasProc") == 1  # the other one is kept


def test_abort_ends_all_processes(night: Night, biases: list[int]) -> None:
    job = night.job("aborted", "cpBias.yaml", biases)
    process = night.batch(job)
    with running(process) as status:
        until(lambda: quanta(process))
        process.kill()
    assert status == [1]
    assert members(process) == {}
    assert not any(name == "bias" for name, _ in results(night, job))


def test_abort_while_the_graph_is_made(night: Night, biases: list[int]) -> None:
    process = night.batch(night.job("early", "cpBias.yaml", biases))
    with running(process) as status:
        until(lambda: [command for command in members(process).values() if " qgraph " in command])
        process.kill()
    assert status == [1]
    assert members(process) == {}


def test_killed_worker_is_replaced(night: Night, biases: list[int]) -> None:
    job = night.job("replaced", "cpBias.yaml", biases)
    process = night.batch(job)
    with running(process) as status:
        for number in until(lambda: quanta(process)):
            os.kill(number, signal.SIGKILL)
    assert status == [0], job.log.read_text()
    assert any(name == "bias" for name, _ in results(night, job))


def test_job_whose_submission_is_killed_leaves_no_process(night: Night, biases: list[int]) -> None:
    process = night.batch(night.job("killed", "cpBias.yaml", biases))
    with running(process) as status:
        until(lambda: quanta(process))
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGKILL)
    assert status == [-signal.SIGKILL]
    assert members(process) == {}
