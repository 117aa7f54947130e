"""Output that nobody may read any more: the run goes on, and its log is in the run directory."""

from __future__ import annotations

import contextlib
import os
from typing import Any

__all__ = ["LastingOutput"]


class LastingOutput:
    """A text file that takes what it is given, also when its terminal is closed or its pipe is broken.

    Parameters
    ----------
    file
        E.g. ``sys.stdout``.
    """

    def __init__(self, file: Any) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write a text.

        Parameters
        ----------
        text
            It is lost where nobody reads.

        Returns
        -------
        length
            Of the text.
        """
        try:
            self._file.write(text)
        except OSError:
            self._give_up()
        return len(text)

    def flush(self) -> None:
        """Pass on what was written."""
        try:
            self._file.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        """Have all that is written from now on go nowhere, as what Python flushes when it ends."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)
