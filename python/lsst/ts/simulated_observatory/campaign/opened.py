"""A repository that is opened before the process is forked in which a scenario uses it.

To open a Butler, and to compile its first queries, takes longer than most of what a scenario does with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lsst.daf.butler import Butler

__all__ = ["OpenedRepository"]


class OpenedRepository:
    """A repository that is opened, and of which copies are put to its path.

    Parameters
    ----------
    read, write
        Butlers that have no connection to the database.
    """

    def __init__(self, read: Butler, write: Butler) -> None:
        self._read, self._write = read, write

    @classmethod
    @contextmanager
    def opening(cls, repository: Path) -> Iterator[OpenedRepository]:
        """Open a repository; what is done within the context is remembered, as compiled queries are.

        Parameters
        ----------
        repository
            Its path.

        Yields
        ------
        opened
            Without a connection from the end of the context on: none may pass to a process that is forked.
        """
        with ExitStack() as stack:
            # Clones outlive the Butler that they come from, and it alone can close the connections of all.
            read, write = (
                stack.enter_context(Butler.from_config(str(repository), writeable=writeable)).clone()
                for writeable in (False, True)
            )
            yield cls(read, write)

    def open(self, path: str, writeable: bool) -> Butler:
        """Return a Butler of its own, which knows what is in the repository now.

        Parameters
        ----------
        path
            Of the repository, which is known: it is not used.
        writeable
            Whether to write.

        Returns
        -------
        butler
            For one process.
        """
        butler = (self._write if writeable else self._read).clone()
        butler.registry.refresh()
        return butler
