"""Faults of the Butler: its files are locked, full or read-only, or somebody else certifies."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..pipelines.ocps_job import Job
from .faults import Fault, Faults
from .verification import VerificationFaults

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["ButlerFaults"]

DATABASE = "gen3.sqlite3"
WRITE_VERSION = 18
"""Offset of the byte of a SQLite file that says which version it takes to write to it; 1 is usual, and with
more than 2 nobody does."""

BUSY_TIMEOUT = 20
"""Milliseconds that a connection waits for the lock, instead of the five minutes of the Butler."""

WORDS = "no space: database or disk is full (simulated)"
"""Name of a table that is not there: what says so to whoever wants to certify."""


class ButlerFaults:
    """Lets a repository fail when jobs end.

    The faults act on the files of the repository, or through a Butler of their own.

    Parameters
    ----------
    repository
        Butler repository.
    instrument
        Whose calibrations.
    faults
        What goes wrong.
    """

    def __init__(self, repository: Path, instrument: Instrument, faults: Faults) -> None:
        self._repository = repository
        self._database = repository / DATABASE
        self._instrument = instrument
        self._faults = faults
        self._verification = VerificationFaults(faults)
        self._lock: sqlite3.Connection | None = None
        self._undo: list[Callable[[], None]] = []

    async def job_ended(self, job: Job) -> None:
        """Fail at the end of a job that has succeeded, if that was asked for.

        Parameters
        ----------
        job
            Which.
        """
        loop = asyncio.get_running_loop()
        if self._verification.asked_for:
            await loop.run_in_executor(None, self._spoil, job)
        if (conflict := self._strike("butler-conflict", job)) is not None and job.kind != "gain":
            await loop.run_in_executor(None, self._certify, job, str(conflict["collection"] or ""))
        if self._strike("butler-full", job):
            self._fill()
        if self._strike("butler-read-only", job):
            self._forbid_writing()
        if (lock := self._strike("butler-locked", job)) is not None:
            self._lock_for(lock.number("seconds"))

    def close(self) -> None:
        """Put the files right again."""
        self._unlock()
        while self._undo:
            self._undo.pop()()

    def _strike(self, name: str, job: Job) -> Fault | None:
        return self._faults.strike(name, kind=job.kind, calibration=job.calibration)

    def _open(self) -> Butler:
        from lsst.daf.butler import Butler

        return Butler.from_config(str(self._repository), writeable=True)

    def _spoil(self, job: Job) -> None:
        with self._open() as butler:
            self._verification.spoil(butler, job)

    def _certify(self, job: Job, collection: str) -> None:
        """Certify the reference calibrations for all times, where the run is to certify its own.

        Where something is certified already there is nothing that would not be in conflict.
        """
        from lsst.daf.butler import CollectionType, Timespan
        from lsst.daf.butler.registry import ConflictingDefinitionError

        reference = self._instrument.calibration_collection
        with self._open() as butler:
            refs = {
                each.ref
                for each in butler.registry.queryDatasetAssociations(
                    job.calibration.lower(), collections=reference, flattenChains=True
                )
            }
            collection = collection or f"{reference}/daily"
            butler.collections.register(collection, CollectionType.CALIBRATION)
            with contextlib.suppress(ConflictingDefinitionError):
                butler.registry.certify(collection, refs, Timespan(None, None))

    def _fill(self) -> None:
        """Let every certification fail in the database."""
        with sqlite3.connect(self._database) as connection:
            tables = [
                name
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                if name.startswith("dataset_calibs_")
            ]
            for name in tables:
                connection.execute(
                    f'CREATE TRIGGER "full_{name}" BEFORE INSERT ON "{name}"'  # noqa: S608
                    f' BEGIN SELECT * FROM "{WORDS}"; END'
                )
        connection.close()
        self._undo.append(lambda: self._empty(tables))

    def _empty(self, tables: list[str]) -> None:
        with sqlite3.connect(self._database) as connection:
            for name in tables:
                connection.execute(f'DROP TRIGGER "full_{name}"')
        connection.close()

    def _forbid_writing(self) -> None:
        self._set_write_version(3)
        self._undo.append(lambda: self._set_write_version(1))

    def _set_write_version(self, version: int) -> None:
        with self._database.open("r+b") as file:
            file.seek(WRITE_VERSION)
            file.write(bytes([version]))

    def _lock_for(self, seconds: float) -> None:
        """Lock everybody out."""
        import sqlalchemy

        if isinstance(asyncio.get_running_loop(), clock.SimulatedLoop):
            sqlalchemy.event.listen(sqlalchemy.pool.Pool, "checkout", _wait_little)
        self._lock = sqlite3.connect(self._database, isolation_level=None, check_same_thread=False)
        self._lock.execute("BEGIN EXCLUSIVE")
        clock.call_later(seconds, self._unlock)

    def _unlock(self) -> None:
        import sqlalchemy

        if self._lock is not None:
            self._lock.close()
            self._lock = None
            if sqlalchemy.event.contains(sqlalchemy.pool.Pool, "checkout", _wait_little):
                sqlalchemy.event.remove(sqlalchemy.pool.Pool, "checkout", _wait_little)


def _wait_little(connection: Any, *_: object) -> None:
    """Give up soon: simulated time stands still for whoever waits for a lock, so that it would never open."""
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
