"""What sessions of one database do to each other: certifications at once, locks, lost connections."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from lsst.daf.butler import Butler

from lsst.ts.calibrations.butler import certification
from lsst.ts.calibrations.butler.certification import Certification, Certifier
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import CertificationError
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.verification import CombinedCalibration, waive
from lsst.ts.simulated_observatory import locks
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve
from lsst.ts.simulated_observatory.repository import database as module
from lsst.ts.simulated_observatory.repository.database import Database

from .making import make
from .server import Server

COLLECTION = "LATISS/calib/daily"


class Job:
    """A job of a run, whose calibration may be certified."""

    def __init__(self, path: Path, name: str) -> None:
        self.collection = f"u/ocps/{name}"
        self.repository = Repository(str(path))
        with Butler.from_config(str(path), writeable=True) as butler:
            run = f"{self.collection}/run"
            butler.collections.register(run)
            curve = PhotonTransferCurve("RXX_S00", {"C00": 1.1})
            data_id = {"instrument": "LATISS", "detector": 0}
            self.ref = butler.put(curve, calibration_type(butler, "ptc"), data_id, run=run)

    async def certify(self, begin: datetime, end: datetime) -> int:
        options = {"do_verify": False, "generate_calibrations": True}
        made = CombinedCalibration("PTC", {"FLAT": (1,)}, self.collection, (str(self.ref.id),))
        ground = waive(made, CalibrationConfig.from_namespace(options, LATISS))
        wanted = Certification(ground=ground, detectors=(0,), collection=COLLECTION, begin=begin, end=end)
        return await Certifier(self.repository, "LATISS").certify(wanted)


def certified(path: Path) -> set[Any]:
    with Butler.from_config(str(path)) as butler:
        found = butler.registry.queryDatasetAssociations("ptc", collections=[COLLECTION])
        return {each.ref.id for each in found}


def day(number: int) -> datetime:
    return datetime(2025, 1, number)


@pytest.mark.parametrize(
    ("second", "certifying"), [((day(16), day(17)), 2), ((day(15), day(16)), 1), ((day(14), day(20)), 1)]
)
async def test_two_certify_at_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: Any, certifying: int
) -> None:
    """With validity ranges that touch both do, with overlapping ones exactly one does."""
    path = database.files(tmp_path)
    make(database, path)
    jobs = [Job(path, name) for name in ("one", "other")]
    together = threading.Barrier(2, timeout=60.0)
    read_back = certification._read_back

    def wait_for_the_other(*asked: Any) -> Any:  # both have seen that the range is free
        found = read_back(*asked)
        if not found:
            together.wait()
        return found

    monkeypatch.setattr(certification, "_read_back", wait_for_the_other)
    ended = await asyncio.gather(
        jobs[0].certify(day(15), day(16)), jobs[1].certify(*second), return_exceptions=True
    )
    refused = [each for each in ended if isinstance(each, BaseException)]
    assert len(ended) - len(refused) == certifying, ended
    for error in refused:
        assert isinstance(error, CertificationError)
        assert "another one is valid already" in str(error)
    winners = {job.ref.id for job, end in zip(jobs, ended, strict=True) if end == 1}
    assert certified(path) == winners


@contextlib.contextmanager
def locked(
    server: Server, database: Database, names: str = "dataset_calibs_%", mode: str = "EXCLUSIVE"
) -> Iterator[int]:
    """Have tables, by default those of certified datasets, locked by another session; give its number."""
    tables = server.sql(
        f"SELECT tablename FROM pg_tables WHERE schemaname = '{locks.NAMESPACE}'"
        f" AND tablename LIKE '{names}'",
        str(database.url.database),
    )
    assert tables
    engine = sqlalchemy.create_engine(database.url)
    with engine.begin() as other:
        for table in tables:
            other.exec_driver_sql(f'LOCK TABLE "{locks.NAMESPACE}"."{table}" IN {mode} MODE')
        yield int(other.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
    engine.dispose()


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A second until a statement that waits for a lock is given up."""
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", 1)
    locks.limit_waiting()
    yield
    sqlalchemy.event.remove(sqlalchemy.Pool, "connect", locks._limit)
    sqlalchemy.event.remove(sqlalchemy.Engine, "do_connect", locks._limit_connecting)
    sqlalchemy.event.remove(sqlalchemy.Engine, "handle_error", locks._name_holders)


