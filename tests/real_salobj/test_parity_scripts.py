"""Scripts: the same stories on either SAL."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState
from parity import LIMIT, Play, until

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode

pytestmark = pytest.mark.timeout(300)


class Tale(salobj.BaseScript):
    """A script of some steps."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="A tale")
        self.config: Any = None
        self.cleaned = False

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "steps": {"type": "integer", "default": 2},
                "fails": {"type": "string", "default": ""},
                "deep": {"type": "object", "properties": {"a": {"type": "number", "default": 1.5}}},
            },
            "additionalProperties": False,
        }

    async def configure(self, config: Any) -> None:
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = self.config.steps

    async def run(self) -> None:
        for _ in range(2):
            self.log.info("logged twice")
        for step in range(self.config.steps):
            self.log.info("step %d", step)
            await self.checkpoint(f"step {step}")
            await asyncio.sleep(0.05)
        if self.config.fails == "expected":
            raise salobj.ExpectedError("this was expected")
        if self.config.fails:
            raise ValueError(self.config.fails)

    async def cleanup(self) -> None:
        self.cleaned = True


class Reader:
    """A client of a script."""

    def __init__(self, remote: Any) -> None:
        self.remote = remote
        self.states: list[str] = []
        self.checkpoints: list[str] = []
        self.messages: list[Any] = []
        self.reason = ""
        remote.evt_state.callback = self._state
        remote.evt_logMessage.callback = self._message

    async def _state(self, data: Any) -> None:
        if self.states[-1:] != [ScriptState(data.state).name]:
            self.states.append(ScriptState(data.state).name)
        if data.lastCheckpoint and self.checkpoints[-1:] != [data.lastCheckpoint]:
            self.checkpoints.append(data.lastCheckpoint)
        self.reason = data.reason

    async def _message(self, data: Any) -> None:
        self.messages.append(data)


@contextlib.asynccontextmanager
async def tale() -> AsyncIterator[tuple[Tale, Reader]]:
    async with salobj.Domain() as domain:
        remote = salobj.Remote(domain, "Script", 5, discard_out_of_order_events=False)  # lines of one instant
        reader = Reader(remote)
        await remote.start_task
        script = Tale(5)
        await script.start_task
        try:
            yield script, reader
        finally:
            await script.close()


async def begin(reader: Reader, config: str = "", **fields: Any) -> asyncio.Future[Any]:
    """Configure and run."""
    await reader.remote.cmd_configure.set_start(config=config, timeout=LIMIT, **fields)
    await reader.remote.cmd_setGroupId.set_start(groupId="G", timeout=LIMIT)
    return asyncio.ensure_future(reader.remote.cmd_run.set_start(timeout=LIMIT))


def test_a_script_runs_to_done_and_says_what_it_does(play: Play) -> None:
    async def story() -> None:
        async with tale() as (script, reader):
            remote = reader.remote
            with pytest.raises(salobj.AckError, match="Cannot run: state=UNCONFIGURED instead of CONFIGURED"):
                await remote.cmd_run.set_start(timeout=LIMIT)
            text = "metadata: {x: 1}\nsteps: 3"
            await remote.cmd_configure.set_start(config=text, blockId="B1", logLevel=15, timeout=LIMIT)
            assert vars(script.config) == {"steps": 3, "fails": "", "deep": {"a": 1.5}}
            with pytest.raises(salobj.AckError, match="Group ID not set"):
                await remote.cmd_run.set_start(timeout=LIMIT)
            await remote.cmd_setGroupId.set_start(groupId="G", timeout=LIMIT)
            assert [script.next_supplemented_group_id() for _ in range(2)] == ["G#1", "G#2"]
            assert (script.obs_id, script.group_id, script.state_name) == ("B1", "G", "CONFIGURED")
            done = await remote.cmd_run.set_start(timeout=LIMIT)
            assert done.ack == SalRetCode.CMD_COMPLETE
            await until(lambda: reader.states[-1] == "DONE")
            assert reader.states == ["UNCONFIGURED", "CONFIGURED", "RUNNING", "ENDING", "DONE"]
            assert reader.checkpoints == ["step 0", "step 1", "step 2"]
            assert (await remote.evt_metadata.aget(timeout=LIMIT)).duration == 3
            assert (await remote.evt_description.aget(timeout=LIMIT)).classname == "Tale"
            assert remote.evt_logLevel.get().level == 15
            lines = [(each.name, each.level, each.message) for each in reader.messages]
            assert [each for each in lines if each[2].startswith("step")] == [
                ("Script", logging.INFO, f"step {number}") for number in range(3)
            ]
            assert [each[2] for each in lines].count("logged twice") == 1
            assert script.cleaned
            await asyncio.wait_for(script.done_task, LIMIT)

    play(story)


