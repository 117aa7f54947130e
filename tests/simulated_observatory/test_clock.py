"""Simulated time: it jumps, it stands still for real work, and it does not depend on the machine."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.ts.simulated_observatory import clock


def loop() -> clock.SimulatedLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, clock.SimulatedLoop)
    return running


def test_a_night_passes_in_no_time() -> None:
    async def night() -> float:
        await asyncio.sleep(12 * 3600)
        return loop().time()

    begun = time.monotonic()
    assert clock.run(night) == 12 * 3600
    assert time.monotonic() - begun < 1


def test_a_call_that_blocks_the_loop_takes_simulated_time_and_delays_what_was_due() -> None:
    async def main() -> tuple[list[float], float]:
        fired: list[float] = []
        for delay in (1.0, 8.0):
            loop().call_later(delay, lambda: fired.append(loop().time()))
        time.sleep(5)  # noqa: ASYNC251
        await asyncio.to_thread(time.sleep, 0.01)
        await asyncio.sleep(5)
        return fired, loop().time()

    really, begun = time.sleep, time.monotonic()
    assert clock.run(main) == ([5.0, 8.0], 10.0)
    assert time.monotonic() - begun < 2
    assert time.sleep is really


def test_work_that_blocks_takes_no_simulated_time_without_threads_either() -> None:
    async def main() -> float:
        await asyncio.to_thread(time.sleep, 0.01)
        return loop().time()

    assert clock.run(main, threads=False) == 0.0


def test_tai_is_that_of_the_simulated_date() -> None:
    async def later() -> tuple[float, float]:
        await asyncio.sleep(90)
        return clock.current_tai(), loop().tai()

    assert clock.run(later) == (clock.START_TAI + 90, clock.START_TAI + 90)
    assert clock.run(later, start_tai=1000.0) == (1090.0, 1090.0)


def test_tai_outside_of_a_simulation_is_utc_plus_37_s() -> None:
    assert clock.current_tai() == pytest.approx(time.time() + 37, abs=1)


@given(st.lists(st.floats(0.001, 1e6), min_size=1, max_size=20))
@settings(max_examples=30, deadline=None)
def test_timers_fire_in_order_and_never_early(delays: list[float]) -> None:
    async def check() -> list[tuple[float, float]]:
        fired: list[tuple[float, float]] = []

        def fire(delay: float) -> None:
            fired.append((delay, loop().time()))

        for delay in delays:
            loop().call_later(delay, partial(fire, delay))
        await asyncio.sleep(2e6)
        return fired

    fired = clock.run(check)
    assert [delay for delay, _ in fired] == pytest.approx(sorted(delays), abs=2e-9)
    assert all(abs(delay - now) < 2e-9 for delay, now in fired)


def test_repeated_sleeps_end_at_whole_nanoseconds() -> None:
    async def check() -> float:
        for _ in range(1000):
            await asyncio.sleep(0.1)
        return loop().time()

    assert clock.run(check) == 100.0


def test_real_work_in_a_thread_takes_no_simulated_time() -> None:
    async def check() -> tuple[int, float]:
        ticks: list[float] = []
        loop().call_later(0.001, lambda: ticks.append(loop().time()))
        await asyncio.to_thread(time.sleep, 0.05)
        return len(ticks), loop().time()

    assert clock.run(check) == (0, 0.0)


def test_work_ends_at_its_instant_however_long_it_really_takes() -> None:
    async def check() -> list[tuple[str, float]]:
        order: list[tuple[str, float]] = []

        async def job(name: str, duration: float, really: float) -> None:
            await clock.work(duration, time.sleep, really)
            order.append((name, loop().time()))

        async def ticker() -> None:
            for _ in range(3):
                await asyncio.sleep(2)
                order.append(("tick", loop().time()))

        await asyncio.gather(job("slow", 3, 0.05), job("fast", 5, 0.0), ticker())
        return order

    assert clock.run(check) == [("tick", 2), ("slow", 3), ("tick", 4), ("fast", 5), ("tick", 6)]


def test_results_at_one_instant_come_in_the_order_of_the_work() -> None:
    async def check() -> list[str]:
        order: list[str] = []

        async def job(name: str, really: float) -> None:
            await asyncio.to_thread(time.sleep, really)
            order.append(name)
            await asyncio.sleep(0)
            order.append(f"{name} again")

        await asyncio.gather(job("slow", 0.03), job("fast", 0.0))
        return order

    assert clock.run(check) == ["slow", "slow again", "fast", "fast again"]


def test_work_delivers_results_and_exceptions() -> None:
    async def check() -> float:
        assert await clock.work(1, divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await clock.work(1, divmod, 7, 0)
        with ThreadPoolExecutor(1) as executor:
            assert await clock.work(1, divmod, 9, 2, executor=executor) == (4, 1)
        return loop().time()

    assert clock.run(check) == 3.0


def test_cancelled_work_lets_the_clock_go() -> None:
    released = threading.Event()

    async def check() -> float:
        task = asyncio.create_task(clock.work(1, released.wait, 10))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.sleep(10)
        released.set()
        return loop().time()

    assert clock.run(check) == 10.5


def test_cancelled_work_that_waits_for_its_turn_is_never_done() -> None:
    released = threading.Event()
    done: list[str] = []

    async def check() -> None:
        with ThreadPoolExecutor(1) as executor:
            first = asyncio.create_task(clock.work(1, released.wait, 10, executor=executor))
            second = asyncio.create_task(clock.work(1, done.append, "second", executor=executor))
            await asyncio.sleep(0.5)
            second.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            released.set()
            await first

    clock.run(check)
    assert done == []


async def test_on_an_ordinary_loop_work_takes_the_longer_of_both_times() -> None:
    begun = time.monotonic()
    assert await clock.work(0.05, divmod, 7, 2) == (3, 1)
    assert time.monotonic() - begun >= 0.05
    with pytest.raises(ZeroDivisionError):
        await clock.work(0.0, divmod, 7, 0)


def test_a_thread_that_is_not_waited_for_ends_before_the_loop() -> None:
    done: list[str] = []

    def slow() -> None:
        time.sleep(0.1)
        done.append("slow")

    async def check() -> None:
        loop().call_later(3600, done.append, "late")
        working = asyncio.create_task(asyncio.to_thread(slow))
        await asyncio.sleep(0)
        working.cancel()

    clock.run(check)
    assert done == ["slow"]


def test_waiting_for_what_cannot_happen_is_an_error_that_names_the_task() -> None:
    async def stuck() -> None:
        await loop().create_future()

    with pytest.raises(RuntimeError, match=r"nothing left to wait for.*stuck"):
        clock.run(stuck)


def test_a_file_that_is_watched_may_still_bring_something() -> None:
    async def check() -> bytes:
        reader, writer = os.pipe()
        future = loop().create_future()
        loop().add_reader(reader, lambda: future.set_result(os.read(reader, 1)))
        thread = threading.Timer(0.02, os.write, (writer, b"!"))
        thread.start()
        result = await future
        loop().remove_reader(reader)
        os.close(reader)
        os.close(writer)
        thread.join()
        return bytes(result)

    assert clock.run(check) == b"!"


def test_a_signal_reaches_its_handler_while_real_work_is_under_way() -> None:
    async def check() -> str:
        heard = loop().create_future()
        loop().add_signal_handler(signal.SIGINT, heard.set_result, "heard")
        working = asyncio.create_task(asyncio.to_thread(time.sleep, 0.2))
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
        result: str = await heard
        assert not working.done()
        await working
        return result

    assert clock.run(check) == "heard"


def test_ctrl_c_interrupts_a_run() -> None:
    async def busy_for_ever() -> None:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(1e6)

    with pytest.raises(KeyboardInterrupt):
        clock.run(busy_for_ever)


def test_two_runs_of_a_story_are_the_same() -> None:
    async def check() -> list[tuple[int, float]]:
        order: list[tuple[int, float]] = []

        async def one(number: int) -> None:
            for step in range(5):
                await clock.work(0.1 * (number % 3), time.sleep, 0.001 * ((number * step) % 4))
                order.append((number, loop().time()))

        await asyncio.gather(*(one(number) for number in range(6)))
        return order

    assert clock.run(check) == clock.run(check)
