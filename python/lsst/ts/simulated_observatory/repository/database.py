"""Repositories whose registry is in a PostgreSQL database, and whose files are in a folder."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import yaml

from ..locks import NAMESPACE, limit_waiting
from .repository import CONFIG, check_repository, is_complete, make_once

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

__all__ = [
    "Database",
    "DatabaseError",
    "check_driver",
    "is_address",
    "is_in_database",
    "read_address",
    "reason_of",
]

ADDRESS = re.compile(
    r"\s*postgres[\w+-]*\s*(:|//)|.*(://|:.*@|(passw(or)?d|pwd)\s*=)|[^/]*\b(host|dbname|user)\s*=",
    re.IGNORECASE | re.DOTALL,
)
"""What is an address, or was meant to be one, and may have a password: no path is shown that matches."""

SCHEMES = "postgresql", "postgres", "postgresql+psycopg2"
"""How the address of a database begins, in any case."""

_IN_DATABASE = re.compile(r"\bdb:\s*['\"]?postgresql\b")
"""What the configuration of a repository has whose registry is in a database of a server."""

PORT = 5432
"""Where a server listens of which nothing else is said."""

_PLACE = "host", "port", "dbname", "user", "service"
"""What of the further parts of an address says which database is meant."""

DRIVER = "psycopg2"
"""The only driver that the Butler takes."""


class DatabaseError(ValueError):
    """A database cannot be used for a simulated repository; the text says why."""


def is_address(text: str) -> bool:
    """Find out whether somebody meant the address of a database, and no path.

    Parameters
    ----------
    text
        As somebody wrote it.

    Returns
    -------
    is_address
        Whether to read it as an address, and not to show it, since it may have a password.
    """
    return ADDRESS.match(text) is not None


def read_address(text: str) -> Database:
    """Read the address of a database.

    Parameters
    ----------
    text
        ``postgresql://USER@HOST:PORT/NAME``; ``?files=FOLDER`` says where the files of a new repository go.

    Returns
    -------
    database
        Nothing was connected to.

    Raises
    ------
    DatabaseError
        It is no such address, has a password, or the driver is not installed.
    """
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise DatabaseError("write postgresql://USER@HOST:PORT/DATABASE") from None
    if url.drivername.lower() not in SCHEMES:
        raise DatabaseError("only PostgreSQL is possible: write postgresql://USER@HOST:PORT/DATABASE")
    if not url.database:
        raise DatabaseError("it names no database: write postgresql://USER@HOST:PORT/DATABASE")
    misplaced = re.search("[:@]", url.username or "") or "@" in unquote(f"{url.host}{url.database}")
    if url.password is not None or misplaced:
        raise DatabaseError("a password would get into journals and logs: put it into ~/.pgpass")
    if not f"{url.username}{url.host}{url.database}".isprintable():
        raise DatabaseError("it has characters that cannot be printed")
    check_driver()
    query = dict(url.query)
    files = query.pop("files", None)
    if query or isinstance(files, tuple):
        raise DatabaseError("after the ? only files=FOLDER can be said, once")
    url = url.set(drivername=f"postgresql+{DRIVER}", query={})
    return Database(url, None if files is None else Path(files).absolute())


def check_driver() -> None:
    """See whether the driver is installed, and can be imported.

    Raises
    ------
    DatabaseError
        It is not, or cannot.
    """
    if importlib.util.find_spec(DRIVER) is None:
        raise DatabaseError(f"{DRIVER} is not installed: pip install 'ts-calibrations[postgresql]'")
    try:
        importlib.import_module(DRIVER)
    except Exception as error:  # a damaged one can raise any
        raise DatabaseError(f"{DRIVER} is installed, but cannot be imported: {reason_of(error)}") from error


def is_in_database(path: Path) -> bool:
    """Find out whether the registry of a repository that is there is in a database of a server.

    Parameters
    ----------
    path
        Folder of its files.

    Returns
    -------
    in_database
        False, too, if there is no repository.
    """
    config = path / CONFIG
    return config.is_file() and _IN_DATABASE.search(config.read_text(encoding="utf-8")) is not None


def reason_of(error: Exception) -> str:
    """Put the reason of an error on one line, without statement and links of the database.

    Parameters
    ----------
    error
        Of a database, or any other.

    Returns
    -------
    reason
        Name of its class, if it has no words.
    """
    return " ".join(str(getattr(error, "orig", None) or error).split()).rstrip(".") or type(error).__name__


@dataclass(frozen=True)
class _Marker:
    """What the comment of the schema says: where the files are, and whether the repository is complete."""

    files: Path
    complete: bool


@dataclass(frozen=True)
class Database:
    """A database that has, or can have, the registry of a simulated repository.

    Parameters
    ----------
    url
        Without a password.
    asked
        Folder that was asked for; None if none was.
    """

    url: URL
    asked: Path | None = None

    def __str__(self) -> str:
        return self.url.set(drivername="postgresql").render_as_string()

    @property
    def registry(self) -> dict[str, str]:
        """What the configuration of the Butler says of it."""
        return {"db": self.url.render_as_string(), "namespace": NAMESPACE}

    def files(self, beside: Path) -> Path:
        """Decide where the files of the repository are.

        Parameters
        ----------
        beside
            Folder below which they go, if the database has no repository and no folder was asked for.

        Returns
        -------
        folder
            That of the repository, if there is one.

        Raises
        ------
        DatabaseError
            The server cannot be used, another folder was asked for, or the schema is none of a simulation.
        """
        with self._connection() as connection:
            marker = _marker(connection)
            if marker is None and not _may_create(connection):
                raise DatabaseError(f"{self.url.username or 'this user'} may not make a schema in it")
        if marker is None:
            name = re.sub(r"[^\w-]", "-", f"{self.url.database}-repo")
            return self.asked or beside.absolute() / name
        if self.asked not in (None, marker.files):
            raise DatabaseError(f"the files of its repository are in {marker.files}")
        if marker.complete and not is_complete(marker.files):
            raise DatabaseError(f"the files of its repository are not in {marker.files} any more")
        return marker.files

    def make(
        self,
        path: Path,
        properties: Mapping[str, Any],
        fill: Callable[[Path], None],
        check: Callable[[], None],
    ) -> bool:
        """Have a repository made, unless it is there, as `make_once` does.

        What a process that was killed has left in the database is removed.

        Parameters
        ----------
        path, properties, check
            As for `make_once`.
        fill
            Makes the repository in a folder that is not there yet, and in the schema, which is empty.

        Returns
        -------
        made
            Whether it was not there.

        Raises
        ------
        OSError
            The file system refused, or another process has made it there with other properties.
        DatabaseError
            The server refused.
        """

        def make(folder: Path) -> None:
            with self._connection() as connection:
                if _marker(connection) == _Marker(path, complete=False):
                    connection.exec_driver_sql(f"DROP SCHEMA {NAMESPACE} CASCADE")
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS btree_gist")
                connection.exec_driver_sql(f"CREATE SCHEMA {NAMESPACE}")
                _mark(connection, _Marker(path, complete=False))
            fill(folder)

        made = make_once(path, properties, make, check)
        with self._connection() as connection:
            if _marker(connection) == _Marker(path, complete=False):
                _mark(connection, _Marker(path, complete=True))
        return made

    def check(self, path: Path, properties: Mapping[str, Any]) -> None:
        """See whether a repository can be kept in the database and a folder, without touching anything.

        Parameters
        ----------
        path, properties
            As for `check_repository`.

        Raises
        ------
        ValueError
            It cannot, and why.
        """
        check_repository(path, properties)
        if is_complete(path):
            with self._connection() as connection:
                marker = _marker(connection)
                if marker is None or marker.files != path or not _has_tables(connection):
                    raise DatabaseError(f"the repository in {path} is not in this database")
            opened = _opened_by(path)
            if _place(opened) != _place(self.url):
                shown = opened.set(query={}).render_as_string()  # neither shows a password
                raise DatabaseError(
                    f"the repository in {path} uses {shown}: for that, name the folder;"
                    f" if the database has moved, put the new address after db: in {path / CONFIG}"
                )

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """Connect to the database, for one transaction; DatabaseError if the server refuses something."""
        from sqlalchemy import NullPool, create_engine
        from sqlalchemy.exc import SQLAlchemyError

        limit_waiting()
        engine = create_engine(self.url, poolclass=NullPool)
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise DatabaseError(f"the server refused it: {reason_of(error)}") from error


def _opened_by(path: Path) -> URL:
    """Which database the Butler opens for a repository."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))["registry"]["db"])
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError, ArgumentError) as error:
        raise DatabaseError(f"{path / CONFIG} names no database: {type(error).__name__}") from None


