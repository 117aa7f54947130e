"""Scenarios that are played, and evidence that is made by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lsst.ts.simulated_observatory.campaign.runner import Runner, open_runner
from lsst.ts.simulated_observatory.campaign.workers import scratch_folder

from .by_hand import HandMade


@pytest.fixture(scope="session")
def runner() -> Iterator[Runner]:
    """Plays scenarios."""
    with scratch_folder() as folder:
        yield open_runner(folder)


@pytest.fixture
def made() -> HandMade:
    """Evidence of a run of which nothing is known yet."""
    return HandMade()
