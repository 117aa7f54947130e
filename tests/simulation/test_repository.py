"""A simulated repository is where nothing else is, and complete before anything uses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lsst.ts.calibrations.simulation.repository import check_repository, is_complete, make_repository

PROPERTIES = {"scale": 4, "seed": 1}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """What is copied; here it need not be a Butler repository."""
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "butler.yaml").write_text("root: .")
    (tmp_path / "reference" / "gen3.sqlite3").write_text("complete")
    return tmp_path / "reference"


def test_one_whose_making_was_interrupted_is_made_again(
    tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(source: Path, target: Path, **_: object) -> None:
        (target / "gen3.sqlite3").write_text("half")
        (target / "LATISS").mkdir()
        (target / "LATISS" / "bias.fits").write_text("of a seed that nobody asks for any more")
        raise KeyboardInterrupt

    place = tmp_path / "repo"
    monkeypatch.setattr(shutil, "copytree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_repository(place, reference, "LATISS/calib", PROPERTIES)
    monkeypatch.undo()
    check_repository(place, PROPERTIES)
    make_repository(place, reference, "LATISS/calib", PROPERTIES)
    assert (place / "gen3.sqlite3").read_text() == "complete"
    assert sorted(each.name for each in place.iterdir()) == ["SIMULATED.json", "butler.yaml", "gen3.sqlite3"]
    check_repository(place, PROPERTIES)
    with pytest.raises(ValueError, match="it was made with scale 4, not 16"):
        check_repository(place, {"scale": 16})


def test_one_whose_marker_was_being_written_is_made_again(tmp_path: Path, reference: Path) -> None:
    place = tmp_path / "repo"
    place.mkdir()
    (place / "SIMULATED.making").touch()
    (place / "SIMULATED.json").write_text('{"sca')
    make_repository(place, reference, "LATISS/calib", PROPERTIES)
    assert is_complete(place)
    check_repository(place, PROPERTIES)


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "gen3.sqlite3").touch()
    (tmp_path / "precious" / "MAKING").touch()
    with pytest.raises(ValueError, match="it is not a simulated repository"):
        check_repository(tmp_path / "precious", PROPERTIES)
    with pytest.raises(ValueError, match="cannot hold a dot"):
        check_repository(tmp_path / "repo.2025", PROPERTIES)
    with pytest.raises(ValueError, match="neither is"):
        check_repository(tmp_path / "absent" / "repo", PROPERTIES)
    check_repository(tmp_path / "repo", PROPERTIES)