def _place(url: URL) -> tuple[Any, ...]:
    """Who opens which database where, however an address spells it."""
    others = {name: value for name, value in url.query.items() if name in _PLACE}
    return url.username, (url.host or "").lower(), url.port or PORT, url.database, others


def _marker(connection: Connection) -> _Marker | None:
    """What marks the simulated repository; None if the database has no schema of that name."""
    query = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s"
    row = connection.exec_driver_sql(query, (NAMESPACE,)).first()
    if row is None:
        return None
    try:
        content = json.loads(row[0])
        return _Marker(Path(content["files"]), bool(content["complete"]))
    except (TypeError, ValueError, KeyError):
        raise DatabaseError(
            f"its schema {NAMESPACE} is not that of a simulated repository, and simulated data never go into"
            " another"
        ) from None


def _mark(connection: Connection, marker: _Marker) -> None:
    content = {"simulated": True, "files": str(marker.files), "complete": marker.complete}
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {NAMESPACE} IS %s", (json.dumps(content),))


def _has_tables(connection: Connection) -> bool:
    query = "SELECT to_regclass(%s) IS NOT NULL"
    return bool(connection.exec_driver_sql(query, (f"{NAMESPACE}.butler_attributes",)).scalar())


def _may_create(connection: Connection) -> bool:
    query = "SELECT has_database_privilege(current_database(), 'CREATE')"
    return bool(connection.exec_driver_sql(query).scalar())
