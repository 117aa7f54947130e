"""Signals while the simulated observatory is prepared: nothing half made is left, and nobody waits."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskProcess
from lsst.ts.simulated_observatory.session import surroundings
from lsst.ts.simulated_observatory.session.interrupts import Interrupted, raising_interrupts


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_an_exception_with_its_name(number: signal.Signals) -> None:
    with pytest.raises(Interrupted, match=number.name), raising_interrupts():
        send(number)


def test_a_second_signal_does_not_disturb_the_tidying() -> None:
    tidied = []
    with pytest.raises(Interrupted, match="SIGINT"), raising_interrupts():  # noqa: PT012
        try:
            send(signal.SIGINT)
        finally:
            send(signal.SIGINT)
            send(signal.SIGTERM)
            tidied.append(True)
    assert tidied


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(Interrupted), raising_interrupts():
        send(signal.SIGTERM)
    assert {number: signal.getsignal(number) for number in before} == before


def test_pipelines_under_way_are_ended(tmp_path: Path) -> None:
    sleep = [sys.executable, "-c", "import time; print('asleep', flush=True); time.sleep(100)"]
    pipeline = PipetaskProcess(sleep, tmp_path / "ocps.log", [], os.environ)
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(pipeline.run()))
    with pytest.raises(Interrupted), raising_interrupts():  # noqa: PT012
        thread.start()
        while (
            "\nasleep" not in (tmp_path / "ocps.log").read_text()
            if (tmp_path / "ocps.log").exists()
            else True
        ):
            thread.join(0.01)
        send(signal.SIGTERM)
    thread.join(20)
    assert statuses == [-signal.SIGKILL]


def test_a_run_that_was_interrupted_so_early_says_so_and_leaves_no_work(
    run_script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(*_: Any) -> Path:
        with tempfile.TemporaryDirectory(prefix="making-", dir=tmp_path):
            send(signal.SIGTERM)
            raise AssertionError("the signal was not heard")

    monkeypatch.setattr(surroundings, "reference_repository", make)
    outcome = run_script("--out", "out")
    assert outcome.status == 2
    assert "SIGTERM came while the simulated observatory was prepared. Nothing was exposed." in outcome.text
    assert (outcome.summary["state"], outcome.summary["exposures"]) == ("FAILED", [])
    assert outcome.touched == {"out", "out/summary.json", "out/script.log"}
