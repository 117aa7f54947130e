"""The folder of a run is new or empty and writable, or nothing is touched."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from lsst.ts.simulated_observatory.session.checks import new_folder, run_folder


def test_a_new_folder_is_not_made_before_it_is_asked_for(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "a" / "b", "script")
    assert not (tmp_path / "a").exists()
    new_folder(folder)
    assert folder.is_dir()


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    assert run_folder(tmp_path, "script") == tmp_path


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(click.UsageError, match="not empty"):
        run_folder(tmp_path, "script")


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(click.UsageError, match="folder"):
        run_folder(tmp_path / name, "script")


def test_a_link_that_leads_nowhere_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(click.UsageError, match=r"no folder\. Nothing was touched"):
        run_folder(tmp_path / "link", "script")


def test_the_next_free_name_below_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "script-001").mkdir(parents=True)
    assert run_folder(None, "script") == tmp_path / "runs" / "script-002"
