"""Runs and what became of them: facts, log, summary; with stand-ins of what takes and processes images."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.butler.exposures import ArchivedExposure, ArchivedImage
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import AcquisitionError, ArchiveError, IngestError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.domain.tai import iso_tai
from lsst.ts.calibrations.journal.facts import ExposureBegun, Fact
from lsst.ts.calibrations.journal.journal import JOURNAL, Journal
from lsst.ts.calibrations.journal.settings import RunSettings
from lsst.ts.calibrations.run.acquisition import Acquisition
from lsst.ts.calibrations.run.context import RunContext, UnfinishedRun
from lsst.ts.calibrations.workflow.plan import make_plan
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.session.flat_light import light_warnings

if TYPE_CHECKING:
    from ..open_copy import OpenButler

FIRST = 2025011500001
READOUT = 2.0


@pytest.fixture
def context(tmp_path: Path) -> Iterator[RunContext]:
    """A run that begins, on the clock of the loop."""
    folder = tmp_path / "run"
    folder.mkdir()
    settings = RunSettings(folder=folder, jobs=folder / "uws", pipelines=PIPELINES)
    made = RunContext(settings, Journal(folder / JOURNAL), clock.current_tai, logging.getLogger("run"))
    yield made
    made.journal.close()


def configure(**options: Any) -> CalibrationConfig:
    return CalibrationConfig.from_namespace(options, LATISS)


@pytest.fixture
def config() -> Callable[..., CalibrationConfig]:
    """Make a configuration from some options."""
    return configure


@dataclass
class FakeCamera:
    """A camera that takes its time, and fails where the test says."""

    refuses: Collection[int] = ()
    """Numbers of exposures, from 1, that it refuses."""
    hesitates: float = 0.0
    """Seconds after which it does."""
    loses_readout: Collection[int] = ()
    taken: list[tuple[str, float, str]] = field(default_factory=list)
    """Image type, exposure time and group id of every exposure that was begun."""
    ready: float = 0.0
    asked: float | None = None
    integrating: str | None = None
    ends: dict[int, float] = field(default_factory=dict)

    async def take(self, kind: Any, exposure_time: float, group_id: str, annotations: Any) -> int:
        loop = asyncio.get_running_loop()
        self.asked = None
        await asyncio.sleep(max(self.ready - loop.time(), 0.0))
        self.asked = loop.time()
        self.taken.append((str(kind), exposure_time, group_id))
        number = len(self.taken)
        if number in self.refuses:
            await asyncio.sleep(self.hesitates)
            self.asked = None
            raise AcquisitionError(f"exposure {number} was refused")
        await asyncio.sleep(exposure_time)
        self.ready = self.ends[FIRST + number - 1] = loop.time() + READOUT
        return FIRST + number - 1

    def name(self, taken: int) -> str:
        return f"AT_O_20250115_{taken % 100_000:06d}"

    async def read_out(self, taken: int) -> bool:
        await asyncio.sleep(max(self.ends[taken] - asyncio.get_running_loop().time(), 0.0))
        return taken - FIRST + 1 not in self.loses_readout


@dataclass
class FakeIngest:
    """An OODS that confirms after a while, or never."""

    delay: float = 4.0
    delays: Mapping[int, float] = field(default_factory=dict)
    loses: Collection[int] = ()
    asked: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)

    async def confirmed(self, obs_id: str, detectors: Collection[str], timeout: float) -> None:
        self.asked.append((obs_id, tuple(detectors), timeout))
        number = int(obs_id[-6:])
        if number in self.loses:
            await asyncio.sleep(timeout)
            raise IngestError(obs_id, {"RXX_S00": "no imageInOODS came"}, timeout)
        await asyncio.sleep(self.delays.get(number, self.delay))


class FakeArchive:
    """A Butler that knows the files of all images but some."""

    def __init__(
        self, unknown: Collection[int] = (), others: Mapping[int, ArchivedExposure] | None = None
    ) -> None:
        self.unknown, self.others = unknown, others or {}

    async def image(self, exposure: int, detectors: Sequence[int]) -> ArchivedImage:
        if exposure in self.unknown:
            raise ArchiveError(f"exposure {exposure} is not there")
        files = tuple(f"/raw/{exposure}_{number}.fits" for number in detectors)
        return ArchivedImage("r~empty", files, self.others.get(exposure))


@pytest.fixture
def fake_camera() -> type[FakeCamera]:
    return FakeCamera


@pytest.fixture
def fake_ingest() -> type[FakeIngest]:
    return FakeIngest


@pytest.fixture
def fake_archive() -> type[FakeArchive]:
    return FakeArchive


@dataclass
class Night:
    """What a whole script left behind."""

    state: str
    reason: str
    states: list[str]
    checkpoints: list[str]
    metadata: Any
    facts: list[Fact]
    log: list[tuple[int, str]]
    folder: Path
    seconds: float
    """Simulated seconds of the run."""
    jobs: list[Any] = field(default_factory=list)
    """Jobs as the OCPS got them, where the test keeps them."""

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return found

    @property
    def report(self) -> str:
        return (self.folder / "report.txt").read_text()

    def of(self, kind: type[Fact]) -> list[Any]:
        """The facts of a kind, in order."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def warnings(self) -> list[str]:
        """Log lines of level WARNING and above."""
        return [message for level, message in self.log if level >= logging.WARNING]


