"""Runs that are played once for all tests that look at them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from .play import Played
from .runs import play_run


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Played]:
    """Play a run, if it has not been played."""
    return cache(lambda name: play_run(name, tmp_path_factory.mktemp(name) / "run"))
