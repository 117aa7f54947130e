"""Faults of a repository when jobs end.

Its files are locked, full or read-only, another process certifies, ingests or prunes, or verification
results are changed or taken away before anybody reads them.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import math
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..cameras.image_names import image_name
from ..pipelines.ocps_job import Job
from .faults import Fault, Faults

if TYPE_CHECKING:
    from astropy.time import Time
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["SQLITE_FAULTS", "ButlerFaults"]

_Results = dict[str, Any]
_Change = Callable[[_Results], _Results | None]

SQLITE_FAULTS = "butler-full", "butler-read-only", "butler-locked"
"""Faults that act on the file of a SQLite database, and so are not possible with a database server."""

DATABASE = "gen3.sqlite3"
WRITE_VERSION = 18
"""Offset of the byte of a SQLite file with the version that a writer must know: usually 1; above 2 it cannot
be written."""

BUSY_TIMEOUT = 20
"""Milliseconds that a connection waits for the lock, instead of the five minutes of the Butler."""

LONG_AGO = "2000-01-01"
"""End of the validity of what another process certifies without a conflict, TAI."""

MOST_IMAGES = 99_999
MOST_IMAGES_OF_DAY = 100_000
"""Number of the last possible image of a day, and what an exposure id has beyond the day."""

ABSENT_TABLE = "no space: database or disk is full (simulated)"
"""Name of a table that does not exist, which is the message of the database when something is certified."""


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
    open_butler
        Opens the repository, given its path and whether to write.
    """

    def __init__(
        self,
        repository: Path,
        instrument: Instrument,
        faults: Faults,
        open_butler: Callable[[str, bool], Butler],
    ) -> None:
        self._repository = repository
        self._open_butler = open_butler
        self._database = repository / DATABASE
        self._instrument = instrument
        self._faults = faults
        self._others: Mapping[str, Callable[[Job, Fault], None]] = {
            "butler-certified": self._certify_long_ago,
            "butler-ingested": self._ingest,
            "butler-pruned": self._prune,
            "butler-raw-pruned": self._prune_raw,
        }
        """What other processes do."""
        self._lock: sqlite3.Connection | None = None
        self._undo = contextlib.ExitStack()

    async def begin(self) -> None:
        """Fail before anything is done, if that was asked for."""
        if (fault := self._faults.strike("ptc-without-gain")) is not None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(None, self._take_gain_away, str(fault["amplifier"]))

    async def job_ended(self, job: Job) -> None:
        """Fail at the end of a job that has succeeded, if that was asked for.

        Parameters
        ----------
        job
            Which.
        """
        loop = asyncio.get_running_loop()
        for name, act in self._others.items():
            if (fault := self._strike(name, job)) is not None:
                await loop.run_in_executor(None, act, job, fault)
        if job.kind == "verify" and any(map(self._faults.asked_for, _RESULT_CHANGES)):
            await loop.run_in_executor(None, self._spoil, job)
        if (conflict := self._strike("butler-conflict", job)) is not None and job.kind != "gain":
            await loop.run_in_executor(None, self._certify, job, str(conflict["collection"] or ""))
        if self._strike("butler-other-night", job):
            self._exchange()
        if self._strike("butler-full", job):
            self._fill()
        if self._strike("butler-read-only", job):
            self._set_write_version(3)
            self._undo.callback(self._set_write_version, 1)
        if (lock := self._strike("butler-locked", job)) is not None:
            self._lock_for(lock.number("seconds"))

    def close(self) -> None:
        """Put the files right again."""
        self._unlock()
        self._undo.close()

    def _strike(self, name: str, job: Job) -> Fault | None:
        return self._faults.strike(name, kind=job.kind, calibration=job.calibration)

    def _open(self) -> Butler:
        return self._open_butler(str(self._repository), True)

    def _spoil(self, job: Job) -> None:
        """Change the results of one exposure or detector of a verification job, the last one."""
        prefix = f"verify{job.calibration.capitalize()}"
        with self._open() as butler:
            for name in filter(self._faults.asked_for, _RESULT_CHANGES):
                found = [_results(butler, f"{prefix}{level}Stats", job) for level in ("Det", "Exp")]
                pairs = [
                    (refs[-1], change)
                    for refs, change in zip(found, _RESULT_CHANGES[name], strict=True)
                    if refs and change
                ]
                if pairs and self._faults.strike(name, calibration=job.calibration):
                    for ref, change in pairs:
                        _replace(butler, ref, change)

    def _take_gain_away(self, amplifier: str) -> None:
        """Put curves without the gain of an amplifier in the place of those that are certified."""
        collection = self._instrument.calibration_collection
        with self._open() as butler:
            associations = butler.registry.queryDatasetAssociations("ptc", collection, flattenChains=True)
            for each in list(associations):
                put = _replace(butler, each.ref, partial(_without_gain, amplifier=amplifier))
                assert put is not None
                assert each.timespan is not None
                butler.registry.certify(each.collection, [put], each.timespan)

    def _certify_long_ago(self, job: Job, fault: Fault) -> None:
        """Certify for a time before that of the run."""
        from astropy.time import Time

        if job.kind != "gain":
            self._certify(job, str(fault["collection"] or ""), Time(LONG_AGO, scale="tai"))

    def _certify(self, job: Job, collection: str, end: Time | None = None) -> None:
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
                butler.registry.certify(collection, refs, Timespan(None, end))

    def _ingest(self, job: Job, _: Fault) -> None:
        """Ingest an image of another controller: the last one of the job, under another name."""
        from astropy.io import fits

        from ..pipelines.raw_ingest import ingest_raw

        with self._open() as butler:
            ref = _raws(butler, job, self._instrument)[-1]
            number = MOST_IMAGES - len(list(self._repository.glob("foreign_*")))
            code, day = self._instrument.code, int(ref.dataId["exposure"]) // MOST_IMAGES_OF_DAY
            name = image_name(code, day, number, controller="C")
            path = self._repository / f"foreign_{name}.fits"
            with fits.open(butler.getURI(ref).ospath) as images:
                images[0].header.update({"OBSID": name, "SEQNUM": number, "GROUPID": f"{name} of others"})
                images.writeto(path)
            ingest_raw(butler, str(path))

    def _prune(self, job: Job, _: Fault) -> None:
        """Remove all that the job has made."""
        with self._open() as butler:
            refs = butler.registry.queryDatasets(..., collections=f"{job.collection}/run")
            butler.pruneDatasets(list(refs), disassociate=True, unstore=True, purge=True)

    def _prune_raw(self, job: Job, _: Fault) -> None:
        """Remove the last image of the job; its files were ingested where they are, and stay."""
        with self._open() as butler:
            refs = _raws(butler, job, self._instrument)
            last = [ref for ref in refs if ref.dataId["exposure"] == refs[-1].dataId["exposure"]]
            butler.pruneDatasets(last, disassociate=True, unstore=True, purge=True)

    def _exchange(self) -> None:
        """Give every exposure what the next one is, and the last one what the first is."""
        columns = ("group", "observation_type", "exposure_time")
        names = ", ".join(f'"{column}"' for column in columns)
        found = self._execute([f'SELECT "id", {names} FROM "exposure" ORDER BY "id"'])  # noqa: S608
        with contextlib.closing(sqlite3.connect(self._database)) as connection, connection:
            for (number, *_), (_, *values) in zip(found, [*found[1:], *found[:1]], strict=True):
                changes = ", ".join(f'"{column}" = ?' for column in columns)
                connection.execute(
                    f'UPDATE "exposure" SET {changes} WHERE "id" = ?',  # noqa: S608
                    (*values, number),
                )

    def _fill(self) -> None:
        """Let every certification fail in the database."""
        found = self._execute(["SELECT name FROM sqlite_master WHERE type = 'table'"])
        tables = [name for (name,) in found if name.startswith("dataset_calibs_")]
        self._execute(
            f'CREATE TRIGGER IF NOT EXISTS "full_{name}" BEFORE INSERT ON "{name}"'  # noqa: S608
            f' BEGIN SELECT * FROM "{ABSENT_TABLE}"; END'
            for name in tables
        )
        self._undo.callback(self._execute, [f'DROP TRIGGER IF EXISTS "full_{name}"' for name in tables])

    def _execute(self, statements: Iterable[str]) -> list[Any]:
        """Execute statements in the database; return the rows that they give."""
        with contextlib.closing(sqlite3.connect(self._database)) as connection, connection:
            return [row for statement in statements for row in connection.execute(statement)]

    def _set_write_version(self, version: int) -> None:
        with self._database.open("r+b") as file:
            file.seek(WRITE_VERSION)
            file.write(bytes([version]))

    def _lock_for(self, seconds: float) -> None:
        """Lock everybody out, unless they are."""
        import sqlalchemy

        if self._lock is not None:
            return
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


