"""Whole runs in a repository whose registry is in a PostgreSQL database."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.facts import CalibrationMade, ExposureTaken, Fact
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.repository.database import read_address
from lsst.ts.simulated_observatory.stand_ins.template import make_template

from ...simulated_observatory.repository.server import Server, running_server
from .interrupted import COLLECTION, FILTERS, MODES, Observed

DAY = 86400.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from running_server()


@pytest.fixture
def shared(server: Server, tmp_path: Path) -> Path:
    """A repository that several runs may use."""
    name = f"night{len(server.sql('SELECT 1 FROM pg_database'))}"
    server.sql(f"CREATE DATABASE {name}")
    database = read_address(server.address(name))
    path = database.files(tmp_path)

    def fill(folder: Path) -> None:
        make_template(folder, LATISS, [0], seed=1, scale=16, filters=FILTERS, registry=database.registry)

    database.make(path, {"scale": 16}, fill, lambda: None)
    return path


@pytest.fixture
def new_run(shared: Path, tmp_path: Path) -> Callable[..., Observed]:
    """Make a run directory, whose run uses the repository; runs of different nights do not share job ids."""

    def make(name: str, more: str = "", mode: str = "internal", night: int = 0) -> Observed:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "repo").symlink_to(shared)
        return Observed(folder, MODES[mode] + more, parts=1000 * night)

    return make


def certified(repository: Path) -> set[Any]:
    with Butler.from_config(str(repository)) as butler:
        found = butler.registry.queryDatasetAssociations("bias", collections=[COLLECTION])
        return {each.ref.run for each in found}


def after_first(kind: type[Fact], act: Callable[[], None]) -> Callable[[Fact], None]:
    left = iter([act])

    def hear(fact: Fact) -> None:
        if isinstance(fact, kind) and (found := next(left, None)) is not None:
            found()

    return hear


@pytest.mark.parametrize("kind", [pytest.param(ExposureTaken, marks=pytest.mark.long), CalibrationMade])
def test_server_that_is_restarted_in_the_middle(
    new_run: Callable[..., Observed], shared: Path, server: Server, kind: type[Fact]
) -> None:
    """Connections of before are dead, and a run goes on with new ones."""
    run = new_run("run")

    def restart() -> None:
        server.stop()
        server.start()

    run.listeners.append(after_first(kind, restart))
    run.begin()
    assert run.state == "DONE", run.reason
    assert run.reason.endswith(f"bias certified in {COLLECTION}")
    assert len(certified(shared)) == 1


def test_server_that_is_gone_ends_the_run_with_the_reason_and_nothing_is_lost(
    new_run: Callable[..., Observed], shared: Path, server: Server
) -> None:
    run = new_run("run")
    run.listeners.append(after_first(CalibrationMade, server.stop))
    try:
        run.begin()
    finally:
        server.start()
    assert run.state == "FAILED"
    assert "Connection refused" in run.reason + "".join(run.log)
    run.listeners.clear()
    run.resume()
    assert run.state == "DONE", run.reason
    assert run.reason.endswith(f"bias certified in {COLLECTION}")
    assert len(run.summary["exposures"]) == 12
    assert len(certified(shared)) == 1


RANGE = "certify_calib_begin_date: '{}'\ncertify_calib_end_date: '{}'\n"


@pytest.mark.parametrize(
    ("second", "done"), [(("2025-01-17", "2025-01-18"), 2), (("2025-01-16", "2025-01-18"), 1)]
)
def test_two_runs_at_once(
    new_run: Callable[..., Observed], shared: Path, second: tuple[str, str], done: int
) -> None:
    """Of different nights: both certify in ranges that touch, exactly one in ranges that overlap."""
    runs = [
        new_run("one", RANGE.format("2025-01-15", "2025-01-17"), night=1),
        new_run("other", RANGE.format(*second), night=2),
    ]
    children = [_fork(run, clock.START_TAI + 2 * DAY * number) for number, run in enumerate(runs)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    ends = [run.summary["state"] for run in runs]
    assert ends.count("DONE") == done, ends
    assert len(certified(shared)) == done
    for run, end in zip(runs, ends, strict=True):
        assert end == "DONE" or "valid already" in run.summary["reason"], run.summary


def _fork(run: Observed, begin: float) -> int:
    """Run in a process of its own, in a night."""
    if (pid := os.fork()) == 0:
        try:
            text = f"{run.config}\nrepo: {run.folder / 'repo'}"
            clock.run(lambda: run._play(text, ()), start_tai=begin, threads=False)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid
