"""Runs of the whole script in the simulated observatory, as a user starts them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

SCRIPT = "auxtel/make_latiss_calibrations.py"


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    folder: Path
    status: int
    output: str

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    @cached_property
    def truth(self) -> dict[str, Any]:
        """Amplifiers as they really are, by name."""
        truth = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
        return truth["RXX_S00"]["amplifiers"]

    def exposures(self, image_type: str) -> list[dict[str, Any]]:
        """Exposures of a type that are used, in the order in which they were taken."""
        return [
            each
            for each in self.summary["exposures"]
            if each["image_type"] == image_type and not each["discarded"]
        ]

    def job(self, kind: str, calibration: str) -> dict[str, Any]:
        """The one job of a kind and a calibration."""
        (job,) = (
            each
            for each in self.summary["jobs"]
            if (each["kind"], each["calibration"]) == (kind, calibration)
        )
        return job

    def tests(self, calibration: str) -> list[tuple[int, dict[str, Any]]]:
        """Exposure and outcome of its tests, for every used exposure, as the Butler has them."""
        from lsst.daf.butler import Butler

        name = f"verify{calibration.capitalize()}DetStats"
        collection = self.job("verify", calibration)["collection"]
        with Butler.from_config(str(self.folder / "repo"), collections=collection) as butler:
            ids = [each["id"] for each in self.exposures(calibration)]
            data_id = {"instrument": "LATISS", "detector": 0}
            return [(each, butler.get(name, data_id, exposure=each)["VERIFY"]) for each in ids]

    @property
    def report(self) -> str:
        return (self.folder / "report.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def run_script(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run the script at the default scale; the reference calibrations are made if the cache has none."""

    def run(*arguments: str) -> Run:
        folder = tmp_path_factory.mktemp("run") / "run"
        command = [sys.executable, "-m", "lsst.ts.calibrations.cli.run_script", SCRIPT, "--out", str(folder)]
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return Run(folder, ended.returncode, ended.stdout + ended.stderr)

    return run