@pytest.mark.usefixtures("short_limit")
@pytest.mark.timeout(30)
async def test_lock_of_another_session_ends_a_certification(
    database: Database, server: Server, tmp_path: Path
) -> None:
    """Nothing is certified, and the message says who has the lock and how to be rid of it."""
    path = database.files(tmp_path)
    make(database, path)
    job = Job(path, "one")
    with Butler.from_config(str(path), writeable=True) as butler:
        butler.registry.registerDatasetType(calibration_type(butler, "ptc"))
    with (
        locked(server, database, "dataset", "ROW EXCLUSIVE") as other,  # which is in nobody's way
        locked(server, database) as pid,
        pytest.raises(CertificationError) as refused,
    ):
        await job.certify(day(15), day(16))
    assert f"pid {other}" not in str(refused.value)
    assert (
        f"pid {pid} of tests (idle in transaction) has a table locked: let it end,"
        f" or end it with SELECT pg_terminate_backend({pid});"
    ) in str(refused.value)
    assert certified(path) == set()
    assert await job.certify(day(15), day(16)) == 1


@pytest.mark.parametrize(
    "command",
    [
        ("batch.command", "butler", "query-collections", "{}"),
        ("pipelines.pipetask_process", "qgraph", "-b", "{}", "-p", "{}/none.yaml", "-i", "LATISS/raw/all"),
    ],
)
def test_lock_of_another_session_ends_a_job(
    database: Database, server: Server, tmp_path: Path, command: tuple[str, ...]
) -> None:
    """With either back end; its log says who has the lock."""
    path, name = database.files(tmp_path), database.url.database
    make(database, path)
    (path / "none.yaml").write_text("description: none\ntasks: {}\n")
    server.sql(f"ALTER DATABASE {name} SET lock_timeout = '1s'")
    package = module.__name__.rpartition(".repository")[0]
    words = [sys.executable, "-m", f"{package}.{command[0]}", *(each.format(path) for each in command[1:])]
    log = tmp_path / "log"
    with (
        locked(server, database, "collection%", "ACCESS EXCLUSIVE") as pid,
        log.open("w") as output,
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,
    ):
        assert process.wait(120) != 0  # it ends, too, when its standard input is closed
    assert f"pid {pid} of tests (idle in transaction) has a table locked" in log.read_text()


def test_connection_that_goes_dead_is_given_up(database: Database) -> None:
    with database._connection() as connection:
        driver: Any = connection.connection.dbapi_connection
        assert {name: int(driver.info.dsn_parameters[name]) for name in locks.DEAD} == locks.DEAD


async def test_connection_lost_in_the_middle_of_a_certification(
    database: Database, server: Server, tmp_path: Path
) -> None:
    path, name = database.files(tmp_path), str(database.url.database)
    make(database, path)
    job = Job(path, "one")
    with Butler.from_config(str(path), writeable=True) as butler:
        butler.registry.registerDatasetType(calibration_type(butler, "ptc"))
    with locked(server, database), contextlib.closing(_Cut(server, name)) as cut:
        cut.start()  # as soon as the certification waits for this lock
        with pytest.raises(CertificationError, match="server closed the connection") as refused:
            await job.certify(day(15), day(16))
    assert "kept in u/ocps/one" in str(refused.value)
    assert certified(path) == set()
    assert await job.certify(day(15), day(16)) == 1
    assert certified(path) == {job.ref.id}


class _Cut:
    """Ends the connection that waits for a lock."""

    def __init__(self, server: Server, database: str) -> None:
        self._server, self._database = server, database
        self._thread = threading.Thread(target=self._run)
        self.start = self._thread.start
        self.close: Callable[[], None] = partial(self._thread.join, 60)

    def _run(self) -> None:
        end = time.monotonic() + 60.0
        while time.monotonic() < end:
            waiting = f"datname = '{self._database}' AND wait_event_type = 'Lock'"
            statement = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {waiting}"
            if self._server.sql(statement):
                return
            time.sleep(0.1)
