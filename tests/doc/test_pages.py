"""Pages lead to each other, to pictures that are there, and to nothing that is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import DOC, PAGES, ROOT

PAGE_NAMES = {
    page.relative_to(DOC).with_suffix("").as_posix() for page in PAGES if page != ROOT / "README.rst"
}
LARGEST_PICTURE = 200_000

_DOCUMENT = re.compile(r":doc:`(?:[^`<]*<)?([^`>]+)>?`")
_IMAGE = re.compile(r"\.\. image:: (\S+)\n((?: +:\w+:.*\n)*)")
_SECTION = re.compile(r":doc:`([^`]+)`,\s+\*([^*]+)\*")
_FILE = re.compile(r"``((?:doc|tests|python|bin|schemas|conda|ups|benchmarks)/[\w./-]+)``")
_TABLE_OF_CONTENTS = re.compile(r"\.\. toctree::\n(?:    :.*\n)*\n((?:    \S+\n)+)")


def place(page: Path, name: str) -> Path:
    """Where a name on a page leads: from the top of the documentation, or from the folder of the page."""
    return DOC / name[1:] if name.startswith("/") else page.parent / name


def test_pages_that_are_named_exist(page: Path) -> None:
    for name in _DOCUMENT.findall(page.read_text(encoding="utf-8")):
        assert place(page, f"{name}.rst").resolve().is_file(), name


def test_sections_that_are_named_are_on_that_page(page: Path) -> None:
    for name, section in _SECTION.findall(page.read_text(encoding="utf-8")):
        text = place(page, f"{name}.rst").read_text(encoding="utf-8")
        assert re.search(rf"^{re.escape(' '.join(section.split()))}\n[=-]+$", text, re.MULTILINE), section


def test_every_page_is_in_a_table_of_contents() -> None:
    named = {
        (page.parent / name).resolve().relative_to(DOC).as_posix()
        for page in PAGES
        for names in _TABLE_OF_CONTENTS.findall(page.read_text(encoding="utf-8"))
        for name in names.split()
    }
    assert named == PAGE_NAMES - {"index"}


def test_pictures_exist_are_small_and_have_a_text(page: Path) -> None:
    for name, options in _IMAGE.findall(page.read_text(encoding="utf-8")):
        assert 0 < place(page, name).stat().st_size < LARGEST_PICTURE, name
        assert ":alt: " in options, name


def test_files_that_are_named_exist(page: Path) -> None:
    for name in _FILE.findall(page.read_text(encoding="utf-8")):
        if "_build" not in name and "externalscripts" not in name:  # which is another repository
            assert (ROOT / name).exists(), name


def test_fifty_tasks_are_answered() -> None:
    text = (DOC / "how-to" / "tasks.rst").read_text(encoding="utf-8")
    rows = re.findall(r"^    \* - (\d+)\n      - .+\n      - (.+)\n      - (.+)$", text, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 51))


@pytest.mark.parametrize("part", ["tutorials", "how-to", "reference", "explanation"])
def test_the_documentation_has_four_parts(part: str) -> None:
    assert f"{part}/index" in PAGE_NAMES
