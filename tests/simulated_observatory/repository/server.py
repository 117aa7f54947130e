"""A PostgreSQL server of the tests' own, on a free port of the loopback interface."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["Server", "running_server"]


def _programs() -> Path | None:
    """Folder of the programs of the newest PostgreSQL; Debian has them in no PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return None if found is None else Path(found).parent


class Server:
    """A server with a data folder of its own, which trusts whoever comes from this machine."""

    def __init__(self) -> None:
        found = _programs()
        assert found is not None
        self._programs = found
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        if os.getuid() == 0:  # as whom PostgreSQL refuses to run
            shutil.chown(self._folder, "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._run("initdb", "-D", "data", "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")
        self.start()

    def address(self, database: str = "tests", user: str = "tests") -> str:
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-t", "120", "-D", "data", "-l", "log", "-o", options)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-t", "120", "-m", "immediate", "-D", "data")

    def sql(self, statement: str, database: str = "postgres") -> list[str]:
        """Rows that a statement gives."""
        arguments = [
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "tests",
            "-d",
            database,
            "-Atc",
            statement,
        ]
        return self._run("psql", *arguments).splitlines()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> str:
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, str(self._programs / program), *arguments]
        # The server keeps what it inherits open, so its output does not go to a pipe.
        with tempfile.TemporaryFile("w+") as output:
            ended = subprocess.run(command, stdout=output, stderr=output, cwd=self._folder, check=False)
            output.seek(0)
            text = output.read()
        assert ended.returncode == 0, text
        return text


def running_server() -> Iterator[Server]:
    """A server for a fixture; the test is skipped where there is none, or no driver."""
    pytest.importorskip("psycopg2")
    if _programs() is None:
        pytest.skip("PostgreSQL is not installed")
    server = Server()
    yield server
    server.remove()
