"""What is said of a run that was ended before its time."""

from __future__ import annotations

from ..domain.calibrations import step_name
from ..journal.record import RunRecord
from ..journal.summary import SUMMARY
from ..workflow.workflow import StepKind
from .context import RunContext

__all__ = ["rejected", "what_is_left", "what_next"]

MOST_NAMED = 4
"""Steps that are named to the operator, who reads the reason in a few lines; the summary names all."""


def what_is_left(context: RunContext) -> str:
    """What a run that was stopped has, and what it has not done, in short words for the operator."""
    record = context.record
    words = [f"{len(record.exposures)} exposures were taken and are kept"]
    if (begun := context.left_alone) is not None:
        what = f"a {begun.image_type} of {begun.exp_time:g} s was under way"
        words.append(f"{what}: the camera ends it alone, and the run looks for it when it is resumed")
    names = [each.step for each in record.not_done]
    if names:
        few = len(names) <= MOST_NAMED
        words.append(f"not done: {', '.join(names) if few else f'{len(names)} steps, see {SUMMARY}'}")
    return "; ".join(words)


def rejected(record: RunRecord) -> list[str]:
    """Calibrations that a resumed run would reject again: it judges the same images."""
    undone = {each.step for each in record.not_done}
    decisive = (StepKind.VERIFY, StepKind.CERTIFY)
    return [
        name
        for name, verdict in record.verdicts.items()
        if not verdict.passed and undone & {step_name(kind, name) for kind in decisive}
    ]


def what_next(context: RunContext) -> str:
    """What becomes of a run that took images and did not end DONE, in a sentence for the operator."""
    folder = context.settings.folder
    if names := rejected(context.record):
        return f"{', '.join(names)}: rejected, also if the run in {folder} is resumed; a new run is needed."
    return f"The run can be resumed; its directory is {folder}"
