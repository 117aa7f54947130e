"""The commands in ``bin`` and the executables of the scripts, as shells and people call them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lsst.ts.calibrations
from lsst.ts.calibrations import get_scripts_dir

ROOT = Path(__file__).parents[2]
SCRIPT = "auxtel/make_latiss_calibrations.py"


@pytest.fixture
def environment() -> dict[str, str]:
    """As EUPS sets it up: the commands use this Python and make no ``.venv``."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(Path(lsst.ts.calibrations.__file__).parents[3]),
        "TS_CALIBRATIONS_DIR": str(ROOT),
    }


@pytest.mark.parametrize("command", ["run_script", "run_simulator"])
def test_a_command_can_be_called_through_links(
    command: str, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "first").symlink_to(ROOT / "bin" / command)
    (tmp_path / "second").symlink_to("first")
    ended = subprocess.run(
        [str(tmp_path / "second"), "--help"], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"Usage: bin/{command} " in ended.stdout


@pytest.mark.parametrize(
    "command",
    [[str(ROOT / "bin" / "run_script"), SCRIPT], [sys.executable, str(get_scripts_dir() / SCRIPT), "1"]],
    ids=["command", "executable"],
)
def test_a_reader_that_has_seen_enough_of_the_schema_is_no_error(
    command: list[str], environment: dict[str, str]
) -> None:
    process = subprocess.Popen(
        [*command, "--schema"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    _, errors = process.communicate(timeout=60)
    assert errors == ""
