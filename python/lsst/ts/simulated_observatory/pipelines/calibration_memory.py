"""Memory of a process for the combined calibrations that it has read.

A job removes the signature of many images with the same few calibrations, and pipetask reads them anew for
each: that takes longer than the removal.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from dataclasses import is_dataclass
from typing import TypeVar

from .images import DetectorImage

__all__ = ["CalibrationMemory", "remember_calibrations", "remembered"]

MOST = 500_000_000
"""Bytes, of the files, that a process remembers: the calibrations of two detectors of real size."""

_Calibration = TypeVar("_Calibration")


class CalibrationMemory:
    """Contents of files of calibrations, those that were used last.

    Parameters
    ----------
    most
        Bytes of the files together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[tuple[str, int, int], object] = OrderedDict()

    def get(self, path: str, read: Callable[[], _Calibration]) -> _Calibration:
        """Read a file unless its content is remembered.

        Parameters
        ----------
        path, read
            The file; reads it.

        Returns
        -------
        content
            A copy as deep as its attributes; the pixels of an image cannot be changed.
        """
        about = os.stat(path)
        key = path, about.st_size, about.st_mtime_ns
        found = self._kept.pop(key, None)
        if found is None:
            found = _protected(read())
        self._kept[key] = found
        while len(self._kept) > 1 and sum(size for _, size, _ in self._kept) > self._most:
            self._kept.popitem(last=False)
        return _given_out(found)  # type: ignore[return-value]


def _protected(content: object) -> object:
    """The content; of an image nobody can change the pixels."""
    if isinstance(content, DetectorImage):
        for plane in (content.image, content.mask):
            plane.setflags(write=False)
    return content


def _given_out(kept: object) -> object:
    """Something whose attributes can be changed, and what they hold: to copy a whole curve takes longer."""
    given = copy(kept)
    for name, value in vars(given).items() if is_dataclass(given) else ():
        if isinstance(value, dict | list):
            setattr(given, name, value.copy())
    return given


_MEMORY: list[CalibrationMemory] = []


def remember_calibrations() -> None:
    """Remember from now on what this process reads: for jobs, which change no calibration in place."""
    _MEMORY[:] = [CalibrationMemory(MOST)]


def remembered(path: str, read: Callable[[], _Calibration]) -> _Calibration:
    """Read a file of a calibration, unless this process remembers it.

    Parameters
    ----------
    path, read
        The file; reads it.

    Returns
    -------
    content
        Of the file.
    """
    return _MEMORY[0].get(path, read) if _MEMORY else read()
