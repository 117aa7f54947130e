"""Runs that are killed, stopped or fail, and then resumed: nothing is taken, processed or certified twice.

A kill is one: the run takes place in a process of its own that ends on the spot, with nothing cleaned up.
What goes on has nothing but the files that were left.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import resource
import shutil
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.journal.facts import (
    Certified,
    ExposureBegun,
    ExposureLost,
    ExposureTaken,
    Fact,
    JobSubmitted,
    StepNotDone,
    VerdictGiven,
)
from lsst.ts.calibrations.journal.journal import JOURNAL, read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import read_record
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.campaign.workers import MOST_MEMORY
from lsst.ts.simulated_observatory.components.optics import OpticalPath
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory
from lsst.ts.simulated_observatory.session.resumption import time_of_resumption
from lsst.ts.simulated_observatory.stand_ins.machinery import standin_machinery
from lsst.ts.simulated_observatory.stand_ins.measurements import StandInCamera
from lsst.ts.simulated_observatory.stand_ins.template import make_template

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


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with reference calibrations without pixels: to be copied."""
    path = tmp_path_factory.mktemp("template") / "repo"
    make_template(path, LATISS, [0], seed=1, scale=16, filters=FILTERS)
    return path


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

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.run / "summary.json").read_text())
        return found

    @property
    def record(self) -> RunRecord:
        """What the journal holds of a run that can be resumed."""
        return read_record(self.run, SCRIPT)

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

    def begin(self, *faults: str, **how: Any) -> None:
        """Run in this process."""
        clock.run(
            lambda: self._play(f"{self.config}\nrepo: {self.folder / 'repo'}", faults, **how), threads=False
        )
        self.parts += 1

    def resume(self, *faults: str, later: float = 0.0, **how: Any) -> None:
        """Go on in this process, perhaps some seconds later than usual."""
        begin = time_of_resumption(self.record) + later
        clock.run(lambda: self._play(f"resume: {self.run}", faults, **how), start_tai=begin, threads=False)
        self.parts += 1

    def killed(self, play: Callable[..., None], *faults: str, **how: Any) -> bool:
        """Run in a process of its own; return whether it was killed."""
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
        observatory = SimulatedObservatory(
            LATISS,
            standin_machinery(LATISS, repository, StandInCamera(seed=1), scale=16),
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
            self.exposed = script.so_far.exposed

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


@pytest.fixture
def observed(template: Path, tmp_path: Path) -> Iterator[Callable[..., Observed]]:
    """Make a run directory with its repository."""
    made: list[Path] = []

    def make(mode: str = "external", more: str = "") -> Observed:
        folder = tmp_path / f"{len(made)}"
        made.append(folder)
        shutil.copytree(template, folder / "repo")
        return Observed(folder, MODES.get(mode, mode) + more)

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


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


def until_done(told: Observed, kills: Iterator[Prepare]) -> None:
    """Kill a run and resume it, until it comes to its end; the last part goes on here."""
    play = told.begin
    for number, kill in enumerate(kills):
        assert number < 300, "it does not come on"
        if not told.killed(play, prepare=kill):
            return
        play = told.resume if (told.run / JOURNAL).exists() and told.begun else told.begin


def check(told: Observed) -> None:
    """The run is DONE, as if nothing had happened to it."""
    summary, record = told.summary, told.last_record
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
    assert {path.name for path in told.folder.glob("images/*/*_O_*")} == {
        each["obs_id"] for each in summary["exposures"]
    }
    assert not list(told.folder.rglob("*.begun"))
    expected = sorted(map(str.lower, kinds)) if config["generate_calibrations"] else []
    assert sorted(each["dataset_type"] for each in summary["certified"]) == expected
    assert certified(told) == {name: f"{record_of(record, name)}/run" for name in expected}


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


def certified(told: Observed) -> dict[str, str]:
    """RUN collection of every calibration that is certified in the collection of the test."""
    from lsst.daf.butler import Butler, MissingCollectionError

    found: list[tuple[str, str]] = []
    with Butler.from_config(str(told.folder / "repo")) as butler:
        for name in ("bias", "dark", "flat"):
            try:
                associations = list(butler.registry.queryDatasetAssociations(name, collections=[COLLECTION]))
            except MissingCollectionError:
                continue
            found += [(name, each.ref.run) for each in associations]
    assert len(dict(found)) == len(found)
    return dict(found)


@pytest.mark.parametrize("mode", ["external", "internal"])
def test_a_run_that_is_killed_again_and_again_comes_to_its_end(observed: Any, mode: str) -> None:
    told = observed(mode)
    # Every part comes a little farther, so that at last there is time for the jobs.
    until_done(told, (at_fact(number, half=bool(number % 2)) for number in itertools.count(5, 3)))
    check(told)
    assert told.parts > 4


def test_a_kill_at_any_turn_of_the_loop_is_survived(observed: Any) -> None:
    told, rng = observed("internal"), random.Random(5)
    until_done(told, (at_turn(number + rng.randrange(60)) for number in itertools.count(60, 40)))
    check(told)
    assert told.parts > 4


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_a_kill_after_any_fact_is_survived(observed: Any, mode: str) -> None:
    for number in itertools.count(1):
        told = observed(mode)
        if not told.killed(told.begin, prepare=at_fact(number, half=bool(number % 2))):
            assert number > 40
            return
        ended = told.begun and told.last_record.ended
        if not ended:
            assert not told.killed(told.resume if told.begun else told.begin)
        check(told)
        shutil.rmtree(told.folder)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
def test_kills_at_any_turns_of_the_loop_are_survived(observed: Any, mode: str) -> None:
    for seed in range(25):
        told, rng = observed(mode), random.Random(seed)
        until_done(told, (at_turn(10 + rng.randrange(number)) for number in itertools.count(50, 70)))
        check(told)
        shutil.rmtree(told.folder)


def test_what_was_certified_but_not_noted_is_certified_once(observed: Any) -> None:
    told = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.butler import certification

        certify = certification._certify

        def certify_and_die(*arguments: Any) -> None:
            certify(*arguments)
            os._exit(KILLED)

        certification._certify = certify_and_die  # type: ignore[assignment]

    assert told.killed(told.begin, prepare=prepare)
    assert not told.record.certified
    assert set(certified(told)) == {"bias"}
    told.resume()
    check(told)


def test_what_was_certified_is_noted_once(observed: Any) -> None:
    told = observed("internal")
    assert told.killed(told.begin, prepare=after(Certified))
    told.resume()
    check(told)


def test_a_job_whose_id_was_not_noted_certifies_nothing(observed: Any) -> None:
    told = observed("internal")

    def prepare(script: Any, loop: Any) -> None:
        from lsst.ts.calibrations.run.jobs import Jobs

        Jobs._note_submitted = lambda *_: os._exit(KILLED)  # type: ignore[method-assign]

    assert told.killed(told.begin, prepare=prepare)
    assert not told.record.jobs
    told.resume()
    check(told)


def test_a_rejected_calibration_stays_rejected(observed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    told = observed("internal, both")
    told.config = told.config.replace("n_bias: 12", "n_bias: 3").replace("n_dark: 12", "n_dark: 60")
    told.begin()
    assert told.state == "FAILED"
    first = told.summary
    assert not first["verification"]["BIAS"]["passed"]
    read = Archive.verification

    async def read_slowly(*arguments: Any) -> Any:
        await asyncio.sleep(60)  # in which darks could be taken
        return await read(*arguments)

    monkeypatch.setattr(Archive, "verification", read_slowly)
    told.resume()
    second = told.summary
    assert (told.state, second["exposures"], second["verification"]) == (
        "FAILED",
        first["exposures"],
        first["verification"],
    )
    assert [each["step"] for each in second["not_done"]] == [each["step"] for each in first["not_done"]]
    assert second["reason"] == first["reason"]
    assert len(second["jobs"]) == len(first["jobs"]) == 2
    assert len(told.facts(VerdictGiven)) == 1
    assert certified(told) == {}


def test_a_job_that_failed_is_done_again_and_no_other(observed: Any) -> None:
    told = observed()
    told.begin("ocps-exit:kind=verify,calibration=DARK,code=17")
    assert told.state == "FAILED"
    taken = told.summary["exposures"]
    told.log.clear()
    told.resume()
    check(told)
    jobs = told.summary["jobs"]
    assert told.summary["exposures"] == taken
    assert [(job["calibration"], job["exit_code"]) for job in jobs] == [
        ("BIAS", 0), ("DARK", 17), ("FLAT", 0), ("GAIN", 0), ("DARK", 0),
    ]  # fmt: skip
    assert not any("the filter" in line or "Taking" in line for line in told.log)


def test_a_run_that_the_camera_ended_goes_on_where_it_was(observed: Any) -> None:
    told = observed()
    told.begin("take-images-refused:image=6")
    assert told.state == "FAILED"
    assert len(told.summary["exposures"]) == 5
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def test_jobs_that_were_under_way_are_ended_and_done_again(observed: Any) -> None:
    told = observed()
    assert told.killed(told.begin, prepare=after(JobSubmitted, 4))
    for _ in range(2):  # no image is taken between these
        assert told.killed(told.resume, prepare=after(JobSubmitted))
    told.resume()
    check(told)
    ids = [fact.job_id for fact in told.facts(JobSubmitted)]
    assert len(ids) == len(set(ids)) > 5


@pytest.mark.parametrize("fault", ["oods-lost:image=5", "oods-status:image=5,code=3"])
def test_an_image_that_the_oods_did_not_confirm_is_found_later(observed: Any, fault: str) -> None:
    told = observed(more="oods_timeout: 20\n")
    told.begin(fault)
    assert told.state == "FAILED"
    assert [each["ingested"] for each in told.summary["exposures"]].count(False) == 1
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def waits_for(holds: Callable[[Any], bool]) -> Callable[[Any], Any]:
    async def wait(script: Any) -> None:
        while not holds(script):  # noqa: ASYNC110, simulated time costs nothing
            await asyncio.sleep(0.1)

    return wait


async def stop(script: Any, remote: salobj.Remote) -> None:
    await remote.cmd_stop.set_start(timeout=100)


async def terminate(script: Any, remote: salobj.Remote) -> None:
    signal.raise_signal(signal.SIGTERM)


ENDS = {"stop": (stop, "STOPPED"), "SIGTERM": (terminate, "FAILED")}


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("paused", [False, True])
def test_a_run_that_was_stopped_goes_on(observed: Any, how: str, paused: bool) -> None:
    told = observed()
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        if paused:
            await waits_for(lambda script: script.state.state == ScriptState.PAUSED)(script)
            await asyncio.sleep(300)
        else:
            await waits_for(lambda script: script.record.jobs)(script)
        await end(script, remote)

    told.begin(operator=operator, pauseCheckpoint="DARK 2 .*" if paused else "")
    assert told.state == told.summary["state"] == state
    assert told.summary["reason"] == told.reason
    record = told.record
    assert (record.ended.state, record.ended.reason) == (state, told.reason)
    assert all(each.ingested for each in record.exposures.values())
    assert all(job.ended is not None for job in record.jobs.values())
    left = [*([] if paused else ["verify BIAS"]), "verify DARK", "verify FLAT", "gains from flat pairs"]
    assert [each["step"] for each in told.summary["not_done"]] == left
    assert [each.step for each in told.facts(StepNotDone)] == left
    assert told.reason.endswith(f"; not done: {', '.join(left)}")
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


@pytest.mark.parametrize("how", ENDS)
def test_an_exposure_that_a_stop_cannot_wait_for_is_named_and_found_again(observed: Any, how: str) -> None:
    told = observed(
        "n_bias: 1\nn_discard_bias: 0\nn_dark: 1\nn_discard_dark: 0\nexp_times_dark: 60\n"
        "script_mode: BIAS_DARK\n"
    )
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        darks = waits_for(lambda script: script.record.begun and script.record.begun.image_type == "DARK")
        await darks(script)
        await asyncio.sleep(1)
        await end(script, remote)

    told.begin(operator=operator)
    assert (told.state, len(told.summary["exposures"])) == (state, 1)
    assert told.summary["reason"] == told.reason == told.record.ended.reason
    assert "1 exposures were taken and are kept; a DARK of 60 s was under way: the camera ends" in told.reason
    told.resume(later=100.0)
    assert told.state == "DONE"
    assert [each["image_type"] for each in told.summary["exposures"]] == ["BIAS", "DARK"]
    assert [fact.image_type for fact in told.facts(ExposureBegun)] == ["BIAS", "DARK"]  # not once more
    assert "under way" not in told.reason


def test_who_ends_before_the_first_exposure_does_not_say_that_nothing_was_exposed(observed: Any) -> None:
    told = observed("script_mode: DARK\nn_dark: 1\nn_discard_dark: 0\nexp_times_dark: 60\n")

    async def operator(script: Any, remote: salobj.Remote) -> None:
        await waits_for(lambda script: script.record.begun)(script)
        await asyncio.sleep(1)
        await terminate(script, remote)

    told.begin(operator=operator)
    assert (told.state, told.summary["exposures"]) == ("FAILED", [])
    assert told.exposed


@pytest.mark.parametrize("how", ENDS)
def test_a_stop_before_the_camera_was_asked_is_no_exposure(observed: Any, how: str) -> None:
    told = observed()
    end, _ = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        # The endReadout of the first bias is late; the camera class waits for it before it asks for the next.
        await waits_for(lambda script: script.record.begun and script.record.begun.position == 2)(script)
        await end(script, remote)

    told.begin("end-readout-late:image=1,seconds=40", operator=operator)
    assert [fact.position for fact in told.facts(ExposureBegun)] == [1, 2]
    assert len(told.summary["exposures"]) == 1
    assert "under way" not in told.reason
    told.resume(later=100.0)
    check(told)
    assert len(told.facts(ExposureTaken)) == 8


@pytest.mark.parametrize("how", ENDS)
def test_an_end_that_comes_before_the_run_has_begun_is_its_end(observed: Any, how: str) -> None:
    told = observed("script_mode: BIAS\n")
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        say = script.set_state

        async def say_slowly(state: ScriptState | None = None, **more: Any) -> None:
            await say(state, **more)
            await asyncio.sleep(1 if state == ScriptState.RUNNING else 0)

        script.set_state = say_slowly
        await waits_for(lambda script: script.state.state == ScriptState.RUNNING)(script)
        await end(script, remote)
        await script.done_task
        await script.close()
        await asyncio.sleep(2)

    told.begin(operator=operator)
    assert told.states[-1] == (ScriptState.STOPPED if how == "stop" else ScriptState.STOPPING)
    assert not told.exposed
    if how == "stop":
        assert told.record.ended.state == told.summary["state"] == state
    else:
        assert not (told.run / JOURNAL).exists()


@pytest.mark.parametrize("how", ENDS)
def test_no_job_is_begun_after_a_stop(observed: Any, how: str) -> None:
    told = observed()
    end, state = ENDS[how]

    async def operator(script: Any, remote: salobj.Remote) -> None:
        # The biases are not all confirmed yet; while the dark is ended they will be.
        darks = waits_for(lambda script: script.record.begun and script.record.begun.image_type == "DARK")
        await darks(script)
        await end(script, remote)

    told.begin(operator=operator)
    assert told.state == state
    assert len(told.record.held("BIAS")) == 3
    assert all(each.ingested for each in told.record.exposures.values())
    assert told.facts(JobSubmitted) == []


def test_an_exposure_that_the_camera_ended_alone_has_its_whole_time_limit(observed: Any) -> None:
    told = observed(more="oods_timeout: 20\n")

    def prepare(run: Observed, loop: clock.SimulatedLoop) -> None:
        def die_in_the_dark(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(die_in_the_dark)

    assert told.killed(told.begin, prepare=prepare)
    # The limit, counted from the begin of the exposure, is over when the run goes on; ingest takes 8 s.
    told.resume()
    check(told)
    assert len(told.summary["exposures"]) == 8


def test_a_run_that_was_killed_on_a_full_disk_goes_on_when_there_is_room(observed: Any) -> None:
    told = observed()

    def die_in_the_dark(run: Observed, loop: clock.SimulatedLoop) -> None:
        def count(fact: Any) -> None:
            if isinstance(fact, ExposureBegun) and fact.image_type == "DARK":
                loop.call_later(5.0, os._exit, KILLED)

        run.listeners.append(count)

    def have_limits(run: Observed, loop: clock.SimulatedLoop) -> None:
        # What lets the disk look full can be read without end.
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))

    assert told.killed(told.begin, "run-disk-full:image=4", prepare=die_in_the_dark)
    assert (told.run / "report.txt").is_char_device()
    assert not told.killed(told.resume, prepare=have_limits)
    check(told)
    assert "BIAS calibration passed" in (told.run / "report.txt").read_text()


def test_an_exposure_that_is_nowhere_is_taken_again(observed: Any) -> None:
    told = observed(more="oods_timeout: 20\n")
    assert told.killed(told.begin, prepare=after(ExposureTaken, 3))
    lost = told.record.exposures[2025011500003].taken
    for file in told.folder.glob(f"images/*/{lost.obs_id}/*"):
        file.unlink()
    told.log.clear()
    told.resume()
    assert told.state == "DONE"
    record = told.last_record
    (again,) = (each.taken for each in record.held("BIAS").values() if each.taken.position == lost.position)
    assert (again.exp_time, again.discarded) == (lost.exp_time, lost.discarded)
    exposures = told.summary["exposures"]
    assert len(exposures) == 8 + 1
    assert [each["id"] for each in exposures if not each["ingested"]] == [lost.id]
    assert any(f"{lost.obs_id} is lost and will be taken again" in line for line in told.log)
    bias = next(job for job in told.summary["jobs"] if job["calibration"] == "BIAS")
    assert f"{lost.id}" not in bias["data_query"]
    assert f"{again.id}" in bias["data_query"]
    assert len(told.facts(ExposureLost)) == 1


def test_flats_through_another_filter_are_not_taken(observed: Any) -> None:
    told = observed()
    told.begin(stopCheckpoint="FLAT 2 .*")
    taken = told.summary["exposures"]
    told.optics = OpticalPath("SDSSg_65mm", "empty_1")
    told.resume()
    assert told.state == "FAILED"
    assert "SDSSr_65mm~empty, and SDSSg_65mm~empty is in the beam" in told.reason
    assert "No further exposure was taken; those of before are kept" in told.reason
    assert told.summary["exposures"] == taken
    told.optics = None
    told.resume()
    check(told)


def test_a_night_between_the_parts_is_told(observed: Any) -> None:
    told = observed()
    assert told.killed(told.begin, prepare=after(ExposureTaken, 4))
    told.log.clear()
    told.resume(later=86_400.0)
    check(told)
    assert any("images of 20250115 and goes on with those of another night" in line for line in told.log)
    timeline = told.summary["timeline"]
    assert timeline["acquisition"] < timeline["total"] < 1000


def test_the_summary_and_the_report_tell_of_the_whole_run(observed: Any) -> None:
    whole, parted = observed(), observed()
    whole.begin()
    assert parted.killed(parted.begin, prepare=after(VerdictGiven, 2))
    parted.resume()
    one, other = whole.summary, parted.summary
    assert {each["id"] for each in one["exposures"]} == {each["id"] for each in other["exposures"]}
    for name in ("verification", "gains"):
        assert json.dumps(one[name]).count("passed") == json.dumps(other[name]).count("passed")
        assert len(one[name]) == len(other[name])
    assert (one["started"], one["config"].keys()) == (other["started"], other["config"].keys())
    assert one["timeline"]["open"] == other["timeline"]["open"]
    report = (parted.run / "report.txt").read_text()
    for kind in ("BIAS", "DARK", "FLAT"):
        assert report.count(f"{kind} calibration passed") == 1
    assert report.count("SIMULATED") == 1


def test_times_only_go_on(observed: Any) -> None:
    told = observed()
    assert told.killed(told.begin, prepare=at_fact(9))
    assert told.killed(told.resume, prepare=at_fact(20))
    told.resume()
    times = [fact.time for fact in read_journal(told.run / JOURNAL)]
    assert times == sorted(times)
    ids = [fact.id for fact in told.facts(ExposureTaken)]
    assert ids == sorted(set(ids))
