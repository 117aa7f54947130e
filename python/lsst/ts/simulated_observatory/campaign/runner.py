"""Plays scenarios, each part of a run in a process that is forked for it."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument

from ..stand_ins.measurements import Disturbance
from ..stand_ins.template import make_template
from .datasets import Certificate, Datasets
from .scenario import Scenario
from .scratch import check_space
from .script_process import SCALE, SEED, PartOutcome, limit_process, run_part

__all__ = ["Played", "Runner", "open_runner", "ordinary_scenario"]

TEMPLATES = {
    LATISS.name: ((0,), (("SDSSr_65mm~empty", "r"),)),
    LSSTCOMCAM.name: ((0, 1, 2), (("r_03", "r"),)),
}
"""Detectors and filters of the reference calibrations, by instrument."""


@dataclass
class Played:
    """A scenario that was played, with what is needed to check it.

    Parameters
    ----------
    scenario
        That one.
    folder
        Its files.
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
    """

    scenario: Scenario
    folder: Path
    parts: list[PartOutcome | None]
    strikes: dict[int, Counter[str]] = field(default_factory=dict)
    before: frozenset[Certificate] = frozenset()
    raws: frozenset[tuple[int, int]] = frozenset()
    refused: str = ""
    memory: int = 0

    @property
    def struck(self) -> Counter[str]:
        """How often each fault struck in all parts."""
        return sum(self.strikes.values(), Counter[str]())


@dataclass(frozen=True)
class Runner:
    """Plays scenarios in a folder.

    Parameters
    ----------
    folder
        Scratch folder.
    """

    folder: Path

    def play(self, scenario: Scenario, worker: int = 0) -> Played:
        """Play a scenario.

        Parameters
        ----------
        scenario
            That one.
        worker
            Number of the worker, which has a folder for itself: its files stay there until the next scenario.

        Returns
        -------
        played
            What it left.

        Raises
        ------
        NoSpace
            There is no space for it.
        """
        check_space(self.folder)
        folder = self._prepare(f"worker{worker}", scenario.instrument)
        played = Played(scenario, folder, [], before=_certified_in(self._template(scenario.instrument)))
        for part in range(2 if scenario.resumed else 1):
            if part:
                with closing(Datasets(folder / "run" / "repo")) as datasets:
                    played.raws = datasets.raws
            self._play_part(played, part)
        if (last := played.parts[-1]) is not None and last.refused:
            played.refused = last.refused
            played.parts.pop()
        return played

    def warm_up(self, instrument: Instrument) -> None:
        """Run a script in this process, so that those which are forked later find all imported and compiled.

        Parameters
        ----------
        instrument
            Whose calibrations are made.

        Raises
        ------
        RuntimeError
            The run failed, in which nothing went wrong.
        """
        folder = self._prepare("warm-up", instrument)
        _certified_in(self._template(instrument))
        outcome = run_part(ordinary_scenario(instrument), folder, 0, lambda _: None)
        if outcome.status != 0:
            raise RuntimeError(
                f"a run in which nothing goes wrong ended with {outcome.status}:\n"
                f"{outcome.log}{outcome.broken}"
            )
        shutil.rmtree(folder)

    def _prepare(self, name: str, instrument: Instrument) -> Path:
        """Make the folder of a scenario, with a new repository."""
        # A Butler remembers what the index of a folder says: each instrument has one of its own.
        folder = self.folder / name / instrument.name
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "run").mkdir(parents=True)
        shutil.copytree(self._template(instrument), folder / "run" / "repo")
        return folder

    def _template(self, instrument: Instrument) -> Path:
        """Make the repository with which the scenarios of an instrument begin, unless it is there."""
        template = self.folder / instrument.name
        if not template.exists():
            detectors, filters = TEMPLATES[instrument.name]
            make_template(template, instrument, detectors, seed=SEED, scale=SCALE, filters=filters)
        return template

    @staticmethod
    def _play_part(played: Played, part: int) -> None:
        folder, strikes = played.folder, played.folder / f"strikes{part}"

        def work() -> PartOutcome:
            limit_process(folder / "stderr.txt")
            file = os.open(strikes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

            def report(name: str) -> None:
                os.write(file, f"{name}\n".encode())

            return run_part(played.scenario, folder, part, report)

        outcome, memory = _in_child(work, folder / f"part{part}.json")
        played.parts.append(outcome)
        played.strikes[part] = Counter(strikes.read_text().split() if strikes.exists() else ())
        played.memory = max(played.memory, memory)


def open_runner(folder: Path) -> Runner:
    """Make a runner that is quick, as it has done what takes time when it is done first.

    Parameters
    ----------
    folder
        Scratch folder.

    Returns
    -------
    runner
        For processes that are forked from now on.
    """
    runner = Runner(folder)
    for instrument in (LATISS, LSSTCOMCAM):
        runner.warm_up(instrument)
    return runner


@cache
def _certified_in(template: Path) -> frozenset[Certificate]:
    """What is certified in a repository that never changes."""
    with closing(Datasets(template)) as datasets:
        return datasets.certificates


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
        "do_gain_from_flat_pairs": True,
        "generate_calibrations": True,
        "certify_calib_begin_date": "2025-01-01",
        "certify_calib_end_date": "2025-06-01",
        "calib_collection": f"{instrument.name}/calib/u/campaign/daily.1",
    }
    # Two images have half of their noise in common with their combination.
    noise = dict.fromkeys(ImageType, (Disturbance(factor=math.sqrt(2)),))
    return Scenario(0, instrument, options, disturbances=noise)


def _in_child(work: Callable[[], PartOutcome], path: Path) -> tuple[PartOutcome | None, int]:
    """Do something in a forked process.

    Returns
    -------
    outcome
        What it returns; None if the process was killed.
    memory
        Bytes that the process had at most.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            path.write_text(json.dumps(asdict(work())), encoding="utf-8")
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)
    _, _, usage = os.wait4(child, 0)
    outcome = PartOutcome(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
    return outcome, usage.ru_maxrss << 10
