"""The scripts where nothing is installed but their base: no salobj, no numpy, no simulated observatory.

Only the process that draws the page of a run needs numpy and astropy, which the base brings.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

SCRIPTS = Path("lsst/ts/calibrations/data/scripts")
SCRIPT = SCRIPTS / "auxtel/make_latiss_calibrations.py"

IMPORT_ALL = """
import pkgutil
from importlib import import_module
import lsst.ts.calibrations as package
for each in pkgutil.walk_packages(package.__path__, "lsst.ts.calibrations."):
    if ".data." not in each.name:
        import_module(each.name)
"""


def required(*names: str) -> set[str]:
    """Names of distributions and of all that these require here, without extras."""
    found: set[str] = set()
    left = list(names)
    while left:
        found.add(name := left.pop())
        requirements = map(Requirement, distribution(name).requires or ())
        wanted = {each.name for each in requirements if each.marker is None or each.marker.evaluate()}
        left += wanted - found
    return found


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with links to PyYAML and jsonschema, and to nothing else that is installed."""
    folder = tmp_path_factory.mktemp("base")
    for name in required("pyyaml", "jsonschema"):
        here = distribution(name)
        tops = {file.parts[0] for file in here.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            (folder / top).symlink_to(str(here.locate_file(top)))
    return folder


def run(paths: list[Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python without the packages of its site, and without any choice of the SAL."""
    variables = {key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_SAL"}
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        env={**variables, "PYTHONPATH": os.pathsep.join(map(str, paths))},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_packages_of_the_site_are_hidden(base: Path) -> None:
    assert "No module named 'numpy'" in run([base], "-c", "import yaml, jsonschema, numpy").stderr


def test_the_schema_is_printed(base: Path, installed: Path) -> None:
    ended = run([installed, base], str(installed / SCRIPT), "1", "--schema")
    assert yaml.safe_load(ended.stdout)["properties"]["n_bias"]["default"] == 20, ended.stderr


def test_every_module_of_the_scripts_can_be_imported(base: Path, installed: Path) -> None:
    provide = "from lsst.ts.calibrations.sal_choice import provide_salobj; provide_salobj()"
    ended = run([installed, base], "-c", provide + IMPORT_ALL)
    assert ended.returncode == 0, ended.stderr


def test_without_salobj_and_simulated_observatory_it_is_said_what_is_missing(
    base: Path, installed: Path, tmp_path: Path
) -> None:
    shutil.copytree(installed / "lsst" / "ts" / "calibrations", tmp_path / "lsst" / "ts" / "calibrations")
    ended = run([tmp_path, base], str(tmp_path / SCRIPT), "1", "--schema")
    assert ended.returncode == 1
    assert "lsst.ts.salobj is not installed" in ended.stderr
    assert "elsewhere install ts-calibrations[simulation]" in ended.stderr


@pytest.mark.parametrize("command", ["run_script", "run_simulator"])
def test_the_commands_of_the_simulated_observatory_say_what_they_need(
    command: str, base: Path, installed: Path
) -> None:
    ended = run([installed, base], "-m", f"lsst.ts.simulated_observatory.cli.{command}", "--help")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("The simulated observatory needs what is not installed here: click, rich")
    assert "pip install 'ts-calibrations[simulation]'" in ended.stderr
    assert "Traceback" not in ended.stderr
