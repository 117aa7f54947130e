"""Plays runs of the scripts without pixels, by the public command.

In this folder only this module imports the project: when a module moves, no other file has to follow.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import shutil
import signal
import tempfile
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import yaml
from click.testing import CliRunner, Result

os.environ.setdefault("TS_CALIBRATIONS_SAL", "embedded")

from lsst.ts.simulated_observatory.sal_names import use_embedded_sal

use_embedded_sal()

from lsst.ts.calibrations.domain.instruments import physical_filter  # noqa: E402
from lsst.ts.calibrations.journal.facts import Fact, fact_from_dict  # noqa: E402
from lsst.ts.calibrations.journal.journal import read_journal  # noqa: E402
from lsst.ts.simulated_observatory import clock  # noqa: E402
from lsst.ts.simulated_observatory.cameras import CAMERAS  # noqa: E402
from lsst.ts.simulated_observatory.cli.run_script import main  # noqa: E402
from lsst.ts.simulated_observatory.components.optics import usual_optics  # noqa: E402
from lsst.ts.simulated_observatory.embedded_sal.bus import running_bus  # noqa: E402
from lsst.ts.simulated_observatory.session import simulated_run  # noqa: E402
from lsst.ts.simulated_observatory.session.script_session import ScriptSession  # noqa: E402
from lsst.ts.simulated_observatory.session.setup import (  # noqa: E402
    SetupWithoutPixels,
)

__all__ = [
    "COMCAM",
    "LATISS",
    "LSSTCAM",
    "Message",
    "Played",
    "fact_types",
    "facts_of",
    "play",
    "resume",
    "schema",
    "written_again",
]


LATISS = "auxtel/make_latiss_calibrations.py"
COMCAM = "maintel/make_comcam_calibrations.py"
LSSTCAM = "maintel/make_lsstcam_calibrations.py"

FIELDS = (
    "expTime", "numImages", "shutter", "keyValueMap", "filter", "disperser",
    "pipeline", "config", "data_query", "groupId", "logLevel",
    "imageName", "exposureTime", "additionalKeys", "additionalValues",
    "obsid", "raft", "sensor", "statusCode", "job_id", "exit_code",
    "state", "lastCheckpoint", "reason", "summaryState", "ack", "result",
)  # fmt: skip
"""Fields of messages that are kept, in this order."""


@dataclass(frozen=True)
class Message:
    """What passed on the bus.

    Parameters
    ----------
    seconds
        Simulated, since the script began or was resumed.
    component, topic
        As SAL names them, e.g. ``OCPS`` and ``evt_job_result``.
    values
        The fields that are kept.
    """

    seconds: float
    component: str
    topic: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Played:
    """What a run left behind."""

    folder: Path
    status: int
    output: str
    messages: list[Message]


Heard = Callable[[Message], None]


def play(script: str, folder: Path, *arguments: str, heard: Heard | None = None) -> Played:
    """Run a script with a new run directory; `heard` is called with every message on the bus."""
    return _command(folder, [script, "--out", str(folder), *arguments], heard)


def resume(script: str, folder: Path) -> Played:
    """Go on with the run in a run directory."""
    return _command(folder, [script, "--resume", str(folder)], None)


def schema(script: str) -> dict[str, Any]:
    """Schema of the configuration, as the command prints it."""
    found: dict[str, Any] = yaml.safe_load(_invoke([script, "--schema"]).output)
    return found


def facts_of(journal: Path) -> list[dict[str, Any]]:
    """Facts that the reader finds in a journal."""
    return [fact.as_dict() for fact in read_journal(journal)]


def written_again(fact: Mapping[str, Any]) -> dict[str, Any]:
    """A fact that was read from a line of a journal, as it would be written into one."""
    return fact_from_dict(fact).as_dict()


def fact_types() -> dict[str, dict[str, str]]:
    """JSON type of each field of each kind of fact."""
    found = {}
    for name, kind in Fact.kinds.items():
        hints = typing.get_type_hints(kind)
        found[name] = {each.name: _json_type(hints[each.name]) for each in fields(kind)}
    return found


def _json_type(hint: Any) -> str:
    """Name of the JSON type as which a value is written."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        return " or ".join(map(_json_type, typing.get_args(hint)))
    origin = typing.get_origin(hint) or hint
    scalars = {str: "string", bool: "boolean", int: "integer", float: "number", types.NoneType: "null"}
    if not isinstance(origin, type):
        raise TypeError(f"no JSON type for {hint}")
    for base, name in scalars.items():
        if issubclass(origin, base):
            return name
    return "array" if issubclass(origin, tuple | list) else "object"


@cache
def _repositories() -> Path:
    """Folder of repositories to begin with, each of which is made once."""
    folder = tempfile.mkdtemp(prefix="frozen-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


@dataclass(frozen=True)
class _Setup(SetupWithoutPixels):
    """A setup with reference flats of the usual filter alone, which are made in no time, and without a page.

    A process of its own draws the page: when it comes, if at all, is a matter of the machine.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", replace(self.settings, draw_page=False))

    def _make_repository(
        self, say: Callable[[str], None], check: Callable[[], None], tell: Callable[[float], None]
    ) -> None:
        if self.repository.exists():  # of a run that is resumed
            super()._make_repository(say, check, tell)
            return
        kept = (
            _repositories()
            / f"{self.instrument.name}-{self.settings.seed}-{self.settings.scale}-{self.detectors}"
        )
        if not kept.exists():
            super()._make_repository(lambda _: None, check, tell)
            shutil.copytree(self.repository, kept)
        else:
            shutil.copytree(kept, self.repository)

    def _filters(self) -> list[tuple[str, str]]:
        usual = usual_optics(self.instrument)
        name = physical_filter(usual.filter, usual.grating)
        return [(name, CAMERAS[self.instrument.name].find_filter(usual.filter).band.lower())]


def _command(folder: Path, arguments: list[str], heard: Heard | None) -> Played:
    messages: list[Message] = []

    def take(component: str, topic: str, data: Any) -> None:
        values = {name: getattr(data, name) for name in FIELDS if hasattr(data, name)}
        message = Message(asyncio.get_running_loop().time(), component, topic, values)
        messages.append(message)
        if heard is not None:
            heard(message)

    class Session(ScriptSession):
        async def run(self) -> int:
            running_bus().listeners.append(take)
            return await super().run()

    with (
        mock.patch.object(simulated_run, "SimulationSetup", _Setup),
        mock.patch.object(simulated_run, "ScriptSession", Session),
        mock.patch.object(clock, "run", partial(clock.run, threads=False)),
    ):
        result = _invoke(arguments)
    return Played(folder, result.exit_code, result.output, messages)


_ENVIRONMENT = {"TS_CALIBRATIONS_SAL": "embedded", "COLUMNS": "1000"}
"""Lines are so long that none is broken, which would depend on the length of paths."""


def _invoke(arguments: list[str]) -> Result:
    """Call the command, which ends with an exit status."""
    with _process_kept():
        result = CliRunner().invoke(main, arguments, env=_ENVIRONMENT)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@contextmanager
def _process_kept() -> Iterator[None]:
    """Undo what a command does to its process: at its end it ignores signals, as the tests are not to."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    index = os.environ.get("DAF_BUTLER_REPOSITORY_INDEX")
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.environ.pop("DAF_BUTLER_REPOSITORY_INDEX", None)
        if index is not None:
            os.environ["DAF_BUTLER_REPOSITORY_INDEX"] = index
