"""A component that dies during a run: the operator reads soon who it is, and the reason names it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any


def test_a_camera_that_died_is_named_soon_and_in_the_reason(night: Any, observatory: Any) -> None:
    there: list[Any] = []

    def remembered(*faults: str, **how: Any) -> Any:
        there.append(observatory(*faults, **how))
        return there[-1]

    heard: list[tuple[float, list[str]]] = []

    async def operator(script: Any, remote: Any) -> None:
        while len(script.record.exposures) < 2:  # noqa: ASYNC110, simulated time costs nothing
            await asyncio.sleep(0.1)
        there[0].components["ATCamera"]._heartbeat.cancel()
        begin = asyncio.get_running_loop().time()
        remote.evt_logMessage.callback = hear
        await asyncio.sleep(15)
        heard.append((asyncio.get_running_loop().time() - begin, list(lines)))

    lines: list[str] = []

    async def hear(data: Any) -> None:
        lines.append(data.message)

    run = partial(night.func, remembered, *night.args[1:])
    outcome = run("script_mode: BIAS\nn_bias: 4", "take-images-silent:image=3", operator=operator)
    ((_, soon),) = heard
    named = [line for line in soon if "no heartbeat" in line]
    assert len(named) == 1
    assert named[0].startswith("ATCamera has sent no heartbeat since 2025-01-15T18:00")
    assert outcome.state == "FAILED"
    assert outcome.reason.startswith("Error in run: ATCamera has sent no heartbeat since 2025-01-15T18:00")
    assert "ATCamera did not take the BIAS of 0 s" in outcome.reason
    assert outcome.summary["reason"] == outcome.reason
