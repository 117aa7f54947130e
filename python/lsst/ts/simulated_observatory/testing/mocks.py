"""Components that do what a test tells them to, and a function that runs a test with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from .. import clock
from .. import embedded_sal as sal

__all__ = ["MockCamera", "MockCsc", "MockOcps", "MockOods", "open_remote", "run_in_simulated_time"]

T = TypeVar("T")


class MockCsc(sal.BaseCsc):
    """A component that has summary states and a heartbeat, and refuses all other commands.

    Parameters
    ----------
    name, index
        SAL component name, and its index if it has one.
    initial_state
        Summary state at the start.
    """

    version = "mock"

    def __init__(
        self, name: str, index: int | None = None, initial_state: sal.State = sal.State.ENABLED
    ) -> None:
        super().__init__(name, index, initial_state=initial_state, allow_missing_callbacks=True)


class MockOcps(MockCsc):
    """An OCPS whose jobs are functions of the test.

    Parameters
    ----------
    index, initial_state
        As `MockCsc`.

    Attributes
    ----------
    jobs
        By pipeline, what obeys ``execute``: a coroutine function that is called with the command. It may call
        `accept` and `end`; when it returns the command is complete.
    executed
        The ``execute`` commands, in order.
    aborted
        Simulated time (s) and job id of each ``abort_job``.
    """

    def __init__(self, index: int = 1, initial_state: sal.State = sal.State.ENABLED) -> None:
        super().__init__("OCPS", index, initial_state)
        self.cmd_execute.allow_multiple_callbacks = True
        self.jobs: dict[str, Callable[[sal.BaseMsgType], Awaitable[None]]] = {}
        self.executed: list[sal.BaseMsgType] = []
        self.aborted: list[tuple[float, str]] = []

    async def do_execute(self, data: sal.BaseMsgType) -> None:
        """Run the job of the pipeline."""
        self.executed.append(data)
        await self.jobs[data.pipeline](data)

    async def do_abort_job(self, data: sal.BaseMsgType) -> None:
        """Note the job; it is not ended."""
        self.aborted.append((asyncio.get_running_loop().time(), data.job_id))

    async def accept(self, data: sal.BaseMsgType, job_id: str) -> None:
        """Acknowledge an ``execute`` command with a job id, as in progress for 600 s.

        Parameters
        ----------
        data, job_id
            The command, and the id.
        """
        await self.cmd_execute.ack_in_progress(data, timeout=600, result=json.dumps({"job_id": job_id}))

    async def end(self, job_id: str, exit_code: int) -> None:
        """Write the ``job_result`` of a job.

        Parameters
        ----------
        job_id, exit_code
            Fields of the event.
        """
        await self.evt_job_result.set_write(
            job_id=job_id, exit_code=exit_code, result="{}", force_output=True
        )


class MockOods(MockCsc):
    """An OODS that ingests nothing and confirms what the test says.

    Parameters
    ----------
    name, camera
        SAL component name, and name of the camera in its events.
    """

    def __init__(self, name: str = "ATOODS", camera: str = "LATISS") -> None:
        super().__init__(name)
        self._camera = camera

    async def confirm(
        self,
        obs_id: str,
        sensor: str = "RXX_S00",
        *,
        raft: str = "undef",
        code: int = 0,
        text: str = "file ingested",
    ) -> None:
        """Write ``imageInOODS``.

        Parameters
        ----------
        obs_id, sensor, raft
            Image and detector.
        code, text
            Status code, 0 for an image that was ingested, and its description.
        """
        await self.evt_imageInOODS.set_write(
            camera=self._camera,
            obsid=obs_id,
            raft=raft,
            sensor=sensor,
            statusCode=code,
            description=text,
            force_output=True,
        )


class MockCamera(MockCsc):
    """A camera that integrates while ``takeImages`` runs and reads out in 2 s after it, without pixels.

    Parameters
    ----------
    name, initial_state
        As `MockCsc`.

    Attributes
    ----------
    taken
        Simulated time (s) and command of each ``takeImages``.
    omitted
        Names of events that it does not write; a test adds e.g. ``endReadout``.
    """

    READOUT_TIME = 2.0
    _IDLE, _BUSY = 1, 2

    def __init__(self, name: str = "ATCamera", initial_state: sal.State = sal.State.ENABLED) -> None:
        super().__init__(name, initial_state=initial_state)
        self.taken: list[tuple[float, sal.BaseMsgType]] = []
        self.omitted: set[str] = set()
        self._readouts: list[asyncio.Task[None]] = []

    async def do_takeImages(self, data: sal.BaseMsgType) -> None:  # noqa: N802
        """Take images."""
        self.assert_enabled()
        self.taken.append((clock.current_tai() - clock.START_TAI, data))
        await self._write("ccsCommandState", substate=self._BUSY)
        for _ in range(data.numImages):
            name = f"{self.salinfo.name[:2]}_O_20250115_{len(self._readouts) + 1:06d}"
            await self._write("startIntegration", imageName=name, exposureTime=data.expTime)
            await asyncio.sleep(data.expTime)
            self._readouts.append(asyncio.create_task(self._read_out(name)))
        await self._write("ccsCommandState", substate=self._IDLE)

    async def _read_out(self, name: str) -> None:
        await asyncio.sleep(self.READOUT_TIME)
        await self._write("endReadout", imageName=name)

    async def _write(self, event: str, **fields: Any) -> None:
        if event not in self.omitted:
            await getattr(self, f"evt_{event}").set_write(**fields)


@contextlib.asynccontextmanager
async def open_remote(name: str, index: int | None = None) -> AsyncIterator[sal.Remote]:
    """Open a remote in a domain of its own.

    Parameters
    ----------
    name, index
        SAL component name, and its index if it has one.

    Yields
    ------
    remote
        The remote, which has started.
    """
    async with sal.Domain() as domain, sal.Remote(domain, name, index) as remote:
        yield remote


def run_in_simulated_time(
    main: Callable[..., Awaitable[T]], *things: Callable[[], AbstractAsyncContextManager[Any]]
) -> T:
    """Run a coroutine function in simulated time, with components, remotes and so on.

    Parameters
    ----------
    main
        The coroutine function; called with what was made, in the same order.
    *things
        Make what it needs, one after the other, when the event loop runs: e.g. ``MockOcps``, or
        ``functools.partial(open_remote, "OCPS", 1)``. All are closed at the end, the last one first.

    Returns
    -------
    result
        What the coroutine returns.
    """

    async def run() -> T:
        async with AsyncExitStack() as stack:
            made = [await stack.enter_async_context(make()) for make in things]
            return await main(*made)

    return clock.run(run)
