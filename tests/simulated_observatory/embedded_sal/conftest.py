"""A CSC and a script that several tests use."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.simulated_observatory import embedded_sal as salobj


class Pipelines(salobj.BaseCsc):
    """An OCPS whose jobs do what their ``version`` says."""

    version = "1"

    async def do_execute(self, data: salobj.BaseMsgType) -> salobj.AckCmdDataType | None:
        self.assert_enabled()
        if data.version == "expected":
            raise salobj.ExpectedError("no such pipeline")
        if data.version == "broken":
            raise KeyError("broken")
        if data.version == "timeout":
            raise TimeoutError
        if data.version == "cancelled":
            raise asyncio.CancelledError
        if data.version == "own":
            return self.salinfo.make_ackcmd(data.private_seqNum, salobj.SalRetCode.CMD_NOPERM, result="no")
        if data.version == "slow":
            await asyncio.sleep(10)
            await self.cmd_execute.ack_in_progress(data, timeout=600, result="job 1")
            await asyncio.sleep(500)
        return None

    async def do_abort_job(self, data: salobj.BaseMsgType) -> None:
        self.assert_enabled("abort_job")


class SteppingScript(salobj.BaseScript):
    """A script with steps of 10 s, each after a checkpoint of its number."""

    def __init__(self, index: int) -> None:
        super().__init__(index, "makes steps", help="step by step")
        self.cleaned = False
        self.config = SimpleNamespace()

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {
                "steps": {"type": "integer", "minimum": 1, "default": 2},
                "fail": {"type": "string"},
                "fail_cleanup": {"type": "boolean", "default": False},
            },
            "additionalProperties": False,
        }

    async def configure(self, config: SimpleNamespace) -> None:
        if config.steps > 100:
            raise salobj.ExpectedError("too many steps")
        self.config = config

    def set_metadata(self, metadata: salobj.BaseMsgType) -> None:
        metadata.duration = 10.0 * self.config.steps
        metadata.nimages = self.config.steps

    async def run(self) -> None:
        for step in range(self.config.steps):
            await self.checkpoint(f"step {step}")
            self.log.info(f"step {step}")
            await asyncio.sleep(10)
        if hasattr(self.config, "fail"):
            raise {"expected": salobj.ExpectedError, "broken": KeyError}[self.config.fail]("bad end")

    async def cleanup(self) -> None:
        self.cleaned = True
        if self.config.fail_cleanup:
            raise RuntimeError("cleanup is broken")


@pytest.fixture
def pipelines() -> type[Pipelines]:
    return Pipelines


@pytest.fixture
def script_class() -> type[SteppingScript]:
    return SteppingScript
