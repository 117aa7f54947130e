"""One life of a script: from its begin to its end, or to its death, in a process of its own."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import resource
import signal
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import ResumptionError, take_up
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.maintel import MakeComCamCalibrations

from .. import clock
from ..embedded_sal.bus import running_bus
from ..faults.faults import Faults
from ..pipelines import PIPELINES
from ..repository.repository import write_index
from ..session.observatory import SimulatedObservatory
from ..session.progress import PlainProgress
from ..session.resumption import time_of_resumption
from ..session.script_session import ScriptSession
from ..session.setup import SimulationSetup
from ..stand_ins.machinery import standin_machinery
from ..stand_ins.measurements import StandInCamera
from .crew import MOST_MEMORY
from .interruption import Interrupter
from .scenario import Scenario
from .witness import Witness

__all__ = ["SCALE", "SEED", "Life", "live", "prepare_process"]

SEED = 1
SCALE = 16
"""Of the simulated detectors; the seed is that of the repository which all scenarios begin with."""

NIGHT = "2025-01-15"
BEGIN = clock.START_TAI

LONGEST = 900
MOST_WORK = 60
"""Real seconds, and seconds of the processor, after which a script hangs; the first is for machines that have
much else to do."""


@dataclass
class Life:
    """What became of a life that was not ended by a kill.

    Parameters
    ----------
    status
        Exit status of the command.
    seconds
        Simulated seconds.
    struck
        How often each fault struck.
    left
        What was still running at the end.
    broken
        Traceback of what broke the session; empty if nothing did.
    refused
        Why the run could not be resumed; empty if it could.
    log
        Log of the script.
    """

    status: int | None = None
    seconds: float = 0.0
    struck: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    broken: str = ""
    refused: str = ""
    log: str = ""

    def as_dict(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


class _CampaignSurroundings(SimulationSetup):
    """SimulationSetup of a script in a campaign: no pixels."""

    scenario: Scenario
    shared_faults: Faults

    def observatory(self) -> SimulatedObservatory:
        """The simulated observatory of the scenario."""
        camera = StandInCamera(SEED, self.shared_faults.detector, self.scenario.disturbances)
        return SimulatedObservatory(
            self.instrument,
            standin_machinery(self.instrument, self.repository, camera, scale=SCALE),
            images=self.images,
            jobs=self.settings.jobs,
            scale=SCALE,
            seed=SEED,
            faults=self.shared_faults,
            detectors=self.detectors,
            optics=self.optics,
            part=self.part,
        )


def live(scenario: Scenario, folder: Path, number: int, report: Callable[[str, int], None]) -> Life:
    """Live one life.

    Parameters
    ----------
    scenario
        What happens.
    folder
        Of the scenario: ``run`` is the run directory, ``witness.jsonl`` what a witness writes, and
        ``run/repo`` the repository.
    number
        Of the life, from 0; in later ones the run is resumed, and nothing goes wrong any more.
    report
        Told the name of each fault and how often it struck, at every strike: a kill leaves no time for it.
    """
    faults = _Told(scenario.faults if number == 0 else (), report)
    life = Life()
    console = io.StringIO()
    try:
        record = _record(scenario, folder) if number else None
        session = _session(scenario, folder, faults, PlainProgress(Console(file=console, width=200)), record)
        life.status = clock.run(
            lambda: _main(session, scenario, folder, number, life),
            start_tai=time_of_resumption(record) if record else BEGIN,
            threads=False,
        )
    except ResumptionError as error:
        life.refused = str(error)
    except BaseException:
        life.broken = traceback.format_exc()
    life.struck, life.log = dict(faults.struck), console.getvalue()
    life.left += [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    return life


def _record(scenario: Scenario, folder: Path) -> RunRecord:
    """What the run did before it was interrupted.

    Raises
    ------
    ResumptionError
        It cannot go on.
    """
    resumption = take_up(folder / "run", _script_class(scenario).__name__)
    resumption.journal.close()  # the script takes it up again
    return resumption.record


def _script_class(scenario: Scenario) -> type[BaseMakeCalibrations]:
    return MakeLatissCalibrations if scenario.instrument == LATISS else MakeComCamCalibrations


class _Told(Faults):
    """Faults that tell of their first strikes."""

    def __init__(self, specifications: tuple[str, ...], report: Callable[[str, int], None]) -> None:
        super().__init__(specifications)
        self.struck = _TellingCounter(report)


class _TellingCounter(Counter[str]):
    def __init__(self, report: Callable[[str, int], None]) -> None:
        super().__init__()
        self._report = report

    def __setitem__(self, key: str, value: int) -> None:
        super().__setitem__(key, value)
        self._report(key, value)


def prepare_process(words: Path) -> None:
    """Bound what a process may use that lives one life, and let it write its complaints into a file."""
    gc.freeze()
    gc.disable()  # the process ends before it would gain anything
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_WORK, MOST_WORK))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    signal.alarm(LONGEST)
    # What logging says when it cannot write, and the interpreter when it ends, is part of the story.
    os.dup2(os.open(words, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)


def _session(
    scenario: Scenario, folder: Path, faults: Faults, view: PlainProgress, record: RunRecord | None
) -> ScriptSession:
    instrument, run = scenario.instrument, folder / "run"
    surroundings = _CampaignSurroundings(
        instrument=instrument,
        config=CalibrationConfig.from_namespace(dict(scenario.options), instrument),
        settings=RunSettings(
            folder=run,
            jobs=run / "uws",
            repository=run / "repo",
            simulated=True,
            seed=SEED,
            scale=SCALE,
            date=NIGHT,
            pipelines=PIPELINES,
        ),
        faults=scenario.faults,
        part=len(record.parts) if record else 0,
    )
    object.__setattr__(surroundings, "scenario", scenario)
    object.__setattr__(surroundings, "shared_faults", faults)
    write_index(surroundings.index, surroundings.repository, {instrument.repository})
    return ScriptSession(
        _script_class(scenario), scenario.text, surroundings, index=1, log_level=20, view=view
    )


async def _main(session: ScriptSession, scenario: Scenario, folder: Path, number: int, life: Life) -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, clock.SimulatedLoop)
    interrupter: Interrupter | None = None
    witness = Witness(
        folder / "witness.jsonl",
        folder / "run",
        number,
        loop,
        lambda data: interrupter.heard(data) if interrupter else None,
    )
    running_bus().listeners.append(witness.take)
    if scenario.interruption is not None and number == 0:
        journal = folder / "run" / "journal.jsonl"
        interrupter = Interrupter(scenario.interruption, loop, 1, journal, witness.say)
        loop.on_turn = interrupter.turned
    try:
        status = await session.run()
    finally:
        loop.on_turn = None
        if interrupter is not None:
            await interrupter.close()
        life.seconds = loop.time()
        witness.close()
        running_bus().listeners.clear()
    for _ in range(10):
        await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    life.left += [str(getattr(task.get_coro(), "__qualname__", task)) for task in tasks]
    return status
