"""Signals while the simulated observatory is prepared: nothing half made is left, and nobody waits."""

from __future__ import annotations

import os
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskProcess
from lsst.ts.simulated_observatory.repository import reference_repository
from lsst.ts.simulated_observatory.repository.repository import _wait_for_lock, is_complete, make_repository
from lsst.ts.simulated_observatory.session.checks import run_folder
from lsst.ts.simulated_observatory.session.interrupts import (
    Interrupted,
    noted_interrupts,
    pipelines_ended_by,
)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_raised_where_one_looks_and_nowhere_else(number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=number.name), noted_interrupts() as interrupts:  # noqa: PT012
        assert not interrupts.came
        assert select.select([interrupts], [], [], 0)[0] == []
        send(number)
        assert interrupts.came
        assert select.select([interrupts], [], [], 0)[0] == [interrupts]
        interrupts.check()
        raise AssertionError("it was not heard")


def test_a_signal_at_which_nobody_looks_is_raised_at_the_end() -> None:
    ended = []
    with pytest.raises(Interrupted, match="SIGTERM"), noted_interrupts():  # noqa: PT012
        send(signal.SIGTERM)
        ended.append(True)
    assert ended


def test_a_second_signal_does_not_disturb_the_tidying() -> None:
    tidied = []
    with pytest.raises(Interrupted, match="SIGINT"), noted_interrupts() as interrupts:  # noqa: PT012
        send(signal.SIGINT)
        try:
            interrupts.check()
        finally:
            send(signal.SIGINT)
            send(signal.SIGTERM)
            tidied.append(True)
    assert tidied


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(Interrupted), noted_interrupts():
        send(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in before} == before


def test_pipelines_under_way_are_ended_and_so_are_later_ones(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; print('asleep', flush=True); time.sleep(100)"]
    logs = [tmp_path / name for name in ("first.log", "later.log")]
    pipelines = [PipetaskProcess(sleep, log, [], os.environ) for log in logs]
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda each=each: statuses.append(each.run())) for each in pipelines]
    with pytest.raises(Interrupted), noted_interrupts() as interrupts, pipelines_ended_by(interrupts):  # noqa: PT012
        threads[0].start()
        while not (logs[0].exists() and "\nasleep" in logs[0].read_text()):
            time.sleep(0.01)
        send(signal.SIGTERM)
        threads[1].start()
        for thread in threads:
            thread.join(20)
    assert statuses == [-signal.SIGKILL] * 2


def test_waiting_for_a_lock_ends_when_a_signal_comes(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as mine, (tmp_path / "lock").open("w") as other:
        _wait_for_lock(mine.fileno(), lambda: None)
        with pytest.raises(Interrupted), noted_interrupts() as interrupts:  # noqa: PT012
            threading.Timer(0.2, send, [signal.SIGTERM]).start()
            _wait_for_lock(other.fileno(), interrupts.check)


class AfterLines:
    """Sends a signal to this process when so many lines of Python have been executed."""

    def __init__(self, lines: int) -> None:
        self.left = lines

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> AfterLines:
        if event == "line":
            self.left -= 1
            if self.left == 0:
                send(signal.SIGTERM)
        return self


@pytest.mark.parametrize("lines", range(1, 400, 23))
def test_a_repository_is_there_as_a_whole_or_not_at_all(tmp_path: Path, lines: int) -> None:
    reference, folder = tmp_path / "reference", tmp_path / "run"
    folder.mkdir()
    for name in ("one", "two"):
        (reference / name).mkdir(parents=True)
        (reference / name / "file").write_text(name)

    def interrupt(check: Callable[[], None]) -> None:
        signals, before = AfterLines(lines), sys.gettrace()
        sys.settrace(signals)
        try:
            make_repository(folder / "repo", reference, "LATISS/calib", {"seed": 1}, check)
        finally:
            sys.settrace(before)
            if signals.left > 0:
                send(signal.SIGTERM)

    with pytest.raises(Interrupted), noted_interrupts() as interrupts:
        interrupt(interrupts.check)
    left = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    whole = {
        "repo",
        "repo/SIMULATED.json",
        *(f"repo/{name}" for name in ("one", "one/file", "two", "two/file")),
    }
    assert left == (whole if is_complete(folder / "repo") else set())


@pytest.mark.parametrize(
    ("number", "state", "status", "words"),
    [
        (
            signal.SIGTERM,
            "FAILED",
            2,
            "SIGTERM came while the simulated observatory was prepared. Nothing was",
        ),
        (
            signal.SIGINT,
            "STOPPED",
            0,
            "Stopped while the simulated observatory was prepared. Nothing was exp",
        ),
    ],
)
def test_a_run_that_was_interrupted_so_early_says_so_and_leaves_no_work(
    run_script: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    state: str,
    status: int,
    words: str,
) -> None:
    def make(_request: object, _say: object, check: Callable[[], None], _tell: object) -> Path:
        with tempfile.TemporaryDirectory(prefix="making-", dir=tmp_path):
            send(number)
            check()
            raise AssertionError("the signal was not heard")

    monkeypatch.setattr(reference_repository, "reference_repository", make)
    outcome = run_script("--out", "out")
    assert outcome.status == status
    assert words in outcome.text
    assert (outcome.summary["state"], outcome.summary["exposures"]) == (state, [])
    assert outcome.touched == {"out", "out/summary.json", "out/script.log"}
    assert run_folder(tmp_path / "out", "") == tmp_path / "out", "the same command can be given again"
