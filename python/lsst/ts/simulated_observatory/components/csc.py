"""What all simulated components have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from lsst.ts import salobj

__all__ = ["SimulatedCsc"]


class SimulatedCsc(salobj.BaseCsc):
    """A component that runs tasks beside its commands, until it is closed.

    Parameters
    ----------
    name, index
        As in SAL.
    initial_state
        Summary state at the beginning.
    concurrent
        Commands of which a second one is not queued: the component runs or refuses it at once.
    override
        Name of the configuration file.
    """

    valid_simulation_modes = (1,)
    version = "simulated"

    def __init__(
        self,
        name: str,
        index: int | None,
        initial_state: salobj.State,
        *,
        concurrent: tuple[str, ...] = (),
        override: str = "",
    ) -> None:
        super().__init__(
            name=name,
            index=index,
            initial_state=initial_state,
            override=override,
            simulation_mode=1,
            allow_missing_callbacks=True,
        )
        for command in concurrent:
            getattr(self, f"cmd_{command}").allow_multiple_callbacks = True
        self._tasks: set[asyncio.Task[None]] = set()

    async def close_tasks(self) -> None:
        """Drop what is under way."""
        await super().close_tasks()
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something beside the commands, until it ends or the component closes."""
        task = asyncio.create_task(work)
        if not self.isopen:  # a command that is still under way wants it
            task.cancel()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
