"""The notebook cells of the documentation run on what a run has left."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = "auxtel/make_latiss_calibrations.py"
FEW = ("n_bias=2", "n_dark=2", "exp_times_dark=5", "n_flat=2")

# Where no reference calibrations are in the cache, the run makes them first.
pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directory of a run of the whole script, with the fewest images."""
    folder = tmp_path_factory.mktemp("snippets") / "run"
    options = [word for option in FEW for word in ("-p", option)]
    command = [sys.executable, "-m", "lsst.ts.calibrations.cli.run_script", SCRIPT, "--out", str(folder)]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


def test_cells_show_what_the_page_says(
    run: Path, notebook: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(run / "butler-index.yaml"))
    cells: dict[str, Any] = {}
    for cell in notebook:
        exec(compile(cell, "accessing.rst", "exec"), cells)  # noqa: S102, it is the documentation
    cells["butler"].close()
    height, width = cells["raw"].amplifiers["C00"].array.shape
    assert (height, width) == (500 + 48, 3 + 127 + 64)  # scale 4
    assert cells["raw"].header["IMGTYPE"] == "FLAT"
    assert cells["calibArray"].shape == (1000, 1016)
    assert cells["q50"] == pytest.approx(3300 * 5, rel=0.03)  # electron
    assert cells["sigma"] < cells["q50"] ** 0.5
    assert len(cells["gain_values"]) == len(cells["noise_values"]) == 16
    assert cells["gain_values"]["C00"] == pytest.approx(cells["true_gain"] * 1.04, rel=0.05)
    assert cells["noise_values"]["C00"] == pytest.approx(9.1, rel=0.1)  # camera model, electron
    assert cells["runDetStats"]["AMP"]["C00"]["NOISE"] < cells["runDetStats"]["AMP"]["C00"]["MEAN"] ** 0.5
    assert cells["runStats"]["SUCCESS"] is True


def test_the_guide_names_all_that_a_run_leaves(run: Path) -> None:
    guide = (Path(__file__).parents[2] / "doc" / "user_guide.rst").read_text(encoding="utf-8")
    for path in run.iterdir():
        assert f"``{path.name}" in guide, path.name
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    assert all(summary[name] for name in ("exposures", "jobs", "gains"))
    lists = [value for value in summary.values() if isinstance(value, list)]
    of_lists = [key for value in lists for each in value[:1] for key in each]
    for key in (*summary, *of_lists, *summary["verification"]["FLAT"], *summary["timeline"]):
        assert f"``{key}``" in guide, key
