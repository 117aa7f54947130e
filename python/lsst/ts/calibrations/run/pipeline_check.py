"""Whether the pipelines of a run can be put together with its options, before there are images."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from ..butler import pipeline_options
from ..butler.pipeline_files import PipelineFiles
from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS, StepKind
from ..domain.jobs import DOCUMENTED_LABEL, pipetask_flags
from ..domain.text import one_line
from ..workflow.workflow import Step, Workflow

__all__ = ["PipelineCheck", "options_of"]

# Seconds after which the check is given up: imports take a minute on a busy machine or from a slow disk.
TIME_LIMIT = 300.0

_Question = tuple[str, str, str]  # as of `check_pipeline`
_Answer = tuple[list[str], list[str]]

# What was found for the pipelines and options that this process has asked for before.
_answers: dict[_Question, _Answer] = {}


def options_of(step: Step, isr_label: str | None) -> tuple[str, list[str]]:
    """Options of pipetask for the job of a step.

    Parameters
    ----------
    step, isr_label
        The step, and the label that its pipeline has for the task ``isr``. None if it has no such task: the
        options for it are then left out, as are those for tasks that are not run.

    Returns
    -------
    options, notes
        Separated by blanks, and what is otherwise than configured, in words.
    """
    left_out = PAIR_GAINS.tasks_left_out if step.kind is StepKind.GAINS else ()
    words: list[str] = []
    notes: list[str] = []
    for flag, value in pipetask_flags(step.options):
        label, _, rest = value.partition(":")
        of_isr = label == DOCUMENTED_LABEL
        if of_isr and isr_label is None:
            notes.append(f"{flag} {value} is left out: this pipeline has no task isr")
        elif of_isr and label != isr_label:
            words += [flag, f"{isr_label}:{rest}"]
            notes.append(f"{value} is written {words[-1]}, as this pipeline names its task")
        elif label not in left_out:
            words += [flag, value]
    return " ".join(words), notes


class _Unanswered(Exception):
    """The process that checks has failed, or took too long."""


@dataclass(frozen=True)
class PipelineCheck:
    """Checks the pipelines of a run in a process of its own."""

    pipelines: PipelineFiles
    """Where they are."""
    workflow: Workflow
    """What the run does with them."""
    log: logging.Logger
    """Log of the script."""

    async def problems(self) -> list[str]:
        """What is wrong with pipelines or their options; what cannot be checked is logged."""
        questions = await asyncio.to_thread(self._questions)
        if new := [each for each in questions if each not in _answers]:
            try:
                _answers.update(zip(new, await _ask(new), strict=True))
            except _Unanswered as unanswered:
                self.log.warning("The options of the pipelines are not checked: %s.", unanswered)
                return []
        answers = [_answers[each] for each in questions]
        if unchecked := list(dict.fromkeys(remark for _, remarks in answers for remark in remarks)):
            more = f" (and {len(unchecked) - 1} more)" if len(unchecked) > 1 else ""
            self.log.info("%s%s.", unchecked[0], more)
        return list(dict.fromkeys(problem for problems, _ in answers for problem in problems))

    def _questions(self) -> list[_Question]:
        """Name of the option, address and options of each pipeline that there is."""
        questions = []
        for step in self.workflow:
            if not step.job_images or self.pipelines.problems([(step.kind, step.calibration)]):
                continue  # that there is no pipeline is told for itself
            pipeline = self.pipelines.find(step.kind, step.calibration)
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
    # In a session of its own: Ctrl-C at the terminal is for the script alone.
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
