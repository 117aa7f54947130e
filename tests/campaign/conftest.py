"""A workshop in which scenarios are played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lsst.ts.calibrations.simulation.campaign.runner import Workshop, open_workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened
