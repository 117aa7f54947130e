"""Scripts with mistakes in them: a client sees the same on either SAL, as recorded on the real one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
from conversation import DEFAULT, Case, Command, talk
from odd_runs import HUGE, RUNS, SURROGATE
from parity import Play
from recorded import as_recorded

from lsst.ts import salobj

pytestmark = [pytest.mark.timeout(2400), pytest.mark.filterwarnings("ignore")]


class Plain(salobj.BaseScript):
    """A script without a mistake, which the others are made of."""

    schema: ClassVar[Any] = {"type": "object", "properties": {"n": {"type": "integer", "default": 2}}}

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="odd", help="helpless")

    @classmethod
    def get_schema(cls) -> Any:
        return cls.schema

    async def configure(self, config: Any) -> None:
        self.config = config

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = 1.5

    async def run(self) -> None:
        await self.checkpoint("one")
        await asyncio.sleep(0.05)


class Hard(BaseException):
    """Not an Exception."""


def script(**members: Any) -> Callable[[int], Any]:
    """Make a class of scripts from its odd members."""
    return type("OddScript", (Plain,), members)


def raising(name: str, error: Any) -> Callable[..., Any]:
    """A method that raises."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error

    async def coroutine(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise error

    return method if name in SYNC_METHODS else coroutine


ERRORS: dict[str, Any] = {
    "error": ValueError("broken"),
    "expected": salobj.ExpectedError("expected"),
    "cancelled": asyncio.CancelledError("cancelled"),
    "timeout": TimeoutError("late"),
    "no exception": Hard("hard"),
    "without text": RuntimeError(),
    "huge": ValueError(HUGE),
    "surrogate": ValueError(SURROGATE),
}

ASYNC_METHODS = (
    "configure",
    "run",
    "cleanup",
    "close_tasks",
    "start",
    "set_state",
    "put_log_level",
    "checkpoint",
    "do_configure",
    "do_run",
    "do_setGroupId",
    "do_stop",
)
SYNC_METHODS = ("set_metadata", "assert_state")
OF_EVERY_SCRIPT = ("configure", "set_metadata", "run", "cleanup")


RAISING: dict[str, Case] = {
    f"{method} raises {error}": (script(**{method: raising(method, ERRORS[error])}), DEFAULT)
    for method in (*ASYNC_METHODS, *SYNC_METHODS)
    for error in (ERRORS if method in OF_EVERY_SCRIPT else ("error", "cancelled"))
}


def _sync(self: Any, *args: Any) -> None:
    pass


async def _nothing(self: Any) -> None:
    pass


async def _one_more(self: Any, config: Any, more: Any) -> None:
    pass


async def _by_keyword(self: Any, *, config: Any) -> None:
    pass


async def _any(self: Any, *args: Any, **kwargs: Any) -> None:
    pass


async def _generator(self: Any) -> Any:
    yield 1


def _future(self: Any) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


SIGNATURES: dict[str, dict[str, Any]] = {
    "set_metadata by another name": {"set_metadata": lambda self, m: None},
    "set_metadata without argument": {"set_metadata": lambda self: None},
    "set_metadata asynchronous": {"set_metadata": _any},
    "set_metadata no function": {"set_metadata": 5},
    "set_metadata by position alone": {"set_metadata": lambda self, metadata, /: None},
    "configure without argument": {"configure": _nothing},
    "configure by another name": {"configure": lambda self, c: self.checkpoint},
    "configure one more": {"configure": _one_more},
    "configure by keyword": {"configure": _by_keyword},
    "configure synchronous": {"configure": _sync},
    "configure generator": {"configure": _generator},
    "run synchronous": {"run": _sync},
    "run with argument": {"run": _by_keyword},
    "run generator": {"run": _generator},
    "run future": {"run": _future},
    "cleanup synchronous": {"cleanup": _sync},
    "cleanup with argument": {"cleanup": _by_keyword},
    "cleanup generator": {"cleanup": _generator},
    "close_tasks synchronous": {"close_tasks": _sync},
    "close_tasks does nothing": {"close_tasks": _any},
    "do_setGroupId returns a number": {"do_setGroupId": lambda self, data: 5},
    "do_setGroupId returns false": {"do_setGroupId": lambda self, data: False},
    "do_setGroupId returns an acknowledgement": {
        "do_setGroupId": lambda self, data: self.salinfo.make_ackcmd(
            data.private_seqNum, salobj.SalRetCode.CMD_FAILED, error=7, result="no"
        )
    },
    "do_setGroupId returns a huge acknowledgement": {
        "do_setGroupId": lambda self, data: self.salinfo.make_ackcmd(
            data.private_seqNum, salobj.SalRetCode.CMD_COMPLETE, result=HUGE
        )
    },
    "do_ method of no command": {"do_nothing": _any},
    "no schema": {"schema": None},
    "schema is wrong": {"schema": {"type": "what"}},
    "schema is no dict": {"schema": [1]},
}


def _recording() -> Callable[[int], Any]:
    """A script whose methods take anything and note how they were called."""

    def wrapper(name: str) -> Any:
        original = getattr(Plain, name)

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            given = [type(each).__name__ for each in args]
            named = {key: type(each).__name__ for key, each in kwargs.items()}
            vars(self).setdefault("more", {"calls": []})["calls"].append(f"{name} {given} {named}")
            return original(self, *args, **kwargs)

        return method

    names = [*ASYNC_METHODS, *SYNC_METHODS, "do_resume", "do_setCheckpoints", "do_setLogLevel"]
    names += ["close", "start_phase2", "next_supplemented_group_id", "signal_handler"]
    return script(**{name: wrapper(name) for name in names})


PAUSED: tuple[Command, ...] = (
    ("configure", {"pauseCheckpoint": "one", "logLevel": 15, "blockId": "B"}),
    ("setCheckpoints", {"pause": "one", "stop": "two"}),
    ("setLogLevel", {"level": 10}),
    ("setGroupId", {"groupId": "G"}),
    ("run", {"at_once": True}),
)


CALLS = {
    "to the end": DEFAULT,
    "paused and resumed": (*PAUSED, ("resume", {})),
    "paused and stopped": (*PAUSED, ("stop", {})),
    "not configured and stopped": (("stop", {}),),
    "configured and stopped": (("configure", {}), ("stop", {})),
    "refused": (("configure", {"config": "n: x"}),),
}
"""What is sent to a script that notes how its methods are called."""


STOPPED = ("swallows a stop", "slow to stop", "fails when stopped", "shields itself", "reason huge")


def _metadata(**fields: Any) -> dict[str, Any]:
    def set_metadata(self: Any, metadata: Any) -> None:
        for name, value in fields.items():
            setattr(metadata, name, value)

    return {"set_metadata": set_metadata}


def _with_remote(self: Any, index: int) -> None:
    Plain.__init__(self, index)
    self.remote = salobj.Remote(self.domain, "ATCamera", start=False)


def _early_lines(self: Any, index: int) -> None:
    Plain.__init__(self, index)
    for number in range(3):
        self.log.warning("early %d", number)


def _of_numbers(self: Any, index: int) -> None:
    salobj.BaseScript.__init__(self, index=index, descr=5, help=None)  # type: ignore[arg-type]


async def _logs_at_the_end(self: Any) -> None:
    self.log.info("cleaning")
    await asyncio.sleep(0.1)
    self.log.info("cleaned")


async def _logs_while_closing(self: Any) -> None:
    await Plain.close_tasks(self)
    self.log.info("closing")
    await asyncio.sleep(0.1)
    asyncio.get_running_loop().call_later(0.4, self.log.info, "closed")


async def _changes_defaults(self: Any, config: Any) -> None:
    config.many.append(1)
    raise ValueError(f"{config.many} {config.deep}")


DEEP = {
    "type": "object",
    "properties": {
        "many": {"type": "array", "default": []},
        "deep": {"type": "object", "properties": {"a": {"default": 1}, "b": {"type": "integer"}}},
        "properties": {"type": "integer", "default": 5},
        "additionalProperties": {"default": 5},
    },
}

MEMBERS: dict[str, dict[str, Any]] = {
    "metadata of text for a number": _metadata(duration="long"),
    "metadata of digits for a number": _metadata(duration="12"),
    "metadata of a fraction for an integer": _metadata(nimages=1.5),
    "metadata of a number for text": _metadata(filters=5),
    "metadata of no field": _metadata(nothing=5),
    "metadata of a pair too long": _metadata(position=[1.0, 2.0, 3.0]),
    "metadata of no pair": _metadata(position=5),
    "metadata huge": _metadata(filters=HUGE),
    "metadata surrogate": _metadata(filters=SURROGATE),
    "metadata none": _metadata(filters=None),
    "remote that is never started": {"__init__": _with_remote},
    "lines before the start": {"__init__": _early_lines},
    "description of numbers": {"__init__": _of_numbers},
    "lines at the end": {"cleanup": _logs_at_the_end},
    "lines while closing": {"close_tasks": _logs_while_closing},
    "defaults that are changed": {"schema": DEEP, "configure": _changes_defaults},
}


def _configure(**fields: Any) -> tuple[Command, ...]:
    return (("configure", fields), *DEFAULT[1:])


CONVERSATIONS: dict[str, tuple[Command, ...]] = {
    **{
        f"config {text!r}": _configure(config=text)
        for text in (
            "[1]",
            "text",
            "0",
            "5",
            "null",
            "[]",
            "1: 2",
            "a: b: c",
            "n: 1\nn: 3",
            "n: x",
            "other: 1",
            "metadata: 5",
            "metadata: {a: 1}\nn: 5",
            "\t",
            "!!python/name:os.system",
            "n: &a [*a]",
            "n: 2026-01-01",
            "---\nn: 1\n---\nn: 2",
        )
    },
    "config of 300 kB": (("configure", {"config": f"n: {'y' * 300_000}"}),),
    "config of 1.5 MB": _configure(config=HUGE),
    "config surrogate": _configure(config=SURROGATE),
    "config number": _configure(config=5),
    "config none": _configure(config=None),
    "no such field": _configure(configuration=""),
    "log level none": _configure(logLevel=-5),
    "log level of text": _configure(logLevel="INFO"),
    "pause no pattern": _configure(pauseCheckpoint="("),
    "stop no pattern": _configure(stopCheckpoint="*"),
    "pattern huge": _configure(stopCheckpoint="x" * 5_000),
    "stop at the first": _configure(stopCheckpoint=".*"),
    "configured twice": (DEFAULT[0], *DEFAULT),
    "run at once": (("run", {}), *DEFAULT),
    "group before configure": (("setGroupId", {"groupId": "G"}), *DEFAULT),
    "no group": (DEFAULT[0], ("setGroupId", {"groupId": ""}), ("run", {})),
    "group of a number": (DEFAULT[0], ("setGroupId", {"groupId": 5}), ("run", {})),
    "group after run": (*DEFAULT[:2], ("run", {"at_once": True}), ("setGroupId", {"groupId": "H"})),
    "run twice": (*DEFAULT, ("run", {})),
    "resume without pause": (DEFAULT[0], ("resume", {}), *DEFAULT[1:]),
    "resumed twice": (*PAUSED, ("resume", {"at_once": True}), ("resume", {})),
    "stopped twice": (DEFAULT[0], ("stop", {"at_once": True}), ("stop", {})),
    "level": (("setLogLevel", {"level": 40}), *DEFAULT),
    "level beyond": (("setLogLevel", {"level": 2**31}), ("setLogLevel", {"level": 2**63}), *DEFAULT),
    "checkpoints": (("setCheckpoints", {"pause": "a"}), ("setCheckpoints", {"stop": "["}), *DEFAULT),
    "no time limit": (("configure", {"timeout": None}), *DEFAULT),
    "no time": (("configure", {"timeout": 0}), ("sleep", {"seconds": 1}), *DEFAULT),
    "no waiting": (("configure", {"wait_done": False}), *DEFAULT[1:]),
}


STOPPING: tuple[Command, ...] = (*DEFAULT[:2], ("run", {"at_once": True}), ("stop", {}))

CHAPTERS: dict[str, dict[str, Case]] = {
    "exceptions": RAISING,
    "signatures": {name: (script(**members), DEFAULT) for name, members in SIGNATURES.items()},
    "calls": {name: (_recording(), commands) for name, commands in CALLS.items()},
    "runs": {name: (script(run=run), DEFAULT) for name, run in RUNS.items()},
    "stopped_runs": {name: (script(run=RUNS[name]), STOPPING) for name in STOPPED},
    "members": {name: (script(**members), DEFAULT) for name, members in MEMBERS.items()},
    "conversations": {name: (Plain, commands) for name, commands in CONVERSATIONS.items()},
}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_client_sees_the_same_of_scripts_with_mistakes(play: Play, chapter: str) -> None:
    """The command line option ``-k`` selects chapters; what differs is printed."""
    assert not play(lambda: talk(CHAPTERS[chapter], partial(as_recorded, chapter)))
