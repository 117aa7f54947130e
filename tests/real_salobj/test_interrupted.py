"""A script is stopped while the OCPS works for it: the job is aborted, nothing is lost, nothing is left."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsst.ts import salobj

pytestmark = pytest.mark.timeout(600)

CONFIG = "script_mode: BIAS\nn_bias: 2\n"
ABORTED = 255
"""exit_code of a job that was aborted."""


@pytest.fixture(scope="module", autouse=True)
def simulated(stand: Any) -> Any:
    with stand("LATISS", "--fault", "ocps-slow:factor=100") as program:
        yield program


@dataclass
class Results:
    """What the OCPS says of its jobs, with the time at which it was sent."""

    codes: dict[str, list[int]] = field(default_factory=dict)
    last: float = 0.0

    async def take(self, data: Any) -> None:
        self.codes.setdefault(data.job_id, []).append(data.exit_code)
        self.last = data.private_sndStamp


@contextlib.asynccontextmanager
async def listening() -> AsyncIterator[Results]:
    results = Results()
    async with (
        salobj.Domain() as domain,
        salobj.Remote(domain, "OCPS", 1, readonly=True, include=["job_result"], evt_max_history=0) as ocps,
    ):
        ocps.evt_job_result.callback = results.take
        yield results


def submitted(queued: Any) -> list[str]:
    """Ids of the jobs of which the operator has read."""
    return [
        line.split()[1].rstrip(":") for line in queued.lines if line.startswith("Job ") and "log:" in line
    ]


@pytest.mark.parametrize("terminate", [False, True], ids=["stopped", "terminated"])
async def test_the_job_is_aborted_and_nothing_is_left(client: Any, terminate: bool) -> None:
    async def operator(client: Any, queued: Any) -> None:
        await client.until(lambda: submitted(queued) != [])
        await client.stop(queued, terminate=terminate)

    async with listening() as results:
        queued = await client.run(CONFIG, operator=operator)
        (job_id,) = submitted(queued)
        await client.until(lambda: job_id in results.codes, limit=30)
        await client.gone(queued)
    assert results.codes == {job_id: [ABORTED]}, "the command itself fails: there is no such job any more"
    summary = queued.summary
    assert [(each["job_id"], each["exit_code"]) for each in summary["jobs"]] == [(job_id, None)]
    assert [each["ingested"] for each in summary["exposures"]] == [True] * 3
    assert "3 exposures were taken and are kept" in summary["reason"]
    if terminate:
        assert queued.process_state == "TERMINATED"
        assert queued.states[-2:] == ["FAILING", "FAILED"]
        assert summary["state"] == "FAILED"
    else:
        assert queued.process_state == "DONE"
        assert queued.states[-2:] == ["STOPPING", "STOPPED"]
        assert summary["state"] == "STOPPED"
    assert queued.longest_silence < 7
    assert client.tracebacks() == []
