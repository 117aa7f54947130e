"""The embedded SAL under the names of the observatory's packages, each time in a Python of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

USE = "from lsst.ts.simulated_observatory.testing import use_embedded_sal; use_embedded_sal()\n"


def python(code: str, folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run some Python, which finds further packages below some paths."""
    environment = {key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_SAL"}
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, paths), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def answer(code: str, folder: Path, *paths: Path) -> str:
    ended = python(code, folder, *paths)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def own_salobj(folder: Path) -> Path:
    """A package of the name of the observatory's, as if it were installed."""
    package = folder / "observatory" / "lsst" / "ts" / "salobj"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("class BaseScript:\n    pass\n")
    return folder / "observatory"


def test_scripts_import_what_they_import_at_the_observatory(tmp_path: Path) -> None:
    code = f"""{USE}
import asyncio
import lsst.ts.salobj
import lsst.ts.observatory.control.maintel.comcam as comcam
from lsst.ts import salobj, utils
from lsst.ts.observatory.control import RemoteGroup
from lsst.ts.observatory.control.auxtel import LATISS
from lsst.ts.observatory.control.auxtel.latiss import LATISS as Same
from lsst.ts.observatory.control.base_camera import BaseCamera
from lsst.ts.observatory.control.maintel import ComCam, LSSTCam
from lsst.ts.salobj import BaseScript, base_script, topics, type_hints
from lsst.ts.xml.enums import Script
from lsst.ts.xml.enums.Script import ScriptState

assert lsst.ts.salobj.BaseScript is salobj.BaseScript is BaseScript
assert LATISS is Same and issubclass(LATISS, BaseCamera) and issubclass(BaseCamera, RemoteGroup)
assert comcam.ComCam is ComCam and issubclass(LSSTCam, BaseCamera)
assert Script.ScriptState is ScriptState
assert type_hints.BaseMsgType is salobj.BaseMsgType
assert base_script.BaseScript is BaseScript and issubclass(topics.RemoteEvent, topics.ReadTopic)
generator = utils.index_generator(imin=2, imax=3, i0=3)
assert [next(generator) for _ in range(4)] == [3, 2, 3, 2]
assert utils.astropy_time_from_tai_unix(1736964000.0).isot == "2025-01-15T18:00:00.000"

async def main():
    assert utils.make_done_future().done()
    print(abs(utils.current_tai() - 37 - __import__("time").time()) < 5)

asyncio.run(main())
"""
    assert answer(code, tmp_path) == "True"


@pytest.mark.parametrize(("module", "error"), [("auxtel", "Import"), ("auxtel.atcs", "ModuleNotFound")])
def test_what_is_not_simulated_does_not_look_like_a_broken_installation(
    tmp_path: Path, module: str, error: str
) -> None:
    ended = python(f"{USE}from lsst.ts.observatory.control.{module} import ATCS", tmp_path)
    said = f"{error}Error: the simulated observatory has no lsst.ts.observatory.control.{module}"
    assert said in ended.stderr
    assert "Nothing is wrong with the installation" in ended.stderr


def test_calling_it_again_changes_nothing(tmp_path: Path) -> None:
    code = (
        f"{USE}from lsst.ts import salobj as first\n{USE}from lsst.ts import salobj; print(salobj is first)"
    )
    assert answer(code, tmp_path) == "True"


def test_the_scripts_of_this_package_use_the_same(tmp_path: Path) -> None:
    code = f"""{USE}
from lsst.ts import salobj
from lsst.ts.calibrations.sal_choice import is_embedded
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
print(is_embedded(), issubclass(MakeLatissCalibrations, salobj.BaseScript))
"""
    assert answer(code, tmp_path) == "True True"


def test_it_takes_the_place_of_salobj_that_is_installed(tmp_path: Path) -> None:
    code = f"{USE}from lsst.ts import salobj; print(salobj.BaseScript.__module__)"
    there = answer(code, tmp_path, own_salobj(tmp_path))
    assert there == "lsst.ts.simulated_observatory.embedded_sal.base_script"


def test_it_refuses_when_the_other_is_in_use_already(tmp_path: Path) -> None:
    ended = python(f"from lsst.ts import salobj\n{USE}", tmp_path, own_salobj(tmp_path))
    assert "RuntimeError: lsst.ts.salobj is imported already" in ended.stderr
    assert "conftest.py" in ended.stderr


def test_every_name_is_typed(tmp_path: Path) -> None:
    names = answer(
        "from lsst.ts.simulated_observatory import sal_names; print(*sal_names._NAMES)", tmp_path
    ).split()
    typings = Path(__file__).parents[2] / "typings"
    stubs = {path.relative_to(typings).with_suffix("").as_posix() for path in typings.rglob("*.pyi")}
    modules = {stub.removesuffix("/__init__").replace("/", ".") for stub in stubs}
    assert names
    assert set(names) - modules == set()
