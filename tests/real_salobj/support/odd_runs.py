"""Scripts whose ``run`` does what it should not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from lsst.ts.xml.enums.Script import ScriptState

from lsst.ts import salobj

HUGE = "x" * 1_500_000


SURROGATE = "a\ud800b"


async def _swallows(self: Any) -> None:
    for _ in range(2):
        try:
            await asyncio.sleep(3)
        except asyncio.CancelledError:
            self.log.info("not now")


async def _slow_to_stop(self: Any) -> None:
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(0.5)


async def _fails_when_stopped(self: Any) -> None:
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        raise ValueError("stopped in the middle") from None


async def _cancels_itself(self: Any) -> None:
    self._run_task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(1)


async def _awaits_what_is_cancelled(self: Any) -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def _shields(self: Any) -> None:
    await asyncio.shield(asyncio.sleep(2))


async def _in_a_task(self: Any) -> None:
    await asyncio.gather(*(self.checkpoint(f"{number}") for number in range(3)))


async def _states_by_hand(self: Any) -> None:
    await self.set_state(ScriptState.PAUSED, reason="by hand")
    await self.checkpoint("never")


async def _adds_reasons(self: Any) -> None:
    await self.set_state(reason="one")
    await self.set_state(reason="two", keep_old_reason=True)
    await self.set_state(reason="", keep_old_reason=True)
    await self.set_state(ScriptState.RUNNING, keep_old_reason=True)
    raise salobj.ExpectedError("three")


async def _logs(self: Any) -> None:
    self.log.debug("not shown")
    self.log.info("umlaut ü, zero \0, tab \t")
    self.log.info(5)
    self.log.info(SURROGATE)
    self.log.info(HUGE)
    self.log.info("after")
    for _ in range(3):
        self.log.warning("again")
    self.log.getChild("child").error("of a child")
    try:
        raise KeyError("key")
    except KeyError:
        self.log.exception("caught")
    thread = threading.Thread(target=self.log.info, args=("from a thread",))
    thread.start()
    await asyncio.sleep(0.3)
    thread.join()
    self.log.log(35, "of a level of its own")
    self.log.setLevel(40)
    self.log.info("below the level")
    await asyncio.sleep(0.2)


def _argument(method: str, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
    async def run(self: Any) -> None:
        await getattr(self, method)(*args, **kwargs)

    return run


RUNS: dict[str, Callable[[Any], Any]] = {
    "swallows a stop": _swallows,
    "slow to stop": _slow_to_stop,
    "fails when stopped": _fails_when_stopped,
    "cancels itself": _cancels_itself,
    "awaits what is cancelled": _awaits_what_is_cancelled,
    "shields itself": _shields,
    "checkpoints in tasks": _in_a_task,
    "states by hand": _states_by_hand,
    "adds reasons": _adds_reasons,
    "logs": _logs,
    "checkpoint of a number": _argument("checkpoint", 5),
    "checkpoint of nothing": _argument("checkpoint"),
    "checkpoint huge": _argument("checkpoint", HUGE),
    "checkpoint surrogate": _argument("checkpoint", SURROGATE),
    "reason number": _argument("set_state", reason=5),
    "reason huge": _argument("set_state", reason=HUGE),
    "reason surrogate": _argument("set_state", reason=SURROGATE),
    "state 99": _argument("set_state", 99),
    "state by name": _argument("set_state", "RUNNING"),
    "configures itself": _argument("configure", None),
    "closes itself": _argument("close"),
}
