"""A script that was killed goes on where it was, added to the queue again with the option ``resume``."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(600)

CONFIG = "n_bias: 2\nn_dark: 3\nexp_times_dark: 20\nn_flat: 2\n"
IMAGES = {"BIAS": 3, "DARK": 4, "FLAT": 3}


@pytest.fixture(scope="module", autouse=True)
def simulated(stand: Any) -> Any:
    with stand("LATISS") as program:
        yield program


@pytest.mark.parametrize("end", ["killed", "terminated", "stopped"])
async def test_the_run_goes_on_and_at_most_one_exposure_is_retaken(client: Any, end: str) -> None:
    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: "DARK 3 of 4, 20 s" in queued.checkpoints)
        await asyncio.sleep(0.5)  # half of its exposure
        if end == "killed":
            (process,) = queued.processes
            os.kill(process, signal.SIGKILL)
        else:
            await client.stop(queued, terminate=end == "terminated")

    first = await client.run(CONFIG, operator=operator)
    assert first.script_state != "DONE"
    await client.gone(first)
    (folder,) = [line.removeprefix("Run directory: ") for line in first.lines if line.startswith("Run dir")]
    resumed = f"resume: {folder}\n"
    queued = await client.run(resumed)
    assert (queued.process_state, queued.script_state) == ("DONE", "DONE"), queued.reason
    summary = first.summary  # of the same directory
    assert summary["state"] == "DONE"
    assert sorted(summary["verification"]) == ["BIAS", "DARK", "FLAT"]
    taken = Counter(each["image_type"] for each in summary["exposures"] if each["ingested"])
    assert taken - Counter(IMAGES) <= Counter(DARK=1)
    assert Counter(IMAGES) - taken == Counter()
    assert queued.lines[0].startswith("The run in ")
    for kind in IMAGES:
        assert any(line.startswith(f"{kind} calibration passed") for line in first.lines + queued.lines)
    again = await client.run(resumed)
    assert again.script_state == "CONFIGURE_FAILED"
    assert "is DONE: there is nothing left to do" in again.reason


async def test_what_cannot_be_resumed_is_refused_with_the_reason(client: Any) -> None:
    queued = await client.run("resume: /no/such/run\n")
    assert queued.script_state == "CONFIGURE_FAILED"
    assert "/no/such/run holds no run" in queued.reason
