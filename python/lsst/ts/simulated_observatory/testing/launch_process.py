"""The process of `launch`: ``python -m lsst.ts.simulated_observatory.testing.launch_process PATH INDEX``.

The embedded bus is within one event loop, so the script is waited for in its own loop.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import Coroutine
from functools import partial
from typing import Any

from ..sal_names import use_embedded_sal

__all__: list[str] = []

TIMEOUT = 60.0
"""Simulated seconds until a script must have published its state."""


class _Launch:
    """One launch; its `run` takes the place of `asyncio.run`.

    Parameters
    ----------
    index
        SAL index of the script.
    """

    def __init__(self, index: int) -> None:
        self._index = index
        self.state = "no script at all"

    def run(self, main: Coroutine[Any, Any, Any], **_: Any) -> None:
        """Run the executable's coroutine in simulated time, and stop the script when it has started."""
        from .. import clock

        clock.run(partial(self._stop_when_started, main))

    async def _stop_when_started(self, main: Coroutine[Any, Any, Any]) -> None:
        from .. import embedded_sal as sal
        from ..embedded_sal.enums import ScriptState

        async with sal.Domain() as domain, sal.Remote(domain, "Script", self._index) as remote:
            script = asyncio.ensure_future(main)
            published = asyncio.ensure_future(remote.evt_state.next(flush=False, timeout=TIMEOUT))
            await asyncio.wait({script, published}, return_when=asyncio.FIRST_COMPLETED)
            if published.done():
                self.state = ScriptState(published.result().state).name
                await remote.cmd_stop.set_start()
            published.cancel()
            await script


def _main(path: str, index: str) -> str | None:
    launch = _Launch(int(index))
    asyncio.run = launch.run  # type: ignore[assignment]
    sys.argv = [path, index]
    runpy.run_path(path, run_name="__main__")
    return None if launch.state == "UNCONFIGURED" else f"It ran, and {launch.state} was UNCONFIGURED."


if __name__ == "__main__":
    use_embedded_sal()
    sys.exit(_main(*sys.argv[1:]))
