"""A workshop in which scenarios are played."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM
from lsst.ts.simulated_observatory.campaign.runner import Workshop, open_workshop


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        for instrument in (LATISS, LSSTCOMCAM):
            opened.warm_up(instrument)  # now: later a test may have undone a guard
        yield opened
