"""The commands set up ``.venv`` when it is needed, and not more often."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON = """#!/bin/sh
case "$2" in
    venv) mkdir -p "$3/bin"; cp "$0" "$3/bin/python" ;;
    pip) for last; do :; done
        [ "$last" = uv ] && exit "$UV_STATUS"
        echo "pip ${last##*/}" >> "$CALLS"; echo "pip says why" >&2; exit "$PIP_STATUS" ;;
    uv) [ "$6" = --python ] && [ "$7" = "$0" ] || exit 1
        for last; do :; done; echo "uv ${last##*/}" >> "$CALLS"; exit "$PIP_STATUS" ;;
esac
"""
"""In place of Python: makes an environment that holds itself, and writes down what is to be installed."""


class Checkout:
    """A clone with the set-up of the commands, and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "clone"
        (self.folder / "bin").mkdir(parents=True)
        shutil.copy(ROOT / "bin" / "setup_environment.sh", self.folder / "bin")
        self.project = self.folder / "pyproject.toml"
        self.project.write_text("dependencies = []\n")
        self._calls = folder / "calls"
        self._python = folder / "python"
        self._python.write_text(PYTHON)
        self._python.chmod(0o755)

    def set_up(
        self, extras: str, pip_status: int = 0, uv_status: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Do what a command does first; uv is to be had, or not, and packages are."""
        variables = {
            **{key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_DIR"},
            "TS_CALIBRATIONS_PYTHON": str(self._python),
            "CALLS": str(self._calls),
            "PIP_STATUS": str(pip_status),
            "UV_STATUS": str(uv_status),
        }
        code = f". {self.folder}/bin/setup_environment.sh {extras} && echo $PYTHON && env >&2"
        return subprocess.run(
            ["/bin/bash", "-uc", code], env=variables, capture_output=True, text=True, check=False, timeout=60
        )

    @property
    def installed(self) -> list[str]:
        """Who was asked for what, in order."""
        return self._calls.read_text().splitlines() if self._calls.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_the_same_command_sets_up_once(checkout: Checkout) -> None:
    for _ in range(2):
        ended = checkout.set_up("simulation")
        assert ended.stdout.strip() == f"{checkout.folder}/.venv/bin/python", ended.stderr
    assert checkout.installed == ["uv clone[simulation]"]


def test_what_needs_less_is_set_up_already(checkout: Checkout) -> None:
    for extras in ("simulation,test,lint", "simulation,test", "simulation"):
        checkout.set_up(extras)
    assert checkout.installed == ["uv clone[simulation,test,lint]"]


def test_what_needs_more_is_added_and_the_first_is_not_forgotten(checkout: Checkout) -> None:
    for extras in ("simulation", "simulation,test", "simulation", "simulation,test"):
        checkout.set_up(extras)
    assert checkout.installed == ["uv clone[simulation]", "uv clone[simulation,test]"]


def test_other_requirements_are_installed(checkout: Checkout) -> None:
    checkout.set_up("simulation,test")
    checkout.project.write_text('dependencies = ["numpy"]\n')
    for extras in ("simulation", "simulation", "simulation,test"):
        checkout.set_up(extras)
    assert len(checkout.installed) == 3


def test_a_set_up_that_failed_is_tried_again(checkout: Checkout) -> None:
    failed = checkout.set_up("simulation", pip_status=1)
    assert failed.returncode == 2
    assert "pip says why\nSet-up failed: pip could not install" in failed.stderr
    assert "try again" in failed.stderr
    assert checkout.set_up("simulation").returncode == 0
    assert checkout.installed == ["uv clone[simulation]", "pip clone[simulation]", "uv clone[simulation]"]


def test_without_uv_pip_installs(checkout: Checkout) -> None:
    ended = checkout.set_up("simulation", uv_status=1)
    assert ended.returncode == 0, ended.stderr
    assert checkout.installed == ["pip clone[simulation]"]


def test_what_was_compiled_is_kept_although_the_environment_forbids_it(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in checkout.set_up("simulation").stderr
