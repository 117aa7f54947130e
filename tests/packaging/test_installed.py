"""The package in an empty environment elsewhere: installed by pip, from PyPI, far from the checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

SCRIPT = "auxtel/make_latiss_calibrations.py"
TIMEOUT = 3000
"""Seconds for one command."""


class Environment:
    """A Python environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)

    def run(self, command: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, which sees nothing of the checkout."""
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            [str(self.folder / "bin" / command), *arguments],
            cwd=cwd,
            env={**variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )

    def install(self, requirement: str) -> None:
        """Install a package and what it requires, from PyPI."""
        ended = self.run("pip", "install", "--quiet", requirement, cwd=self.folder)
        assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def environment(distributions: Any, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """With the wheel and what it requires, the tests' requirements included."""
    made = Environment(tmp_path_factory.mktemp("environment") / "env")
    made.install(f"{distributions.wheel}[simulation,test]")
    return made


def test_the_base_alone_prints_the_schema(distributions: Any, tmp_path: Path) -> None:
    base = Environment(tmp_path / "env")
    base.install(str(distributions.wheel))
    there = base.run("pip", "list", "--format", "freeze", cwd=tmp_path).stdout
    assert "lsst-daf-butler==" in there
    assert not {"lsst-ctrl-mpexec", "scipy", "rich", "matplotlib"} & set(re.findall(r"^(\S+)==", there, re.M))
    code = "import lsst.ts.calibrations as package; print(package.get_scripts_dir())"
    folder = base.run("python", "-c", code, cwd=tmp_path).stdout.strip()
    ended = base.run("python", f"{folder}/{SCRIPT}", "1", "--schema", cwd=tmp_path)
    assert yaml.safe_load(ended.stdout)["properties"]["n_bias"]["default"] == 20, ended.stderr


def test_the_installed_script_runs_in_the_simulated_observatory(
    environment: Environment, tmp_path: Path
) -> None:
    ended = environment.run("run_script", SCRIPT, "--scale", "16", "--out", "run", cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert (summary["state"], len(summary["exposures"])) == ("DONE", 65)
    assert all(verdict["passed"] for verdict in summary["verification"].values())
    assert summary["versions"]["ts-calibrations"] is not None


def test_the_tests_pass_on_the_installed_package(
    environment: Environment, distributions: Any, tmp_path: Path
) -> None:
    tree = distributions.unpack(tmp_path)
    where = environment.run(
        "python", "-c", "import lsst.ts.calibrations; print(lsst.ts.calibrations.__file__)", cwd=tree
    )
    assert Path(where.stdout).is_relative_to(environment.folder)
    # The installed script has shown already that pixels and pipelines work: what runs them is the slow half.
    ended = environment.run("python", "-m", "pytest", "-m", "not long and not endtoend", cwd=tree)
    assert ended.returncode == 0, ended.stdout[-10_000:]
