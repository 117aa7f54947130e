"""What an author of scripts relies on: time that costs nothing, honest ends, and everything closed."""

from __future__ import annotations

import asyncio
import types
import unittest
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.clock import current_tai
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState
from lsst.ts.simulated_observatory.testing import BaseScriptTestCase


class Nap(salobj.BaseScript):
    """Sleeps, and fails if that was configured."""

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        properties = {
            "hours": {"type": "number", "default": 1},
            "fails": {"type": "boolean", "default": False},
        }
        return {"type": "object", "properties": properties, "additionalProperties": False}

    async def configure(self, config: types.SimpleNamespace) -> None:
        self.config = config

    def set_metadata(self, metadata: salobj.BaseMsgType) -> None:
        metadata.duration = self.config.hours * 3600

    async def run(self) -> None:
        await self.checkpoint("nap")
        await asyncio.sleep(self.config.hours * 3600)
        if self.config.fails:
            raise salobj.ExpectedError("the alarm clock rang")


class Neighbour:
    """Something else that a test makes; it may be slow to start."""

    def __init__(self, seconds: float) -> None:
        self.start_task = asyncio.ensure_future(asyncio.sleep(seconds))
        self.closed = False

    async def close(self) -> None:
        self.start_task.cancel()
        self.closed = True


class TestNap(BaseScriptTestCase, unittest.IsolatedAsyncioTestCase):
    """The habits of authors of scripts."""

    seconds_to_start = 5.0

    async def basic_make_script(self, index: int) -> list[Any]:
        self.script = Nap(index, "naps")
        self.neighbour = Neighbour(self.seconds_to_start)
        return [self.script, self.neighbour]

    async def test_hours_pass_at_once_and_on_the_clock_of_the_script(self) -> None:
        async with self.make_script():
            begin = current_tai()
            await self.configure_script(hours=10)
            await self.run_script()
            assert 36_000 <= current_tai() - begin < 36_002

    async def test_options_come_back_as_they_were_given_and_defaults_reach_the_script(self) -> None:
        async with self.make_script():
            assert await self.configure_script(hours=2) == SimpleNamespace(hours=2)
            assert (self.script.config.hours, self.script.config.fails) == (2, False)
            assert self.script.group_id.startswith("2025-01-15T18:00:05")

    async def test_a_script_can_be_configured_again(self) -> None:
        async with self.make_script():
            await self.configure_script(hours=2)
            await self.configure_script()
            assert self.script.config.hours == 1
            await self.run_script()

    async def test_a_failure_that_is_expected_is_a_success(self) -> None:
        async with self.make_script():
            await self.configure_script(fails=True)
            await self.run_script(expected_final_state=ScriptState.FAILED)

    async def test_another_end_than_expected_is_told_with_its_reason(self) -> None:
        async with self.make_script():
            await self.configure_script(fails=True)
            with pytest.raises(AssertionError, match=r"FAILED, not DONE: .*the alarm clock rang"):
                await self.run_script()

    async def test_a_configuration_that_is_refused_says_why(self) -> None:
        async with self.make_script():
            with pytest.raises(salobj.ExpectedError, match="minutes"):
                await self.configure_script(minutes=3)
            assert self.script.state.state == ScriptState.CONFIGURE_FAILED

    async def test_all_is_closed_though_the_test_fails(self) -> None:
        with pytest.raises(ZeroDivisionError):
            async with self.make_script():
                raise ZeroDivisionError
        assert self.neighbour.closed
        assert not self.script.isopen

    async def test_what_does_not_start_ends_the_test_and_is_closed(self) -> None:
        self.seconds_to_start = 1000
        with pytest.raises(TimeoutError):
            async with self.make_script():
                raise AssertionError("it has not started")
        assert self.neighbour.closed

    async def test_arguments_of_the_observatory_class_are_accepted(self) -> None:
        async with self.make_script(log_level=10, timeout=60, verbose=True, randomize_topic_subname=True):
            assert self.script.log.level == 10

    async def test_every_script_has_an_index_of_its_own(self) -> None:
        async with self.make_script():
            first = self.script.salinfo.index
        async with self.make_script():
            assert self.script.salinfo.index > first


class TestScriptOfAnotherBus(BaseScriptTestCase, unittest.IsolatedAsyncioTestCase):
    """A script that was imported before the embedded SAL took its place."""

    async def basic_make_script(self, index: int) -> list[Any]:
        self.script = SimpleNamespace()  # type: ignore[assignment]
        return []

    async def test_it_is_refused_with_advice(self) -> None:
        with pytest.raises(RuntimeError, match=r"call use_embedded_sal\(\) before"):
            async with self.make_script():
                raise AssertionError("it cannot be tested")
