"""The script as the authors of scripts test theirs: make, configure, run, and check the executables."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations import get_scripts_dir
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations

pytestmark = pytest.mark.timeout(600)

LIMIT_OF_THE_QUEUE = 60.0
"""Seconds that the ScriptQueue gives a script for its configuration."""

INDICES = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def simulated(stand: Any) -> Any:
    with stand("LATISS") as program:
        yield program


@pytest.fixture(autouse=True)
def _environment(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


class ScriptCase:
    """The methods that the base class of the observatory's script tests has, with the same names."""

    script: Any

    @contextlib.asynccontextmanager
    async def make_script(self) -> AsyncIterator[None]:
        self.script = MakeLatissCalibrations(index=next(INDICES))
        await asyncio.wait_for(self.script.start_task, 60)
        try:
            yield
        finally:
            await self.script.close()

    async def configure_script(self, **options: Any) -> None:
        await self.script.set_state(ScriptState.UNCONFIGURED)
        data = self.script.cmd_configure.DataType(config=yaml.safe_dump(options) if options else "")
        await self.script.do_configure(data)
        assert self.script.state.state == ScriptState.CONFIGURED
        await self.script.do_setGroupId(
            self.script.cmd_setGroupId.DataType(groupId="2026-01-01T00:00:00.000")
        )

    async def run_script(self) -> None:
        await self.script.do_run(self.script.cmd_run.DataType())
        await self.script.done_task
        assert self.script.state.state == ScriptState.DONE


async def test_a_script_is_made_configured_and_run() -> None:
    case = ScriptCase()
    async with case.make_script():
        await case.configure_script(script_mode="BIAS", n_bias=2)
        assert len(case.script.prepared.config.images["BIAS"].kept_times) == 2
        assert case.script.evt_metadata.data.nimages == 3
        await case.run_script()
        assert len(case.script.checkpoints.pause) == 0
        assert case.script.state.lastCheckpoint == "BIAS 3 of 3, 0 s"


async def test_a_script_can_be_configured_again_and_refuses_what_is_wrong() -> None:
    case = ScriptCase()
    async with case.make_script():
        await case.configure_script()
        assert len(case.script.prepared.config.images["BIAS"].kept_times) == 20
        await case.configure_script(n_bias=5)
        assert len(case.script.prepared.config.images["BIAS"].kept_times) == 5
    async with case.make_script():
        with pytest.raises(salobj.ExpectedError, match="n_bias"):
            await case.configure_script(n_bias=-1)
        assert case.script.state.state == ScriptState.CONFIGURE_FAILED


@pytest.mark.usefixtures("python_first")
@pytest.mark.parametrize(
    "path", sorted(str(path.relative_to(get_scripts_dir())) for path in get_scripts_dir().glob("*tel/*.py"))
)
async def test_the_executables_start_configure_in_time_and_end_on_sigterm(path: str) -> None:
    index = next(INDICES)
    async with salobj.Domain() as domain, salobj.Remote(domain, "Script", index) as remote:
        process = await asyncio.create_subprocess_exec(str(Path(get_scripts_dir()) / path), str(index))
        state = await remote.evt_state.next(flush=False, timeout=60)
        assert state.state == ScriptState.UNCONFIGURED
        await remote.cmd_configure.set_start(timeout=LIMIT_OF_THE_QUEUE)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 1
