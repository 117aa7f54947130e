"""A repository that does not answer is not waited for without a limit."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lsst.ts.calibrations.butler import repository
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.errors import ArchiveError


def test_a_repository_that_does_not_answer_is_given_up_and_asked_again_when_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repository, "ANSWER_LIMIT", 0.01)
    answers, place = threading.Event(), Repository("/repo/none")
    asked: list[int] = []

    async def main() -> None:
        with pytest.raises(ArchiveError, match="has not answered within") as caught:
            await place.call(answers.wait)
        assert "resume the run" in str(caught.value)
        with pytest.raises(ArchiveError, match="has not answered within"):
            await place.call(lambda: asked.append(1))
        assert asked == []  # nothing waits behind what is not answered
        answers.set()
        assert place._late is not None
        await place._late
        monkeypatch.setattr(repository, "ANSWER_LIMIT", 60.0)
        assert await place.call(lambda: "answer") == "answer"

    asyncio.run(main())
    place.close()


def test_what_is_asked_behind_something_else_is_not_done_after_a_stop() -> None:
    answers, place = threading.Event(), Repository("/repo/none")
    done: list[str] = []

    async def main() -> None:
        first = asyncio.ensure_future(place.call(answers.wait))
        second = asyncio.ensure_future(place.call(lambda: done.append("second")))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        answers.set()
        await first

    asyncio.run(main())
    place.close()
    assert done == []