def _results(butler: Butler, name: str, job: Job) -> list[DatasetRef]:
    """Results of a job, by exposure and detector."""
    from lsst.daf.butler import MissingDatasetTypeError

    butler.registry.refresh()
    try:
        found = butler.query_datasets(name, collections=f"{job.collection}/run", explain=False)
    except MissingDatasetTypeError:
        return []
    return sorted(found, key=lambda ref: tuple(map(str, ref.dataId.required_values)))


def _raws(butler: Butler, job: Job, instrument: Instrument) -> list[DatasetRef]:
    """Raw images of a job, in the order in which they were taken."""
    exposures = ", ".join(map(str, job.selected("exposure")))
    found = butler.query_datasets(
        "raw",
        collections=instrument.raw_collection,
        instrument=instrument.name,
        where=f"exposure IN ({exposures})",
        explain=False,
    )
    return sorted(found, key=lambda ref: tuple(map(int, ref.dataId.required_values[1:])))


def _replace(butler: Butler, ref: DatasetRef, change: Callable[[Any], Any]) -> DatasetRef | None:
    """Put a changed dataset into the place of one; or nothing."""
    results = change(copy.deepcopy(butler.get(ref)))
    butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
    if results is None:
        return None
    return butler.put(results, ref.datasetType, ref.dataId, run=ref.run)


