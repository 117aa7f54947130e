"""A component whose process stands still: whether it takes up what was sent meanwhile.

salobj reads in a consumer group. Who is silent for longer than ``session.timeout.ms`` (librdkafka: 45 s) is
put out of it; when it is back salobj begins at the end of each topic (``_blocking_on_assign_callback``), so
that commands which were sent meanwhile are never read, and never acknowledged. The script can only name who
is silent, and be resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from lsst.ts import salobj

pytestmark = [pytest.mark.timeout(600), pytest.mark.long]

FROZEN = 20.0
"""Seconds for which the process is stopped."""


@pytest.mark.parametrize(("session", "is_answered"), [(6.0, False), (300.0, True)])
async def test_a_command_sent_to_a_process_that_stands_still(
    topics: None,
    run: Any,
    tmp_path: Path,
    session: float,
    is_answered: bool,
) -> None:
    support = Path(__file__).parent / "support"
    consumer = tmp_path / "consumer.yaml"
    usual = (support / "consumer.yaml").read_text(encoding="utf-8")
    consumer.write_text(f"{usual}\nsession.timeout.ms: {session * 1e3:.0f}\n", encoding="utf-8")
    program = [sys.executable, str(support / "answering.py")]
    with run(
        program, tmp_path / "out.txt", "READY", LSST_KAFKA_CONSUMER_CONFIGURATION=str(consumer)
    ) as there:
        async with salobj.Domain() as domain, salobj.Remote(domain, "Test", 1) as remote:
            await remote.cmd_setScalars.set_start(int0=1, timeout=60)
            os.kill(there.process.pid, signal.SIGSTOP)
            await asyncio.sleep(FROZEN / 2)
            sent = asyncio.create_task(remote.cmd_setScalars.set_start(int0=2, timeout=60))
            await asyncio.sleep(FROZEN / 2)
            os.kill(there.process.pid, signal.SIGCONT)
            with contextlib.nullcontext() if is_answered else pytest.raises(salobj.AckTimeoutError):
                await sent
            await remote.cmd_setScalars.set_start(int0=3, timeout=60)
            there.process.terminate()
