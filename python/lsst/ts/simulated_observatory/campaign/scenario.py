"""A scenario: what is asked of the script, what goes wrong, what the operator does; and what came of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from lsst.daf.butler import Butler

from lsst.ts.calibrations.domain.instruments import ImageType, Instrument

from ..repository.ingest import open_anew
from ..stand_ins.measurements import Disturbance
from .datasets import Certificate

__all__ = ["AT_ONCE", "Act", "Interruption", "PartOutcome", "Played", "Scenario", "ordinary_scenario"]


class Act(StrEnum):
    """What is done."""

    PAUSE = "paused at a checkpoint and resumed"
    STOP = "stopped"
    STOP_PAUSED = "stopped while paused at a checkpoint"
    TERM = "ended by SIGTERM"
    KILL = "ended by SIGKILL"


AT_ONCE = (Act.STOP, Act.TERM)
"""What ends a script at once; one that is to pause at a checkpoint first ends later."""


@dataclass(frozen=True)
class Interruption:
    """Something that is done to a script.

    Parameters
    ----------
    act
        What is done.
    message, entry, checkpoint
        After how many messages on the bus, entries of the journal and checkpoints.
    state, turn
        After which state of the script (empty: any), and then after how many turns of the event loop.
    wait
        How long a pause lasts [simulated s].
    """

    act: Act
    message: int = 0
    turn: int = 0
    wait: float = 20.0
    entry: int = 0
    checkpoint: int = 0
    state: str = ""

    @property
    def ends(self) -> bool:
        """Whether it ends the script."""
        return self.act is not Act.PAUSE


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Parameters
    ----------
    seed
        From which it was drawn; its place in a list of scenarios that were not drawn.
    instrument, options
        Whose calibrations, and the configuration of the script as far as it is not the default.
    faults
        Specifications of what goes wrong.
    disturbances
        Noise of the detectors that comes and goes, by image type.
    interruption
        What the operator, or the machine, does to the script; None: nothing.
    resumed
        Whether a run that was interrupted is resumed, with nothing going wrong any more.
    """

    seed: int
    instrument: Instrument
    options: Mapping[str, Any]
    faults: tuple[str, ...] = ()
    disturbances: Mapping[ImageType, tuple[Disturbance, ...]] = field(default_factory=dict)
    interruption: Interruption | None = None
    resumed: bool = False

    def as_dict(self) -> dict[str, Any]:
        """All but the seed, as YAML and JSON have it; what is empty is left out."""
        values = asdict(self) | {
            "instrument": self.instrument.name,
            "faults": list(self.faults),
            "disturbances": {
                kind.value: [asdict(each) for each in noise] for kind, noise in self.disturbances.items()
            },
        }
        del values["seed"]
        if self.interruption is not None:
            fields = asdict(self.interruption) | {"act": self.interruption.act.name}
            values["interruption"] = {name: value for name, value in fields.items() if value}
        return {name: value for name, value in values.items() if value}

    @property
    def text(self) -> str:
        """Configuration text."""
        return yaml.safe_dump(dict(self.options), sort_keys=False)

    @property
    def kinds(self) -> tuple[ImageType, ...]:
        """Image types that are asked for, in their order."""
        return tuple(kind for kind in ImageType if kind in str(self.options["script_mode"]).split("_"))

    @property
    def number(self) -> dict[ImageType, int]:
        """How many images of each type are to be kept, also of those that are not asked for."""
        return {kind: int(self.options[f"n_{kind.lower()}"]) for kind in ImageType}

    @property
    def discarded(self) -> dict[ImageType, int]:
        """How many images of each type are taken before those that are kept."""
        return {kind: int(self.options[f"n_discard_{kind.lower()}"]) for kind in ImageType}

    @property
    def images(self) -> int:
        """How many images are to be taken."""
        return sum(self.number[kind] + self.discarded[kind] for kind in self.kinds)

    def describe(self) -> str:
        """The scenario as YAML, to be read and to be kept among the examples."""
        return f"# seed {self.seed}\n{yaml.safe_dump(self.as_dict(), sort_keys=False, width=110)}"


@dataclass
class PartOutcome:
    """What became of a part of a run that was not ended by a kill.

    Parameters
    ----------
    status, seconds, log, file
        Exit status of the command, how long it took [simulated s], what the screen had, and ``script.log``,
        which earlier parts have begun.
    left
        What was still running at the end.
    broken, refused
        Traceback of what broke the session, and why the run could not be resumed; empty if all was well.
    """

    status: int | None = None
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    broken: str = ""
    refused: str = ""
    log: str = ""
    file: str = ""


@dataclass
class Played:
    """A scenario that was played, with what is needed to check it.

    Parameters
    ----------
    scenario, folder
        That one, and its files.
    parts
        What became of each part of the run; None for one that was killed.
    strikes
        How often each fault struck, by the number of the part.
    before
        What was certified in the repository when the scenario began.
    raws
        Exposure and detector of each raw image that it had when the run was resumed.
    refused
        Why the run could not be resumed; empty if it could, or was not to be.
    memory
        Bytes that the largest of its processes had.
    open_butler
        Opens its repository, given the path and whether to write.
    """

    scenario: Scenario
    folder: Path
    parts: list[PartOutcome | None]
    strikes: dict[int, Counter[str]] = field(default_factory=dict)
    before: frozenset[Certificate] = frozenset()
    raws: frozenset[tuple[int, int]] = frozenset()
    refused: str = ""
    memory: int = 0
    open_butler: Callable[[str, bool], Butler] = open_anew

    @property
    def struck(self) -> Counter[str]:
        """How often each fault struck in all parts."""
        return sum(self.strikes.values(), Counter[str]())


def ordinary_scenario(instrument: Instrument) -> Scenario:
    """A scenario in which calibrations of all types are made, and nothing goes wrong.

    Parameters
    ----------
    instrument
        Whose calibrations.

    Returns
    -------
    scenario
        With the seed 0.
    """
    options = {
        "script_mode": "BIAS_DARK_FLAT",
        **{f"n_{kind.lower()}": 2 for kind in ImageType},
        **{f"n_discard_{kind.lower()}": 0 for kind in ImageType},
        "exp_times_dark": 5,
        "exp_times_flat": 5,
        "oods_timeout": 60,
        "job_timeout": 600,
        "do_gain_from_flat_pairs": True,
        "generate_calibrations": True,
        "certify_calib_begin_date": "2025-01-01",
        "certify_calib_end_date": "2025-06-01",
        "calib_collection": f"{instrument.name}/calib/u/campaign/daily.1",
    }
    # Two images have half of their noise in common with their combination.
    noise = dict.fromkeys(ImageType, (Disturbance(factor=math.sqrt(2)),))
    return Scenario(0, instrument, options, disturbances=noise)
