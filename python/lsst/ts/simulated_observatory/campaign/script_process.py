"""One part of a run: a script from its begin to its end, or until it is killed, in a process of its own."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import resource
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import ResumptionError, resume_run
from lsst.ts.calibrations.maintel import MakeComCamCalibrations

from .. import clock
from ..embedded_sal.bus import running_bus
from ..faults.faults import Fault, Faults
from ..repository.repository import write_index
from ..session.observatory import SimulatedObservatory
from ..session.progress import PlainProgress
from ..session.request import SimulationSettings
from ..session.resumption import time_of_resumption
from ..session.script_session import ScriptSession
from ..session.setup import SimulationSetup
from ..stand_ins.machinery import standin_machinery
from ..stand_ins.measurements import StandInCamera
from .interruption import Interrupter
from .recording import BusRecorder
from .scenario import Scenario
from .workers import MOST_MEMORY

__all__ = ["SCALE", "SEED", "PartOutcome", "limit_process", "run_part"]

SEED = 1
"""Seed of the repository with which all scenarios begin, and of the simulated detectors."""

SCALE = 16
"""Divisor of the sides of the simulated detectors."""

NIGHT = "2025-01-15"
BEGIN = clock.START_TAI

LONGEST = 900
"""Seconds after which a process is ended that waits for ever, also on a machine with much else to do."""

MOST_WORK = 60
"""Seconds of the processor after which a process is ended that works for ever."""


@dataclass
class PartOutcome:
    """What became of a part of a run that was not ended by a kill.

    Parameters
    ----------
    status
        Exit status of the command.
    seconds
        Simulated seconds.
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
    left: list[str] = field(default_factory=list)
    broken: str = ""
    refused: str = ""
    log: str = ""


def limit_process(complaints: Path) -> None:
    """Limit what the process of a script may use.

    Parameters
    ----------
    complaints
        File for standard error: what logging says when it cannot write, and the interpreter when it ends.
    """
    gc.freeze()
    gc.disable()  # the process ends before it would gain anything
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_WORK, MOST_WORK))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    signal.alarm(LONGEST)
    os.dup2(os.open(complaints, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)


def run_part(scenario: Scenario, folder: Path, part: int, report: Callable[[str], None]) -> PartOutcome:
    """Run a script once.

    Parameters
    ----------
    scenario
        What happens.
    folder
        Of the scenario: ``run`` is the run directory, ``recording.jsonl`` what passes on the bus, and
        ``run/repo`` the repository.
    part
        Number of the part, from 0; in later ones the run is resumed, and nothing goes wrong any more.
    report
        Called with the name of a fault at each strike: a kill leaves no time for it at the end.

    Returns
    -------
    outcome
        How it ended.
    """
    faults = _ReportedFaults(scenario.faults if part == 0 else (), report)
    outcome = PartOutcome()
    console = io.StringIO()
    try:
        record = _record(scenario, folder) if part else None
        session = _session(scenario, folder, faults, PlainProgress(Console(file=console, width=200)), record)
        outcome.status = clock.run(
            lambda: _main(session, scenario, folder, part, outcome),
            start_tai=time_of_resumption(record) if record else BEGIN,
            threads=False,
        )
    except ResumptionError as error:
        outcome.refused = str(error)
    except BaseException:
        outcome.broken = traceback.format_exc()
    outcome.log = console.getvalue()
    outcome.left += [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    return outcome


class _ReportedFaults(Faults):
    """Faults that report each strike."""

    def __init__(self, specifications: tuple[str, ...], report: Callable[[str], None]) -> None:
        super().__init__(specifications)
        self._report = report

    def strike(self, name: str, **context: object) -> Fault | None:
        """Return the fault that strikes now, as the base class does, and report it."""
        fault = super().strike(name, **context)
        if fault is not None:
            self._report(name)
        return fault


@dataclass(frozen=True, kw_only=True)
class _ScenarioSetup(SimulationSetup):
    """Setup of a script in a scenario: no pixels."""

    scenario: Scenario
    reported_faults: Faults

    def observatory(self) -> SimulatedObservatory:
        """The simulated observatory of the scenario."""
        camera = StandInCamera(SEED, self.reported_faults.detector, self.scenario.disturbances)
        return SimulatedObservatory(
            self.instrument,
            standin_machinery(self.instrument, self.repository, camera, scale=SCALE),
            images=self.images,
            jobs=self.settings.jobs,
            scale=SCALE,
            seed=SEED,
            faults=self.reported_faults,
            detectors=self.detectors,
            optics=self.optics,
            part=self.part,
        )


def _record(scenario: Scenario, folder: Path) -> RunRecord:
    """What the run did before it was interrupted.

    Raises
    ------
    ResumptionError
        It cannot go on.
    """
    resumption = resume_run(folder / "run", _script_class(scenario).__name__)
    resumption.journal.close()  # the script takes it up again
    return resumption.record


def _script_class(scenario: Scenario) -> type[BaseMakeCalibrations]:
    return MakeLatissCalibrations if scenario.instrument == LATISS else MakeComCamCalibrations


def _session(
    scenario: Scenario, folder: Path, faults: Faults, view: PlainProgress, record: RunRecord | None
) -> ScriptSession:
    instrument, run = scenario.instrument, folder / "run"
    setup = _ScenarioSetup(
        instrument=instrument,
        config=CalibrationConfig.from_namespace(dict(scenario.options), instrument),
        settings=SimulationSettings(
            folder=run,
            jobs=run / "uws",
            repository=run / "repo",
            seed=SEED,
            scale=SCALE,
            date=NIGHT,
        ),
        faults=scenario.faults,
        part=len(record.parts) if record else 0,
        scenario=scenario,
        reported_faults=faults,
    )
    write_index(setup.index, setup.repository, {instrument.repository})
    return ScriptSession(_script_class(scenario), scenario.text, setup, index=1, log_level=20, view=view)


async def _main(
    session: ScriptSession, scenario: Scenario, folder: Path, part: int, outcome: PartOutcome
) -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, clock.SimulatedLoop)
    interrupter: Interrupter | None = None
    recorder = BusRecorder(
        folder / "recording.jsonl",
        folder / "run",
        part,
        loop,
        lambda data: interrupter.count(data) if interrupter else None,
    )
    running_bus().listeners.append(recorder.take)
    if scenario.interruption is not None and part == 0:
        journal = folder / "run" / "journal.jsonl"
        interrupter = Interrupter(scenario.interruption, loop, 1, journal, recorder.record_interruption)
        loop.on_turn = interrupter.turned
    try:
        status = await session.run()
    finally:
        loop.on_turn = None
        if interrupter is not None:
            await interrupter.close()
        outcome.seconds = loop.time()
        recorder.close()
        running_bus().listeners.clear()
    for _ in range(10):
        await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    outcome.left += [str(getattr(task.get_coro(), "__qualname__", task)) for task in tasks]
    return status
