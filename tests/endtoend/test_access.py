"""What the page on images and results shows is there: its cells run with a plain Butler on a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Where no reference calibrations are in the cache, the run makes them first.
pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(900)]

CALIBRATIONS = ("bias", "dark", "flat", "defects", "ptc")


@pytest.fixture(scope="module")
def cells(first_night: Any, page: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What all cells of the page defined, run in one notebook beside the run."""
    assert first_night.status == 0, first_night.output
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(first_night.folder / "butler-index.yaml"))
        patch.setenv("MPLBACKEND", "agg")
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        found = page.run_cells(page.blocks("python"))
        found["picture"] = Path("verifyFlatProc.png").read_bytes()
        return found


def test_the_page_looks_up_all_that_the_procedure_does(page: Any) -> None:
    text = "".join(page.blocks("python"))
    names = (*CALIBRATIONS, "cpPtcExtract", "verifyBiasStats", "verifyFlatStats", "verifyFlatResults")
    for name in (*names, "verifyFlatProc", "raw"):
        assert f'"{name}"' in text, name


def test_the_cell_of_the_run_s_own_page_finds_what_was_made(first_night: Any, page: Any) -> None:
    found = page.run_cells([first_night.cell])
    assert {*CALIBRATIONS, "flat_table", "ptc_statistics", "gains_of_pair"} <= set(found)
    truth = first_night.truth["C05"]
    assert found["gains_of_pair"].noise["C05"] == pytest.approx(truth["read_noise"], rel=0.1)


@pytest.mark.parametrize("name", ["bias", "dark", "flat"])
def test_a_combined_image_is_found_by_an_exposure(first_night: Any, cells: Any, name: str) -> None:
    taken = [each["id"] for each in first_night.exposures(name.upper())]
    assert cells[name].getImage().getArray().shape == (1000, 1016)
    assert cells[name].getMetadata()["INPUT EXPOSURES"] == taken


def test_combined_images_are_what_they_are_called(cells: Any) -> None:
    bias, dark, flat = (np.median(cells[name].getImage().getArray()) for name in ("bias", "dark", "flat"))
    assert abs(bias) < 1.0  # electron, the overscan is subtracted
    assert dark == pytest.approx(0.02, abs=0.02)  # electron/s
    assert flat == pytest.approx(1.0, abs=0.01)


def test_defects_and_curve_are_found_by_an_exposure(first_night: Any, cells: Any) -> None:
    assert len(cells["defects"]) > 100
    assert cells["defects"].mask.shape == (1000, 1016)
    for name, amplifier in first_night.truth.items():
        assert cells["ptc"].gain[name] == pytest.approx(amplifier["gain"], rel=0.03)
        assert cells["ptc"].noise[name] == pytest.approx(amplifier["read_noise"], rel=0.05)


def test_the_validity_is_the_one_that_was_asked_for(cells: Any) -> None:
    assert cells["validity"] == [(0, "[2025-01-15T00:00:00, 2025-01-18T00:00:00)")]


def test_a_pair_of_flats_has_gains_and_noise(first_night: Any, cells: Any) -> None:
    assert list(cells["gain_values"]) == list(cells["noise_values"]) == list(first_night.truth)
    assert cells["cpCov"].inputExpIdPairs["C00"] == [(cells["flat1ID"], cells["flat2ID"])]
    for name, amplifier in first_night.truth.items():
        assert cells["gain_values"][name] == pytest.approx(1.04 * amplifier["gain"], rel=0.05)
        assert cells["noise_values"][name] == pytest.approx(amplifier["read_noise"], rel=0.05)


def test_the_statistics_of_the_verification_are_there(cells: Any) -> None:
    assert cells["runStats"]["SUCCESS"] is True
    assert cells["biasStats"]["SUCCESS"] is True
    assert cells["curveStats"]["SUCCESS"] is True
    flat = cells["runDetStats"]["AMP"]["C00"]
    assert flat["NOISE"] < flat["MEAN"] ** 0.5
    assert cells["runDetStats"]["VERIFY"]["AMP"]["C00"]["NOISE"] is True


def test_the_processed_image_can_be_measured_and_shown(first_night: Any, cells: Any) -> None:
    assert cells["calibArray"].shape == (1000, 1016)
    assert cells["q50"] == pytest.approx(3300 * 5, rel=0.03)  # electron, of the lamp in 5 s
    assert 0.9 * cells["q50"] ** 0.5 < cells["sigma"] < cells["q50"] ** 0.5
    assert cells["picture"].startswith(b"\x89PNG")
    flats = [each["id"] for each in first_night.exposures("FLAT")]
    assert cells["reference"].getMetadata()["INPUT EXPOSURES"] == flats


def test_the_raw_image_is_there(cells: Any) -> None:
    height, width = cells["raw"].amplifiers["C00"].array.shape
    assert (height, width) == (500 + 48, 3 + 127 + 64)  # scale 4
    assert cells["raw"].header["IMGTYPE"] == "FLAT"


def test_the_guide_names_all_that_a_run_leaves(first_night: Any) -> None:
    guide = (Path(__file__).parents[2] / "doc" / "reference" / "run_directory.rst").read_text(
        encoding="utf-8"
    )
    for path in first_night.folder.iterdir():
        name = "*.ecsv" if path.suffix == ".ecsv" else path.name
        assert f"``{name}" in guide, path.name
    summary = first_night.summary
    assert all(summary[name] for name in ("exposures", "jobs", "gains", "certified"))
    lists = [value for value in summary.values() if isinstance(value, list)]
    of_lists = [key for value in lists for each in value[:1] for key in each]
    for key in (*summary, *of_lists, *summary["verification"]["FLAT"], *summary["timeline"]):
        assert f"``{key}``" in guide, key


@pytest.mark.timeout(1800)
def test_the_cells_of_comcam_find_the_calibrations_of_each_detector(
    run_script: Any, page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = "n_bias: 2\nn_dark: 2\nexp_times_dark: 30\nn_flat: 6\nexp_times_flat: [5, 5, 15, 15, 30, 30]\n"
    made = "generate_calibrations: true\ndo_defects: true\ndo_ptc: true\ndo_verify: false\n"
    text = tmp_path / "night.yaml"
    text.write_text("".join([few, made, *page.blocks("yaml", "LSSTComCam")]))
    run = run_script("-c", str(text), "--scale", "16", script="maintel/make_comcam_calibrations.py")
    assert run.status == 0, run.output
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(run.folder / "butler-index.yaml"))
    ids, _ = page.blocks("python", "Which exposures, which collections")
    cells = page.run_cells([ids, "import lsst.daf.butler as dB", *page.blocks("python", "LSSTComCam")])
    for name in ("bias", "dark", "flat"):
        assert cells[name].getImage().getArray().shape == cells["defects"].mask.shape
    assert cells["ptc"].detector == cells["defects"].detector == "R22_S00"
    assert list(cells["gains"]) == list(range(9))
    assert len({tuple(gains.values()) for gains in cells["gains"].values()}) == 9
