"""Repositories with their registry in a PostgreSQL database: made once, marked, and what is refused."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory import locks
from lsst.ts.simulated_observatory.components.image_folder import ImageFolder
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.repository import database as module
from lsst.ts.simulated_observatory.repository.database import (
    Database,
    DatabaseError,
    is_in_database,
    read_address,
)

from .making import SCALE, make, nothing
from .server import Server


def test_repository_is_made_once_and_marked_and_found_again(database: Database, tmp_path: Path) -> None:
    path = database.files(tmp_path)
    assert path == tmp_path / f"{database.url.database}-repo"
    assert not path.exists()
    assert make(database, path)
    assert not make(database, path)
    assert is_in_database(path)
    assert json.loads((path / "SIMULATED.json").read_text()) == SCALE
    with Butler.from_config(str(path)) as butler:
        assert list(butler.collections.query("*")) == ["LATISS/raw/all"]
    assert database.files(tmp_path / "elsewhere") == path  # another run, with another directory
    database.check(path, SCALE)
    with pytest.raises(ValueError, match="it was made with scale 16, not 4"):
        database.check(path, {"scale": 4})
    with pytest.raises(DatabaseError, match=f"the files of its repository are in {path}"):
        Database(database.url, tmp_path / "other").files(tmp_path)
    path.rename(tmp_path / "moved")
    with pytest.raises(DatabaseError, match=r"are not in .* any more"):
        database.files(tmp_path)


def test_what_a_killed_process_has_left_is_made_anew(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "repo"

    def half(folder: Path) -> None:
        create_repository(str(folder), ["LATISS"], database.registry)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.make(path, SCALE, half, nothing)
    assert database.files(tmp_path / "elsewhere") == path
    assert make(database, path)
    database.check(path, SCALE)


def test_schema_that_is_none_of_a_simulation_is_left_alone(
    database: Database, server: Server, tmp_path: Path
) -> None:
    name = str(database.url.database)
    server.sql(f"CREATE SCHEMA {locks.NAMESPACE} CREATE TABLE precious (n int)", name)
    with pytest.raises(DatabaseError, match="not that of a simulated repository"):
        database.files(tmp_path)
    with pytest.raises(DatabaseError, match="not that of a simulated repository"):
        make(database, tmp_path / "repo")
    assert server.sql(f"SELECT count(*) FROM {locks.NAMESPACE}.precious", name) == ["0"]


def refusal(address: str, folder: Path, *options: str) -> str:
    """What the command says of a repository before anything is touched."""
    return refused(folder, "--repo", address, *options)


def refused(folder: Path, *options: str) -> str:
    """What the command says before anything is touched."""
    from lsst.ts.simulated_observatory.cli.run_script import main

    arguments = ["auxtel/make_latiss_calibrations.py", "--simulate", "--out", str(folder / "run")]
    ended = CliRunner().invoke(main, [*arguments, *options])
    assert ended.exit_code == 2, ended.output
    assert not (folder / "run").exists()
    assert "secret" not in ended.output
    (line,) = [line for line in ended.output.splitlines() if line.startswith("Error: ")]
    return line


def test_server_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("psycopg2")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        line = refusal(f"postgresql://a@127.0.0.1:{unused.getsockname()[1]}/b", tmp_path)
    assert "Connection refused" in line
    assert line.endswith("Nothing was touched.")


def test_user_without_permission(database: Database, server: Server, tmp_path: Path) -> None:
    server.sql("CREATE ROLE guest LOGIN")
    line = refusal(server.address(str(database.url.database), "guest"), tmp_path)
    server.sql("DROP ROLE guest")
    assert line.endswith("guest may not make a schema in it. Nothing was touched.")


def test_database_that_is_not_there(server: Server, tmp_path: Path) -> None:
    line = refusal(server.address("nowhere"), tmp_path)
    assert 'database "nowhere" does not exist' in line
    assert line.endswith("Nothing was touched.")


@pytest.mark.parametrize("what", ["SCHEMA {}", "TABLE {}.butler_attributes"])
def test_repository_whose_tables_are_gone(
    database: Database, server: Server, tmp_path: Path, what: str
) -> None:
    path = database.files(tmp_path)
    make(database, path)
    server.sql(f"DROP {what.format(locks.NAMESPACE)} CASCADE", str(database.url.database))
    assert database.files(tmp_path) == path
    with pytest.raises(DatabaseError, match=f"the repository in {path} is not in this database"):
        database.check(path, SCALE)


@pytest.mark.parametrize(
    "other", [{"database": "a"}, {"username": "a"}, {"host": "a"}, {"port": 1}, {"query": {"host": "a"}}]
)
def test_database_that_is_not_the_one_of_the_repository(
    database: Database, tmp_path: Path, other: dict[str, Any]
) -> None:
    """As a copy of a database, or one that another server has now: the Butler would open the former one."""
    path = database.files(tmp_path)
    make(database, path, {"instrument": "LATISS", "scale": 4, "seed": 1})
    config = path / "butler.yaml"
    text = config.read_text()
    former = database.url.set(**other | {"password": "secret"}).render_as_string(hide_password=False)
    config.write_text(text.replace(database.registry["db"], former))
    line = refusal(str(database), tmp_path)
    assert f"the repository in {path} uses postgresql+psycopg2://" in line
    assert line.endswith(f"put the new address after db: in {config}. Nothing was touched.")
    config.write_text(text.replace(database.registry["db"], str(database)))
    database.check(path, {"instrument": "LATISS", "scale": 4, "seed": 1})
    assert is_in_database(path)


@pytest.mark.parametrize("other", [{"host": "LOCALHOST"}, {"query": {"sslmode": "prefer"}}])
def test_database_may_be_spelled_in_several_ways(
    database: Database, tmp_path: Path, other: dict[str, Any]
) -> None:
    here = Database(database.url.set(host="localhost"))
    path = here.files(tmp_path)
    make(here, path)
    Database(here.url.set(**other)).check(path, SCALE)


def test_registry_of_another_version(database: Database, server: Server, tmp_path: Path) -> None:
    path = database.files(tmp_path)
    make(database, path, {"instrument": "LATISS", "scale": 4, "seed": 1})
    server.sql(
        f"UPDATE {locks.NAMESPACE}.butler_attributes SET value = '99.0.0' WHERE name LIKE 'version:%Coll%'",
        str(database.url.database),
    )
    for repository in (str(path), str(database)):
        line = refusal(repository, tmp_path)
        assert "not compatible with registry schema version 99.0.0" in line
        assert line.endswith("Nothing was touched.")


def test_night_of_another_run_is_refused(database: Database, tmp_path: Path) -> None:
    path = database.files(tmp_path)
    make(database, path, {"instrument": "LATISS", "scale": 4, "seed": 1})
    of_night = path / "images" / "2025-02-01"
    with ImageFolder(of_night, "AT").alone():
        line = refusal(str(database), tmp_path, "--date", "2025-02-01")
        assert f"another simulation takes images in {of_night}: wait until it has ended" in line
        assert "or name another repository or --date. Nothing was exposed." in line
        with ImageFolder(of_night.with_name("2025-02-02"), "AT").alone():
            pass


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("postgresql://a:secret@h/d", "a password would get into journals and logs"),
        ("postgresql+psycopg2://a:secret@h/d", "a password would get into journals and logs"),
        (" POSTGRESQL://a:secret@h/d", "a password would get into journals and logs"),
        ("postgresql://a%3Asecret@h/d", "a password would get into journals and logs"),
        ("postgresql://a@secret@h/d", "a password would get into journals and logs"),
        ("postgres+x://a:secret@h/d", "only PostgreSQL is possible"),
        ("mysql://a:secret@h/d", "only PostgreSQL is possible"),
        ("postgresql//a:secret@h/d", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("Postgresql:/a:secret@h/d", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("a:secret@h/d", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("postgresql://u/secret@h:1/d", "a password would get into journals and logs"),
        ("postgresql://u%3Asecret%40h/d", "a password would get into journals and logs"),
        ("host=h dbname=d user=u password=secret", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("pgsql:host=h password=secret", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("postgresql?PASSWORD = secret", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("dbname=d host=h", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("postgresql://%00@h/d", "characters that cannot be printed"),
        ("postgresql://a@h/d%0a", "characters that cannot be printed"),
        ("postgresql://h/d?files=a%00b", "characters that cannot be printed"),
        (f"postgresql://h/d?files=/tmp/{'y' * 300}", "File name too long"),
        ("postgresql://h/d?password=secret", "only files=FOLDER"),
        ("postgresql://h", "it names no database"),
        ("postgresql://h:port/d", "write postgresql://USER@HOST:PORT/DATABASE"),
        ("postgresql://h/d?file=/x", "only files=FOLDER"),
        ("postgresql://h/d?files=/x&files=/y", "only files=FOLDER"),
    ],
)
def test_addresses_that_are_none(address: str, reason: str, tmp_path: Path) -> None:
    line = refusal(address, tmp_path)
    assert reason in line


def test_address_in_the_configuration_is_not_shown(tmp_path: Path) -> None:
    assert "name a database with --repo" in refused(tmp_path, "-p", "repo='postgresql://a:secret@h/d'")


@pytest.mark.parametrize(
    "address", ["postgresql+psycopg2://a@h:5/d", " Postgres://a@h:5/d ", "POSTGRESQL://a@h:5/d"]
)
def test_other_spellings_of_an_address(address: str) -> None:
    pytest.importorskip("psycopg2")
    assert str(read_address(address)) == "postgresql://a@h:5/d"


@pytest.mark.parametrize("path", ["postgres-repo", "runs/postgresql", "night:1/repo", "a@b", "scale=4/repo"])
def test_path_that_is_no_address(path: str) -> None:
    assert not module.is_address(path)


def test_driver_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRIVER", "no_such_driver")
    line = refusal("postgresql://h/d", tmp_path)
    assert "no_such_driver is not installed: pip install 'ts-calibrations[postgresql]'" in line


def test_driver_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_driver.py").write_text("raise ImportError('libpq.so.5: cannot open it')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "DRIVER", "broken_driver")
    line = refusal("postgresql://h/d", tmp_path)
    assert "broken_driver is installed, but cannot be imported: libpq.so.5: cannot open it. N" in line


def test_fault_of_a_sqlite_file_is_not_possible(database: Database, tmp_path: Path) -> None:
    from lsst.ts.simulated_observatory.cli.run_script import main

    arguments = ["--simulate", "--out", str(tmp_path / "run"), "--scale", "16", "--repo"]
    address = f"postgresql://{database.url.username}@127.0.0.1:{database.url.port}/{database.url.database}"
    ended = CliRunner().invoke(
        main, ["auxtel/make_latiss_calibrations.py", *arguments, address, "--fault", "butler-full"]
    )
    assert ended.exit_code == 2
    assert "butler-full acts on a SQLite file" in ended.output
