"""The executor of the workflow: each step begins when its images and the steps that it needs are there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..domain.calibrations import StepKind
from ..domain.errors import CalibrationError, ProcessingError
from ..domain.instruments import ImageType
from ..domain.text import on_screen, one_line
from ..journal.facts import StepNotDone
from ..workflow.workflow import Step, Workflow
from .context import RunContext
from .step_work import StepWork

__all__ = ["Processing"]

SHORT = 160
"""Characters of a reason on the screen, where the end of the run says more of it."""


class _StepFailed(CalibrationError):
    """A step did not succeed; the steps that need it fail with it, and no other."""


@dataclass
class Processing:
    """Does the steps of the workflow.

    What is known of a run is in its record. Here is what has been begun in this process: the images that
    were handed over, and a task for each step.
    """

    context: RunContext
    """Journal, clock and log of the run."""
    workflow: Workflow
    """The steps."""
    work: StepWork
    """What does each of them."""
    _images: dict[ImageType, tuple[int, ...]] = field(default_factory=dict)
    _tasks: dict[Step, asyncio.Task[None]] = field(default_factory=dict)
    _cancelled: bool = False

    def halted(self) -> str | None:
        """Why no further exposure makes sense: a calibration that all later ones need was not made."""
        for step, task in self._tasks.items():
            ended = task.done() and not task.cancelled()
            if step.halts and ended and isinstance(task.exception(), CalibrationError):
                what = f"without an accepted {step.calibration} nothing further can be made"
                return f"data taking was ended: {what}"
        return None

    def hand_over(self, image_type: ImageType, exposures: Sequence[int]) -> None:
        """Begin what these exposures are for.

        Parameters
        ----------
        image_type
            Their type.
        exposures
            Ids of the kept exposures, all confirmed.
        """
        self._images[image_type] = tuple(exposures)
        for step in self.workflow:  # those that others need come first
            there = all(each in self._images for each in step.images)
            # The images of a type may be confirmed before those of the type that it needs.
            needed = all(each in self._tasks for each in step.needs)
            if there and needed and step not in self._tasks:
                self._tasks[step] = task = asyncio.ensure_future(self._run(step))
                if self._cancelled:  # before it has begun
                    task.cancel()

    async def _run(self, step: Step) -> None:
        for need in step.needs:
            try:
                await asyncio.shield(self._tasks[need])
            except _StepFailed:
                raise self._not_done(step, _was_not_done(need)) from None
        try:
            await self.work.do(step, self._images)
        except CalibrationError as error:
            shown = error.reason if isinstance(error, ProcessingError) else error.brief
            raise self._not_done(step, error.brief, shown, error.lasting) from None

    def _not_done(self, step: Step, reason: str, shown: str = "", lasting: str = "") -> _StepFailed:
        """Note that a step was not done; return the error with which it ends.

        What follows from another failure is not shown: the end says it for all.
        """
        extra = on_screen(f"Not done: {step.name}: {one_line(shown, SHORT)}." if shown else "")
        self.context.log.error("Not done: %s: %s.", step.name, reason, extra=extra)
        fact = StepNotDone(
            time=self.context.now(),
            step=step.name,
            reason=reason,
            follows=not shown,
            lasting=(lasting,) if lasting else (),
        )
        self.context.note(fact)
        return _StepFailed(f"{step.name}: {reason}")

    async def finish(self) -> None:
        """Wait until no step is under way.

        Raises
        ------
        Exception
            A step broke with an error that is not a `CalibrationError`: a fault of this program.
        """
        outcomes = await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None and not isinstance(outcome, _StepFailed):
                raise outcome

    async def cancel(self) -> None:
        """Stop what is under way, begin nothing any more, and wait until all has stopped."""
        self._cancelled = True
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def decided_again(self) -> None:
        """Wait until the verdicts of an earlier part of the run are given again: one may end data taking."""
        verdicts = self.context.record.verdicts
        tasks = [
            task
            for step, task in self._tasks.items()
            if step.kind is StepKind.CERTIFY and step.calibration in verdicts
        ]
        if tasks:
            await asyncio.wait(tasks)

    def give_up_missing(self) -> None:
        """Note the steps that were never begun, since their images, or what they need, are not there."""
        for step in self.workflow:
            if step in self._tasks:
                continue
            missing = [each for each in step.images if each not in self._images]
            if missing:
                reason = f"not all {' and '.join(missing)} images were taken and confirmed"
            else:
                reason = _was_not_done(_other_need(step))
            self._not_done(step, reason)

    def give_up(self, reason: str, lasting: str = "") -> None:
        """Note every step that has not come to its end, when the run ends early and nothing is under way.

        Parameters
        ----------
        reason, lasting
            Why, in words for each of them, and what a resumed run would find again.
        """
        named = {each.step for each in self.context.record.not_done}
        left = [step.name for step in self.workflow if step.name not in named and not self._is_done(step)]
        again = (lasting,) if lasting else ()
        for name in left:
            now = self.context.now()
            self.context.note(StepNotDone(time=now, step=name, reason=reason, follows=True, lasting=again))
        if left:  # in one line: none of them went wrong
            self.context.log.info("Not done, since %s: %s.", reason, ", ".join(left))

    def _is_done(self, step: Step) -> bool:
        """Whether a step has succeeded, in this part of the run or in an earlier one."""
        task = self._tasks.get(step)
        succeeded = task is not None and task.done() and not task.cancelled() and task.exception() is None
        return succeeded or self.context.record.is_done(step)


def _was_not_done(need: Step) -> str:
    return f"it needs {need.name!r}, which was not done"


def _other_need(step: Step) -> Step:
    """The last step about another calibration that a step needs, perhaps by way of steps about its own."""
    need = step.needs[-1]
    return _other_need(need) if need.calibration == step.calibration else need
