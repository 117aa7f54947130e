"""The process of a script ends soon after the script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lsst.ts.calibrations import get_scripts_dir
from lsst.ts.calibrations.sal_choice import salobj_is_installed

SCRIPTS = sorted(get_scripts_dir().glob("*tel/*.py"))

needs_absence = pytest.mark.skipif(salobj_is_installed(), reason="lsst.ts.salobj is installed")

PROGRAM = """
import asyncio, sys, time
from lsst.ts.calibrations import queue_entry

class Script:
    @staticmethod
    async def amain(on_close):
        on_close({status})
        if {held}:
            time.sleep(100)
        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(100)
                except asyncio.CancelledError:
                    pass
        Script.task = asyncio.create_task(stubborn())
        await asyncio.sleep(0)
        print("the script has ended")
        if {status}:
            sys.exit({status})

queue_entry.CLOSING = 0.3
queue_entry.run_from_queue(Script)
"""


@pytest.mark.parametrize(("status", "held"), [(0, False), (3, False), (1, True)])
def test_what_does_not_close_holds_nobody_up(status: int, held: bool) -> None:
    """Not even where the loop itself is held up, as by a consumer of Kafka."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(status=status, held=held)],
        env=os.environ | {"TS_CALIBRATIONS_SAL": "embedded"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = "" if held else "the script has ended\n"
    assert (ended.returncode, ended.stdout) == (status, said), ended.stderr


def execute(script: Path, choice: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(script), "1", *arguments],
        env=os.environ | {"TS_CALIBRATIONS_SAL": choice},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_absence
def test_an_empty_choice_does_not_choose_the_simulation() -> None:
    ended = execute(SCRIPTS[0], "")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("MakeLatissCalibrations needs lsst.ts.salobj"), ended.stderr


@needs_absence
def test_a_bus_that_is_not_there_is_an_error_in_words() -> None:
    ended = execute(SCRIPTS[0], "kafka")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("lsst.ts.salobj is not installed"), ended.stderr


def test_an_unknown_choice_is_an_error_in_words() -> None:
    ended = execute(SCRIPTS[0], "foo")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "TS_CALIBRATIONS_SAL='foo' is neither 'embedded' nor 'kafka'\n"


@pytest.mark.parametrize("choice", ["kafka", "foo"])
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_schema_is_printed_whatever_was_chosen(script: Path, choice: str) -> None:
    ended = execute(script, choice, "--schema")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "n_bias" in yaml.safe_load(ended.stdout)["properties"]
