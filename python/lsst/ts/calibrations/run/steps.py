"""A graph of steps: each begins when what it needs has succeeded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from ..domain.errors import CalibrationError

__all__ = ["StepFailed", "Steps"]


class StepFailed(CalibrationError):
    """A step did not succeed.

    Parameters
    ----------
    step
        Its name.
    reason
        What happened.
    """

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step = step
        self.reason = reason


class Steps:
    """Steps of a run, by name.

    A step that fails takes along the steps that need it, and no other.

    Parameters
    ----------
    on_failure
        Called for every step that was not done with its name, the reason, and whether that is only another
        step that was not done.
    """

    def __init__(self, on_failure: Callable[[str, str, bool], None]) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._on_failure = on_failure
        self._cancelled = False

    def add(self, name: str, work: Callable[[], Awaitable[None]], needs: Iterable[str] = ()) -> None:
        """Add a step; it begins as soon as the steps that it needs, all added before, have succeeded.

        After `cancel` nothing is added any more.
        """
        if self._cancelled:
            return
        tasks = {need: self._tasks[need] for need in needs}
        self._tasks[name] = asyncio.ensure_future(self._run(name, work, tasks))

    async def _run(
        self, name: str, work: Callable[[], Awaitable[None]], needs: dict[str, asyncio.Task[None]]
    ) -> None:
        for need, task in needs.items():
            try:
                await asyncio.shield(task)
            except StepFailed:
                self._fail(name, f"it needs {need!r}, which was not done", follows=True)
        try:
            await work()
        except CalibrationError as error:
            self._fail(name, error.brief)

    def _fail(self, name: str, reason: str, *, follows: bool = False) -> None:
        self._on_failure(name, reason, follows)
        raise StepFailed(name, reason) from None

    def succeeded(self, name: str) -> bool:
        """Whether a step was added and has succeeded."""
        task = self._tasks.get(name)
        return task is not None and task.done() and not task.cancelled() and task.exception() is None

    async def settled(self, names: Iterable[str]) -> None:
        """Wait until some steps have ended, however they did; those that were not added are left out."""
        await asyncio.gather(
            *(asyncio.wait([self._tasks[name]]) for name in names if name in self._tasks),
        )

    async def finish(self) -> None:
        """Wait until no step is under way.

        Raises
        ------
        Exception
            A step broke with an error that is not a `CalibrationError`: a fault of this program.
        """
        outcomes = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None and not isinstance(outcome, StepFailed):
                raise outcome

    async def cancel(self) -> None:
        """Stop what is under way, begin nothing any more, and wait until all has stopped."""
        self._cancelled = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
