"""A Butler repository, opened when it is first needed and used without blocking the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from ..domain.errors import ArchiveError, NoAnswer
from ..domain.text import one_line

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["ANSWER_LIMIT", "Repository", "filter_of"]

ANSWER_LIMIT = 600.0
"""Seconds within which database or disk must answer anything: also a restart of the server fits in."""

_T = TypeVar("_T")


def filter_of(ref: DatasetRef) -> str | None:
    """Name the physical filter of a dataset.

    Parameters
    ----------
    ref
        The dataset.

    Returns
    -------
    physical_filter
        None where its type has none.
    """
    name = ref.dataId.get("physical_filter")
    return None if name is None else str(name)


def _from_config(path: str, writeable: bool) -> Butler:
    from lsst.daf.butler import Butler

    return Butler.from_config(path, writeable=writeable)


class Repository:
    """Works with a Butler repository in one thread, since a Butler is not made for several.

    Parameters
    ----------
    path
        Path or label, as the configuration gives it.
    open_butler
        Opens it in the thread, given the path and whether to write; None: ``Butler.from_config``.
    """

    def __init__(self, path: str, open_butler: Callable[[str, bool], Butler] | None = None) -> None:
        self._path = path
        self._open_butler = open_butler or _from_config
        self._butler: Butler | None = None
        self._answers = 0  # so far, of the database and of files, from the thread
        self._late: asyncio.Future[Any] | None = None  # what has not been answered in time
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archive")

    def __str__(self) -> str:
        return self._path

    def close(self) -> None:
        """End the thread when it has done what it is doing; a stop does not wait for that."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def call(self, function: Callable[[], _T], refused: Callable[[str], Exception] | None = None) -> _T:
        """Call a function in the thread of the repository.

        Parameters
        ----------
        function
            What reads or writes.
        refused
            Makes the error, if database or disk refuse, of what they say; by default one of reading.

        Returns
        -------
        result
            What the function returns.

        Raises
        ------
        ArchiveError
            Database or disk refused.
        NoAnswer
            They have answered nothing for `ANSWER_LIMIT`, neither to this call nor to those before it; until
            they have, later calls fail at once.
        """
        from sqlalchemy.exc import SQLAlchemyError

        if self._late is not None and not self._late.done():
            raise self._no_answer()
        begun = threading.Event()

        def work() -> _T:
            begun.set()
            self._answers += 1
            return function()

        answer = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            if not await self._answered(answer):
                if begun.is_set():
                    self._late = answer
                    answer.add_done_callback(lambda late: late.cancelled() or late.exception())  # nobody asks
                else:
                    answer.cancel()
                raise self._no_answer()
            return answer.result()
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except (SQLAlchemyError, OSError) as error:
            reason = str(error).partition("\n")[0]  # without the statement and links of the database
            if refused is not None:
                raise refused(reason) from error
            raise ArchiveError(f"the Butler repository {self._path!r} cannot be read: {reason}") from error

    async def _answered(self, answer: asyncio.Future[_T]) -> bool:
        """Wait for an answer as long as there are any."""
        before = -1
        while not answer.done() and before != self._answers:
            before = self._answers
            await asyncio.wait((answer,), timeout=ANSWER_LIMIT)
        return answer.done()

    def _no_answer(self) -> NoAnswer:
        return NoAnswer(
            f"the Butler repository {self._path!r} has answered nothing for {ANSWER_LIMIT:.0f} s",
            advice="See that its database and its disk answer, then resume the run, which looks at what is"
            " there.",
        )

    def read(self, ref: DatasetRef, parameters: dict[str, Any] | None = None) -> Any:
        """Read a dataset, in the thread.

        Parameters
        ----------
        ref, parameters
            The dataset, and which part of it; None: all.

        Returns
        -------
        dataset
            As its storage class has it.

        Raises
        ------
        ArchiveError
            Its file is gone, or not what it should be.
        """
        try:
            return self.open().get(ref, parameters=parameters)
        except Exception as error:
            reason = one_line(str(error).partition("\n")[0])
            raise ArchiveError(
                f"{ref.datasetType.name} {ref.dataId} in {ref.run} cannot be read: {reason}"
            ) from error
        finally:
            self._answers += 1

    def open(self) -> Butler:
        """The Butler to read, in the thread; what others registered since it was refreshed is not seen."""
        if self._butler is None:
            self._butler = self._opened(writeable=False)
        return self._butler

    def open_to_write(self) -> Butler:
        """A new Butler that can write, in the thread."""
        return self._opened(writeable=True)

    def _opened(self, writeable: bool) -> Butler:
        try:
            return self._open_butler(self._path, writeable)
        except Exception as error:
            if writeable:
                raise ArchiveError(f"the repository {self._path!r} cannot be written to: {error}") from error
            raise ArchiveError(f"the Butler repository {self._path!r} cannot be opened: {error}") from error
