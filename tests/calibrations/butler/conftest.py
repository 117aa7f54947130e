"""A repository in which one job has left a photon transfer curve."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository

from .certified import JOB, put


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("butler") / "repo"
    create_repository(str(path), ["LATISS", "LSSTComCam"])
    return path


@pytest.fixture
def butler(template: Path, tmp_path: Path) -> Iterator[Butler]:
    """A repository in which one job has left a photon transfer curve."""
    shutil.copytree(template, tmp_path / "repo")
    butler = Butler.from_config(str(tmp_path / "repo"), writeable=True)
    put(butler, JOB)
    yield butler
    butler.close()
