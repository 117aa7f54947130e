"""Deliberate defects in the code: each is caught by the tests that it names.

A defect is a literal substitution in one module: in ``file`` of the packages ``replace`` stands once, and
``by`` comes in its place. The YAML files beside have those of one package each. A defect is made in a copy of
the packages, and the tests that ``caught_by`` names run against the copy in a process of their own and must
fail: tests of that module, or scenarios of the campaign, in which ``invariant`` is the one that must notice.
Those with ``always`` are tried in every run of the tests, the others with ``-m long``.
"""

from __future__ import annotations

import json
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
MUTANTS = [
    mutant
    for path in sorted(Path(__file__).parent.glob("*.yaml"))
    for mutant in yaml.safe_load(path.read_text(encoding="utf-8"))
]
EXAMPLES = {
    each["name"].replace(" ", "-"): each
    for each in yaml.safe_load(
        (ROOT / "tests/simulated_observatory/campaign/examples.yaml").read_text(encoding="utf-8")
    )
}

IN_COPY = """
import sys, pytest, runpy, lsst
folder = sys.argv.pop(1)
lsst.__path__ = [folder + "/lsst", *lsst.__path__]  # before an installed package
import lsst.ts.calibrations as package
assert package.__file__.startswith(folder), package.__file__
"""

RUN = f"""{IN_COPY}
sys.exit(pytest.main(["-x", "-m", "", "-p", "no:cacheprovider", *sys.argv[1:]]))
"""

PLAY = f"""{IN_COPY}
runpy.run_path({str(Path(__file__).parent / "play.py")!r}, run_name="__main__")
"""

MOST = 30
"""Drawn scenarios within which a violation must be found."""

FIRST = {"A stop waits for the camera first": 50, "A stop waits without limit": 2560}
"""Scenarios to begin with, by defect, where few scenarios meet the moment."""

RARE = ("Whether the camera was asked is not known", "A run begins after its stop")
"""Defects whose moment is too rare to be drawn: an example meets each, and the matrix the second."""

DRAWN = [each for each in MUTANTS if "invariant" in each and each["defect"] not in RARE]

NEWER = 1000.0
"""Seconds by which a changed module is newer, so that what was compiled of it does not count."""


class Copy:
    """A copy of the packages.

    Parameters
    ----------
    folder
        Folder for it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "lsst" / "ts"
        for name in ("calibrations", "calibrations_page", "simulated_observatory"):
            shutil.copytree(PACKAGES / name, self.packages / name)

    def test(self, *tests: str, timeout: float = 200.0) -> subprocess.CompletedProcess[str]:
        """Run tests against it."""
        return self._run(RUN, *tests, timeout=timeout)

    def play(self, *arguments: str, timeout: float = 800.0) -> list[set[str]]:
        """Play scenarios against it (play.py): invariants that each of them violates."""
        found = self._run(PLAY, *arguments, timeout=timeout)
        assert found.returncode == 0, found.stdout + found.stderr
        return list(map(set, json.loads(found.stdout.splitlines()[-1])))

    def _run(self, code: str, *arguments: str, timeout: float) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", code, str(self.folder), *arguments]
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


def catching_tests(mutant: dict[str, Any]) -> list[str]:
    """Tests that are to catch a defect."""
    found = mutant["caught_by"]
    return [found] if isinstance(found, str) else found


@pytest.mark.parametrize("mutant", list(_parameters()))
def test_a_defect_is_caught(mutated: Copy, mutant: dict[str, Any]) -> None:
    for test in catching_tests(mutant):
        found = mutated.test(test)
        text = found.stdout + found.stderr
        assert (found.returncode, f"FAILED {test}" in text) == (1, True), f"{test} did not catch it\n{text}"
        if "/campaign/" in test:
            assert f"VIOLATION {mutant['invariant']}: " in text, text


@pytest.mark.long
@pytest.mark.timeout(900)
def test_without_a_defect_all_of_these_tests_pass(copy: Copy) -> None:
    found = copy.test(*sorted({test for mutant in MUTANTS for test in catching_tests(mutant)}), timeout=800)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.long
@pytest.mark.timeout(900)  # two runs without interruption, and twenty with one
@pytest.mark.parametrize(
    "mutant", [each for each in MUTANTS if each["defect"] == "A run begins after its stop"]
)
def test_the_matrix_meets_the_moment_at_which_a_run_begins(mutated: Copy, mutant: dict[str, Any]) -> None:
    noticed = [mutant["invariant"] in each for each in mutated.play()]
    assert True in noticed[1:-1]
    assert not noticed[0]
    assert not noticed[-1]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "mutant",
    [pytest.param(each, id=each["defect"].replace(" ", "-")) for each in DRAWN],
)
def test_drawn_scenarios_meet_a_defect(mutated: Copy, mutant: dict[str, Any]) -> None:
    first = FIRST.get(mutant["defect"], 0)
    found = mutated.play(mutant["invariant"], str(first), str(MOST), *_focus(mutant))
    assert mutant["invariant"] in found[-1], f"{len(found)} scenarios; these noticed: {set().union(*found)}"


def _focus(mutant: dict[str, Any]) -> list[str]:
    """What is to be drawn is what the example has in which the defect is noticed."""
    (name,) = (test.partition("[")[2][:-1] for test in catching_tests(mutant) if "/campaign/" in test)
    example = EXAMPLES[name]
    if "interruption" in example:
        return ["interruption"]
    return [each.partition(":")[0] for each in example.get("faults", ())]


def test_each_invariant_and_scenario_is_there() -> None:
    named = [(each, test) for each in MUTANTS for test in catching_tests(each) if "/campaign/" in test]
    assert {test.partition("[")[2][:-1] for _, test in named} <= set(EXAMPLES)
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
