"""Stand-ins of single parts of a run, and whole runs that are interrupted."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.stand_ins.template import make_template

from ...open_copy import OpenCopy
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
def make_observed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Observed]:
    """Make a run directory; those with the same number follow each other at the same place."""
    folder, copies = tmp_path_factory.mktemp("observed"), dict[int, OpenCopy]()

    def make(text: str, number: int = 0) -> Observed:
        here = folder / f"{number}"
        shutil.rmtree(here, ignore_errors=True)
        if number in copies:
            copies[number].renew()
        else:
            copies[number] = OpenCopy(template, here / "repo")
        return Observed(here, text, copy=copies[number])

    return make


@pytest.fixture(scope="session")
def pipelines_checked(make_observed: Callable[..., Observed]) -> None:
    """Run all jobs once in this process: in those forked from it the pipelines are imported and checked."""
    for mode in ("external", "internal, both"):
        case = make_observed(MODES[mode])
        case.begin()
        assert case.state == "DONE", case.reason


@pytest.fixture
def observed(make_observed: Callable[..., Observed], pipelines_checked: None) -> Callable[..., Observed]:
    """Make a run directory with its repository."""
    numbers = itertools.count()

    def make(mode: str = "external", more: str = "") -> Observed:
        return make_observed(MODES.get(mode, mode) + more, next(numbers))

    return make


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
