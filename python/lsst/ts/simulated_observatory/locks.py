"""Waiting of a simulated repository: for a server, for locks of its other sessions, for the disk."""

from __future__ import annotations

from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Dialect, ExceptionContext

__all__ = ["NAMESPACE", "limit_waiting"]

NAMESPACE = "simulated_observatory"
"""Schema of the database that only a simulated repository has; its comment says where the files are."""

CONNECT_TIMEOUT = 10
"""Seconds within which the server must take a connection."""

DEAD = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
"""When a connection is given up whose other end does not answer any more: after about a minute."""

LOCK_TIMEOUT = 30
"""Seconds after which a statement is given up that waits for a lock; the server waits without end."""

NOT_AVAILABLE = "55P03"
"""Code of the error with which the server gives it up."""

LIMIT = "SELECT set_config('lock_timeout', %s, false) WHERE current_setting('lock_timeout') = '0'"
"""A limit that the user or the database has set is kept."""

AT_ONCE = "PRAGMA synchronous = OFF"
"""A commit need not wait until the disk has what it has written: it takes 0.1 ms instead of 2 to 20 ms."""

HOLDERS = """
SELECT DISTINCT pid, usename, state
FROM pg_locks JOIN pg_class ON pg_class.oid = relation JOIN pg_namespace ON pg_namespace.oid = relnamespace
JOIN pg_stat_activity USING (pid)
WHERE granted AND mode <> 'AccessShareLock' AND nspname = %s AND pid <> %s AND datname = current_database()
AND %s ~ ('\\m' || relname || '\\M')
ORDER BY pid
"""
"""Sessions that hold more than a reader's lock on a table of a simulated repository that a text names."""


def limit_waiting() -> None:
    """Let this process wait neither for a server nor for a lock without end, and name who holds the lock.

    Nor does it wait for the disk at each change of a SQLite database: what was written outlives the process,
    if not the power. It concerns connections that are made from now on; again, it does nothing.
    """
    from sqlalchemy import Engine, Pool, event

    if not event.contains(Pool, "connect", _limit):
        event.listen(Pool, "connect", _limit)
        event.listen(Engine, "do_connect", _limit_connecting)
        event.listen(Engine, "handle_error", _name_holders)


def _limit_connecting(dialect: Dialect, _record: object, _: object, parameters: dict[str, Any]) -> None:
    """Limit how long the server may take to answer to a new connection."""
    if dialect.name == "postgresql":
        parameters.update({"connect_timeout": CONNECT_TIMEOUT, **DEAD, **parameters})


def _limit(connection: Any, *_: object) -> None:
    """Limit how long statements of a new connection wait; those of SQLite have a limit for locks."""
    if hasattr(connection, "get_backend_pid"):
        with connection.cursor() as cursor:
            cursor.execute(LIMIT, (f"{LOCK_TIMEOUT}s",))
        connection.commit()
    elif isinstance(connection, Connection):
        connection.execute(AT_ONCE)


def _name_holders(context: ExceptionContext) -> None:
    """Raise an error that says who holds the lock, instead of one that only says that there is one."""
    from sqlalchemy.exc import SQLAlchemyError

    error: Any = context.original_exception
    if getattr(error, "pgcode", None) != NOT_AVAILABLE or context.engine is None:
        return
    try:
        pid = error.cursor.connection.get_backend_pid()
        holders = _holders(context.engine.url, pid, f"{context.statement} {error}")
    except SQLAlchemyError:
        holders = []
    who = ", ".join(f"pid {pid} of {user} ({state})" for pid, user, state in holders)
    ends = " ".join(f"SELECT pg_terminate_backend({pid});" for pid, *_ in holders)
    raise SQLAlchemyError(
        f"{who or 'another session of the database'} has a table locked: let it end"
        + (f", or end it with {ends}" if ends else "")
    ) from error


def _holders(url: Any, own: int, text: str) -> list[Any]:
    """Number, user and state of each session that holds a lock on what a text names, but for one session."""
    from sqlalchemy import NullPool, create_engine

    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(HOLDERS, (NAMESPACE, own, text)))
