"""At the pace of a telescope: a stop during a long exposure, the wait after the last one, a dead camera."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(900)

STOP_LIMIT = 8.0
"""Seconds from a stop to STOPPED; the queue gives up after 11."""

SILENT_FOR = 15.0
"""Seconds within which somebody who is silent is named; and as many for a machine with other things to do."""

ONE_DARK = "script_mode: DARK\nn_dark: 1\nn_discard_dark: 0\nexp_times_dark: 30\n"


@pytest.fixture(scope="module", autouse=True)
def simulated(stand: Any) -> Any:
    with stand("LATISS", "--speed", "1") as program:
        yield program


async def test_a_stop_during_a_long_exposure_is_acknowledged_and_the_exposure_is_found(client: Any) -> None:
    seconds: list[float] = []

    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: "DARK 1 of 1, 30 s" in queued.checkpoints)
        await asyncio.sleep(4.0)
        begin = time.monotonic()
        await client.stop(queued, terminate=False)  # it raises if the queue gives up
        await client.until(lambda: queued.states[-1:] == ["STOPPED"])
        seconds.append(time.monotonic() - begin)

    stopped = await client.run(ONE_DARK, operator=operator)
    assert stopped.script_state == "STOPPED"
    assert seconds[0] < STOP_LIMIT
    assert "a DARK of 30 s was under way (AT_O_" in stopped.reason
    await client.gone(stopped)
    await asyncio.sleep(30.0)  # the camera ends it alone
    queued = await client.run(f"resume: {stopped.run_directory}\n")
    assert queued.script_state == "DONE", queued.reason
    (exposure,) = stopped.summary["exposures"]
    assert f"({exposure['obs_id']})" in stopped.reason
    assert exposure["ingested"]


STATES = {
    ("PAUSED", "queue"): "FAILED",
    ("PAUSED", "script"): "STOPPED",
    ("UNCONFIGURED", "queue"): "UNCONFIGURED",
    ("UNCONFIGURED", "script"): "STOPPED",
}
"""The last state of a script that is stopped in another one: the queue sends a signal to those."""


@pytest.mark.parametrize(("state", "whom"), STATES, ids=["-".join(each) for each in STATES])
async def test_a_stop_of_who_is_paused_or_is_being_configured_is_acknowledged_and_ends_its_process(
    client: Any, state: str, whom: str
) -> None:
    queued = await client.add("script_mode: BIAS\nn_bias: 3\n", pauseCheckpoint="BIAS 2.*")
    await client.queue.cmd_resume.start(timeout=30)
    await client.until(lambda: queued.states[-1:] == [state])
    begin = time.monotonic()
    if whom == "queue":
        await client.stop(queued, terminate=False)
    else:
        await client.scripts.cmd_stop.set_start(salIndex=queued.index, timeout=30)
    await client.until(lambda: queued.states[-1] == STATES[state, whom])
    assert time.monotonic() - begin < STOP_LIMIT
    await client.gone(queued)
    assert queued.states[-1] == STATES[state, whom]


async def test_the_wait_is_kept_after_the_last_exposure(client: Any) -> None:
    config = "script_mode: BIAS\nn_bias: 1\nn_discard_bias: 0\ndo_verify: false\nwait_between_exposures: 12\n"
    queued = await client.run(config)
    assert queued.script_state == "DONE", queued.reason
    lines = (queued.run_directory / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    times = {fact["fact"]: fact["time"] for fact in map(json.loads, lines)}
    assert times["RunEnded"] - times["ReadoutEnded"] >= 12.0


async def test_who_is_dead_is_named_soon_and_in_the_reason(client: Any, simulated: Any) -> None:
    """The last test: nobody is there any more."""
    seconds: list[float] = []

    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: "DARK 1 of 1, 30 s" in queued.checkpoints)
        simulated.process.kill()
        begin = time.monotonic()
        await client.until(lambda: any("ATCamera has sent no heartbeat" in line for line in queued.lines))
        seconds.append(time.monotonic() - begin)

    queued = await client.run(ONE_DARK, operator=operator)
    assert queued.script_state == "FAILED"
    assert seconds[0] < 2.0 * SILENT_FOR
    assert "ATCamera has sent no heartbeat since" in queued.reason
