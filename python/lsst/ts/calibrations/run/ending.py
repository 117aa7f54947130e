"""A run that was ended before its time: what it has, and what can be done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..domain.calibrations import step_name
from ..journal.facts import ExposureBegun
from ..journal.record import RunRecord
from ..journal.summary import SUMMARY
from ..workflow.workflow import StepKind

if TYPE_CHECKING:
    from ..components.camera import Camera

__all__ = ["UnfinishedRun"]

MOST_NAMED = 4
"""Steps that are named to the operator, who reads the reason in a few lines; the summary names all."""


@dataclass(frozen=True)
class UnfinishedRun:
    """What is known of a run, and what an operator reads of it, if it does not end DONE.

    Parameters
    ----------
    record
        Its facts.
    camera
        Client of the camera; None before there is one.
    """

    record: RunRecord
    camera: Camera | None

    @property
    def under_way(self) -> ExposureBegun | None:
        """The exposure that the camera was asked for and of whose end no fact tells.

        This is all that is known of a run beside its facts. That the exposure was about to begin is a fact;
        whether the camera was then asked for it, and did not refuse, its client knows. The camera still
        exposes, or the disk did not take the fact that it has ended; a resumed run looks for the exposure.
        """
        return None if self.camera is None or self.camera.asked is None else self.record.begun

    @property
    def exposed(self) -> bool:
        """Whether anything was exposed."""
        return bool(self.record.exposures) or self.under_way is not None

    @property
    def rejected(self) -> list[str]:
        """Types whose calibrations a resumed run would reject again, since it judges the same images."""
        undone = {each.step for each in self.record.not_done}
        decisive = (StepKind.VERIFY, StepKind.CERTIFY)
        return [
            name
            for name, verdict in self.record.verdicts.items()
            if not verdict.passed and undone & {step_name(kind, name) for kind in decisive}
        ]

    @property
    def done_and_left(self) -> str:
        """What the run has, and what it has not done, in few words."""
        words = [f"{len(self.record.exposures)} exposures were taken and are kept"]
        if (begun := self.under_way) is not None:
            what = f"a {begun.image_type} of {begun.exp_time:g} s was under way"
            words.append(f"{what}: the camera ends it alone, and the run looks for it when it is resumed")
        names = [each.step for each in self.record.not_done]
        if names:
            few = len(names) <= MOST_NAMED
            words.append(f"not done: {', '.join(names) if few else f'{len(names)} steps, see {SUMMARY}'}")
        return "; ".join(words)

    def what_next(self, folder: Path) -> str:
        """Say what can be done with the run.

        Parameters
        ----------
        folder
            Its directory.

        Returns
        -------
        sentence
            For the operator.
        """
        if self.rejected:
            names = ", ".join(self.rejected)
            return f"{names}: rejected, also if the run in {folder} is resumed; a new run is needed."
        return f"The run can be resumed; its directory is {folder}"
