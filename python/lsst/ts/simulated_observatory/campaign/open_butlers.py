"""Butlers that are open before a life begins: to open one takes longer than most of what a life does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from lsst.daf.butler import Butler

__all__ = ["OpenButlers"]


class OpenButlers:
    """Butlers of a repository, for processes that are forked with it in the same place.

    They are opened once, by the parent. A child gets copies that the Butler makes of itself
    (`~lsst.daf.butler.Butler.clone`), which read the repository anew.

    Parameters
    ----------
    repository
        Butler repository. Others may take its place, if they began as copies of the same one.
    """

    def __init__(self, repository: Path) -> None:
        self._opened = {
            writeable: Butler.from_config(str(repository), writeable=writeable) for writeable in (False, True)
        }
        self._kept = {writeable: butler.clone() for writeable, butler in self._opened.items()}

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let whoever opens a Butler get a copy of these."""

        def copy(_: object, *, writeable: bool = False) -> Butler:
            butler = self._kept[writeable].clone()
            butler.registry.refresh()
            return butler

        with mock.patch.object(Butler, "from_config", copy):
            yield

    def disconnect(self) -> None:
        """Close the connections of the parent, before it forks.

        A child that had them would go on with a database that another has replaced.
        """
        for butler in self._opened.values():
            butler.close()
