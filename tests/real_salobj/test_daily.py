"""The daily default of LATISS and its internal sister, whole, on the bus; what the operator reads of them."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from log_checks import EMPTY, INTERNAL, check_that_the_log_is_the_report

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.long,  # 65 exposures, and processes that must start: about a minute for each
]


@pytest.fixture(scope="module", autouse=True)
def simulated(stand: Any) -> Any:
    with stand("LATISS", "--speed", "60") as program:
        yield program


CONFIGURATIONS = {
    "empty": EMPTY,
    "mode": "script_mode: BIAS_DARK_FLAT\n",
    "internal": INTERNAL.format(name="daily.1"),
}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
async def test_the_daily_default_ends_done_and_its_log_is_the_report(client: Any, kind: str) -> None:
    queued = await client.run(CONFIGURATIONS[kind])
    assert (queued.process_state, queued.script_state) == ("DONE", "DONE"), queued.reason
    check_that_the_log_is_the_report(queued, internal=kind == "internal")
    assert len(queued.summary["exposures"]) == 65
    assert any(line.startswith("SIMULATED: in simulation mode are ATCamera") for line in queued.lines)
    warnings = [line for level, line in queued.log if level >= logging.WARNING]
    assert len(warnings) == 1, warnings
