"""Plays scenarios, each part of a run in a process that is forked for it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import math
import os
import resource
import shutil
import signal
import sys
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

from lsst.daf.butler import Butler
from rich.console import Console

from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.base_make_calibrations import BaseMakeCalibrations
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import products
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import ResumptionError, resume_run
from lsst.ts.calibrations.maintel import MakeComCamCalibrations

from .. import clock
from ..embedded_sal.bus import running_bus
from ..faults.butler import SQLITE_FAULTS
from ..faults.faults import Fault, Faults
from ..pipelines.calibration_memory import remember_calibrations
from ..repository.ingest import open_anew
from ..repository.repository import write_index
from ..session.checks import SCRIPT_LOG
from ..session.observatory import SimulatedObservatory
from ..session.progress import PlainProgress
from ..session.request import SimulationSettings
from ..session.resumption import time_of_resumption
from ..session.script_session import ScriptSession
from ..session.setup import SimulationSetup
from ..stand_ins.machinery import standin_machinery
from ..stand_ins.measurements import Disturbance, StandInCamera
from ..stand_ins.template import make_template
from .datasets import Certificate, Datasets
from .opened import OpenedRepository
from .recording import INDEX, Recorder
from .scenario import PartOutcome, Played, Scenario, ordinary_scenario
from .workers import check_space, limit_memory

__all__ = ["Runner", "open_runner"]

SEED = 1
"""Seed of the repository with which all scenarios begin, and of the simulated detectors."""

SCALE = 16
"""Divisor of the sides of the simulated detectors."""

NIGHT = "2025-01-15"

TEMPLATES = {
    LATISS.name: ((0,), (("SDSSr_65mm~empty", "r"),)),
    LSSTCOMCAM.name: ((0, 1, 2), (("r_03", "r"),)),
}
"""Detectors and filters of the reference calibrations, by instrument."""

SCRIPTS: dict[str, type[BaseMakeCalibrations]] = {
    LATISS.name: MakeLatissCalibrations,
    LSSTCOMCAM.name: MakeComCamCalibrations,
}
"""Scripts by instrument."""

LONGEST = 900
"""Seconds after which a process is ended that waits for ever, also on a machine with much else to do."""

MOST_WORK = 60
"""Seconds of the processor after which a process is ended that works for ever."""


@dataclass(frozen=True)
class Runner:
    """Plays scenarios.

    Parameters
    ----------
    folder
        Scratch folder.
    opened
        Repositories that are opened, by the folder of a scenario that has one; other scenarios open theirs.
    """

    folder: Path
    opened: dict[Path, OpenedRepository] = field(default_factory=dict)

    def play(self, scenario: Scenario) -> Played:
        """Play a scenario.

        Parameters
        ----------
        scenario
            That one.

        Returns
        -------
        played
            What it left, in a folder that is to be removed by the caller.
        """
        check_space(self.folder)
        folder = self._prepare(scenario.instrument)
        before = _certified_in(self._template(scenario.instrument))
        played = Played(scenario, folder, [], before=before, open_butler=self._opening(scenario, folder))
        for part in range(2 if scenario.resumed else 1):
            if part:
                with closing(Datasets(folder / "run" / "repo", played.open_butler)) as datasets:
                    played.raws = datasets.raws
            _play_part(played, part)
        if (last := played.parts[-1]) is not None and last.refused:
            played.refused = last.refused
            played.parts.pop()
        return played

    def _opening(self, scenario: Scenario, folder: Path) -> Callable[[str, bool], Butler]:
        """How the repository of a scenario is opened."""
        # Faults of the database's file are met by whoever opens it anew, as the script does at the telescope.
        of_database = any(fault.startswith(SQLITE_FAULTS) for fault in scenario.faults)
        opened = self.opened.get(folder)
        return open_anew if of_database or opened is None else opened.open

    def _prepare(self, instrument: Instrument) -> Path:
        """Make a folder, with a new repository."""
        prefix = f"{instrument.name}-"
        for folder in (each for each in self.opened if each.name.startswith(prefix)):
            with contextlib.suppress(FileExistsError):  # a scenario has it now
                folder.mkdir()
                break
        else:
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self.folder))
        (folder / "run").mkdir()
        shutil.copytree(self._template(instrument), folder / "run" / "repo")
        return folder

    def _template(self, instrument: Instrument) -> Path:
        """Make the repository with which the scenarios of an instrument begin, unless it is there."""
        template = self.folder / instrument.name
        if not template.exists():
            detectors, filters = TEMPLATES[instrument.name]
            make_template(template, instrument, detectors, seed=SEED, scale=SCALE, filters=filters)
        return template


def open_runner(folder: Path, scenarios: int = 1) -> Runner:
    """Make a runner, and run a script in this process: those forked later find all imported and compiled.

    Parameters
    ----------
    folder
        Scratch folder.
    scenarios
        How many will be played at a time.

    Returns
    -------
    runner
        For processes that are forked from now on.

    Raises
    ------
    RuntimeError
        A run failed in which nothing went wrong.
    """
    runner = Runner(folder)
    remember_calibrations()
    for instrument in (LATISS, LSSTCOMCAM):
        _certified_in(runner._template(instrument))
        folders = [runner._prepare(instrument) for _ in range(scenarios)]
        for number, prepared in enumerate(folders):
            scenario = ordinary_scenario(instrument) if number else _scenario_of_all(instrument)
            with OpenedRepository.opening(prepared / "run" / "repo") as opened:
                outcome = _run_part(scenario, prepared, 0, lambda _: None, opened.open)
            if outcome.status != 0:
                raise RuntimeError(
                    f"a run in which nothing goes wrong ended with {outcome.status}:\n"
                    f"{outcome.log}{outcome.broken}"
                )
            shutil.rmtree(prepared)
            runner.opened[prepared] = opened
    return runner


def _scenario_of_all(instrument: Instrument) -> Scenario:
    """A scenario with a job of every pipeline: what their check found is then known to all that follow."""
    ordinary = ordinary_scenario(instrument)
    pairs = {"n_flat": 6, "exp_times_flat": [2, 2, 5, 5, 9, 9]}
    few = {"detectors": [0, 1]} if len(instrument.detectors) > 1 else {}  # all would take longer
    options = {
        **ordinary.options,
        **dict.fromkeys((each.option for each in products()), True),
        **pairs,
        **few,
    }
    flats = (Disturbance(factor=math.sqrt(6 / 5)),)  # six images have less in common with their combination
    return replace(ordinary, options=options, disturbances={**ordinary.disturbances, ImageType.FLAT: flats})


@cache
def _certified_in(template: Path) -> frozenset[Certificate]:
    """What is certified in a repository that never changes."""
    with closing(Datasets(template)) as datasets:
        return datasets.certificates


def _play_part(played: Played, part: int) -> None:
    """Play a part of a run in a forked process, and add what became of it."""
    path, strikes = played.folder / f"part{part}.json", played.folder / f"strikes{part}"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            limit_memory()
            resource.setrlimit(resource.RLIMIT_CPU, (MOST_WORK, MOST_WORK))
            signal.alarm(LONGEST)
            # For logging, when it cannot write, and the interpreter, when it ends.
            complaints = os.open(played.folder / "stderr.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(complaints, 2)
            file = os.open(strikes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            outcome = _run_part(
                played.scenario,
                played.folder,
                part,
                lambda name: os.write(file, f"{name}\n".encode()),
                played.open_butler,
            )
            path.write_text(json.dumps(asdict(outcome)), encoding="utf-8")
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)
    _, _, usage = os.wait4(child, 0)
    killed = not path.exists()
    played.parts.append(None if killed else PartOutcome(**json.loads(path.read_text(encoding="utf-8"))))
    played.strikes[part] = Counter(strikes.read_text().split() if strikes.exists() else ())
    played.memory = max(played.memory, usage.ru_maxrss << 10)


def _run_part(
    scenario: Scenario,
    folder: Path,
    part: int,
    report: Callable[[str], object],
    open_butler: Callable[[str, bool], Butler],
) -> PartOutcome:
    """Run a script once, from its begin to its end, or until it is killed; later parts resume it.

    Of the folder ``run`` is the run directory, ``recording.jsonl`` what passes on the bus, and ``run/repo``
    the repository. In later parts nothing goes wrong any more. Each strike of a fault is reported at once, by
    the name of the fault: a kill leaves no time for it at the end.
    """
    faults = _ReportedFaults(scenario.faults if part == 0 else (), report)
    outcome, console = PartOutcome(), io.StringIO()
    try:
        record = _record(scenario, folder) if part else None
        view = PlainProgress(Console(file=console, width=200))
        session = _session(scenario, folder, faults, view, record, open_butler)
        outcome.status = clock.run(
            lambda: _main(session, scenario, folder, part, outcome),
            start_tai=time_of_resumption(record) if record else clock.START_TAI,
            threads=False,
        )
    except ResumptionError as error:
        outcome.refused = str(error)
    except BaseException:
        outcome.broken = traceback.format_exc()
    outcome.log = console.getvalue()
    with contextlib.suppress(OSError):  # a run that was refused has none
        outcome.file = (folder / "run" / SCRIPT_LOG).read_text(encoding="utf-8", errors="replace")
    outcome.left += [each.name for each in threading.enumerate() if each is not threading.main_thread()]
    return outcome


class _ReportedFaults(Faults):
    """Faults that report each strike."""

    def __init__(self, specifications: tuple[str, ...], report: Callable[[str], object]) -> None:
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
            standin_machinery(
                self.instrument,
                self.repository,
                camera,
                scale=SCALE,
                open_butler=self.settings.open_butler,
            ),
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
    """What the run did before it was interrupted; a ResumptionError if it cannot go on."""
    resumption = resume_run(folder / "run", SCRIPTS[scenario.instrument.name].__name__)
    resumption.journal.close()  # the script takes it up again
    return resumption.record


def _session(
    scenario: Scenario,
    folder: Path,
    faults: Faults,
    view: PlainProgress,
    record: RunRecord | None,
    open_butler: Callable[[str, bool], Butler],
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
            open_butler=open_butler,
        ),
        faults=scenario.faults,
        part=len(record.parts) if record else 0,
        scenario=scenario,
        reported_faults=faults,
    )
    write_index(setup.index, setup.repository, {instrument.repository})
    script = SCRIPTS[instrument.name]
    return ScriptSession(script, scenario.text, setup, index=INDEX, log_level=20, view=view)


async def _main(
    session: ScriptSession, scenario: Scenario, folder: Path, part: int, outcome: PartOutcome
) -> int:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, clock.SimulatedLoop)
    recorder = Recorder(folder, part, None if part else scenario.interruption)
    running_bus().listeners.append(recorder.take)
    loop.on_turn = recorder.turned
    try:
        status = await session.run()
    finally:
        loop.on_turn = None
        await recorder.close()
        outcome.seconds = loop.time()
        running_bus().listeners.clear()
    for _ in range(10):
        await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    outcome.left += [str(getattr(task.get_coro(), "__qualname__", task)) for task in tasks]
    return status
