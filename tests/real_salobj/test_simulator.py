"""``run_simulator``: pixels, ingest and pipelines behind components on the real bus."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState
from simulator import SIMULATOR

from lsst.ts import salobj
from lsst.ts.calibrations import get_scripts_dir

FIRST_START = 1800
"""Seconds of the first start ever on a machine, which makes the reference calibrations."""

pytestmark = pytest.mark.timeout(FIRST_START + 900)

COMMAND = [*SIMULATOR, "LATISS", "--scale", "16"]
COMPONENTS = (("ATCamera", 0), ("ATSpectrograph", 0), ("ATHeaderService", 0), ("ATOODS", 0), ("OCPS", 1))


@pytest.fixture(scope="module")
def simulator(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("simulator") / "out"
    options = ["--out", str(out), "--speed", "20"]
    with run([*COMMAND, *options], out.parent / "output.txt", "Ready.", FIRST_START) as program:
        program.folder = out
        yield program


def _environment(folder: Path) -> dict[str, str]:
    """What environment.sh says."""
    lines = (folder / "environment.sh").read_text().splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def _there(paths: Iterable[str]) -> list[bool]:
    return [Path(path).is_file() for path in paths]


@contextlib.asynccontextmanager
async def script(folder: Path, index: int) -> AsyncIterator[Any]:
    """The script of LATISS as a process, and a remote of it."""
    path = get_scripts_dir() / "auxtel" / "make_latiss_calibrations.py"
    environment = {
        **os.environ,
        **_environment(folder),
        "TS_CALIBRATIONS_RUNS": str(folder / "runs"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    async with salobj.Domain() as domain, salobj.Remote(domain, "Script", index) as remote:
        process = await asyncio.create_subprocess_exec(str(path), f"{index}", env=environment)
        await remote.evt_state.next(flush=False, timeout=60)
        try:
            yield remote
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def test_a_run_with_pixels_and_pipelines_is_done_and_no_heartbeat_is_late(simulator: Any) -> None:
    beats: dict[str, list[float]] = {name: [] for name, _ in COMPONENTS}

    def listen(name: str) -> Any:
        async def take(data: Any) -> None:
            beats[name].append(data.private_sndStamp)

        return take

    async with salobj.Domain() as domain, script(simulator.folder, 11) as remote:
        for name, index in COMPONENTS:
            component = salobj.Remote(domain, name, index, include=["heartbeat", "summaryState"])
            component.evt_heartbeat.callback = listen(name)
            await component.start_task
            state = await component.evt_summaryState.aget(timeout=10)
            assert state.summaryState == salobj.State.ENABLED
        config = "script_mode: BIAS\nn_bias: 3\n"
        await remote.cmd_configure.set_start(config=config, timeout=60)
        await remote.cmd_setGroupId.set_start(groupId="2026-01-01T00:00:00.000", timeout=10)
        await remote.cmd_run.set_start(timeout=600)
        state = await remote.evt_state.next(flush=False, timeout=10)
        while state.state < ScriptState.DONE:  # the event may come after the acknowledgement
            state = await remote.evt_state.next(flush=False, timeout=10)
        assert state.state == ScriptState.DONE, state.reason
    (path,) = simulator.folder.glob("runs/*/summary.json")
    summary = json.loads(path.read_text())
    assert (summary["state"], summary["simulated"]) == ("DONE", True)
    assert summary["verification"]["BIAS"]["passed"]
    assert _there(each["log"] for each in summary["jobs"]) == [True]
    assert "SIMULATED" in (path.parent / "report.txt").read_text().splitlines()[0]
    for name, stamps in beats.items():
        assert len(stamps) > 10, name
        assert max(late - early for early, late in pairwise(stamps)) < 2.5, name


def _pipelines(folder: Path) -> list[str]:
    """Processes that run a pipeline for the simulator: they work in the folder of their job."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found.append(os.readlink(path))
    return [each for each in found if each.startswith(f"{(folder / 'uws').resolve()}/")]


async def test_a_script_that_is_stopped_leaves_no_pipeline_behind(simulator: Any) -> None:
    async with script(simulator.folder, 12) as remote:
        await remote.cmd_configure.set_start(config="script_mode: BIAS\nn_bias: 3\n", timeout=60)
        await remote.cmd_setGroupId.set_start(groupId="2026-01-01T00:00:00.000", timeout=10)
        running = asyncio.ensure_future(remote.cmd_run.set_start(timeout=600))
        async with asyncio.timeout(120):
            while not _pipelines(simulator.folder):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        begin = time.monotonic()
        await remote.cmd_stop.set_start(timeout=60)
        while (state := remote.evt_state.get()).state < ScriptState.DONE:
            await remote.evt_state.next(flush=False, timeout=60)
        assert (ScriptState(state.state), time.monotonic() - begin < 20) == (ScriptState.STOPPED, True)
        assert "exposures were taken and are kept" in state.reason
        async with asyncio.timeout(20):
            while _pipelines(simulator.folder):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.gather(running, return_exceptions=True)


def test_a_second_camera_is_not_put_on_the_same_bus(simulator: Any, tmp_path: Path) -> None:
    ended = subprocess.run([*COMMAND, "--out", str(tmp_path / "other")], capture_output=True, text=True)
    assert ended.returncode == 2
    assert "ATCamera" in ended.stdout
    assert "on this bus already. Nothing was started" in ended.stdout


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("LSST_SITE", "summit", "LSST_SITE is summit"),
        ("LSST_TOPIC_SUBNAME", "", "LSST_TOPIC_SUBNAME is not set"),
        ("LSST_KAFKA_BROKER_ADDR", "127.0.0.1:1", "no Kafka broker answers at 127.0.0.1:1"),
    ],
)
def test_no_simulated_camera_goes_where_the_telescopes_are_or_where_nothing_is(
    topics: None, tmp_path: Path, variable: str, value: str, reason: str
) -> None:
    ended = subprocess.run(
        [*COMMAND, "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        env={**os.environ, variable: value},
    )
    assert ended.returncode == 2
    assert reason in ended.stderr
    assert not (tmp_path / "out").exists()


def test_sigterm_ends_the_simulator_cleanly(simulator: Any) -> None:
    simulator.process.send_signal(signal.SIGTERM)
    assert simulator.process.wait(60) == 0
    assert simulator.text.rstrip().endswith("Ended.")
    assert "Traceback" not in simulator.text
