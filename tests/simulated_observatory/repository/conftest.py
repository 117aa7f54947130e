"""Databases of a PostgreSQL server that the tests start."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from lsst.ts.simulated_observatory.repository.database import Database, read_address

from .server import Server, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    yield from running_server()


@pytest.fixture
def new_address(server: Server) -> Iterator[Callable[[], str]]:
    """Make a database; return its address."""
    made: list[str] = []

    def make() -> str:
        made.append(f"night{len(server.sql('SELECT 1 FROM pg_database'))}")
        server.sql(f"CREATE DATABASE {made[-1]}")
        return server.address(made[-1])

    yield make
    for name in made:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(new_address: Callable[[], str]) -> Database:
    return read_address(new_address())
