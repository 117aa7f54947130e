"""``show_run --clean`` deletes the processed images of the run, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from lsst.daf.butler import Butler, DatasetType

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.cli.show_run import main
from lsst.ts.simulated_observatory.stand_ins.template import make_template

MINE, OTHER = "u/ocps/7/run", "u/ocps/8/run"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose only job has left an image, in a repository with an image of another run."""
    repository = tmp_path / "repo"
    make_template(repository, LATISS, [0], seed=1, scale=16, filters=[])
    (repository / "SIMULATED.json").write_text("{}")
    with Butler.from_config(str(repository), writeable=True) as butler:
        image = butler.get("bias", instrument="LATISS", detector=0, collections="LATISS/calib/reference/run")
        storage = butler.get_dataset_type("bias").storageClass
        kind = DatasetType("verifyBiasProc", ("instrument", "detector"), storage, universe=butler.dimensions)
        butler.registry.registerDatasetType(kind)
        for name in (MINE, OTHER):
            butler.collections.register(name)
            butler.put(image, kind, instrument="LATISS", detector=0, run=name)
    summary = {"state": "DONE", "simulated": True, "repo": None, "jobs": [{"collection": "u/ocps/7"}]}
    (tmp_path / "summary.json").write_text(json.dumps(summary))
    return tmp_path


def left(run: Path) -> dict[str, list[str]]:
    """Runs in which processed images, and biases, are."""
    with Butler.from_config(str(run / "repo")) as butler:
        return {
            name: [
                ref.run
                for ref in butler.registry.queryDatasets(name, collections="*", findFirst=False)
                if butler.stored(ref)
            ]
            for name in ("verifyBiasProc", "bias")
        }


def test_the_images_of_the_run_are_deleted_and_all_else_stays(run: Path) -> None:
    before = left(run)
    assert sorted(before["verifyBiasProc"]) == [MINE, OTHER]
    declined = CliRunner().invoke(main, [str(run), "--clean"], input="n\n")
    assert "1 processed images in" in declined.output
    assert "Nothing was deleted." in declined.output
    assert left(run) == before
    assert "Deleted: " in CliRunner().invoke(main, [str(run), "--clean", "--yes"]).output
    assert left(run) == before | {"verifyBiasProc": [OTHER]}
    assert "0 processed images" in CliRunner().invoke(main, [str(run), "--clean"]).output
