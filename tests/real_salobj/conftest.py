"""The observatory's own SAL on a bus of this machine, queue and simulated components on it.

See README.rst of this folder. Without ``TS_CALIBRATIONS_SAL=kafka`` everything but the parity tests is
skipped, and those run on the embedded SAL.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.simulated_observatory.pipelines import PIPELINES

HERE = Path(__file__).parent
SUPPORT = HERE / "support"
ON_THE_BUS = os.environ.get("TS_CALIBRATIONS_SAL") == "kafka"
START_LIMIT = 240
"""Seconds within which a process of a test must be ready, on a machine that has other things to do."""

AUXTEL = 2
"""SAL index of the ScriptQueue of the Auxiliary Telescope."""

sys.path.insert(0, str(SUPPORT))

if ON_THE_BUS:
    for name in ("salobj", "scriptqueue", "observatory.control"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(f"lsst.ts.{name}") is not None:
                continue
        pytest.exit(
            f"TS_CALIBRATIONS_SAL=kafka, but lsst.ts.{name} is not installed: see {HERE}/README.rst", 4
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lsst.ts.observatory.control.auxtel.latiss  # noqa: F401
    from consumers import with_exceptions

    sal_info: Any = importlib.import_module("lsst.ts.salobj.sal_info")
    sal_info.Consumer = with_exceptions(sal_info.Consumer)


def pytest_configure(config: pytest.Config) -> None:
    if ON_THE_BUS:  # the warnings of other people's packages are theirs
        config.addinivalue_line("filterwarnings", "ignore")


def pytest_unconfigure() -> None:
    if ON_THE_BUS:  # and so are the connections that they leave open
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not ON_THE_BUS and HERE in item.path.parents and not item.path.name.startswith("test_parity"):
            item.add_marker(pytest.mark.skip("needs the real salobj and TS_CALIBRATIONS_SAL=kafka"))


@dataclass
class Program:
    """A process of a test, with its output in a file."""

    process: subprocess.Popen[str]
    output: Path

    @property
    def text(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def _run(
    arguments: list[str], output: Path, ready: str, limit: float = START_LIMIT, **environment: str
) -> Iterator[Program]:
    """Start a process, wait until it says that it is ready, and end it by closing its standard input."""
    with output.open("w") as file:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
    program = Program(process, output)
    try:
        _wait_for(program, ready, limit)
        yield program
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:  # salobj has its own idea of SIGTERM
            process.kill()
            process.wait()


def _wait_for(program: Program, ready: str, limit: float) -> None:
    import time

    end = time.monotonic() + limit
    while ready not in program.text:
        assert program.process.poll() is None, f"it ended: {program.text}"
        assert time.monotonic() < end, f"it was not ready in time: {program.text}"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def _bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Broker and schema registry, and the environment variables that lead to them."""
    output = tmp_path_factory.mktemp("bus") / "bus.txt"
    with _run([sys.executable, str(SUPPORT / "bus_server.py")], output, "}") as program:
        where = json.loads(next(line for line in program.text.splitlines() if line.startswith("{")))
        sys.path.insert(0, str(SUPPORT / "site"))
        import admin_client
        import confluent_kafka.admin

        admin_client.adapt(confluent_kafka.admin)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LSST_KAFKA_BROKER_ADDR", where["broker"])
            patch.setenv("LSST_SCHEMA_REGISTRY_URL", where["registry"])
            patch.setenv("LSST_KAFKA_CONSUMER_CONFIGURATION", str(SUPPORT / "consumer.yaml"))
            patch.setenv("LSST_SITE", "test")
            patch.setenv("PYTHONWARNINGS", "ignore")
            patch.setenv("TS_CALIBRATIONS_SAL", "kafka")
            paths = [str(SUPPORT / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
            patch.setenv("PYTHONPATH", os.pathsep.join(paths))
            yield


@pytest.fixture(scope="module")
def topics(_bus: None) -> Iterator[None]:
    """Topics that nobody has written to before: what joins late reads the last states of its module only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSST_TOPIC_SUBNAME", f"test{uuid.uuid4().hex[:8]}")
        yield


@pytest.fixture(scope="module")
def run(topics: None) -> Callable[..., contextlib.AbstractContextManager[Program]]:
    """Run a program on the bus: ``run(arguments, file of its output, what it says when it is ready)``."""
    return _run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a module: the simulated observatory is in ``stand``, the run directories are in ``runs``."""
    return tmp_path_factory.mktemp("bus")


@pytest.fixture(scope="module")
def variables(folder: Path) -> dict[str, str]:
    """Variables by which scripts find their way; the first three as ``environment.sh`` has them."""
    return {
        "DAF_BUTLER_REPOSITORY_INDEX": str(folder / "stand" / "butler-index.yaml"),
        "TS_CALIBRATIONS_UWS": str(folder / "stand" / "uws"),
        "TS_CALIBRATIONS_PIPELINES": PIPELINES,
        "TS_CALIBRATIONS_RUNS": str(folder / "runs"),
    }


@pytest.fixture(scope="module")
def stand(topics: None, folder: Path) -> Callable[..., contextlib.AbstractContextManager[Program]]:
    """Put an instrument without pixels on the bus: ``stand("LATISS", "--fault", "oods-lost:image=3")``."""

    from simulator import SIMULATOR

    @contextlib.contextmanager
    def start(*options: str) -> Iterator[Program]:
        shutil.rmtree(folder / "stand", ignore_errors=True)
        program = [*SIMULATOR, "--without-pixels", "--speed", "20", "--out", str(folder / "stand"), *options]
        with _run(program, folder / "stand.txt", "Ready.") as running:
            yield running
            running.process.terminate()

    return start


@pytest.fixture(scope="module")
def mock(topics: None, folder: Path) -> Iterator[Program]:
    """LATISSMock of ts_observatory_control on the bus, beside the OCPS of this project."""
    program = [sys.executable, str(SUPPORT / "mock_stand.py"), str(folder / "stand")]
    with _run(program, folder / "mock.txt", "READY") as running:
        yield running


@pytest.fixture(scope="module")
def queue(
    request: pytest.FixtureRequest,
    topics: None,
    folder: Path,
    variables: dict[str, str],
    python_first: None,
) -> Iterator[Program]:
    """A ScriptQueue, a process of its own as at the observatory; ``QUEUE`` of the module is its index."""
    from lsst.ts.calibrations import get_scripts_dir

    (folder / "standard").mkdir()
    program = [sys.executable, "-c", "from lsst.ts.scriptqueue import run_script_queue; run_script_queue()"]
    options = ["--standard", str(folder / "standard"), "--external", str(get_scripts_dir())]
    index = str(_index_of_the_queue(request))
    command = [*program, index, *options, "--state", "enabled"]
    with _run(command, folder / "queue.txt", "", START_LIMIT, **variables) as queue:
        yield queue
        queue.process.terminate()


def _index_of_the_queue(request: pytest.FixtureRequest) -> int:
    return int(getattr(request.module, "QUEUE", AUXTEL))


@pytest.fixture
async def client(request: pytest.FixtureRequest, queue: Program, folder: Path) -> AsyncIterator[Any]:
    """An operator at the queue."""
    from queue_client import QueueClient

    async with QueueClient(folder, _index_of_the_queue(request)) as client:
        yield client


@pytest.fixture(scope="module")
def python_first() -> Iterator[None]:
    """Let ``#!/usr/bin/env python`` of the scripts mean the interpreter of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
        yield


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]:
    """Run a coroutine: on the bus in real time, with topics of its own; else in memory, in virtual time."""
    if not ON_THE_BUS:
        from lsst.ts.simulated_observatory import clock

        return clock.run
    request.getfixturevalue("_bus")
    request.getfixturevalue("monkeypatch").setenv("LSST_TOPIC_SUBNAME", f"test{uuid.uuid4().hex[:8]}")
    return lambda main: asyncio.run(main())
