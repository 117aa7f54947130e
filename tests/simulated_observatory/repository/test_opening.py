"""Repositories that are there and that the Butler cannot open: one line, and nothing is touched."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from rich.console import Console

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import locks
from lsst.ts.simulated_observatory.cli.cleaning import clean
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.repository import database
from lsst.ts.simulated_observatory.repository.opening import check_opens
from lsst.ts.simulated_observatory.session.request import SimulationSettings
from lsst.ts.simulated_observatory.session.setup import SetupError, SimulationSetup
from lsst.ts.simulated_observatory.session.simulated_run import alone, check_setup

OTHER_VERSION = "UPDATE butler_attributes SET value = '99.0.0' WHERE name LIKE 'version:%Collection%'"
OTHER_MANAGER = "UPDATE butler_attributes SET value = 'a.B' WHERE name = 'config:registry.managers.datasets'"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "repo"
    create_repository(str(path), ["LATISS"])
    properties = {"instrument": "LATISS", "scale": 4, "seed": 1}
    (path / "SIMULATED.json").write_text(json.dumps(properties))
    return path


@pytest.fixture
def repository(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "repo"))


def execute(statement: str) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        with contextlib.closing(sqlite3.connect(path / "gen3.sqlite3")) as connection, connection:
            connection.execute(statement)

    return act


def cut(path: Path) -> None:
    with (path / "gen3.sqlite3").open("r+b") as file:
        file.truncate(4096)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "other version": (execute(OTHER_VERSION), "not compatible with registry schema version 99.0.0"),
    "other manager": (execute(OTHER_MANAGER), "managers do not match .* stored: a.B"),
    "rubbish": (lambda path: (path / "gen3.sqlite3").write_text("rubbish" * 999), "not a database"),
    "cut short": (cut, "database disk image is malformed"),
    "database gone": (lambda path: (path / "gen3.sqlite3").unlink(), "unable to open database file"),
    "configuration gone": (lambda path: (path / "butler.yaml").unlink(), "No such file"),
    "no YAML": (lambda path: (path / "butler.yaml").write_text("{"), "while parsing a flow node"),
    "no text": (lambda path: (path / "butler.yaml").write_bytes(b"\xff"), "codec can't decode"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_reason_is_told_on_one_line_and_nothing_is_made(
    repository: Path, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    act, reason = DAMAGES[damage]
    act(repository)
    files = sorted(repository.rglob("*"))
    with pytest.raises(ValueError, match=reason) as refused:
        check_opens(repository)
    assert "\n" not in str(refused.value)
    assert sorted(repository.rglob("*")) == files
    assert capfd.readouterr().err == ""


def refusal(repository: Path, *more: str) -> str:
    """What the command says before it makes a run directory."""
    from lsst.ts.simulated_observatory.cli.run_script import main

    run = repository.parent / "run"
    arguments = ["auxtel/make_latiss_calibrations.py", "--simulate", "--out", str(run), "--repo"]
    ended = CliRunner().invoke(main, [*arguments, str(repository), *more])
    assert ended.exit_code == 2, ended.output
    assert not run.exists()
    return ended.output.splitlines()[-1]


@pytest.mark.parametrize("more", [["--plan"], []])
def test_command_refuses_it(repository: Path, more: list[str]) -> None:
    cut(repository)
    reason = "the Butler cannot open it: database disk image is malformed"
    assert refusal(repository, *more) == f"Error: --repo {repository}: {reason}. Nothing was touched."


@pytest.mark.parametrize("name", ["repo", "../p%20q/repo"])
def test_path_that_the_butler_reads_otherwise(
    repository: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = repository.parent / "p%20q"
    folder.mkdir()
    repository.rename(folder / "repo")
    monkeypatch.chdir(folder)
    assert refusal(Path(name)).endswith(
        ": the Butler would read %20 as another character. Nothing was touched."
    )


def test_repository_in_use_is_refused(repository: Path, setup: SimulationSetup) -> None:
    """A SQLite repository is for one run at a time: another would end the images that this one has begun."""
    with alone(setup):
        reason = f"another simulation takes images in {repository / 'images'}: wait until it has ended"
        assert refusal(repository, "--date", "2025-02-01").startswith(
            f"Error: --repo {repository}: {reason}, or name another repository."
        )
        with pytest.raises(SetupError, match="Nothing was exposed"), alone(setup):
            pass
    with alone(setup):  # it has ended
        pass


@pytest.fixture
def setup(repository: Path, tmp_path: Path) -> SimulationSetup:
    settings = SimulationSettings(
        folder=tmp_path, jobs=tmp_path / "uws", repository=repository, seed=1, scale=4
    )
    return SimulationSetup(LATISS, CalibrationConfig.from_namespace({}, LATISS), settings, (), part=1)


def test_run_that_is_resumed_with_its_own_repository(repository: Path, setup: SimulationSetup) -> None:
    check_setup(setup, "repository")
    cut(repository)
    with pytest.raises(click.UsageError, match=r"malformed\. Nothing was touched"):
        check_setup(setup, "repository")


def test_processed_images_of_it_are_not_deleted(repository: Path, tmp_path: Path) -> None:
    cut(repository)
    summary = {"simulated": True, "repo": str(repository), "jobs": []}
    with pytest.raises(click.UsageError, match=r"malformed\. Nothing was deleted"):
        clean(tmp_path, summary, Console(), yes=True)


def test_folder_of_a_repository_in_a_database_without_the_driver(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "butler.yaml").write_text("registry:\n  db: postgresql+no_such_driver://a@h/d\n")
    monkeypatch.setattr(database, "DRIVER", "no_such_driver")
    with pytest.raises(ValueError, match="no_such_driver is not installed: pip install"):
        check_opens(repository)


def test_server_that_does_not_answer(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("psycopg2")
    monkeypatch.setattr(locks, "CONNECT_TIMEOUT", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"postgresql+psycopg2://a@127.0.0.1:{silent.getsockname()[1]}/d"
        (repository / "butler.yaml").write_text(f"registry:\n  db: {address}\n")
        end = threading.Timer(10.0, silent.close)  # else who waits without end cannot be interrupted
        end.start()
        assert "timeout expired. Nothing was touched." in refusal(repository)
        end.cancel()
