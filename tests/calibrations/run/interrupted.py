"""Runs that are killed, stopped or fail, and then resumed from the files that they left.

A kill is one: the run takes place in a process of its own that ends on the spot, with nothing cleaned up.
"""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.journal.facts import (
    Fact,
)
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import resume_run
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.optics import OpticalPath
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.repository.ingest import open_anew
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory
from lsst.ts.simulated_observatory.session.resumption import time_of_resumption
from lsst.ts.simulated_observatory.stand_ins.machinery import standin_machinery
from lsst.ts.simulated_observatory.stand_ins.measurements import StandInCamera

from ...open_copy import OpenButler, OpenCopy

EXTERNAL = "n_bias: 2\nn_dark: 1\nexp_times_dark: 10\nn_flat: 2\n"
"""Eight exposures: three biases, two darks, three flats."""
COLLECTION = "LATISS/calib/test"
INTERNAL = (
    f"generate_calibrations: true\ncalib_collection: {COLLECTION}\n"
    "n_bias: 12\nn_discard_bias: 0\nn_dark: 12\nn_discard_dark: 0\nexp_times_dark: 30\n"
)
MODES = {
    "external": EXTERNAL,
    "internal": INTERNAL + "script_mode: BIAS\n",
    "internal, both": INTERNAL + "script_mode: BIAS_DARK\n",
}
FILTERS = (("SDSSr_65mm~empty", "r"), ("SDSSg_65mm~empty", "g"))
SCRIPT = "MakeLatissCalibrations"
KILLED = 9


Prepare = Callable[["Observed", clock.SimulatedLoop], None]
"""Called with the run and the loop before the script runs."""

Operator = Callable[[Any, salobj.Remote], Any]


@dataclass
class Observed:
    """A run directory, and the parts of the run that took place in it."""

    folder: Path
    config: str
    parts: int = 0
    optics: OpticalPath | None = None
    log: list[str] = field(default_factory=list)
    state: str = ""
    states: list[ScriptState] = field(default_factory=list)
    """As the bus has them, without repetitions."""
    reason: str = ""
    exposed: bool = False
    listeners: list[Callable[[Fact], None]] = field(default_factory=list)
    """Called with every fact of the next part."""
    copy: OpenCopy | None = None
    """What the path of the repository leads to, if it is one that is open."""

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def open_butler(self) -> OpenButler:
        """What opens the repository."""
        return open_anew if self.copy is None else self.copy.open

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run / "summary.json").read_text())
        return found

    @property
    def record(self) -> RunRecord:
        """What the journal holds of a run that can be resumed."""
        resumption = resume_run(self.run, SCRIPT)
        resumption.journal.close()
        return resumption.record

    @property
    def begun(self) -> bool:
        """Whether the journal holds anything."""
        return any(True for _ in read_journal(self.run / JOURNAL))

    def facts(self, kind: type[Fact]) -> list[Any]:
        """Facts of a kind in the journal, in order."""
        return [fact for fact in read_journal(self.run / JOURNAL) if isinstance(fact, kind)]

    @property
    def last_record(self) -> RunRecord:
        """What the journal holds of any run."""
        record = RunRecord()
        for fact in read_journal(self.run / JOURNAL):
            record.apply(fact)
        return record

    def begin(self, *faults: str, later: float = 0.0, **how: Any) -> None:
        """Run in this process, perhaps some seconds later than usual."""
        clock.run(
            lambda: self._play(f"{self.config}\nrepo: {self.folder / 'repo'}", faults, **how),
            start_tai=clock.START_TAI + later,
            threads=False,
        )
        self.parts += 1

    def resume(self, *faults: str, later: float = 0.0, **how: Any) -> None:
        """Go on in this process, perhaps some seconds later than usual."""
        begin = time_of_resumption(self.record) + later
        clock.run(lambda: self._play(f"resume: {self.run}", faults, **how), start_tai=begin, threads=False)
        self.parts += 1

    def killed(self, play: Callable[..., None], *faults: str, **how: Any) -> bool:
        """Run in a process of its own; return whether it was killed."""
        if self.copy is not None:
            self.copy.disconnect()
        if (pid := os.fork()) == 0:
            try:
                play(*faults, **how)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status in (0, KILLED)
        self.parts += 1
        return status == KILLED

    async def _play(
        self,
        text: str,
        faults: tuple[str, ...],
        prepare: Prepare | None = None,
        operator: Operator | None = None,
        **configure: str,
    ) -> None:
        repository = self.folder / "repo"
        machinery = standin_machinery(
            LATISS, repository, StandInCamera(seed=1), scale=16, open_butler=self.open_butler
        )
        observatory = SimulatedObservatory(
            LATISS,
            machinery,
            images=self.folder / "images",
            jobs=self.run / "uws",
            scale=16,
            faults=Faults(faults),
            optics=self.optics,
            part=self.parts,
        )
        async with observatory, salobj.Domain() as domain:
            settings = RunSettings(
                folder=self.run,
                jobs=self.run / "uws",
                repository=repository,
                simulated=True,
                pipelines=PIPELINES,
                seed=1,
                scale=16,
                open_butler=self.open_butler,
            )
            script = MakeLatissCalibrations(index=1, settings=settings, listeners=[self._publish])
            remote = salobj.Remote(domain, "Script", 1)
            remote.evt_logMessage.callback = self._hear
            remote.evt_state.callback = self._see
            await asyncio.gather(script.start_task, remote.start_task)
            try:
                await remote.cmd_configure.set_start(config=text, **configure)
            except salobj.AckError:
                await script.done_task
            else:
                loop = asyncio.get_running_loop()
                assert isinstance(loop, clock.SimulatedLoop)
                if prepare is not None:
                    prepare(self, loop)
                await self._run(script, remote, operator)
            self.state, self.reason = ScriptState(script.state.state).name, script.state.reason
            self.exposed = script.record.has_begun

    async def _run(self, script: Any, remote: salobj.Remote, operator: Operator | None) -> None:
        await remote.cmd_setGroupId.set_start(groupId=iso_tai(clock.current_tai()))
        running = asyncio.ensure_future(remote.cmd_run.set_start(timeout=100_000))
        if operator is not None:
            await operator(script, remote)
        await script.done_task
        await script.close()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def _publish(self, fact: Fact) -> None:
        for listener in self.listeners:
            listener(fact)

    async def _hear(self, data: Any) -> None:
        self.log.append(data.message)

    async def _see(self, data: Any) -> None:
        self.states += [ScriptState(data.state)] if self.states[-1:] != [data.state] else []


