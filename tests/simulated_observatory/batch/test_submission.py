"""What the process that submits a job says of what goes wrong, and what it does not write down."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.components.job_log import failure_in_log
from lsst.ts.simulated_observatory.batch import submission as module
from lsst.ts.simulated_observatory.batch.command import STARTED
from lsst.ts.simulated_observatory.batch.description import submit_description
from lsst.ts.simulated_observatory.batch.reason import LONGEST_REASON, reason_in_one_line
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job

HIDDEN = "hush-hush"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job whose site includes nothing, with its submit description."""
    pytest.importorskip("lsst.ctrl.bps.parsl")
    job = Job("a1", f"{PIPELINES}/cpBias.yaml", "", "", tmp_path)
    site = tmp_path / "site.yaml"
    site.write_text("computeSite: mine\n")
    text = submit_description(job, job.pipeline, tmp_path / "repo", "LATISS/raw/all", site)
    (tmp_path / "submit.yaml").write_text(text)
    return job


def test_no_secret_of_the_environment_is_written(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    from lsst.ctrl.bps import initialize

    monkeypatch.setenv("PGPASSWORD", HIDDEN)
    monkeypatch.setattr(initialize, "_dump_env_info", initialize._dump_env_info)  # put back afterwards
    module._keep_environment_private()
    initialize.init_submission(str(job.folder / "submit.yaml"))
    written = [path for path in job.folder.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".pkg.info.yaml") for path in written)
    assert [path for path in written if HIDDEN in path.read_text()] == []


def test_another_version_that_writes_the_environment_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    initialize = pytest.importorskip("lsst.ctrl.bps.initialize")
    monkeypatch.delattr(initialize, "_dump_env_info")
    with pytest.raises(AttributeError, match="may write environment variables, and secrets, into files"):
        module._keep_environment_private()


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (
            "INFO begins\nError: Got extra arguments\n\n",
            "Got extra arguments",
        ),
        (
            "+ butler\nTraceback (most recent call last):\n  File x\nb.OSError: refused\n",
            "OSError: refused",
        ),
        (None, "CalledProcessError: Command 'butler' returned non-zero exit status 2."),
        (f"{STARTED}\n", "CalledProcessError: Command 'butler' returned non-zero exit status 2."),
    ],
)
def test_failed_command_is_named_with_the_end_of_its_log(
    log: str | None, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lsst.ctrl.bps")
    path = tmp_path / "final.stderr"
    if log is not None:
        path.write_text(log)
    with pytest.raises(SystemExit) as ended, module._named("it failed", path):
        raise subprocess.CalledProcessError(2, "butler")
    assert ended.value.code == 1
    (tmp_path / "ocps.log").write_text(capsys.readouterr().out)
    said = (tmp_path / "ocps.log").read_text()
    assert said.startswith("ERROR batch job - it failed: " if log is None else f"--- {path}:\n{log}")
    assert reason in failure_in_log(tmp_path / "ocps.log")


def test_what_no_command_has_said_is_no_failed_command(tmp_path: Path) -> None:
    pytest.importorskip("lsst.ctrl.bps")
    (tmp_path / "final.stderr").write_text("INFO all is well\n")
    with pytest.raises(OSError, match="no space"), module._named("it failed", tmp_path / "final.stderr"):
        raise OSError("no space")


@pytest.fixture
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens instead of the end of this process."""
    called: list[str] = []
    monkeypatch.setattr(module, "_abandoned", type(module._abandoned)())
    monkeypatch.setattr(module, "_give_back", lambda: called.append("given back"))
    monkeypatch.setattr(module, "PERIOD", 0.01)
    return called


def workflow(executor: object, future: Future[Any]) -> Any:
    return SimpleNamespace(
        jobs={"part": SimpleNamespace(future=future)}, parsl_config=SimpleNamespace(executors=[executor])
    )


def part() -> Future[Any]:
    future: Future[Any] = Future()
    future.task_status = lambda: "launched"  # type: ignore[attr-defined]
    return future


def test_job_ends_if_nothing_reaches_its_workers(
    given_back: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    module._follow(workflow(SimpleNamespace(label="local", interchange_proc=process), part()))
    assert "the process of Parsl that reaches the workers of local has ended" in capsys.readouterr().out
    assert module._abandoned.is_set()
    assert given_back == ["given back"]


@pytest.mark.parametrize(
    "executor", [SimpleNamespace(label="other"), SimpleNamespace(label="local", interchange_proc=None)]
)
def test_executor_that_has_no_such_process(executor: object, given_back: list[str]) -> None:
    assert module._lost(workflow(executor, part())) == ""
    assert given_back == []


def ended(folder: Path, *, log: str, output: str = "", error: Exception | None = None) -> Any:
    """A job of one part that has ended."""
    files, future = {"stderr": log, "stdout": output}, part()
    for name, text in files.items():
        (folder / name).write_text(text)
    future.set_exception(error) if error else future.set_result(0)
    paths = {name: str(folder / name) for name in files}
    return SimpleNamespace(jobs={"part": SimpleNamespace(future=future, **paths)})


def test_reason_of_workers_that_were_not_submitted_is_in_one_line(tmp_path: Path) -> None:
    said = "Error 1:\n\tsubmit failed: sbatch: error: Invalid account\n\tEXIT CODE: 1\n"
    ((_, error),) = module._failures(ended(tmp_path, log="", error=ValueError(said)))
    reason = "ValueError: Error 1: submit failed: sbatch: error: Invalid account EXIT CODE: 1"
    assert reason_in_one_line(error) == reason
    assert len(reason_in_one_line(ValueError("a" * 10_000))) == LONGEST_REASON


@pytest.mark.parametrize(("log", "names"), [(f"{STARTED}\nINFO\n", []), ("", ["part"]), ("done\n", ["part"])])
def test_part_whose_command_was_not_run_has_failed(log: str, names: list[str], tmp_path: Path) -> None:
    assert [name for name, _ in module._failures(ended(tmp_path, log=log))] == names


def test_part_whose_log_the_site_sends_elsewhere_has_not_failed(tmp_path: Path) -> None:
    assert list(module._failures(ended(tmp_path, log="", output=f"{STARTED}\n"))) == []
