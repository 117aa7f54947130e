"""Deliberate defects in the code: each is caught by the tests that it names.

A defect is a literal substitution in one module (``mutants.yaml``). It is made in a copy of the packages, and
the test that is to catch it runs against the copy in a process of its own: a test of that module, or a
scenario of the campaign, in which an invariant must notice.
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
from lsst.ts.simulated_observatory.campaign.invariants import INVARIANTS

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

    def test(self, *tests: str, timeout: float = 200.0) -> subprocess.CompletedProcess[str]:
        """Run tests against it."""
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", RUN, str(self.folder), *tests]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
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
        name = f"{'campaign-' if 'invariant' in mutant else ''}{mutant['defect'].replace(' ', '-')}"
        yield pytest.param(mutant, id=name, marks=() if always else pytest.mark.long)


def tests_of(mutant: dict[str, Any]) -> list[str]:
    """Tests that are to catch a defect."""
    found = mutant["caught_by"]
    return [found] if isinstance(found, str) else found


@pytest.mark.parametrize("mutant", list(_parameters()))
def test_a_defect_is_caught(mutated: Copy, mutant: dict[str, Any]) -> None:
    for test in tests_of(mutant):
        found = mutated.test(test)
        text = found.stdout + found.stderr
        assert (found.returncode, f"FAILED {test}" in text) == (1, True), f"{test} did not catch it\n{text}"
        if "/campaign/" in test:
            assert f"VIOLATION {mutant['invariant']}: " in text, text


@pytest.mark.long
@pytest.mark.timeout(900)
def test_without_a_defect_all_of_these_tests_pass(copy: Copy) -> None:
    found = copy.test(*sorted({test for mutant in MUTANTS for test in tests_of(mutant)}), timeout=800)
    assert found.returncode == 0, found.stdout + found.stderr


def test_each_invariant_and_scenario_is_there() -> None:
    path = ROOT / "tests" / "simulated_observatory" / "campaign" / "examples.yaml"
    names = {each["name"].replace(" ", "-") for each in yaml.safe_load(path.read_text(encoding="utf-8"))}
    named = [(each, test) for each in MUTANTS for test in tests_of(each) if "/campaign/" in test]
    assert {test.partition("[")[2][:-1] for _, test in named} <= names
    assert {mutant["invariant"] for mutant, _ in named} <= set(INVARIANTS)
    assert len(named) >= 45


@pytest.mark.parametrize("file", sorted({mutant["file"] for mutant in MUTANTS}))
def test_each_substitution_fits_one_place(file: str) -> None:
    text = (PACKAGES / file).read_text(encoding="utf-8")
    counts = {each["defect"]: text.count(each["replace"]) for each in MUTANTS if each["file"] == file}
    assert set(counts.values()) == {1}, {defect: n for defect, n in counts.items() if n != 1}


def test_there_are_enough_and_no_two_are_the_same() -> None:
    changes = {(each["file"], each["replace"], each["by"]) for each in MUTANTS}
    assert len(changes) == len(MUTANTS) == len({each["defect"] for each in MUTANTS}) >= 30
    assert not [each["defect"] for each in MUTANTS if each["replace"] == each["by"]]
