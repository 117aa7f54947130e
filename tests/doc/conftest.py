"""The pages of the documentation, and the blocks in them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOC = ROOT / "doc"
PAGES = (
    ROOT / "README.rst",
    *sorted(each for each in DOC.rglob("*.rst") if not {"_build", "news"} & set(each.relative_to(DOC).parts)),
)

_BLOCK = re.compile(r"^\.\. code-block:: (?P<language>\w+)\n\n(?P<text>(?:    .*\n|\n)+)", re.MULTILINE)


def blocks(page: Path, language: str) -> Iterator[str]:
    """Text of each code block of a language."""
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["language"] == language:
            yield textwrap.dedent(match["text"]).strip("\n")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``page`` to tests that read pages one by one."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize(
            "page", PAGES, ids=[str(page.relative_to(ROOT).with_suffix("")) for page in PAGES]
        )


@pytest.fixture
def configurations(page: Path) -> list[str]:
    """YAML blocks of a page."""
    return list(blocks(page, "yaml"))


@pytest.fixture
def commands(page: Path) -> list[str]:
    """Lines of a page that call ``bin/run_script``."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.startswith("    bin/run_script ")]


@pytest.fixture
def page_blocks() -> Callable[[str, str], list[str]]:
    """Blocks of a language on a page of the documentation."""
    return lambda page, language: list(blocks(DOC / f"{page}.rst", language))
