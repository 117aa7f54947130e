"""Interruptions: what a script is spared when it has ended is spared to the campaign as well."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.campaign.recording import Recorder
from lsst.ts.simulated_observatory.campaign.scenario import Act, Interruption


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_begun_after_the_end(tmp_path: Path, closed: bool) -> None:
    async def interrupt() -> tuple[list[str], bool]:
        recorder = Recorder(tmp_path, 0, Interruption(Act.STOP))
        recorder.turned(0)
        if closed:
            await recorder.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        begun = asyncio.all_tasks() - {asyncio.current_task()}
        if not closed:
            await recorder.close()
        lines = (tmp_path / "recording.jsonl").read_text().splitlines()
        return [json.loads(line)[4]["act"] for line in lines], bool(begun)

    assert clock.run(interrupt, start_tai=clock.START_TAI, threads=False) == (["stopped"], not closed)
