"""The folder of a run is new or empty and writable, or nothing is touched."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import click
import pytest

from lsst.ts.calibrations.journal.facts import ExposureBegun
from lsst.ts.calibrations.journal.journal import JOURNAL, Journal
from lsst.ts.simulated_observatory.session.checks import SCRIPT_LOG, new_folder, reserve, run_folder


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


def refused_run(folder: Path, **changes: Any) -> Path:
    """A folder as a run leaves it that was refused in preflight."""
    summary = {"simulated": True, "state": "FAILED", "exposures": []} | changes
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "repo" / "images").mkdir(parents=True)
    Journal(folder / JOURNAL, durable=False).close()
    return folder


@pytest.mark.parametrize("state", ["FAILED", "CONFIGURE_FAILED"])
def test_what_a_refused_run_left_is_taken_away_when_the_folder_is_used_again(
    tmp_path: Path, state: str
) -> None:
    folder = run_folder(refused_run(tmp_path, state=state), "script")
    assert (folder / "repo").exists()
    new_folder(folder)
    assert list(folder.iterdir()) == []


def test_of_two_runs_that_begin_in_a_folder_at_the_same_time_one_has_it(tmp_path: Path) -> None:
    first, second = (run_folder(tmp_path / "run", "script") for _ in range(2))
    for folder in (first, second):
        new_folder(folder)
    reserve(first)
    (first / SCRIPT_LOG).write_text("a line")
    with pytest.raises(click.UsageError, match="another run has just begun there"):
        reserve(second)
    assert (first / SCRIPT_LOG).read_text() == "a line"


@pytest.mark.parametrize(
    "changes", [{"exposures": [{"id": 1}]}, {"state": "DONE"}, {"state": "STOPPED"}, {"simulated": False}]
)
def test_any_other_run_is_kept(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(click.UsageError, match="not empty"):
        run_folder(refused_run(tmp_path, **changes), "script")
    new_folder(tmp_path)
    assert (tmp_path / "repo").exists()


def test_a_run_that_has_begun_an_exposure_or_goes_on_is_kept(tmp_path: Path) -> None:
    with contextlib.closing(Journal(refused_run(tmp_path) / JOURNAL, durable=False)) as journal:
        with pytest.raises(click.UsageError, match="not empty"):
            run_folder(tmp_path, "script")
        journal.append(
            ExposureBegun(time=0.0, group_id="", image_type="BIAS", exp_time=0.0, position=1, discarded=False)
        )
    with pytest.raises(click.UsageError, match="not empty"):
        run_folder(tmp_path, "script")


def test_a_refused_run_with_something_else_beside_it_is_kept(tmp_path: Path) -> None:
    (refused_run(tmp_path) / "precious").touch()
    with pytest.raises(click.UsageError, match="not empty"):
        run_folder(tmp_path, "script")
