"""Processing of a run, with stand-ins for OCPS and Butler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .doubles import (
    ScriptedArchive,
    ScriptedOcps,
    Story,
)


@pytest.fixture
def story(context: Any, config: Any) -> Callable[..., Story]:
    def make(
        ocps: ScriptedOcps | None = None, archive: ScriptedArchive | None = None, **options: Any
    ) -> Story:
        few = {"n_bias": 4, "n_dark": 4, "exp_times_dark": 5, "n_flat": 4}
        return Story(context, config(**few | options), ocps or ScriptedOcps(), archive or ScriptedArchive())

    return make
