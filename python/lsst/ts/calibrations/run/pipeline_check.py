"""Whether the pipelines of a run can be put together with its options, before there are images."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..butler import pipeline_options
from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS
from ..domain.jobs import with_label, without_labels
from ..domain.text import one_line
from ..workflow.workflow import StepKind

if TYPE_CHECKING:
    import logging

    from ..butler.pipeline_files import PipelineFiles
    from ..workflow.workflow import Step, Workflow

__all__ = ["PipelineCheck", "options_of"]

TIME_LIMIT = 300.0
"""Seconds after which the check is given up: imports take a minute on a busy machine or from a slow disk."""

_Question = tuple[str, str, str]  # as of `check_pipeline`
_Answer = tuple[list[str], list[str]]

_answers: dict[_Question, _Answer] = {}
"""What was found for the pipelines and options that this process has asked for before."""


def options_of(step: Step, signal_removal: str | None) -> tuple[str, list[str]]:
    """Options of pipetask for the job of a step.

    Parameters
    ----------
    step, signal_removal
        The step, and the label that its pipeline has for the task ``isr``; None if it has none.

    Returns
    -------
    options, notes
        Separated by blanks, and what is otherwise than configured.
    """
    options = step.options
    if step.kind is StepKind.GAINS:
        options = without_labels(options, PAIR_GAINS.tasks_left_out)
    return with_label(options, signal_removal)


class _Unanswered(Exception):
    """The process that checks has failed, or took too long."""


class PipelineCheck:
    """Checks the pipelines of a run in a process of its own.

    Parameters
    ----------
    pipelines, workflow, log
        Where they are, what the run does with them, and the log of the script.
    """

    def __init__(self, pipelines: PipelineFiles, workflow: Workflow, log: logging.Logger) -> None:
        self._pipelines, self._workflow, self._log = pipelines, workflow, log

    async def problems(self) -> list[str]:
        """What is wrong with pipelines or their options; what cannot be checked is logged."""
        questions = await asyncio.to_thread(self._questions)
        if new := [each for each in questions if each not in _answers]:
            try:
                _answers.update(zip(new, await _ask(new), strict=True))
            except _Unanswered as unanswered:
                self._log.warning("The options of the pipelines are not checked: %s.", unanswered)
                return []
        answers = [_answers[each] for each in questions]
        if unchecked := list(dict.fromkeys(remark for _, remarks in answers for remark in remarks)):
            more = f" (and {len(unchecked) - 1} more)" if len(unchecked) > 1 else ""
            self._log.info("%s%s.", unchecked[0], more)
        return list(dict.fromkeys(problem for problems, _ in answers for problem in problems))

    def _questions(self) -> list[_Question]:
        """Name of the option, address and options of each pipeline that there is."""
        questions = []
        for step in self._workflow:
            if not step.job_images or self._pipelines.problems([(step.job_kind, step.calibration)]):
                continue  # that there is no pipeline is told for itself
            pipeline = self._pipelines.find(step.job_kind, step.calibration)
            calibration = PAIR_GAINS.settings_of if step.kind is StepKind.GAINS else step.calibration
            option = CALIBRATIONS[calibration].option_of("config_options")
            questions.append((option, pipeline.address, options_of(step, pipeline.isr_label)[0]))
        return questions


async def _ask(questions: Sequence[_Question]) -> list[_Answer]:
    """Have questions answered by a process of its own."""
    with _checking_process() as process:
        try:
            answers, errors = await asyncio.to_thread(process.communicate, json.dumps(questions), TIME_LIMIT)
            last = answers.strip().rpartition("\n")[2]  # what is imported may print, too
            return [(problems, remarks) for problems, remarks in json.loads(last)]
        except subprocess.TimeoutExpired:
            raise _Unanswered(f"that was not done within {TIME_LIMIT:.0f} s") from None
        except ValueError:
            said = errors.strip().rpartition("\n")[2] or f"status {process.returncode}"
            raise _Unanswered(f"the process that does it ended with {one_line(said)}") from None
        finally:
            process.kill()  # also when the run is stopped meanwhile


def _checking_process() -> subprocess.Popen[str]:
    command, pipe = [sys.executable, "-m", pipeline_options.__name__], subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
