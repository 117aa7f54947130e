"""A camera and a spectrograph that answer as the real ones do, without pixels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.control import LATISS
from lsst.ts.simulated_observatory.testing import MockCamera, MockCsc


class Spectrograph(salobj.BaseCsc):
    """Moves its wheels in 3 s and its stage in 5 s."""

    version = "1"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("ATSpectrograph", **kwargs)
        self.moves: list[tuple[float, str, dict[str, Any]]] = []

    async def _move(self, what: str, data: salobj.BaseMsgType, seconds: float, *fields: str) -> None:
        self.assert_enabled()
        wanted = {field: getattr(data, field) for field in fields}
        self.moves.append((clock.current_tai() - clock.START_TAI, what, wanted))
        await asyncio.sleep(seconds)

    async def do_changeFilter(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        await self._move("filter", data, 3, "filter", "name")
        if data.name == "mirror":
            raise salobj.ExpectedError("no filter mirror")
        await self.evt_reportedFilterPosition.set_write(slot=data.filter, name=data.name)

    async def do_changeDisperser(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        await self._move("grating", data, 3, "disperser", "name")
        await self.evt_reportedDisperserPosition.set_write(slot=data.disperser, name=data.name)

    async def do_moveLinearStage(self, data: salobj.BaseMsgType) -> None:  # noqa: N802
        await self._move("stage", data, 5, "distanceFromHome")
        await self.evt_reportedLinearStagePosition.set_write(position=data.distanceFromHome)


class LatissComponents:
    """The components of LATISS, and the class that commands them."""

    def __init__(self, state: salobj.State) -> None:
        self.camera = MockCamera(initial_state=state)
        self.spectrograph = Spectrograph(initial_state=state)
        self.header_service = MockCsc("ATHeaderService", initial_state=state)
        self.oods = MockCsc("ATOODS", initial_state=state)
        self.latiss = LATISS()

    @property
    def components(self) -> list[salobj.BaseCsc]:
        return [self.camera, self.spectrograph, self.header_service, self.oods]


Check = Callable[[LatissComponents], Awaitable[None]]


@pytest.fixture
def run_check() -> Callable[..., None]:
    """Run a coroutine function with all components of LATISS, enabled unless another state is given."""

    def run(check: Check, state: salobj.State = salobj.State.ENABLED) -> None:
        async def main() -> None:
            components = LatissComponents(state)
            async with AsyncExitStack() as stack:
                for component in components.components:
                    await stack.enter_async_context(component)
                await stack.enter_async_context(components.latiss)
                await check(components)

        clock.run(main)

    return run
