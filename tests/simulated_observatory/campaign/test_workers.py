"""Tasks are done in processes of their own, of which nothing is left, whenever a signal comes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from lsst.ts.simulated_observatory.campaign import campaign, workers
from lsst.ts.simulated_observatory.campaign.workers import (
    MOST_MEMORY,
    NoSpace,
    results_of_group,
    work_through,
)
from lsst.ts.simulated_observatory.session.interrupts import Interrupted, noted_interrupts


@pytest.mark.parametrize("size", [1, 3])
def test_results_come_in_the_order_of_the_tasks(size: int) -> None:
    def work(task: int) -> tuple[int, int]:
        time.sleep(0.01 * (task % 3))
        return task, os.getpid()

    results = list(work_through(work, range(8), size))
    assert [task for task, _ in results] == list(range(8))
    assert len({process for _, process in results} - {os.getpid()}) == 8


def test_no_more_work_at_the_same_time_than_shall(tmp_path: Path) -> None:
    def work(task: int) -> int:
        (tmp_path / f"{task}").touch()
        time.sleep(0.1)
        number = len(list(tmp_path.iterdir()))
        (tmp_path / f"{task}").unlink()
        return number

    assert max(work_through(work, range(6), 2)) == 2


def test_a_process_that_dies_is_reported_and_nobody_hangs() -> None:
    with pytest.raises(RuntimeError, match="the process for 2 ended without a result"):
        list(work_through(lambda task: os._exit(9) if task == 2 else task, range(4), 2))


def test_no_process_takes_the_memory_of_the_machine() -> None:
    def work(task: int) -> str:
        try:
            return f"{len(bytearray(MOST_MEMORY))}"
        except MemoryError:
            return "refused"

    assert list(work_through(work, [0], 1)) == ["refused"]


def no_space(task: int) -> int:
    raise NoSpace("a campaign needs 32 MB in /x, where 3 MB are free", advice="Make room there.")


def test_missing_space_is_reported_in_words() -> None:
    with pytest.raises(NoSpace, match=r"where 3 MB are free\. Make room there"):
        list(work_through(no_space, range(4), 2))


class TestGroups:
    def results(self, produce: Callable[[], Iterator[Any]]) -> list[Any]:
        with noted_interrupts() as interrupts:
            return list(results_of_group(produce, interrupts))

    def test_what_a_process_yields_is_yielded(self) -> None:
        assert self.results(lambda: iter(["a", os.getpgid(0)]))[0] == "a"
        assert self.results(lambda: iter([os.getpgid(0)])) != [os.getpgid(0)]

    def test_its_errors_are_raised(self) -> None:
        def nothing() -> Iterator[int]:
            yield 1
            raise LookupError("no such number")

        def broken() -> Iterator[int]:
            yield 1
            raise ValueError("broken")

        with pytest.raises(LookupError, match="no such number"):
            self.results(nothing)
        with pytest.raises(RuntimeError, match="ValueError: broken"):
            self.results(broken)
        with pytest.raises(NoSpace, match="3 MB"):
            self.results(lambda: work_through(no_space, [1], 1))

    def test_a_process_that_dies_is_reported(self) -> None:
        def die() -> Iterator[int]:
            yield 1
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(RuntimeError, match="ended without a result"):
            self.results(die)

    def test_a_process_that_dies_and_leaves_another_is_reported(self) -> None:
        def die() -> Iterator[int]:
            if os.fork() == 0:
                time.sleep(100)
            yield 1
            os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(RuntimeError, match="was killed"):
            self.results(die)


class Campaign:
    """A campaign whose scripts write for ever, in memory that is a folder.

    Parameters
    ----------
    memory
        That folder.
    size
        How many workers there are.
    """

    def __init__(self, memory: Path, size: int) -> None:
        self.memory = memory
        self._size = size
        self.pids = memory.parent / f"{memory.name}.pids"
        self.pids.touch()

    def results(self) -> Iterator[int]:
        """Scenarios of which none ever ends."""
        return campaign._in_group(lambda folder: work_through(self._script_of(folder), range(4), self._size))

    def _script_of(self, folder: Path) -> Callable[[int], int]:
        def work(task: int) -> int:
            self._note()
            if os.fork() == 0:
                self._write_for_ever(folder / f"{task}")
            os.wait()
            return task

        return work

    def _write_for_ever(self, path: Path) -> None:
        self._note()
        while True:
            path.mkdir(parents=True, exist_ok=True)
            (path / "journal").touch()

    def _note(self) -> None:
        with self.pids.open("a") as file:
            file.write(f"{os.getpid()}\n")

    def running(self) -> list[str]:
        """Processes that were begun and still run; one that was killed has a moment to vanish."""
        end = time.monotonic() + 5.0
        while (left := list(filter(self._runs, self.pids.read_text().split()))) and time.monotonic() < end:
            time.sleep(0.01)
        return left

    @staticmethod
    def _runs(pid: str) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return state not in "ZX"  # of which nobody has asked how they ended


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(workers, "MEMORY", folder)
    return folder


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("size", [1, 2])
def test_an_interrupted_campaign_leaves_nothing_behind(
    memory: Path, number: signal.Signals, size: int
) -> None:
    running = Campaign(memory, size)
    watch = os.fork()
    if watch == 0:
        while running.pids.read_text().count("\n") < 2 * size:
            time.sleep(0.01)
        os.kill(os.getppid(), number)
        os._exit(0)
    with pytest.raises(Interrupted, match=number.name):
        list(running.results())
    os.waitpid(watch, 0)
    assert len(running.pids.read_text().split()) == 2 * size
    assert (list(memory.iterdir()), running.running()) == ([], [])


class AfterLines:
    """Sends a signal to this process, not to one that it forks, when so many lines were executed."""

    def __init__(self, lines: int) -> None:
        self.left = lines
        self._process = os.getpid()

    def __call__(self, _frame: FrameType, event: str, _argument: Any) -> AfterLines:
        if event == "line" and os.getpid() == self._process:
            self.left -= 1
            if self.left == 0:
                os.kill(self._process, signal.SIGTERM)
        return self


@pytest.mark.timeout(30)
@pytest.mark.parametrize("lines", [*range(1, 60, 3), *range(60, 1200, 27)])
def test_nothing_is_left_behind_at_whatever_line_a_signal_comes(memory: Path, lines: int) -> None:
    """The lines of all that begins processes, of this project and of Python."""
    running, before, signals = Campaign(memory, 1), sys.gettrace(), AfterLines(lines)
    signal.signal(signal.SIGTERM, lambda *_: setattr(signals, "left", 9))  # too early: it comes once more
    try:
        sys.settrace(signals)
        with pytest.raises(Interrupted):
            list(running.results())
    finally:
        sys.settrace(before)
    assert (list(memory.iterdir()), running.running()) == ([], [])