def _gone(_: _Results) -> None:
    """Nothing is left."""


def _without_gain(curve: Any, *, amplifier: str) -> Any:
    """The curve of a detector does not know an amplifier."""
    curve.gain[amplifier] = math.nan
    return curve


def _without_amplifier(results: _Results) -> _Results:
    """The last amplifier is missing among measurements and tests."""
    for each in (results, results.get("VERIFY", {})):
        if each.get("AMP"):
            del each["AMP"][max(each["AMP"])]
    return results


def _without_detector(results: _Results) -> _Results:
    """The last detector is missing in the result of an exposure."""
    names = [key for key, value in results.items() if isinstance(value, Mapping) and "SUCCESS" in value]
    return {key: value for key, value in results.items() if key not in names[-1:]}


def _not_a_number(results: _Results) -> _Results:
    """The first measurement of the first amplifier is not a number."""
    for values in list(results.get("AMP", {}).values())[:1]:
        values[next(iter(values))] = math.nan
    return results


def _untested(results: _Results) -> _Results:
    """All is measured, and no test of it was made."""
    return {**results, "VERIFY": {"AMP": {name: {} for name in results.get("AMP", {})}, "DET": {}}}


def _more(results: _Results) -> _Results:
    """Keys that a later version of the pipelines may add."""
    return {**results, "ISR": {"CALIBDIST": {"MEDIAN": 0.1}}, "NOTE": "made by a later version"}


_RESULT_CHANGES: Mapping[str, tuple[_Change | None, _Change | None]] = {
    "verify-no-exposure": (_gone, _gone),
    "verify-no-detector": (_gone, _without_detector),
    "verify-no-amplifier": (_without_amplifier, None),
    "verify-nan": (_not_a_number, None),
    "verify-untested": (_untested, None),
    "verify-extra": (_more, _more),
    "verify-empty": (lambda _: {}, lambda _: {}),
}
"""What becomes of the results of a detector, and of those of an exposure, by the fault that does it."""
