"""Executables of scripts, good ones and others."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations import get_scripts_dir
from lsst.ts.simulated_observatory.testing import BaseScriptTestCase

BROKEN = {
    "asyncio.run(NoScript.amain())": "NameError: name 'NoScript' is not defined",
    "print('nothing to do')": "It ran, but there was no script",
    "asyncio.run(asyncio.sleep(1))": "It ran, but there was no script",
    "raise SystemExit(3)": "did not start as a script",
}


class NoScripts(BaseScriptTestCase):
    """A test case that needs executables alone."""

    async def basic_make_script(self, index: int) -> list[Any]:
        return []


def launch(path: Path) -> None:
    asyncio.run(NoScripts().check_executable(path))


def write(folder: Path, *lines: str, mode: int = 0o755) -> Path:
    path = folder / "script.py"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "name", ["auxtel/make_latiss_calibrations.py", "maintel/make_lsstcam_calibrations.py"]
)
def test_the_executables_of_this_package_start(name: str) -> None:
    launch(get_scripts_dir() / name)


@pytest.mark.parametrize("code", BROKEN)
def test_an_executable_that_does_not_start_says_why(code: str, tmp_path: Path) -> None:
    path = write(tmp_path, "#!/usr/bin/env python", "import asyncio", code)
    with pytest.raises(AssertionError) as caught:
        launch(path)
    assert BROKEN[code] in str(caught.value)


def test_an_executable_without_its_run_bit_is_not_listed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="has no run bit"):
        launch(write(tmp_path, "#!/usr/bin/env python", mode=0o644))


def test_an_executable_without_its_first_line_cannot_be_started(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="does not begin with #!"):
        launch(write(tmp_path, "import asyncio"))


def test_an_executable_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="is no file"):
        launch(tmp_path / "script.py")
