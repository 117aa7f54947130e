"""A run of before that was killed: its directory is kept as data, and put down anywhere to be resumed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tarfile
import tempfile
import traceback
from contextlib import closing
from pathlib import Path

from .play import LATISS, Message, play

__all__ = ["JOURNAL", "keep_old_run", "put_down"]

PLACE = Path("/frozen/run")
"""Name of the run directory in what is kept."""

DATA = Path(__file__).parent / "data"
JOURNAL = DATA / "old_run.journal.jsonl"
FILES = DATA / "old_run.tar.gz"

ARGUMENTS = [
    *("-p", "generate_calibrations=true", "-p", "calib_collection=LATISS/calib/u/frozen/old"),
    *("-p", "script_mode=BIAS_DARK", "-p", "n_bias=12", "-p", "n_discard_bias=0"),
    *("-p", "n_dark=12", "-p", "n_discard_dark=0", "-p", "exp_times_dark=30"),
    *("--scale", "16"),
]
KILLED_WITH_JOB = 4
"""The verification of the dark: bias and dark are made, the bias is verified and certified."""


def keep_old_run(folder: Path) -> None:
    """Play a run that is killed in a new run directory, and keep what it leaves.

    It is killed at the first heartbeat of the OCPS after its last job was accepted.
    """
    if (child := os.fork()) == 0:
        tempfile.tempdir = str(folder.parent)  # nothing is cleaned up after a kill
        try:
            play(LATISS, folder, *ARGUMENTS, heard=lambda message: _kill(message, folder))
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status != -9:
        raise RuntimeError(f"the run was not killed: {status}")
    _rename(folder, folder, PLACE)
    shutil.move(folder / "journal.jsonl", JOURNAL)
    with closing(sqlite3.connect(folder / "repo" / "gen3.sqlite3")) as database:
        database.execute("VACUUM")  # else the name of the folder is left where nothing is any more
    with FILES.open("wb") as file, tarfile.open(mode="w:gz", fileobj=file) as archive:
        archive.add(folder, ".", filter=_of_nobody)


def _of_nobody(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _kill(message: Message, folder: Path) -> None:
    if (message.component, message.topic) == ("OCPS", "evt_heartbeat"):
        journal = folder / "journal.jsonl"
        if journal.exists() and journal.read_text().count('"JobSubmitted"') == KILLED_WITH_JOB:
            os.kill(os.getpid(), 9)


def put_down(folder: Path) -> None:
    """Put the old run into a folder, as if it had been played there."""
    with tarfile.open(FILES) as archive:
        archive.extractall(folder, filter="data")
    (folder / "journal.jsonl").write_bytes(JOURNAL.read_bytes())
    _rename(folder, PLACE, folder)


def _rename(folder: Path, old: Path, new: Path) -> None:
    """Have a run directory named otherwise wherever its files name it."""
    for path in (*folder.glob("*.*"), *folder.glob("uws/*/*/*.log")):
        path.write_text(path.read_text().replace(str(old), str(new)))
    with closing(sqlite3.connect(folder / "repo" / "gen3.sqlite3")) as database, database:
        database.execute(
            "UPDATE file_datastore_records SET path = replace(path, ?, ?)", (old.as_uri(), new.as_uri())
        )
