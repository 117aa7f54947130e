"""A repository in which one job has left a photon transfer curve."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository

from ...open_copy import OpenCopy
from .certified import JOB, put


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> OpenCopy:
    """The place of the repository of each test."""
    folder = tmp_path_factory.mktemp("butler")
    create_repository(str(folder / "original"), ["LATISS", "LSSTComCam"])
    with Butler.from_config(str(folder / "original"), writeable=True) as butler:
        put(butler, JOB)
    return OpenCopy(folder / "original", folder / "repo")


@pytest.fixture
def butler(place: OpenCopy) -> Iterator[Butler]:
    """A repository in which one job has left a photon transfer curve."""
    butler = place.open(str(place.renew()), True)
    yield butler
    butler.close()
