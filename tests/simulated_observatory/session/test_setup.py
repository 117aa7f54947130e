"""What ``run_simulator --without-pixels`` prepares: calibrations for all that is mounted."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import click
import pytest
import sqlalchemy
import yaml
from lsst.daf.butler import Butler

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import locks
from lsst.ts.simulated_observatory.components.image_folder import ImageFolder
from lsst.ts.simulated_observatory.repository.repository import check_repository
from lsst.ts.simulated_observatory.session.request import ServiceRequest, SimulationSettings
from lsst.ts.simulated_observatory.session.service import _check, _go_on_after, _make_setup
from lsst.ts.simulated_observatory.session.setup import SetupError, SetupWithoutPixels
from lsst.ts.simulated_observatory.stand_ins import template


def in_folder(folder: Path) -> SetupWithoutPixels:
    return SetupWithoutPixels(
        instrument=LATISS,
        config=CalibrationConfig.from_namespace({}, LATISS),
        settings=SimulationSettings(
            folder=folder,
            jobs=folder / "uws",
            repository=folder / "repo",
            seed=1,
            scale=16,
            collections=("LATISS/calib/other",),
        ),
        faults=(),
    )


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> SetupWithoutPixels:
    made = in_folder(tmp_path_factory.mktemp("simulator"))
    made.prepare(lambda _: None)
    return made


def test_any_filter_and_grating_has_its_flat_and_scripts_find_the_repository(
    setup: SetupWithoutPixels,
) -> None:
    index = yaml.safe_load(setup.index.read_text(encoding="utf-8"))
    assert index["/repo/LATISS"] == str(setup.repository)
    with Butler.from_config(str(setup.repository)) as butler:
        flats = butler.query_datasets("flat", collections="LATISS/calib/other", find_first=False)
    filters = {str(flat.dataId["physical_filter"]) for flat in flats}
    assert {"SDSSr_65mm~empty", "SDSSg_65mm~holo4_003", "empty~SDSSy_65mm"} <= filters
    setup.prepare(lambda _: None)  # kept, as it is


def test_a_repository_whose_making_was_interrupted_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes last that the calibrations are certified: those of before the signal are in the way."""

    def end_without_references(*_: object) -> list[object]:
        signal.raise_signal(signal.SIGTERM)
        return []

    wanted = in_folder(tmp_path)
    monkeypatch.setattr(template, "_references", end_without_references)
    with pytest.raises(SetupError, match="SIGTERM"):
        wanted.prepare(lambda _: None)
    monkeypatch.undo()
    assert not wanted.repository.exists(), "it is half made"
    check_repository(wanted.repository, wanted.properties)
    wanted.prepare(lambda _: None)
    with Butler.from_config(str(wanted.repository)) as butler:
        assert butler.query_datasets("bias", collections="LATISS/calib", find_first=False)
    outcome: list[str] = []
    wanted.prepare(outcome.append)
    assert outcome == [], "it is complete and stays"


def test_nobody_waits_for_a_lock_of_a_database_without_end(setup: SetupWithoutPixels) -> None:
    listener = sqlalchemy.Pool, "connect", locks._limit
    if sqlalchemy.event.contains(*listener):
        sqlalchemy.event.remove(*listener)
    setup.prepare(lambda _: None)
    assert sqlalchemy.event.contains(*listener)


def test_a_repository_without_pixels_is_not_one_for_pixels(setup: SetupWithoutPixels) -> None:
    check_repository(setup.repository, setup.properties)
    with_pixels = {"instrument": "LATISS", "scale": 16, "seed": 1}
    with pytest.raises(ValueError, match="made with stand-ins True, not False"):
        check_repository(setup.repository, with_pixels)


def test_a_repository_of_another_version_is_kept_and_said_to_be_one(setup: SetupWithoutPixels) -> None:
    wanted, said = setup, list[str]()
    marker = wanted.repository / "SIMULATED.json"
    made = json.loads(marker.read_text())
    for version, words in ((None, "of an earlier version"), ("0", "of another version")):
        kept = (
            made | {"version": version} if version else {key: made[key] for key in made if key != "version"}
        )
        marker.write_text(json.dumps(kept))
        check_repository(wanted.repository, wanted.properties)
        wanted.prepare(said.append)
        assert words in said.pop()
        assert said == []
    marker.write_text(json.dumps(made))
    wanted.prepare(said.append)
    assert said == []


def test_after_an_earlier_simulation_on_the_bus_numbers_go_on(
    setup: SetupWithoutPixels,
) -> None:
    later = _go_on_after(setup, "AT_O_20250115_000007")
    assert ImageFolder(later.images, "AT").reserve(20250115) == 8
    assert ImageFolder(later.images, "AT").reserve(20250116) == 1
    assert later.part == 2025011500007, "from which other job ids are drawn"
    assert later.optics == setup.optics
    assert _go_on_after(setup, "test_latiss_20250115_7") is setup


def test_the_folder_of_the_simulator_is_not_its_repository_too(tmp_path: Path) -> None:
    place = in_folder(tmp_path)
    both = replace(place, settings=replace(place.settings, repository=tmp_path))
    _check(place)
    with pytest.raises(click.UsageError, match="it is the run directory, too"):
        _check(both)


def test_the_simulator_on_the_bus_has_pixels_of_images_whose_number_is_not_known(tmp_path: Path) -> None:
    request = ServiceRequest(tmp_path, None, 16, 1, None, ("LATISS/calib/daily",), ())
    setup = _make_setup(LATISS, request, None)
    _check(setup)
    setup._check_disk(setup._planned_request)
    assert setup._images.raw == 0


def test_a_second_night_on_a_repository_draws_other_job_ids(tmp_path: Path) -> None:
    first = in_folder(tmp_path)
    second = replace(first, settings=replace(first.settings, date="2025-01-16"))
    before = _first_job_id(first)
    assert before == _first_job_id(replace(first)), "the same run again, elsewhere, has the same"
    ImageFolder(first.images, "AT").reserve(20250115)
    assert _first_job_id(second) != before


def _first_job_id(setup: SetupWithoutPixels) -> str:
    return setup.observatory()._random("OCPS").bytes(16).hex()
