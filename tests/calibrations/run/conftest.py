"""Stand-ins of single parts of a run, and whole runs that are interrupted."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.stand_ins.template import make_template

from .doubles import (
    MakeRun,
    ProcessingRun,
    ScriptedArchive,
    ScriptedOcps,
)
from .interrupted import (
    FILTERS,
    MODES,
    Observed,
)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with reference calibrations without pixels: to be copied."""
    path = tmp_path_factory.mktemp("template") / "repo"
    make_template(path, LATISS, [0], seed=1, scale=16, filters=FILTERS)
    return path


@pytest.fixture(scope="session")
def pipelines_checked(template: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Run all jobs once in this process: in those forked from it the pipelines are imported and checked."""
    for mode in ("external", "internal, both"):
        folder = tmp_path_factory.mktemp("checked")
        shutil.copytree(template, folder / "repo")
        case = Observed(folder, MODES[mode])
        case.begin()
        assert case.state == "DONE", case.reason


@pytest.fixture
def observed(template: Path, pipelines_checked: None, tmp_path: Path) -> Iterator[Callable[..., Observed]]:
    """Make a run directory with its repository."""
    made: list[Path] = []

    def make(mode: str = "external", more: str = "") -> Observed:
        folder = tmp_path / f"{len(made)}"
        made.append(folder)
        shutil.copytree(template, folder / "repo")
        return Observed(folder, MODES.get(mode, mode) + more)

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_run(context: Any, config: Any) -> MakeRun:
    def make(
        ocps: ScriptedOcps | None = None, archive: ScriptedArchive | None = None, **options: Any
    ) -> ProcessingRun:
        few = {"n_bias": 4, "n_dark": 4, "exp_times_dark": 5, "n_flat": 4}
        return ProcessingRun(
            context, config(**few | options), ocps or ScriptedOcps(), archive or ScriptedArchive()
        )

    return make