def at_fact(number: int, *, half: bool = False) -> Prepare:
    """Kill the process when so many facts have been written, or in the middle of the next one."""

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        left = iter(range(number - 1, 0, -1))

        def count(fact: Any) -> None:
            if next(left, None) is not None:
                return
            if half:
                with (run.run / JOURNAL).open("a") as journal:
                    journal.write('{"fact": "ExposureTa')
            os._exit(KILLED)

        run.listeners.append(count)

    return prepare


def at_turn(number: int) -> Prepare:
    """Kill the process at a turn of the event loop, wherever the script may be."""

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        last = loop.turns + number

        def look(turn: int) -> None:
            if turn == last:
                os._exit(KILLED)

        loop.on_turn = look

    return prepare


def after(kind: type[Fact], number: int = 1) -> Prepare:
    """Kill the process when so many facts of a kind have been written."""

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        left = iter(range(number - 1, 0, -1))

        def count(fact: Any) -> None:
            if isinstance(fact, kind) and next(left, None) is None:
                os._exit(KILLED)

        run.listeners.append(count)

    return prepare


def until_done(case: Observed, kills: Iterator[Prepare]) -> None:
    """Kill a run and resume it, until it comes to its end; the last part goes on here."""
    play = case.begin
    for number, kill in enumerate(kills):
        assert number < 300, "it does not come on"
        if not case.killed(play, prepare=kill):
            return
        play = case.resume if (case.run / JOURNAL).exists() and case.begun else case.begin


def check(case: Observed) -> None:
    """The run is DONE, as if nothing had happened to it."""
    summary, record = case.summary, case.last_record
    assert (summary["state"], summary["not_done"]) == ("DONE", [])
    config = summary["config"]
    kinds = [kind for kind in ("BIAS", "DARK", "FLAT") if kind in config["script_mode"]]
    for kind in kinds:
        name = kind.lower()
        held = record.held(kind)
        places = config[f"n_{name}"] + config[f"n_discard_{name}"]
        assert sorted(held) == list(range(1, places + 1))
        assert all(each.ingested for each in held.values())
        assert summary["verification"][kind]["passed"]
    assert not [each for each in record.exposures.values() if each.lost]
    succeeded = Counter((job["kind"], job["calibration"]) for job in summary["jobs"] if job["exit_code"] == 0)
    assert set(succeeded.values()) == {1}
    assert all(job.ended is not None for job in record.jobs.values())
    assert {path.name for path in case.folder.glob("images/*/*_O_*")} == {
        each["obs_id"] for each in summary["exposures"]
    }
    assert not list(case.folder.rglob("*.begun"))
    expected = sorted(map(str.lower, kinds)) if config["generate_calibrations"] else []
    assert sorted(each["dataset_type"] for each in summary["certified"]) == expected
    assert certified(case) == {name: f"{record_of(record, name)}/run" for name in expected}


def record_of(record: RunRecord, name: str) -> str:
    """Collection of the job that made a calibration."""
    (collection,) = (
        job.submitted.collection
        for job in record.jobs.values()
        if job.submitted.kind == "generate"
        and job.submitted.calibration == name.upper()
        and job.exit_code == 0
    )
    return collection


def certified(case: Observed) -> dict[str, str]:
    """RUN collection of every calibration that is certified in the collection of the test."""
    from lsst.daf.butler import MissingCollectionError

    found: list[tuple[str, str]] = []
    with case.open_butler(str(case.folder / "repo"), False) as butler:
        for name in ("bias", "dark", "flat"):
            try:
                associations = list(butler.registry.queryDatasetAssociations(name, collections=[COLLECTION]))
            except MissingCollectionError:
                continue
            found += [(name, each.ref.run) for each in associations]
    assert len(dict(found)) == len(found)
    return dict(found)
