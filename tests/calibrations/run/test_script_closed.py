"""A script that ends while it connects, as it does when it is stopped before it has begun."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.simulated_observatory import clock


@pytest.mark.parametrize(("stopped", "status"), [(True, 0), (False, 1)])
def test_who_started_the_script_knows_when_only_connections_are_left(
    observatory: Any, stopped: bool, status: int
) -> None:
    """One that is closed while it is made may never be closed: the process must end all the same."""

    async def main() -> None:
        async with observatory():
            called: list[int] = []
            script = MakeLatissCalibrations(index=1, on_close=called.append)
            await script.start_task
            await (script.do_stop(script.cmd_stop.DataType()) if stopped else script.close())
            await script.done_task
            assert called == [status]

    clock.run(main)


def test_a_script_that_ends_makes_no_connection_any_more(observatory: Any) -> None:
    """Its configuration may have been examined meanwhile."""

    async def main() -> None:
        async with observatory():
            script = MakeLatissCalibrations(index=1)
            await script.start_task
            await script.close()
            with pytest.raises(asyncio.CancelledError, match="a signal came"):
                await script.configure(SimpleNamespace())

    clock.run(main)
