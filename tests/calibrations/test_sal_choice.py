"""Which SAL is used is decided once, when a script is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.calibrations.sal_choice import salobj_is_installed

PRINT = (
    "from lsst.ts.calibrations.auxtel import MakeLatissCalibrations as script;"
    "print(script.__mro__[2].__module__)"
)

needs_absence = pytest.mark.skipif(salobj_is_installed(), reason="lsst.ts.salobj is installed")


def run(code: str, choice: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "TS_CALIBRATIONS_SAL"}
    if choice is not None:
        environment["TS_CALIBRATIONS_SAL"] = choice
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_absence
@pytest.mark.parametrize("choice", [None, ""])
def test_the_embedded_sal_is_used_where_salobj_is_not_installed(choice: str | None) -> None:
    result = run(PRINT, choice)
    assert result.stdout == "lsst.ts.simulated_observatory.embedded_sal.base_script\n", result.stderr


def test_the_embedded_sal_is_used_on_demand() -> None:
    assert run(PRINT, "embedded").stdout.startswith("lsst.ts.simulated_observatory.embedded_sal")


@needs_absence
def test_the_observatory_s_bus_without_salobj_is_an_import_error() -> None:
    result = run(PRINT, "kafka")
    assert result.returncode == 1
    assert "lsst.ts.salobj" in result.stderr


def test_any_other_choice_is_an_error_that_names_the_two() -> None:
    result = run(PRINT, "dds")
    assert "TS_CALIBRATIONS_SAL='dds' is neither 'embedded' nor 'kafka'" in result.stderr


def test_importing_the_embedded_sal_imports_nothing_heavy() -> None:
    heavy = "{'numpy', 'astropy', 'lsst.daf.butler', 'matplotlib', 'rich'}"
    result = run(f"import lsst.ts.calibrations.auxtel, sys; print({heavy} & set(sys.modules))", "embedded")
    assert result.stdout == "set()\n", result.stderr


def test_camera_and_group_classes_are_those_of_the_sal_in_use() -> None:
    code = """
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.calibrations.sal_choice import provide_salobj
provide_salobj()
from lsst.ts.observatory.control import RemoteGroup
from lsst.ts.xml.enums.Script import ScriptState
from lsst.ts.calibrations.components.camera import camera_class
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS
print(*(camera_class(each).__name__ for each in INSTRUMENTS.values()))
print(camera_class(LATISS).__module__, RemoteGroup.__name__, ScriptState.DONE.value)
"""
    result = run(code, "embedded")
    assert result.stdout.splitlines() == [
        " ".join(each.camera_class.rpartition(".")[2] for each in INSTRUMENTS.values()),
        "lsst.ts.simulated_observatory.control.latiss RemoteGroup 8",
    ], result.stderr
