"""The scripts of the main telescope are there under their names, and say their options without the bus."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from lsst.ts.calibrations.domain.instruments import LSSTCAM, LSSTCOMCAM
from lsst.ts.calibrations.maintel import MakeComCamCalibrations, MakeLSSTCamCalibrations
from lsst.ts.simulated_observatory.cli.scripts import find_script

SCRIPTS = {
    "maintel/make_comcam_calibrations.py": (MakeComCamCalibrations, LSSTCOMCAM),
    "maintel/make_lsstcam_calibrations.py": (MakeLSSTCamCalibrations, LSSTCAM),
}


@pytest.mark.parametrize("path", SCRIPTS)
def test_a_script_is_found_by_the_path_of_the_queue(path: str) -> None:
    script, instrument = SCRIPTS[path]
    assert find_script(path) is script
    assert script.instrument is instrument


@pytest.mark.parametrize("path", SCRIPTS)
def test_the_executable_prints_its_schema(path: str) -> None:
    executable = Path(str(files("lsst.ts.calibrations") / "data" / "scripts" / path))
    assert os.access(executable, os.X_OK)
    environment = {key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_SAL"}
    done = subprocess.run(
        [sys.executable, str(executable), "1", "--schema"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert yaml.safe_load(done.stdout) == SCRIPTS[path][0].get_schema()
