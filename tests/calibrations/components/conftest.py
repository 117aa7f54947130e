"""An OCPS and an OODS that do what a story tells them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory import clock


class ToldOcps(salobj.BaseCsc):
    """An OCPS whose jobs go as `jobs` says for their pipeline."""

    version = "1"

    def __init__(self) -> None:
        super().__init__("OCPS", index=1, initial_state=salobj.State.ENABLED, allow_missing_callbacks=True)
        self.cmd_execute.allow_multiple_callbacks = True
        self.jobs: dict[str, Callable[[Any], Awaitable[None]]] = {}
        self.aborted: list[tuple[float, str]] = []
        self.executed: list[Any] = []

    async def do_execute(self, data: Any) -> None:
        self.executed.append(data)
        await self.jobs[data.pipeline](data)

    async def do_abort_job(self, data: Any) -> None:
        self.aborted.append((asyncio.get_running_loop().time(), data.job_id))

    async def accept(self, data: Any, job_id: str) -> None:
        await self.cmd_execute.ack_in_progress(data, timeout=600, result=json.dumps({"job_id": job_id}))

    async def end(self, job_id: str, exit_code: int) -> None:
        await self.evt_job_result.set_write(
            job_id=job_id, exit_code=exit_code, result="{}", force_output=True
        )


class ToldOods(salobj.BaseCsc):
    """An OODS that says what it is told to say."""

    version = "1"

    def __init__(self) -> None:
        super().__init__("ATOODS", initial_state=salobj.State.ENABLED, allow_missing_callbacks=True)

    async def says(
        self,
        obs_id: str,
        sensor: str = "RXX_S00",
        *,
        raft: str = "undef",
        code: int = 0,
        text: str = "file ingested",
    ) -> None:
        await self.evt_imageInOODS.set_write(
            camera="LATISS",
            obsid=obs_id,
            raft=raft,
            sensor=sensor,
            statusCode=code,
            description=text,
            force_output=True,
        )


@pytest.fixture
def with_ocps() -> Callable[[Callable[[ToldOcps, salobj.Remote], Awaitable[None]]], None]:
    """Tell a story with an OCPS and a remote for it."""

    def tell(story: Callable[[ToldOcps, salobj.Remote], Awaitable[None]]) -> None:
        async def main() -> None:
            async with (
                ToldOcps() as ocps,
                salobj.Domain() as domain,
                salobj.Remote(domain, "OCPS", 1) as remote,
            ):
                await story(ocps, remote)

        clock.run(main)

    return tell


@pytest.fixture
def with_oods() -> Callable[[Callable[[ToldOods, salobj.Remote], Awaitable[None]]], None]:
    """Tell a story with an OODS and a remote for it."""

    def tell(story: Callable[[ToldOods, salobj.Remote], Awaitable[None]]) -> None:
        async def main() -> None:
            async with (
                ToldOods() as oods,
                salobj.Domain() as domain,
                salobj.Remote(domain, "ATOODS") as remote,
            ):
                await story(oods, remote)

        clock.run(main)

    return tell
