"""The process of a script ends soon after the script."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from lsst.ts.calibrations import queue_entry

class Script:
    @staticmethod
    async def amain():
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

queue_entry.CLOSING = 0.1
queue_entry.run_from_queue(Script)
"""


@pytest.mark.parametrize("status", [0, 3])
def test_what_does_not_close_holds_nobody_up(status: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(status=status)],
        env=os.environ | {"TS_CALIBRATIONS_SAL": "embedded"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (status, "the script has ended\n"), ended.stderr
