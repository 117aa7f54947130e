"""The example of the page on testing other scripts, as an author would type it in."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[3] / "doc" / "tutorials" / "testing.rst"

_FILE = re.compile(
    r"^\.\. code-block:: python\n    :caption: (?P<name>\S+)\n\n(?P<text>(?:    .*\n|\n)+)", re.MULTILINE
)


def test_the_worked_example_passes(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    for match in _FILE.finditer(page):
        path = tmp_path / match["name"]
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(match["text"]).strip("\n") + "\n", encoding="utf-8")
    (tmp_path / "scripts" / "take_two_darks.py").chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_SAL"}
    # Without plugins for asyncio: the tests are those of unittest.
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:asyncio", "--rootdir", "."]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = re.search(r"\d+ passed", page)
    assert passed is not None
    assert passed[0] in ended.stdout
