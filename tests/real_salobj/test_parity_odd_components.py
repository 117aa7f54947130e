"""Components whose methods raise: either SAL answers their clients in the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from conversation import plain
from parity import LIMIT, Component, Play
from recorded import as_recorded

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import SalRetCode

pytestmark = pytest.mark.timeout(900)

COMMANDS = ("start", "enable", "abort_job", "execute", "disable", "standby")
"""What a client sends, in this order, whatever came of those before."""

METHODS = (
    *(
        f"{place}_{command}"
        for command in ("start", "enable", "disable", "standby")
        for place in ("begin", "end")
    ),
    *("handle_summary_state", "do_abort_job", "do_execute"),
)
"""What a component overrides."""

RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("no such value"),
    "ExpectedError": lambda: salobj.ExpectedError("not today"),
    "CancelledError": asyncio.CancelledError,
    "huge text": lambda: RuntimeError("x" * 100_000),
}
"""What it raises, once."""


class Odd(Component):
    """A component one method of which raises when it is called for the first time."""

    def __init__(self, method: str, raised: Callable[[], BaseException], **kwargs: Any) -> None:
        self.armed = False
        original = getattr(self, method, None)

        async def raising(*arguments: Any) -> None:
            if self.armed:
                self.armed = False
                raise raised()
            if original is not None and not method.startswith("do_"):
                await original(*arguments)

        setattr(self, method, raising)
        super().__init__(**kwargs)


async def seen(remote: Any, csc: Any) -> list[str]:
    """What a client sees of a component that is about to raise."""
    csc.armed = True
    lines = []
    for name in COMMANDS:
        try:
            ack = await getattr(remote, f"cmd_{name}").set_start(timeout=3.0 * LIMIT)
        except salobj.AckError as error:
            ack = error.ackcmd
        answer = plain(f"{name}: {SalRetCode(ack.ack).name} {ack.error} {ack.result}")
        lines.append(f"{answer}; {csc.summary_state.name}")
    return lines


@pytest.mark.parametrize("method", METHODS)
def test_a_client_sees_the_same_of_components_with_mistakes(play: Play, method: str) -> None:
    async def story() -> dict[str, list[str]]:
        found = {}
        async with salobj.Domain() as domain, salobj.Remote(domain, "OCPS", 1) as remote:
            for name, raised in RAISED.items():
                async with Odd(method, raised) as csc:
                    found[name] = await seen(remote, csc)
        return found

    assert as_recorded("components", method, play(story))
