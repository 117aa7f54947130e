"""A remote that is used in odd ways: either SAL refuses, or takes, the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from conversation import plain
from parity import LIMIT, Play, component
from recorded import as_recorded

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode

pytestmark = pytest.mark.timeout(600)

TEXT_FIELDS: dict[str, Any] = {
    "none": None,
    "number": 5,
    "real number": 1.5,
    "true": True,
    "bytes": b"a",
    "list": ["a"],
    "mapping": {"a": 1},
    "huge": "x" * 1_500_000,
    "surrogate": "\udcff",
    "nothing": "",
}
"""Values of a field of a command that is a text."""


def send_text(value: Any, remote: Any) -> Any:
    return remote.cmd_abort_job.set_start(job_id=value, timeout=LIMIT)


REMOTE: Any = salobj.Remote
"""Whatever its annotations say."""

CASES: dict[str, Callable[[Any], Any]] = {
    **{f"text {name}": partial(send_text, value) for name, value in TEXT_FIELDS.items()},
    "no such field": lambda remote: remote.cmd_abort_job.set_start(job="a", timeout=LIMIT),
    "by position": lambda remote: remote.cmd_abort_job.set_start("a"),
    "time limit of text": lambda remote: remote.cmd_abort_job.set_start(timeout="5"),
    "data of another type": lambda remote: remote.cmd_abort_job.start(data={"job_id": "a"}, timeout=LIMIT),
    "no data": lambda remote: remote.cmd_abort_job.start(timeout=LIMIT),
    "data of another command": lambda remote: remote.cmd_abort_job.start(
        data=remote.cmd_execute.DataType(), timeout=LIMIT
    ),
    "a private field": lambda remote: remote.cmd_abort_job.set_start(private_origin=5, timeout=LIMIT),
    "next without flush": lambda remote: remote.evt_heartbeat.next(),
    "next with a time limit of 0": lambda remote: remote.evt_job_result.next(flush=True, timeout=0),
    "aget with a time limit of 0": lambda remote: remote.evt_job_result.aget(timeout=0),
    "a callback that is none": lambda remote: setattr(remote.evt_heartbeat, "callback", 5),
    "get with an argument": lambda remote: remote.evt_heartbeat.get(True),
    "no such event": lambda remote: remote.evt_nothing,
    "no such command": lambda remote: remote.cmd_nothing,
    "set without start": lambda remote: type(remote.cmd_abort_job.set(job_id="a")).__name__,
    "set a number": lambda remote: remote.cmd_abort_job.set(job_id=5),
    "a remote of nothing": lambda remote: salobj.Remote(remote.salinfo.domain, "Nothing"),
    "a remote without its index": lambda remote: salobj.Remote(remote.salinfo.domain, "OCPS"),
    "a remote of a text as index": lambda remote: REMOTE(remote.salinfo.domain, "OCPS", "1"),
    "include and exclude": lambda remote: salobj.Remote(
        remote.salinfo.domain, "OCPS", 1, include=["heartbeat"], exclude=["heartbeat"]
    ),
    "a command of a remote that only reads": lambda remote: (
        salobj.Remote(remote.salinfo.domain, "OCPS", 1, readonly=True, start=False).cmd_abort_job
    ),
    "the domain is none": lambda remote: REMOTE(None, "OCPS", 1),
}
"""What is done with a remote."""


async def outcome(act: Callable[[Any], Any], remote: Any) -> str:
    """What comes of it."""
    try:
        result = act(remote)
        if asyncio.iscoroutine(result):
            result = await result
    except salobj.AckError as error:
        return plain(f"{type(error).__name__} {SalRetCode(error.ackcmd.ack).name} {error.ackcmd.result}")
    except Exception as error:
        return plain(
            f"{type(error).__name__}: {error}"
            if isinstance(error, salobj.ExpectedError)
            else type(error).__name__
        )
    if hasattr(result, "ack"):
        return plain(f"{SalRetCode(result.ack).name} {result.result}")
    return type(result).__name__ if not isinstance(result, str) else result


def test_a_remote_that_is_used_in_odd_ways_does_the_same(play: Play) -> None:
    async def story() -> dict[str, str]:
        found = {}
        async with component(initial_state=salobj.State.ENABLED) as (_, remote):
            for name, act in CASES.items():
                found[name] = await outcome(act, remote)
        return found

    assert as_recorded("remotes", "odd", play(story))
