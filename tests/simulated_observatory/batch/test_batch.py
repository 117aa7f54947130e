"""Jobs on the batch system end as those of a process do, with the same results."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.batch.runner import BatchProcess
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job

from .conftest import OPTIONS, Night
from .processes import commands, until

pytestmark = [
    pytest.mark.endtoend,
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
    """Processes of the session of a job, and their command lines; none if it has not begun."""
    return {} if process._process is None else commands(process._process.pid)


def running_part(process: BatchProcess, part: str) -> list[int]:
    """Processes of a job whose command line has some text, without the shells that start them."""
    found = members(process).items()
    return [number for number, command in found if part in command and "bash" not in command.split(" ")[0]]


def started_by(process: BatchProcess, part: str) -> int:
    """What, with some text in its command line, has started a quantum of a job, or is it itself."""
    (number,) = until(lambda: running_part(process, QUANTUM))
    found = members(process)
    while part not in found[number]:
        number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
    return number


QUANTUM, WORKER, POOL = " run-qbb ", "multiprocessing.spawn", "process_worker_pool.py"
INTERCHANGE = "interchange"
"""What hands the parts to the workers, of which Parsl starts no other one."""


def run_both(
    night: Night, name: str, pipeline: str, exposures: list[int], *, killed: str = "", **more: str
) -> Job:
    """Run a job in both ways, see that the results are the same, and return that of the batch system.

    A process of the batch system with some text in its command line can be killed in the middle.
    """
    one, other = (night.job(f"{name}-{how}", pipeline, exposures, **more) for how in ("process", "batch"))
    assert night.process(one).run() == 0
    process = night.batch(other)
    with running(process) as status:
        if killed:
            (quantum,) = until(lambda: running_part(process, QUANTUM))
            os.kill(started_by(process, killed), signal.SIGKILL)
            until(lambda: running_part(process, QUANTUM) != [quantum])
            assert quantum not in members(process)  # when another one does the same
    assert status == [0], other.log.read_text()
    assert members(process) == {}
    check_same(night, one, other)
    return other


@pytest.fixture(scope="module")
def biases(night: Night) -> list[int]:
    return night.take("BIAS", [0.0] * 3)


@pytest.fixture(scope="module")
def bias(night: Night, biases: list[int]) -> Job:
    """A combined bias that both have made."""
    return run_both(night, "bias", "cpBias.yaml", biases)


def test_results_of_a_bias_are_those_of_the_process(bias: Job) -> None:
    log = bias.log.read_text()
    assert log.startswith("SIMULATED")
    assert "1 parts: 1 exec_done" in log
    assert log.endswith("the batch job ended with exit status 0\n")


@pytest.mark.long
def test_statistics_of_a_verification_are_those_of_the_process(
    night: Night, biases: list[int], bias: Job
) -> None:
    options = OPTIONS.replace("isr:", "verifyBiasIsr:")  # there are no defects in this repository
    job = run_both(night, "verify", "verifyBias.yaml", biases[:1], inputs=bias.collection, options=options)
    assert any(name == "verifyBiasDetStats" for name, _ in results(night, job))


def test_curve_is_that_of_the_process_although_a_worker_was_killed(night: Night, bias: Job) -> None:
    flats = night.take("FLAT", [2.0, 2.0, 8.0, 8.0, 20.0, 20.0])
    job = run_both(night, "curve", "cpPtc.yaml", flats, killed=WORKER, inputs=bias.collection)
    assert any(name == "ptc" for name, _ in results(night, job))


def test_failed_quantum_fails_the_job_and_its_log_is_gathered(night: Night) -> None:
    first, second = night.take("BIAS", [0.0] * 2)
    night.files[second].unlink()
    job = night.job("failing", "cpBias.yaml#isr", [first, second])
    assert night.batch(job).run() == 1
    log = job.log.read_text()
    assert re.search(r"^part \S+ failed: BashExitFailure", log, re.MULTILINE)
    assert str(night.files[second]) in log  # from the log of the part
    assert "the batch job ended with exit status 1" in log
    assert [name for name, _ in results(night, job)].count("cpBiasProc") == 1  # the other one is kept


def test_abort_ends_all_processes(night: Night, biases: list[int]) -> None:
    job = night.job("aborted", "cpBias.yaml", biases)
    process = night.batch(job)
    with running(process) as status:
        until(lambda: running_part(process, QUANTUM))
        process.kill()
    assert status == [1]
    assert members(process) == {}
    with Butler.from_config(str(night.repository)) as butler:  # the results go there at the end, all at once
        assert not butler.collections.query(f"{job.collection}*")


def test_abort_while_the_graph_is_made(night: Night, biases: list[int]) -> None:
    process = night.batch(night.job("early", "cpBias.yaml", biases))
    with running(process) as status:
        until(lambda: running_part(process, " qgraph "))
        process.kill()
    assert status == [1]
    assert members(process) == {}


@pytest.mark.long
@pytest.mark.parametrize("killed", [QUANTUM, POOL])
def test_what_is_killed_is_replaced(night: Night, biases: list[int], killed: str) -> None:
    """The process of a quantum, and what has started the workers."""
    run_both(night, f"replaced-{len(killed)}", "cpBias.yaml", biases, killed=killed)


@pytest.mark.long
def test_job_whose_submission_is_killed_leaves_no_process(night: Night, biases: list[int]) -> None:
    process = night.batch(night.job("killed", "cpBias.yaml", biases))
    with running(process) as status:
        until(lambda: running_part(process, QUANTUM))
        assert process._process is not None
        os.kill(process._process.pid, signal.SIGKILL)
    assert status == [-signal.SIGKILL]
    assert members(process) == {}


@pytest.mark.long
def test_job_whose_workers_nothing_reaches_ends(night: Night, biases: list[int]) -> None:
    job = night.job("lost", "cpBias.yaml", biases)
    process = night.batch(job)
    with running(process) as status:
        until(lambda: running_part(process, QUANTUM))
        for number in running_part(process, INTERCHANGE):
            os.kill(number, signal.SIGKILL)
    assert status not in ([], [0])
    assert members(process) == {}
    assert "the process of Parsl that reaches the workers of local has ended" in job.log.read_text()


@pytest.mark.long
def test_reason_of_a_graph_that_fails_is_named(night: Night, biases: list[int]) -> None:
    job = night.job("graphless", "cpBias.yaml", biases, options="-c noSuchTask:doDefect=False")
    assert night.batch(job).run() == 1
    *_, reason, _ = job.log.read_text().splitlines()
    assert "the graph of quanta could not be made" in reason
    assert "noSuchTask" in reason
