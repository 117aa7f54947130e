"""A simulated repository is where nothing else is, and complete before anything uses it."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.simulated_observatory.repository import repository
from lsst.ts.simulated_observatory.repository.repository import check_repository, make_repository

PROPERTIES = {"scale": 4, "seed": 1}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """What is copied; here it need not be a Butler repository."""
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "butler.yaml").write_text("root: .")
    (tmp_path / "reference" / "gen3.sqlite3").write_text("complete")
    return tmp_path / "reference"


def make_it(place: Path, reference: Path, properties: dict[str, int] = PROPERTIES) -> None:
    make_repository(place, reference, "LATISS/calib", properties, lambda: None)


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


COMPLETE = ["SIMULATED.json", "butler.yaml", "gen3.sqlite3"]


def test_nothing_is_at_its_place_before_it_is_complete(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Path, target: Path, **options: Any) -> None:
        target.mkdir()
        (target / "gen3.sqlite3").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copytree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_it(tmp_path / "repo", reference)
    assert names(tmp_path) == ["reference"]


def test_what_a_killed_making_has_left_is_removed_by_the_next(tmp_path: Path, reference: Path) -> None:
    half = tmp_path / ".repo-making" / "repo"
    half.mkdir(parents=True)
    (half / "bias.fits").write_text("of a seed that nobody asks for any more")
    (half / "SIMULATED.json").write_text('{"sca')
    place = tmp_path / "repo"
    check_repository(place, PROPERTIES)
    make_it(place, reference)
    assert names(place) == COMPLETE
    assert (place / "gen3.sqlite3").read_text() == "complete"
    assert names(tmp_path) == ["reference", "repo"]
    check_repository(place, PROPERTIES)
    with pytest.raises(ValueError, match="it was made with scale 4, not 16"):
        check_repository(place, {"scale": 16})


def test_an_empty_folder_becomes_it_also_behind_a_link(tmp_path: Path, reference: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    check_repository(tmp_path / "link", PROPERTIES)
    make_it(tmp_path / "link", reference)
    assert names(tmp_path / "empty") == COMPLETE
    assert (tmp_path / "link").is_symlink()


def test_what_others_have_put_there_meanwhile_stays(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing at the place is ever removed, whatever it is; the repository is then not made."""
    copy, precious = shutil.copytree, tmp_path / "repo" / "run" / "journal.jsonl"

    def slowly(source: Path, target: Path, **options: Any) -> None:
        copy(source, target, **options)
        precious.parent.mkdir(parents=True)
        precious.write_text("precious")

    monkeypatch.setattr(shutil, "copytree", slowly)
    with pytest.raises(OSError, match="not empty"):
        make_it(tmp_path / "repo", reference)
    assert precious.read_text() == "precious"
    assert names(tmp_path) == ["reference", "repo"]


def make_two(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch, others: dict[str, int]
) -> BaseException | None:
    """Make a repository twice at the same time; return what went wrong for the second one."""
    copy, begun, failed = shutil.copytree, threading.Event(), []
    second = threading.Thread(target=lambda: failed.append(attempt()))

    def attempt() -> BaseException | None:
        try:
            make_it(tmp_path / "repo", reference, others)
        except OSError as error:
            return error
        return None

    def slowly(source: Path, target: Path, **options: Any) -> None:
        assert not begun.is_set(), "two at a time"
        begun.set()
        second.start()
        second.join(0.1)  # it waits
        assert second.is_alive()
        copy(source, target, **options)

    monkeypatch.setattr(shutil, "copytree", slowly)
    monkeypatch.setattr(repository, "complete_repository", lambda *_: None)
    make_it(tmp_path / "repo", reference)
    second.join(5)
    assert names(tmp_path / "repo") == COMPLETE
    assert names(tmp_path) == ["reference", "repo"]
    (error,) = failed
    return error


def test_of_two_runs_that_make_it_at_the_same_time_one_uses_that_of_the_other(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_two(tmp_path, reference, monkeypatch, PROPERTIES) is None


def test_unless_they_want_different_ones(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = make_two(tmp_path, reference, monkeypatch, {"scale": 16, "seed": 1})
    assert f"another run has just made {tmp_path / 'repo'}: it was made with scale 4, not 16" in str(error)


def test_a_copy_that_fails_is_told_in_words(tmp_path: Path, reference: Path) -> None:
    (reference / "gone.fits").symlink_to("nowhere")
    with pytest.raises(OSError, match="No such file") as caught:
        make_it(tmp_path / "repo", reference)
    assert str(caught.value).startswith(f"{reference / 'gone.fits'} could not be copied to ")
    assert "[(" not in str(caught.value)
    assert names(tmp_path) == ["reference"]


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "gen3.sqlite3").touch()
    with pytest.raises(ValueError, match="it is not a simulated repository"):
        check_repository(tmp_path / "precious", PROPERTIES)
    with pytest.raises(ValueError, match="cannot hold a dot"):
        check_repository(tmp_path / "repo.2025", PROPERTIES)
    with pytest.raises(ValueError, match="neither is"):
        check_repository(tmp_path / "absent" / "repo", PROPERTIES)
    check_repository(tmp_path / "repo", PROPERTIES)


def test_a_mount_point_cannot_be_moved_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path / "disk")
    with pytest.raises(ValueError, match="name a folder in it"):
        check_repository(tmp_path / "disk", PROPERTIES)
    check_repository(tmp_path / "disk" / "repo", PROPERTIES)


def test_beside_it_must_be_room_for_its_making() -> None:
    """There root may write, says the system, and cannot."""
    with pytest.raises(ValueError, match="/proc is not writable"):
        check_repository(Path("/proc/repo"), PROPERTIES)
