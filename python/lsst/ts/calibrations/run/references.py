"""The combined calibrations that images are to be verified against: looked for before there are images."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.errors import ArchiveError
from ..domain.instruments import ImageType

if TYPE_CHECKING:
    from ..butler.archive import Archive
    from ..config.config import CalibrationConfig

__all__ = ["References"]

MOST_SHOWN = 9
"""Detectors that an error names; LSSTCam has 189."""


@dataclass(frozen=True)
class References:
    """What the images of a run are verified against, where that is not made by the run itself.

    Parameters
    ----------
    config
        What was asked for.
    needed
        Types of the images that are verified against what is there.
    archive
        The Butler.
    now
        Clock: TAI unix seconds.
    """

    config: CalibrationConfig
    needed: Sequence[ImageType]
    archive: Archive
    now: Callable[[], float]

    async def problems(self) -> list[str]:
        """What is missing of biases and darks; flats need a filter, see `flat_problems`."""
        problems = []
        for kind in self.needed:
            if kind is not ImageType.FLAT:
                problems += await self._problems(kind, None)
        return problems

    @property
    def need_flat(self) -> bool:
        """Whether there must be a flat."""
        return ImageType.FLAT in self.needed

    async def flat_problems(self, physical_filter: str) -> list[str]:
        """Look for the flats through a filter.

        Parameters
        ----------
        physical_filter
            Name of the filter in the Butler.

        Returns
        -------
        problems
            What is missing, one sentence for each problem.
        """
        return await self._problems(ImageType.FLAT, physical_filter) if self.need_flat else []

    async def _problems(self, kind: ImageType, physical_filter: str | None) -> list[str]:
        collections, name = self.config.images[kind].verify_collections, kind.lower()
        try:
            if await self.archive.missing_collections(collections):
                return []  # which is a problem of its own
            found = await self.archive.combined(name, collections, self.now())
        except ArchiveError:
            return []  # likewise
        missing = [each for each in self.config.detectors if (each, physical_filter) not in found]
        if not missing:
            return []
        what, there = name, ""
        if physical_filter is not None:
            what = f"{name} of {physical_filter}"
            there = _there(physical_filter, {each for _, each in found if each is not None})
        return [
            f"input_collections_verify_{name}: {', '.join(collections)} has no combined {what} that is valid"
            f" now for {_detectors(missing)} to verify against{there}"
        ]


def _there(wanted: str, filters: Collection[str]) -> str:
    """What flats there are, and which one may have been meant."""
    if not filters:
        return "; there is no flat at all"
    (near,) = difflib.get_close_matches(wanted, filters, n=1, cutoff=0.0)
    return f"; there are flats of {', '.join(sorted(filters))}, the nearest is {near}: see filter and grating"


def _detectors(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_SHOWN]))
    more = f" and {len(numbers) - MOST_SHOWN} more" if len(numbers) > MOST_SHOWN else ""
    return f"detector {shown}" if len(numbers) == 1 else f"detectors {shown}{more}"