Operator = Callable[[Any, salobj.Remote], Coroutine[Any, Any, None]]


@dataclass
class _ScriptOutput:
    """Keeps what a script publishes."""

    states: list[str] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)

    async def state(self, data: Any) -> None:
        name = ScriptState(data.state).name
        if self.states[-1:] != [name]:
            self.states.append(name)
        if self.checkpoints[-1:] != [data.lastCheckpoint] and data.lastCheckpoint:
            self.checkpoints.append(data.lastCheckpoint)

    async def message(self, data: Any) -> None:
        self.log.append((data.level, data.message))


def _run_script(
    observatory: Callable[..., Any],
    repository: Path,
    folder: Path,
    config: str = "",
    *faults: str,
    operator: Operator | None = None,
    listener: Callable[[Fact], None] = lambda _: None,
    begin: float = clock.START_TAI,
    part: int = 0,
    draw_page: bool = False,
    open_butler: OpenButler | None = None,
    **configure: str,
) -> Night:
    script_output, facts = _ScriptOutput(), list[Fact]()

    async def main() -> Night:
        async with observatory(*faults, part=part), salobj.Domain() as domain:
            settings = RunSettings(
                folder=folder,
                jobs=folder / "uws",
                repository=repository,
                simulated=True,
                seed=1,
                scale=16,
                pipelines=PIPELINES,
                draw_page=draw_page,
                open_butler=open_butler,
            )
            script = MakeLatissCalibrations(
                index=1,
                settings=settings,
                listeners=[facts.append, listener],
                advise=partial(light_warnings, instrument=LATISS),
            )
            remote = salobj.Remote(domain, "Script", 1)
            remote.evt_state.callback = script_output.state
            remote.evt_logMessage.callback = script_output.message
            await asyncio.gather(script.start_task, remote.start_task)
            text = config if part else f"{config}\nrepo: {repository}"
            seconds = await _play(script, remote, text, operator, configure)
            return Night(
                state=ScriptState(script.state.state).name,
                reason=script.state.reason,
                states=script_output.states,
                checkpoints=script_output.checkpoints,
                metadata=remote.evt_metadata.get(),
                facts=facts,
                log=script_output.log,
                folder=folder,
                seconds=seconds,
            )

    return clock.run(main, start_tai=begin)


@pytest.fixture
def night(
    repository: Path, open_butler: OpenButler, observatory: Any, tmp_path: Path
) -> Callable[..., Night]:
    """Run the script for LATISS in a simulated observatory without pixels."""
    return partial(_run_script, observatory, repository, tmp_path / "run", open_butler=open_butler)


