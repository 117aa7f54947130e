"""Wheel and source distribution are complete, and what is installed works without the checkout."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
import yaml

SCRIPTS = "lsst/ts/calibrations/data/scripts"
SOURCE = Path(__file__).parents[2] / "python" / SCRIPTS

EXECUTABLES = {path.relative_to(SOURCE).as_posix() for path in SOURCE.glob("*/*.py")}

WHERE = "import lsst.ts.calibrations as package; print(package.get_scripts_dir())"


def run(command: list[str], folder: Path, path: Path) -> str:
    """Run a command in a folder, with the packages below a path, and with this Python as ``python``."""
    executables = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": executables, "PYTHONPATH": str(path)}
    environment.pop("TS_CALIBRATIONS_SAL", None)
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def metadata(wheel: Path) -> Any:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def names(wheel: Path) -> set[str]:
    """Files in a wheel, but for what describes it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_has_every_file_of_the_package_and_no_other(distributions: Any) -> None:
    assert names(distributions.wheel) == distributions.packaged()


def test_the_executables_have_the_run_bit_in_the_wheel(distributions: Any) -> None:
    with zipfile.ZipFile(distributions.wheel) as archive:
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
    run_bit = {name for name, mode in modes.items() if mode & stat.S_IXUSR and ".dist-info/" not in name}
    assert "auxtel/make_latiss_calibrations.py" in EXECUTABLES
    assert run_bit == {f"{SCRIPTS}/{name}" for name in EXECUTABLES}


def test_the_metadata_name_licence_python_and_requirements(distributions: Any) -> None:
    found = metadata(distributions.wheel)
    assert found["Name"] == "ts-calibrations"
    assert found["License-Expression"] == "GPL-3.0-or-later"
    assert set(found.get_all("License-File")) == {"LICENSE", "COPYRIGHT"}
    assert found["Requires-Python"] == ">=3.11"
    assert "lsst-daf-butler" in found.get_all("Requires-Dist")
    assert 'scipy>=1.12; extra == "simulation"' in found.get_all("Requires-Dist")


def test_the_wheel_of_the_source_distribution_is_the_same(distributions: Any, tmp_path: Path) -> None:
    tree = distributions.unpack(tmp_path / "unpacked")
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    (tmp_path / "out").mkdir()
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], cwd=tree, check=True, capture_output=True
    )
    (wheel,) = (tmp_path / "out").iterdir()
    assert names(wheel) == names(distributions.wheel)
    assert wheel.name == distributions.wheel.name


def test_the_source_distribution_has_what_the_tests_need(distributions: Any, tmp_path: Path) -> None:
    tree = distributions.unpack(tmp_path)
    for name in (
        "pyproject.toml",
        "README.rst",
        "LICENSE",
        "COPYRIGHT",
        "bin",
        "conda",
        "doc",
        "tests",
        "ups",
    ):
        original = distributions.tree / name
        files = [original] if original.is_file() else [each for each in original.rglob("*") if each.is_file()]
        for file in files:
            copy = tree / file.relative_to(distributions.tree)
            assert copy.is_file(), copy
            assert copy.stat().st_mode & 0o111 == file.stat().st_mode & 0o111, copy


def test_the_version_is_that_of_the_tag(distributions: Any, tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    for name in ("pyproject.toml", "README.rst"):
        shutil.copy(distributions.tree / name, tmp_path)
    (tmp_path / "python").mkdir()
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@localhost"]
    for command in (
        ["init", "--quiet"],
        ["add", "pyproject.toml"],
        ["commit", "--quiet", "-m", "All of it"],
        ["tag", "-a", "v7.8.9", "-m", "Version 7.8.9"],
    ):
        subprocess.run([git, *who, *command], cwd=tmp_path, check=True)
    code = "from setuptools import build_meta; print(build_meta.prepare_metadata_for_build_wheel('.'))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines()[-1] == "ts_calibrations-7.8.9.dist-info"


def test_what_is_installed_lists_the_scripts_for_the_queue(installed: Path, tmp_path: Path) -> None:
    # Without the site's packages: this one may be there as well, and its namespace would be looked up first.
    folder = Path(run([sys.executable, "-S", "-c", WHERE], tmp_path, installed).strip())
    assert folder == (installed / SCRIPTS).resolve()
    # As the ScriptQueue lists them: every file with a run bit.
    listed = {str(path.relative_to(folder)) for path in folder.rglob("*") if os.access(path, os.X_OK)}
    assert {name for name in listed if (folder / name).is_file()} == EXECUTABLES


@pytest.mark.parametrize("script", sorted(EXECUTABLES))
def test_an_installed_executable_prints_its_schema(installed: Path, tmp_path: Path, script: str) -> None:
    schema = yaml.safe_load(run([str(installed / SCRIPTS / script), "1", "--schema"], tmp_path, installed))
    assert schema["properties"]["n_bias"]["default"] == 20


def test_the_installed_command_finds_schemas_and_scripts(installed: Path, tmp_path: Path) -> None:
    command = str(installed / "bin" / "run_script")
    text = run([command, "auxtel/make_latiss_calibrations.py", "--schema"], tmp_path, installed)
    assert yaml.safe_load(text)["title"].startswith("MakeLatissCalibrations")
    assert "Usage: run_simulator" in run(
        [str(installed / "bin" / "run_simulator"), "-h"], tmp_path, installed
    )
