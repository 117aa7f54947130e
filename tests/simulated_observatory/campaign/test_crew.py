"""A crew works through numbers in processes of their own, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.simulated_observatory.campaign.crew import MOST_MEMORY, Crew
from lsst.ts.simulated_observatory.campaign.room import NoRoom, find_room, open_room

from lsst.ts.simulated_observatory.campaign import room, runner
from lsst.ts.simulated_observatory.session.interrupts import Interrupted, raising_interrupts
from lsst.ts.simulated_observatory.stand_ins import template

MB = 1 << 20


@pytest.mark.parametrize("size", [1, 3])
def test_results_come_in_the_order_of_the_numbers(size: int) -> None:
    def work(number: int, _: int) -> tuple[int, int]:
        time.sleep(0.01 * (number % 3))
        return number, os.getpid()

    results = list(Crew(work, size).results(range(8)))
    assert [number for number, _ in results] == list(range(8))
    assert len({process for _, process in results} - {os.getpid()}) == 8


def test_a_seat_is_made_ready_by_the_campaign_and_taken_by_one_at_a_time(tmp_path: Path) -> None:
    ready: list[tuple[int, int]] = []

    def work(number: int, seat: int) -> tuple[int, int]:
        (tmp_path / f"{seat}").mkdir()  # fails if somebody sits there
        time.sleep(0.01)
        (tmp_path / f"{seat}").rmdir()
        return ready[-1]

    results = list(Crew(work, 2, lambda number, seat: ready.append((number, seat))).results(range(6)))
    assert [number for number, _ in results] == list(range(6))
    assert {seat for _, seat in results} == {0, 1}


def test_a_process_that_dies_is_told_and_no_hang() -> None:
    with pytest.raises(RuntimeError, match="the process for 2 ended without a result"):
        list(Crew(lambda number, _: os._exit(9) if number == 2 else number, 2).results(range(4)))


def test_no_process_takes_the_memory_of_the_machine() -> None:
    def work(number: int, _: int) -> str:
        try:
            return f"{len(bytearray(MOST_MEMORY))}"
        except MemoryError:
            return "refused"

    assert list(Crew(work, 1).results([0])) == ["refused"]


def test_no_room_is_told_in_words() -> None:
    def work(number: int, _: int) -> int:
        raise NoRoom("a campaign needs 32 MB in /x, where 3 MB are free", advice="Make room there.")

    with pytest.raises(NoRoom, match=r"where 3 MB are free\. Make room there"):
        list(Crew(work, 2).results(range(4)))


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int, int], None]:
    """Say how many MB are free in memory, and elsewhere."""
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(room, "MEMORY", memory)
    usual = tmp_path / "usual"
    usual.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(usual))

    def say(in_memory: int, elsewhere: int) -> None:
        def disk_usage(path: Path) -> Any:
            return type("", (), {"free": (in_memory if Path(path) == memory else elsewhere) * MB})

        monkeypatch.setattr(shutil, "disk_usage", disk_usage)

    return say


@pytest.mark.parametrize(("in_memory", "place"), [(24_000, "memory"), (64, "usual")])
def test_a_campaign_is_in_memory_only_if_that_has_room(disks: Any, in_memory: int, place: str) -> None:
    disks(in_memory, 1000)
    assert find_room().name == place


def test_without_room_there_is_no_campaign(disks: Any) -> None:
    disks(64, 100)
    with pytest.raises(NoRoom, match=r"needs 256 MB in .*usual, where 100 MB are free.*TMPDIR"):
        find_room()


def test_what_a_killed_campaign_has_left_is_removed_by_the_next_one(disks: Any, tmp_path: Path) -> None:
    disks(1000, 1000)
    killed = os.fork()
    if killed == 0:
        with open_room():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(killed, 0)
    memory = tmp_path / "memory"
    foreign = memory / "campaign-of-an-older-version"
    foreign.mkdir()
    (left,) = set(memory.iterdir()) - {foreign}
    with open_room() as first, open_room() as second:
        assert set(memory.iterdir()) == {first, second, foreign}
        assert left not in (first, second)
    assert list(memory.iterdir()) == [foreign]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("size", [1, 2])
def test_an_interrupted_campaign_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, size: int
) -> None:
    monkeypatch.setattr(room, "MEMORY", tmp_path)
    monkeypatch.setattr(template, "make_template", lambda folder, *_, **__: folder.mkdir())
    pids = tmp_path.parent / f"{tmp_path.name}.pids"

    def write_for_ever(path: Path) -> dict[str, Any]:
        with pids.open("a") as file:
            file.write(f"{os.getpid()} {os.getppid()}\n")
        while True:
            path.mkdir(parents=True, exist_ok=True)
            (path / "journal").touch()

    with pytest.raises(Interrupted), raising_interrupts(), runner.open_workshop() as workshop:  # noqa: PT012

        def work(place: int, _: int) -> Any:
            path = workshop.folder / f"{place}"
            return runner._in_child(lambda: write_for_ever(path), path / "life.json")

        watch = os.fork()
        if watch == 0:
            while not (pids.exists() and pids.read_text().count("\n") == size):
                time.sleep(0.01)
            os.kill(os.getppid(), number)
            os._exit(0)
        list(Crew(work, size).results(range(4)))
    os.waitpid(watch, 0)
    assert list(tmp_path.iterdir()) == []
    left = [pid for pid in pids.read_text().split() if int(pid) != os.getpid() and _runs(pid)]
    assert left == []


def _runs(pid: str) -> bool:
    return Path(f"/proc/{pid}").exists()
