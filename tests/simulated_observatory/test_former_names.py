"""Repositories of earlier versions name classes by the modules of then."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.former_names import FORMER, present_name
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.repository.opening import use_present_names
from lsst.ts.simulated_observatory.repository.repository import make_repository

OLD_RUN = Path(__file__).parents[1] / "frozen" / "data" / "old_run.tar.gz"
PRESENT = "lsst.ts.simulated_observatory.pipelines"


@pytest.mark.parametrize(
    ("former", "present"),
    [
        (FORMER, PRESENT),
        (f"{FORMER}.raws.RawImage", f"{PRESENT}.raws.RawImage"),
        (f"{FORMER}.calibrations.Defects", f"{PRESENT}.tables.Defects"),
        (f"{FORMER}.ptcsolve.SolveCurveTask", f"{PRESENT}.ptc.SolveCurveTask"),
        (f"{PRESENT}.ptcextract.ExtractPairsTask", f"{PRESENT}.ptc.ExtractPairsTask"),
        ("lsst.ts.calibrations.run", "lsst.ts.calibrations.run"),
        (f"{FORMER}_other", f"{FORMER}_other"),
    ],
)
def test_names_have_a_present_form(former: str, present: str) -> None:
    assert present_name(former) == present


def ran(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_a_former_name_is_the_same_module_and_the_same_class() -> None:
    code = f"""
from lsst.ts.simulated_observatory.former_names import understand_former_names
understand_former_names(); understand_former_names()
from lsst.utils import doImport
from {FORMER} import tables
from {FORMER}.calibrations import Defects
import {PRESENT}.images as images
assert doImport("{FORMER}.images.DetectorImage") is images.DetectorImage
assert doImport("{FORMER}.images") is images and images.__spec__.name == "{PRESENT}.images"
assert Defects is tables.Defects and Defects.__module__ == "{PRESENT}.tables"
import importlib.resources
assert (importlib.resources.files("{FORMER}") / "cpBias.yaml").is_file()
"""
    done = ran(code)
    assert done.returncode == 0, done.stderr


def test_without_asking_former_names_are_unknown() -> None:
    assert "ModuleNotFoundError" in ran(f"import {PRESENT}, {FORMER}").stderr


def test_a_kept_repository_of_before_is_read_beside_one_of_now(tmp_path: Path) -> None:
    with tarfile.open(OLD_RUN) as archive:
        archive.extractall(tmp_path, filter="data")
    kept, reference = tmp_path / "repo", tmp_path / "reference"
    assert FORMER in (kept / "butler.yaml").read_text()
    create_repository(str(reference))
    with Butler.from_config(str(reference), writeable=True) as butler:
        butler.collections.register("LATISS/calib/reference")
        butler.collections.register("LATISS/calib/camera")
    use_present_names(kept)
    make_repository(kept, reference, "LATISS/calib", {}, lambda: None)
    assert FORMER not in (kept / "butler.yaml").read_text()
    with Butler.from_config(str(kept), instrument="LATISS", collections="LATISS/calib") as butler:
        curve = butler.get("ptc", detector=0)
        assert len(butler.get("linearizer", detector=0).linearityCoeffs) == len(curve.gain) == 16
