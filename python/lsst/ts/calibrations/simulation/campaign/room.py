"""Room for the files of a campaign: in memory if there is enough, else where temporary files go."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from ...domain.errors import CalibrationError

__all__ = ["NoRoom", "check_room", "find_room"]

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
