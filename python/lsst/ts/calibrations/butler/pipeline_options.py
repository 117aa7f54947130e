"""Checks pipelines and their options as pipetask would read them, in a process of its own.

The tasks are imported for it, which takes seconds and the memory of the science pipelines. Standard input has
a JSON list of arguments of `check_pipeline`; standard output gets what it returns for each.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..domain.jobs import pipetask_flags
from ..domain.text import one_line

if TYPE_CHECKING:
    from lsst.pipe.base import Pipeline

__all__ = ["check_pipeline"]

_FLAGS_OF_FIELDS = ("-c", "--config")


def check_pipeline(option: str, address: str, options: str) -> tuple[list[str], list[str]]:
    """Check a pipeline with its options.

    Parameters
    ----------
    option, address, options
        Name of the option that has them, address of the pipeline, and options of pipetask.

    Returns
    -------
    problems, remarks
        What is wrong, and what could not be checked here, a sentence each.
    """
    from lsst.pipe.base import Pipeline

    try:
        pipeline = Pipeline.from_uri(address)
        labels = sorted(pipeline.task_labels)
    except Exception as error:
        return [f"the pipeline {address} cannot be read: {_first_lines(error)}"], []
    overrides = []
    for flag, value in pipetask_flags(options):
        label, _, rest = value.partition(":")
        overrides.append((flag, label, rest))
    problems = [
        f"{option}: {flag} {label}:{rest}: {address} has no task {label}, only {', '.join(labels)};"
        f" the nearest is {_nearest(label, labels)}"
        for flag, label, rest in overrides
        if label not in labels
    ]
    known = [each for each in overrides if each[1] in labels]
    elsewhere = [each for each in known if each[0] not in _FLAGS_OF_FIELDS and not _is_here(each[2])]
    remarks = [
        f"{option}: {flag} {label}:{file} is not checked, as only the job knows this file"
        for flag, label, file in elsewhere
    ]
    checked = [each for each in known if each not in elsewhere]
    try:
        problems += [f"{option}: {each} ({address})" for each in _override_problems(pipeline, checked)]
    except ImportError as error:
        remarks.append(f"{address} is not checked further, as its tasks cannot be imported here: {error}")
    except Exception as error:
        problems.append(f"the pipeline {address} cannot be put together: {_first_lines(error)}")
    return problems, remarks


def _is_here(file: str) -> bool:
    """Whether it is a file of this machine, wherever the job may run."""
    return os.path.isabs(file) and os.access(file, os.R_OK)


def _override_problems(pipeline: Pipeline, overrides: list[tuple[str, str, str]]) -> Iterator[str]:
    """What goes wrong when fields and files are applied in the order in which they are given."""
    from lsst.pipe.base.configOverrides import ConfigOverrides

    tasks = pipeline.to_graph().tasks
    configs = {label: tasks[label].config.copy() for _, label, _ in overrides}
    for flag, label, rest in overrides:
        override: Any = ConfigOverrides()
        of_field = flag in _FLAGS_OF_FIELDS
        field, _, value = rest.partition("=")
        try:
            if of_field:
                override.addValueOverride(field, value)
            else:
                override.addFileOverride(rest)
            override.applyTo(configs[label])
        except Exception as error:
            unknown = _unknown(configs[label], field) if of_field else None
            yield f"{label}:{rest}: {unknown or _first_lines(error)}"


def _unknown(config: Any, field: str) -> str | None:
    """Name the part of a field that there is not; None if there is the field."""
    for part in field.split("."):
        config = getattr(config, "value", config)  # of a task that can be replaced
        known = sorted(map(str, config.keys())) if hasattr(config, "keys") else []
        if part not in known:
            near = f"; the nearest is {_nearest(part, known)}" if known else ""
            return f"{type(config).__name__} has no field {part}{near}"
        config = getattr(config, part)
    return None


def _nearest(name: str, known: list[str]) -> str:
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.0)), "none")


def _first_lines(error: Exception) -> str:
    """What an error says, without where in the code the field is."""
    return one_line(str(error).partition("For more information")[0].strip() or type(error).__name__)


def _main() -> None:
    with contextlib.redirect_stdout(sys.stderr):  # a task that is imported may print
        answers = [check_pipeline(*question) for question in json.load(sys.stdin)]
    print(f"\n{json.dumps(answers)}")


if __name__ == "__main__":
    _main()
