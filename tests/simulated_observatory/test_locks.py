"""What a process does not wait for without end; locks are in ``repository/test_database_shared.py``."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy

from lsst.ts.simulated_observatory.locks import limit_waiting


def test_commit_does_not_wait_for_the_disk(tmp_path: Path) -> None:
    limit_waiting()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path}/some.sqlite3")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 0
    engine.dispose()
