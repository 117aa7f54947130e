"""An OCPS and an OODS that do what a test tells them to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory.testing import MockOcps, MockOods, open_remote, run_in_simulated_time


@pytest.fixture
def with_ocps() -> Callable[[Callable[[MockOcps, salobj.Remote], Awaitable[None]]], None]:
    """Run a test with an OCPS and a remote for it."""
    return lambda story: run_in_simulated_time(story, MockOcps, partial(open_remote, "OCPS", 1))


@pytest.fixture
def with_oods() -> Callable[[Callable[[MockOods, salobj.Remote], Awaitable[None]]], None]:
    """Run a test with an OODS and a remote for it."""
    return lambda story: run_in_simulated_time(story, MockOods, partial(open_remote, "ATOODS"))
