"""Runs of the whole script in the simulated observatory, as a user starts them."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

SCRIPT = "auxtel/make_latiss_calibrations.py"

SMALL = "--scale", "16"
"""For runs that do not depend on the size of the detectors: amplifiers of 125 x 31 pixels."""

_PAGE = Path(__file__).parents[2] / "doc" / "how-to" / "accessing.rst"
_BLOCK = re.compile(r"^\.\. code-block:: (?P<language>\w+)\n\n(?P<text>(?:    .*\n|\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """A run that has ended."""

    folder: Path
    status: int
    output: str

    @cached_property
    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))

    @property
    def repository(self) -> Path:
        return Path(self.summary["repo"])

    @cached_property
    def detector(self) -> dict[str, Any]:
        """The detector as it really is."""
        return json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))["RXX_S00"]

    @property
    def truth(self) -> dict[str, Any]:
        """Amplifiers as they really are, by name."""
        return self.detector["amplifiers"]

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
    def cell(self) -> str:
        """The cell of a notebook that its page shows."""
        text = (self.folder / "report.html").read_text(encoding="utf-8")
        (cell,) = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", text, re.DOTALL)
        return html.unescape(cell)

    @property
    def report(self) -> str:
        return (self.folder / "report.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def run_script(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """Run the script, by default as users do; the reference calibrations are drawn if the cache has none."""

    def run(*arguments: str, script: str = SCRIPT) -> Run:
        folder = tmp_path_factory.mktemp("run") / "run"
        command = [
            sys.executable,
            "-m",
            "lsst.ts.simulated_observatory.cli.run_script",
            script,
            "--out",
            str(folder),
        ]
        ended = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
        return Run(folder, ended.returncode, ended.stdout + ended.stderr)

    return run


class Page:
    """The page of the documentation on images and results."""

    def __init__(self) -> None:
        whole = _PAGE.read_text(encoding="utf-8")
        self._sections = dict(re.findall(r"^(\S.*)\n=+\n((?:.*\n)*?)(?=\S.*\n=+\n|\Z)", whole, re.MULTILINE))

    def blocks(self, language: str, *sections: str) -> list[str]:
        """Code blocks of a language in some sections, or in all that are not of another instrument."""
        texts = [text for name, text in self._sections.items() if name in (sections or self._latiss)]
        return [
            textwrap.dedent(match["text"]).strip("\n") + "\n"
            for text in texts
            for match in _BLOCK.finditer(text)
            if match["language"] == language
        ]

    @property
    def _latiss(self) -> list[str]:
        return [name for name in self._sections if not name.startswith("LSST")]

    def run_cells(self, cells: list[str]) -> dict[str, Any]:
        """Run cells as a notebook does; return what is defined at the end, without the Butler, closed."""
        defined: dict[str, Any] = {}
        for cell in cells:
            exec(compile(cell, _PAGE.name, "exec"), defined)  # noqa: S102, it is the documentation
        defined.pop("butler").close()
        return defined


@pytest.fixture(scope="session")
def page() -> Page:
    return Page()


@pytest.fixture(scope="session")
def first_night(run_script: Callable[..., Run], page: Page, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that the page begins with: five types of calibrations are made, verified and certified."""
    text = tmp_path_factory.mktemp("first") / "night.yaml"
    text.write_text(page.blocks("yaml", "A night to look at")[0], encoding="utf-8")
    return run_script("-c", str(text))
