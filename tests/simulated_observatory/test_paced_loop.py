"""Real time at a pace of choice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.clock import PacedLoop


def play(main: Callable[[], Coroutine[Any, Any, Any]], speed: float) -> Any:
    with asyncio.Runner(loop_factory=lambda: PacedLoop(clock.START_TAI, speed)) as runner:
        return runner.run(main())


def test_what_is_simulated_takes_less_and_is_dated_as_if_it_had_not() -> None:
    async def check() -> tuple[float, float]:
        begin, began = clock.current_tai(), time.monotonic()
        await clock.sleep(20.0)
        await clock.work(10.0, time.sleep, 0.0)
        return clock.current_tai() - begin, time.monotonic() - began

    simulated, real = play(check, 100.0)
    assert simulated >= 30.0
    assert simulated == pytest.approx(100 * real, rel=0.1)


def test_real_work_takes_its_time_at_any_speed() -> None:
    async def check() -> float:
        began = time.monotonic()
        await clock.work(1.0, time.sleep, 0.2)
        return time.monotonic() - began

    assert play(check, 1000.0) >= 0.2


def test_the_date_is_the_one_that_was_given() -> None:
    async def check() -> float:
        return clock.current_tai()

    assert play(check, 1.0) == pytest.approx(clock.START_TAI, abs=10)


def test_other_things_go_by_the_wall_clock() -> None:
    async def check() -> float:
        began = time.monotonic()
        await asyncio.sleep(0.1)
        return time.monotonic() - began

    assert play(check, 100.0) >= 0.1
