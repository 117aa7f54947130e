"""A component that answers every command of one kind at once."""

from __future__ import annotations

import asyncio
from typing import Any

from lsst.ts import salobj


async def main() -> None:
    """Answer until the process is ended."""
    async with salobj.Controller("Test", index=1, do_callbacks=False) as component:

        async def answer(_: Any) -> None:
            """Succeed."""

        component.cmd_setScalars.callback = answer
        print("READY", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
