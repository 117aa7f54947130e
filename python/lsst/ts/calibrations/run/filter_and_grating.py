"""Filter and grating of a run, and the combined calibrations that its images are verified against.

Both are looked at before there are images, and before anything is moved.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..butler.archive import Archive
from ..components.camera import Camera
from ..domain.errors import AcquisitionError, ArchiveError
from ..domain.instruments import ImageType
from ..domain.text import some_of

__all__ = ["FilterAndGrating", "References"]

MOST_SHOWN = 9  # detectors that an error names; LSSTCam has 189


@dataclass(frozen=True)
class References:
    """What the images of a run are verified against, where that is not made by the run itself."""

    collections: Mapping[ImageType, Sequence[str]]
    """Where it is looked for, by the type of the images."""
    detectors: Sequence[int]
    """Butler ids."""
    archive: Archive
    """The Butler."""
    now: Callable[[], float]
    """Clock: TAI unix seconds."""

    @property
    def need_flat(self) -> bool:
        """Whether there must be a flat."""
        return ImageType.FLAT in self.collections

    async def problems(self, physical_filter: str | None = None) -> list[str]:
        """Look for the flats through a filter, or for all but flats.

        Parameters
        ----------
        physical_filter
            Name of the filter in the Butler; None for all but flats.

        Returns
        -------
        problems
            What is missing, one sentence for each problem.
        """
        of_flats = physical_filter is not None
        kinds = [kind for kind in self.collections if (kind is ImageType.FLAT) == of_flats]
        return [problem for kind in kinds for problem in await self._problems(kind, physical_filter)]

    async def _problems(self, kind: ImageType, physical_filter: str | None) -> list[str]:
        collections, name = self.collections[kind], kind.lower()
        try:
            if await self.archive.missing_collections(collections):
                return []  # which is a problem of its own
            found = await self.archive.combined(name, collections, self.now())
        except ArchiveError as error:
            return [error.happened]
        missing = [each for each in self.detectors if (each, physical_filter) not in found]
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


@dataclass
class FilterAndGrating:
    """What is in the light path while flats are taken."""

    filter_: str | int | None
    """What was asked for; None for what is there."""
    grating: str | int | None
    """The same."""
    camera: Camera
    """Moves them and says which there are."""
    references: References
    """What flats through them are verified against."""
    log: logging.Logger
    """Log of the script."""
    expected: str | None = None
    """Physical filter whose reference flat was looked for before anything was moved; None if none was."""

    async def problems(self) -> list[str]:
        """What would go wrong with filter, grating and the reference flat; nothing is moved."""
        if self.filter_ is not None or self.grating is not None:
            mounted = await self.camera.mounted()
            if mounted is None:
                self.log.warning("Which filters and gratings there are is not published: not checked.")
            elif problems := mounted.problems(self.filter_, self.grating):
                return problems
        if self.references.need_flat:
            self.expected = await self.physical_filter()
        return [] if self.expected is None else await self.references.problems(self.expected)

    async def physical_filter(self) -> str | None:
        """Name of the filter that the flats will have; None if it is not known, or not there."""
        return await self.camera.find_filter(self.filter_, self.grating)

    async def set_up(self) -> None:
        """Put filter and grating into the light path, and see that they are what was expected.

        Raises
        ------
        AcquisitionError
            The instrument refused or did not answer, or flats have nothing to compare with.
        """
        await self.camera.setup(self.filter_, self.grating)
        if not self.references.need_flat:
            return
        found = await self.camera.find_filter()
        if found is None:
            self.log.warning("What is in the light path is not known: its reference flat is not looked for.")
        elif found != self.expected and (problems := await self.references.problems(found)):
            raise AcquisitionError("; ".join(problems), kept="Nothing was exposed.")


def _there(wanted: str, filters: Collection[str]) -> str:
    """What flats there are, and which one may have been meant."""
    if not filters:
        return "; there is no flat at all"
    (near,) = difflib.get_close_matches(wanted, filters, n=1, cutoff=0.0)
    return f"; there are flats of {', '.join(sorted(filters))}, the nearest is {near}: see filter and grating"


def _detectors(numbers: Sequence[int]) -> str:
    return f"detector{'s' if len(numbers) != 1 else ''} {some_of(numbers, MOST_SHOWN)}"
