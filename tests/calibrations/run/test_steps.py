"""Steps: each begins when what it needs has succeeded, and a failure takes along only what depends on it."""

import asyncio

import pytest
from lsst.ts.calibrations.run.steps import Steps

from lsst.ts.calibrations.domain.errors import ProcessingError
from lsst.ts.simulated_observatory import clock


def run_steps(build):
    """Run steps that `build` adds; return what happened, in order."""
    story = []

    def work(name, seconds=1.0, error=None):
        async def do():
            story.append(f"{name} begins")
            await asyncio.sleep(seconds)
            if error is not None:
                raise error
            story.append(f"{name} ends")

        return do

    async def main():
        steps = Steps(lambda step, reason, _: story.append(f"{step} not done: {reason}"))
        build(steps, work)
        await steps.finish()

    clock.run(main)
    return story


def test_a_step_waits_for_all_that_it_needs():
    def build(steps, work):
        steps.add("slow", work("slow", 5.0))
        steps.add("quick", work("quick", 1.0))
        steps.add("last", work("last"), needs=["slow", "quick"])

    assert run_steps(build) == [
        "slow begins", "quick begins", "quick ends", "slow ends", "last begins", "last ends",
    ]  # fmt: skip


def test_a_failure_takes_along_what_needs_it_and_nothing_else():
    def build(steps, work):
        steps.add("bias", work("bias", error=ProcessingError("generate BIAS", "exit code 1")))
        steps.add("dark", work("dark"), needs=["bias"])
        steps.add("flat", work("flat"), needs=["dark"])
        steps.add("gains", work("gains"))

    story = run_steps(build)
    assert "gains ends" in story
    assert "dark begins" not in story
    assert [line for line in story if "not done" in line] == [
        "bias not done: exit code 1",
        "dark not done: it needs 'bias', which was not done",
        "flat not done: it needs 'dark', which was not done",
    ]


def test_a_fault_of_the_program_is_not_taken_for_a_failed_step():
    def build(steps, work):
        steps.add("bias", work("bias", error=ZeroDivisionError()))

    with pytest.raises(ZeroDivisionError):
        run_steps(build)
