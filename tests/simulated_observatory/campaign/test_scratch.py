"""The scratch folder of a campaign: where there is space, and nothing is left of it."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from lsst.ts.simulated_observatory.campaign import workers
from lsst.ts.simulated_observatory.campaign.workers import NoSpace, scratch_folder

MB = 1 << 20

Disks = Callable[[int, int], None]


@pytest.fixture
def disks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Disks:
    """Set how many MB are free in memory, and elsewhere."""
    memory, usual = tmp_path / "memory", tmp_path / "usual"
    memory.mkdir()
    usual.mkdir()
    monkeypatch.setattr(workers, "MEMORY", memory)
    monkeypatch.setattr("tempfile.tempdir", str(usual))

    def set_free(in_memory: int, elsewhere: int) -> None:
        def disk_usage(path: Path) -> SimpleNamespace:
            return SimpleNamespace(free=(in_memory if Path(path) == memory else elsewhere) * MB)

        monkeypatch.setattr(shutil, "disk_usage", disk_usage)

    return set_free


@pytest.mark.parametrize(("in_memory", "place"), [(24_000, "memory"), (64, "usual")])
def test_a_campaign_is_in_memory_only_if_that_has_space(disks: Disks, in_memory: int, place: str) -> None:
    disks(in_memory, 1000)
    with scratch_folder() as folder:
        assert folder.parent.name == place
    assert not folder.exists()


def test_without_space_there_is_no_campaign(disks: Disks) -> None:
    disks(64, 100)
    with pytest.raises(NoSpace, match=r"needs 256 MB in .*usual, where 100 MB are free.*TMPDIR"):
        scratch_folder().__enter__()


def test_what_a_killed_campaign_has_left_is_removed_by_the_next_one(disks: Disks, tmp_path: Path) -> None:
    disks(1000, 1000)
    killed = os.fork()
    if killed == 0:
        with scratch_folder():
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(killed, 0)
    memory = tmp_path / "memory"
    foreign = memory / "campaign-of-an-older-version"
    foreign.mkdir()
    (left,) = set(memory.iterdir()) - {foreign}
    with scratch_folder() as first, scratch_folder() as second:
        assert set(memory.iterdir()) == {first, second, foreign}
        assert left not in (first, second)
    assert list(memory.iterdir()) == [foreign]
