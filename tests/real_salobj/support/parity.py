"""What the parity tests share: either SAL is behind it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from lsst.ts import salobj

LIMIT = 20.0
"""Seconds within which what was sent has come, on a machine that has other things to do."""

Play = Callable[[Callable[[], Any]], Any]
"""Runs a story; see the fixture of that name."""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not holds():  # noqa: ASYNC110, either SAL has its own way to tell
            await asyncio.sleep(0.01)


class Component(salobj.BaseCsc):
    """An OCPS that does nothing."""

    version = "1.2"
    valid_simulation_modes = (0, 1)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("OCPS", 1, allow_missing_callbacks=True, **kwargs)
        self.refuses = False

    async def begin_enable(self, data: Any) -> None:
        if self.refuses:
            raise salobj.ExpectedError("not today")

    async def do_abort_job(self, data: Any) -> None:
        self.assert_enabled("abort_job")


@contextlib.asynccontextmanager
async def component(**kwargs: Any) -> AsyncIterator[tuple[Component, Any]]:
    async with (
        salobj.Domain() as domain,
        salobj.Remote(domain, "OCPS", 1) as remote,
        Component(**kwargs) as csc,
    ):
        yield csc, remote
