"""Deliberate defects in the code that accepts and certifies: each is caught by the test that it names.

A defect is a literal substitution in one module (``mutants.yaml``). It is made in a copy of the packages, and
the test that is to catch it runs against the copy in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import lsst.ts.calibrations

ROOT = Path(__file__).parents[2]
PACKAGES = Path(lsst.ts.calibrations.__file__).parents[1]
MUTANTS = yaml.safe_load((Path(__file__).parent / "mutants.yaml").read_text(encoding="utf-8"))

RUN = """
import sys, pytest, lsst
lsst.__path__ = [sys.argv[1] + "/lsst", *lsst.__path__]  # before an installed package
import lsst.ts.calibrations as package
assert package.__file__.startswith(sys.argv[1]), package.__file__
sys.exit(pytest.main(["-x", "-m", "", "-p", "no:cacheprovider", *sys.argv[2:]]))
"""

NEWER = 1000.0
"""Seconds by which a changed module is newer, so that what was compiled of it does not count."""


class Copy:
    """A copy of both packages.

    Parameters
    ----------
    folder
        Folder for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "lsst" / "ts"
        for name in ("calibrations", "simulated_observatory"):
            shutil.copytree(PACKAGES / name, self.packages / name)

    def test(self, *tests: str) -> subprocess.CompletedProcess[str]:
        """Run tests against it."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", RUN, str(self.folder), *tests]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200, check=False
        )

    def change(self, mutant: dict[str, Any]) -> Iterator[None]:
        """Make a defect for as long as it is wanted."""
        path = self.packages / mutant["file"]
        text, times = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(text.replace(mutant["replace"], mutant["by"]), encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime + NEWER))
        yield
        path.write_text(text, encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime))


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("mutants"))


@pytest.fixture
def mutated(copy: Copy, mutant: dict[str, Any]) -> Iterator[Copy]:
    """The copy with a defect."""
    for _ in copy.change(mutant):
        yield copy


def _parameters() -> Iterator[Any]:
    for mutant in MUTANTS:
        always = mutant.get("always", False)  # all of them take minutes
        yield pytest.param(
            mutant, id=mutant["defect"].replace(" ", "-"), marks=() if always else pytest.mark.long
        )


@pytest.mark.parametrize("mutant", list(_parameters()))
def test_a_defect_is_caught(mutated: Copy, mutant: dict[str, Any]) -> None:
    found = mutated.test(mutant["caught_by"])
    assert (found.returncode, f"FAILED {mutant['caught_by']}" in found.stdout) == (1, True), (
        f"{mutant['defect']}: it was not caught\n{found.stdout}{found.stderr}"
    )


@pytest.mark.long
def test_without_a_defect_all_of_these_tests_pass(copy: Copy) -> None:
    found = copy.test(*sorted({mutant["caught_by"] for mutant in MUTANTS}))
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("file", sorted({mutant["file"] for mutant in MUTANTS}))
def test_each_substitution_fits_one_place(file: str) -> None:
    text = (PACKAGES / file).read_text(encoding="utf-8")
    counts = {each["defect"]: text.count(each["replace"]) for each in MUTANTS if each["file"] == file}
    assert set(counts.values()) == {1}, {defect: n for defect, n in counts.items() if n != 1}


def test_there_are_enough_and_no_two_are_the_same() -> None:
    changes = {(each["file"], each["replace"], each["by"]) for each in MUTANTS}
    assert len(changes) == len(MUTANTS) == len({each["defect"] for each in MUTANTS}) >= 30
    assert not [each["defect"] for each in MUTANTS if each["replace"] == each["by"]]
