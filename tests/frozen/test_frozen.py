"""What runs did before the packages were moved they do today: the same words, numbers and order of events.

Where a test fails because behaviour was to change, make_frozen.py makes the texts anew.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from functools import cache

import pytest

from .normal import PARTS, parts_of
from .old_run import DATA
from .play import Played
from .runs import NAMES

MOST_LINES = 80
"""Of a difference that is shown."""


@pytest.fixture(scope="module")
def parts(played: Callable[[str], Played]) -> Callable[[str], Mapping[str, str]]:
    """Texts of a run as it is today."""
    return cache(lambda name: parts_of(played(name)))


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_as_it_was(parts: Callable[[str], Mapping[str, str]], name: str, part: str) -> None:
    was = (DATA / name / f"{part}.txt").read_text(encoding="utf-8").splitlines()
    now = parts(name)[part].splitlines()
    changes = list(difflib.unified_diff(was, now, "as it was", "as it is", lineterm="", n=1))
    if changes:
        pytest.fail(
            "\n".join([f"{name}, {part}: {len(changes)} lines", *changes[:MOST_LINES]]), pytrace=False
        )


def test_every_text_that_is_frozen_is_looked_at() -> None:
    frozen = {f"{path.parent.name}/{path.name}" for path in DATA.glob("*/*")}
    assert frozen == {f"{name}/{part}.txt" for name in NAMES for part in PARTS}
