"""The scratch folder of a campaign: in memory if there is enough, else where temporary files go.

What a campaign that was killed has left there is removed by the next one: in memory nobody else would do it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lsst.ts.calibrations.domain.errors import CalibrationError

__all__ = ["NoSpace", "check_space", "scratch_folder"]

PREFIX = "campaign-"
LOCK = "lock"
"""Name of a file that a campaign, and all its processes, have locked as long as they run."""

MEMORY = Path("/dev/shm")  # noqa: S108  (a file system, in which nothing waits for a disk)

NEEDED = 256 << 20
"""Bytes that are to be free at the begin. A scenario has a few MB, and is removed when it is checked; of a
container the memory has often 64 MB in all, which others use as well."""

LEAST = 32 << 20
"""Bytes that are to be free when a scenario begins: the script is not to answer for a disk that is full."""


class NoSpace(CalibrationError, OSError):
    """There is no space for the files of a campaign."""


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for a campaign; remove it at the end.

    Yields
    ------
    folder
        Empty but for its lock.

    Raises
    ------
    NoSpace
        Neither the memory nor the folder of temporary files has space.
    """
    memory = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED
    place = MEMORY if memory else Path(tempfile.gettempdir())
    _check(place, NEEDED)
    _remove_abandoned(place)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=place) as name:
        # Under its name the file is locked from the beginning.
        unnamed = Path(name) / "unlocked"
        lock = os.open(unnamed, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            unnamed.rename(Path(name) / LOCK)
            yield Path(name)
        finally:
            os.close(lock)


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of campaigns of which no process runs any more."""
    for path in place.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), path.open("r+") as file:  # in use, or of somebody else
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)


def check_space(folder: Path) -> None:
    """Check whether there is space for another scenario.

    Parameters
    ----------
    folder
        Scratch folder.

    Raises
    ------
    NoSpace
        There is none any more.
    """
    _check(folder, LEAST)


def _check(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpace(
            f"a campaign needs {needed >> 20} MB in {folder}, where {free >> 20} MB are free",
            advice=f"Make room there, or in {MEMORY}; or let TMPDIR name another folder.",
        )
