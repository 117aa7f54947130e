"""Interruptions: what a script is spared when it has ended is spared to the campaign as well."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.campaign.interruption import Act, Interrupter, Interruption


@pytest.mark.parametrize("closed", [True, False])
def test_nothing_is_begun_after_the_end(tmp_path: Path, closed: bool) -> None:
    async def interrupt() -> tuple[list[str], bool]:
        acts = list[str]()
        interrupter = Interrupter(Interruption(Act.STOP), tmp_path / "journal.jsonl", acts.append)
        interrupter.turned(0)
        if closed:
            await interrupter.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        begun = asyncio.all_tasks() - {asyncio.current_task()}
        await interrupter.close()
        return acts, bool(begun)

    assert clock.run(interrupt, start_tai=clock.START_TAI, threads=False) == (["stopped"], not closed)