def test_a_script_pauses_resumes_and_stops_at_checkpoints(play: Play) -> None:
    async def story() -> None:
        async with tale() as (_, reader):
            running = await begin(reader, pauseCheckpoint="step .*", stopCheckpoint="step 1")
            await until(lambda: reader.states[-1] == "PAUSED")
            await reader.remote.cmd_resume.set_start(timeout=LIMIT)
            await running
            await until(lambda: reader.states[-1] == "STOPPED")
            assert reader.states[2:] == ["RUNNING", "PAUSED", "RUNNING", "STOPPING", "STOPPED"]

    play(story)


def test_a_script_stops_at_once_when_told_to(play: Play) -> None:
    async def story() -> None:
        async with tale() as (script, reader):
            running = await begin(reader, "steps: 1000")
            await until(lambda: "step 1" in reader.checkpoints)
            with pytest.raises(salobj.AckError, match="Cannot resume: state=RUNNING instead of PAUSED"):
                await reader.remote.cmd_resume.set_start(timeout=LIMIT)
            with pytest.raises(salobj.AckError, match="not a valid regex"):
                await reader.remote.cmd_setCheckpoints.set_start(pause="(", stop="", timeout=LIMIT)
            await reader.remote.cmd_stop.set_start(timeout=LIMIT)
            await running
            await until(lambda: reader.states[-1] == "STOPPED")
            assert reader.states[2:] == ["RUNNING", "STOPPING", "STOPPED"]
            assert script.cleaned

    play(story)


@pytest.mark.parametrize(
    ("fails", "traced"), [("expected", False), ("broken", True)], ids=["expected", "unexpected"]
)
def test_a_script_that_fails_says_why(play: Play, fails: str, traced: bool) -> None:
    async def story() -> None:
        async with tale() as (_, reader):
            await (await begin(reader, f"fails: {fails}"))
            await until(lambda: reader.states[-1] == "FAILED")
            assert reader.states[2:] == ["RUNNING", "FAILING", "FAILED"]
            reason = "this was expected" if fails == "expected" else fails
            assert reader.reason == f"Error in run: {reason}"
            assert any("Traceback" in each.traceback for each in reader.messages) == traced

    play(story)


def test_a_script_with_a_bad_configuration_ends(play: Play) -> None:
    async def story() -> None:
        async with tale() as (script, reader):
            with pytest.raises(
                salobj.AckError, match=r"Failed: config\(no: 1\) failed: Additional properties"
            ):
                await reader.remote.cmd_configure.set_start(config="no: 1", timeout=LIMIT)
            await until(lambda: reader.states[-1] == "CONFIGURE_FAILED")
            assert reader.states == ["UNCONFIGURED", "CONFIGURE_FAILED"]
            assert reader.reason.startswith("config(no: 1) failed: ")
            await asyncio.wait_for(script.done_task, LIMIT)
            assert not script.cleaned

    play(story)


def test_index_0_would_hear_the_commands_of_all_scripts(play: Play) -> None:
    async def story() -> None:
        with pytest.raises(ValueError, match="nonzero"):
            Tale(0)

    play(story)
