"""A repository that does not answer is not waited for without a limit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from lsst.ts.calibrations.butler import repository
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.errors import NoAnswer


class Slow:
    """Reads in some hundredths of a second."""

    def get(self, ref: Any, parameters: Any = None) -> int:
        time.sleep(0.02)
        return 1


@pytest.fixture
def answers() -> Iterator[threading.Event]:
    """What the repository waits for, at most until the end of the test."""
    event = threading.Event()
    yield event
    event.set()


async def let_answer(place: Repository, answers: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what came too late answered, and the limit be that of a repository that answers."""
    answers.set()
    monkeypatch.setattr(repository, "ANSWER_LIMIT", 60.0)
    assert place._late is not None
    await place._late


def test_a_repository_that_does_not_answer_is_given_up_and_asked_again_when_it_has(
    answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ANSWER_LIMIT", 0.01)
    place = Repository("/repo/none")
    asked: list[int] = []

    async def main() -> None:
        with pytest.raises(NoAnswer, match="has answered nothing for") as caught:
            await place.call(answers.wait)
        assert "resume the run" in str(caught.value)
        with pytest.raises(NoAnswer, match="has answered nothing for"):
            await place.call(lambda: asked.append(1))
        await let_answer(place, answers, monkeypatch)
        assert await place.call(lambda: "answer") == "answer"
        assert asked == []  # nothing waits behind what is not answered

    asyncio.run(main())
    place.close()


def test_a_repository_that_goes_on_answering_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call may read thousands of files, and others wait behind it."""
    monkeypatch.setattr(repository, "ANSWER_LIMIT", 0.2)
    slow: Any = Slow()
    ref: Any = None
    place = Repository("/repo/none", lambda *_: slow)

    def read_many() -> int:
        return sum(place.read(ref) for _ in range(30))

    async def main() -> None:
        answered, behind = await asyncio.gather(place.call(read_many), place.call(lambda: "behind"))
        assert (answered, behind) == (30, "behind")

    asyncio.run(main())
    place.close()


def test_what_waits_behind_a_call_without_answer_is_never_done(
    answers: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ANSWER_LIMIT", 0.01)
    place = Repository("/repo/none")
    done: list[str] = []

    async def main() -> None:
        calls = [place.call(answers.wait), place.call(lambda: done.append("certified"))]
        assert all(
            isinstance(each, NoAnswer) for each in await asyncio.gather(*calls, return_exceptions=True)
        )
        await let_answer(place, answers, monkeypatch)
        await place.call(lambda: None)

    asyncio.run(main())
    place.close()
    assert done == []


def test_what_is_asked_behind_something_else_is_not_done_after_a_stop(answers: threading.Event) -> None:
    place = Repository("/repo/none")
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
