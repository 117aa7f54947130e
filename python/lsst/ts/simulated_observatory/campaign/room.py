"""Room for the files of a campaign: in memory if there is enough, else where temporary files go.

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

__all__ = ["NoRoom", "check_room", "find_room", "open_room"]

PREFIX = "campaign-"
LOCK = "lock"
"""Name of a file that a campaign has locked, and the processes of its scenarios, as long as they live."""

MEMORY = Path("/dev/shm")  # noqa: S108  (a file system, in which nothing waits for a disk)

NEEDED = 256 << 20
"""Bytes that are to be free at the begin. A scenario has a few MB, and is removed when it is judged; of a
container the memory has often 64 MB in all, which others use as well."""

LEAST = 32 << 20
"""Bytes that are to be free when a scenario begins: the script is not to answer for a disk that is full."""


class NoRoom(CalibrationError, OSError):
    """There is no room for a campaign."""


def find_room() -> Path:
    """Find the folder in which a workshop can be opened.

    Raises
    ------
    NoRoom
        Neither the memory nor the folder of temporary files has room.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED:
        return MEMORY
    usual = Path(tempfile.gettempdir())
    _check(usual, NEEDED)
    return usual


@contextlib.contextmanager
def open_room() -> Iterator[Path]:
    """Make a folder for a campaign; remove it at the end.

    Raises
    ------
    NoRoom
        There is no room for it.
    """
    place = find_room()
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
    """Remove the folders of campaigns of which no process lives any more."""
    for path in place.glob(f"{PREFIX}*/{LOCK}"):
        with contextlib.suppress(OSError), path.open("r+") as file:  # in use, or of somebody else
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path.parent, ignore_errors=True)


def check_room(folder: Path) -> None:
    """See whether there is room for another scenario.

    Raises
    ------
    NoRoom
        There is none any more.
    """
    _check(folder, LEAST)


def _check(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoRoom(
            f"a campaign needs {needed >> 20} MB in {folder}, where {free >> 20} MB are free",
            advice=f"Make room there, or in {MEMORY}; or let TMPDIR name another folder.",
        )
