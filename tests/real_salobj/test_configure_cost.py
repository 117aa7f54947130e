"""What it costs to configure a script: little more than its camera class; a queue configures many at once."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations import get_scripts_dir
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

pytestmark = pytest.mark.timeout(600)

MOST = 1.3
"""Times the processor time, and the threads, of a script that has the camera class and nothing else."""

SCRIPTS = {
    "LATISS": "auxtel/make_latiss_calibrations.py",
    "LSSTComCam": "maintel/make_comcam_calibrations.py",
    "LSSTCam": "maintel/make_lsstcam_calibrations.py",
}

TICKS = os.sysconf("SC_CLK_TCK")


def _spent(process: int) -> float:
    """Processor time of a process (s)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def _cost(program: list[str], index: int) -> tuple[float, int]:
    """Processor time of the configuration of a script (s), and the threads that it has then."""
    async with salobj.Domain() as domain, salobj.Remote(domain, "Script", index) as remote:
        process = await asyncio.create_subprocess_exec(*program, f"{index}")
        try:
            state = await remote.evt_state.next(flush=False, timeout=120)
            assert state.state == ScriptState.UNCONFIGURED
            await asyncio.sleep(1)
            before = _spent(process.pid)
            await remote.cmd_configure.set_start(timeout=120)
            return _spent(process.pid) - before, len(os.listdir(f"/proc/{process.pid}/task"))
        finally:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("name", SCRIPTS)
async def test_configure_costs_little_more_than_the_camera_class(topics: None, name: str) -> None:
    alone = [
        sys.executable,
        str(Path(__file__).parent / "support" / "camera_script.py"),
        INSTRUMENTS[name].camera_class,
    ]
    ours = [sys.executable, str(get_scripts_dir() / SCRIPTS[name])]
    costs: list[tuple[Any, Any]] = []
    first = 10 * list(SCRIPTS).index(name)  # scripts of other indices have left their states
    for index in (first + 1, first + 3, first + 5):  # the least of three: other processes disturb
        costs.append((await _cost(ours, index), await _cost(alone, index + 1)))
    (own, threads), (others, their_threads) = (min(each) for each in zip(*costs, strict=True))
    print(name, costs)
    assert own <= MOST * others, f"{own:.2f} s instead of {others:.2f} s"
    assert threads <= MOST * their_threads, f"{threads} threads instead of {their_threads}"
