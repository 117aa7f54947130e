"""What the page of promises names exists, and it names all that the campaign checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lsst.ts.simulated_observatory.campaign.invariants import INVARIANTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "doc" / "explanation" / "promises.rst").read_text(encoding="utf-8")
SECTIONS = re.split(r"\n(?=[^\n]+\n=+\n)", PAGE)[1:-1]
"""Text of each promise."""

_FIELD = re.compile(r"^:(?P<name>\w+): (?P<text>.*\n(?:    .*\n)*)", re.MULTILINE)


def fields(name: str, text: str = PAGE) -> str:
    """Contents of all fields of a name."""
    return "".join(found["text"] for found in _FIELD.finditer(text) if found["name"] == name)


def quoted(name: str) -> set[str]:
    return set(re.findall(r"``([^`]+)``", fields(name)))


def named_tests() -> Iterator[tuple[str, str]]:
    """Path and name of each test that is named."""
    for name in sorted(quoted("Tests")):
        path, _, function = name.partition("::")
        yield path, function


def test_all_invariants_of_the_campaign_hold_a_promise_and_no_other_is_named() -> None:
    assert quoted("Invariants") == set(INVARIANTS)


@pytest.mark.parametrize(("path", "function"), list(named_tests()))
def test_each_test_exists(path: str, function: str) -> None:
    source = (ROOT / path).read_text(encoding="utf-8")
    assert re.search(rf"^ *(async )?def {function}\(", source, re.MULTILINE)


def test_each_defect_is_in_the_list_and_those_that_the_campaign_notices_are_named() -> None:
    files = (ROOT / "tests" / "mutation").glob("*.yaml")
    mutants = [each for path in files for each in yaml.safe_load(path.read_text(encoding="utf-8"))]
    named = {" ".join(each.split()) for each in re.findall(r"\*([^*]+)\*", fields("Defects"))}
    assert named <= {each["defect"] for each in mutants}
    assert named >= {each["defect"] for each in mutants if "invariant" in each}
    assert len(named) > len(SECTIONS)


def test_each_promise_is_held_by_something() -> None:
    titles = [section.partition("\n")[0] for section in SECTIONS]
    assert len(titles) == len(set(titles)) > 5
    without = [title for title, text in zip(titles, SECTIONS, strict=True) if not fields("Tests", text)]
    assert without == []