@pytest.fixture(scope="session")
def good_night(
    empty_repository: Path,
    make_observatory: Any,
    canned_pipelines: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Night:
    """A night with all image types in which nothing went wrong; only to be read."""
    folder = tmp_path_factory.mktemp("night")
    repository = Path(shutil.copytree(empty_repository, folder / "repo"))
    pipelines = canned_pipelines(repository)
    config = "n_bias: 3\nn_dark: 2\nexp_times_dark: 10\nn_flat: 4\n"
    outcome = _run_script(partial(make_observatory, folder, pipelines), repository, folder / "run", config)
    outcome.jobs = pipelines.jobs
    return outcome


async def _play(
    script: Any, remote: salobj.Remote, config: str, operator: Operator | None, configure: Mapping[str, str]
) -> float:
    """Configure and run a script, as queue and operator do; return the simulated seconds of the run."""
    try:
        await remote.cmd_configure.set_start(config=config, **configure)
    except salobj.AckError:
        await script.done_task
        return 0.0
    await remote.cmd_setGroupId.set_start(groupId=iso_tai(clock.current_tai()))
    begin = asyncio.get_running_loop().time()
    tasks: list[Awaitable[Any]] = [remote.cmd_run.set_start(timeout=100_000)]
    if operator is not None:
        tasks.append(operator(script, remote))
    await asyncio.gather(*tasks, return_exceptions=False)
    end = asyncio.get_running_loop().time()
    await script.done_task
    return end - begin


FEW = {
    "n_bias": 2, "n_discard_bias": 1, "n_dark": 2, "n_discard_dark": 1, "exp_times_dark": [5, 10, 15],
    "n_flat": 2, "n_discard_flat": 0, "exp_times_flat": [3, 4],
}  # fmt: skip


class AcquisitionCase:
    """An acquisition with what became of it; it is in the place of its processing, too."""

    def __init__(self, context: Any, camera: Any, ingest: Any, archive: Any, config: Any) -> None:
        self.context, self.camera, self.ingest, self.archive, self.config = (
            context,
            camera,
            ingest,
            archive,
            config,
        )
        self.now_at_end = 0.0
        self.facts: list[Any] = []
        self.checkpoints: list[tuple[float, str]] = []
        self.handed_over: list[tuple[float, str, list[int]]] = []
        context.journal.add_listener(self.facts.append)

    async def run(self) -> None:
        async def checkpoint(name: str) -> None:
            self.checkpoints.append((self.now(), name))

        processing: Any = self
        acquisition = Acquisition(
            context=self.context,
            camera=self.camera,
            ingest=self.ingest,
            archive=self.archive,
            processing=processing,
            detectors={0: "RXX_S00"},
            annotations={},
            oods_timeout=self.config.oods_timeout,
            wait_between_exposures=self.config.wait_between_exposures,
            checkpoint=checkpoint,
            group_id=lambda: f"group {len(self.camera.taken) + 1}",
        )
        await acquisition.run(make_plan(self.config, LATISS))
        self.now_at_end = self.now()

    def hand_over(self, image_type: ImageType, exposures: Any) -> None:
        self.handed_over.append((self.now(), str(image_type), list(exposures)))

    def halted(self) -> None:
        """Further exposures make sense."""

    async def decided_again(self) -> None:
        """Nothing was decided before."""

    @property
    def under_way(self) -> ExposureBegun | None:
        return UnfinishedRun(self.context.record, self.camera).under_way

    @staticmethod
    def now() -> float:
        return round(clock.current_tai() - clock.START_TAI, 3)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def ids(self, kind: type) -> list[int]:
        return [fact.id - FIRST + 1 for fact in self.of(kind)]


@pytest.fixture
def make_case(context: Any, fake_camera: Any, fake_ingest: Any, fake_archive: Any, config: Any) -> Any:
    def make(camera: Any = None, ingest: Any = None, archive: Any = None, **options: Any) -> AcquisitionCase:
        return AcquisitionCase(
            context,
            camera or fake_camera(),
            ingest or fake_ingest(),
            archive or fake_archive(),
            config(**FEW | options),
        )

    return make
