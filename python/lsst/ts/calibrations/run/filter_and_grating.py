"""Filter and grating of a run: looked at before they are moved, and put into the light path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..domain.errors import AcquisitionError

if TYPE_CHECKING:
    import logging

    from ..components.camera import Camera
    from ..config.config import CalibrationConfig
    from .references import References

__all__ = ["FilterAndGrating"]


@dataclass
class FilterAndGrating:
    """What is in the light path while flats are taken.

    Parameters
    ----------
    config
        What was asked for.
    camera
        Moves them and says which there are.
    references
        What flats through them are verified against.
    log
        Log of the script.
    """

    config: CalibrationConfig
    camera: Camera
    references: References
    log: logging.Logger

    async def look(self) -> tuple[list[str], str | None]:
        """Look what would go wrong with filter, grating and the reference flat; nothing is moved.

        Returns
        -------
        problems
            One sentence for each.
        expected
            Physical filter whose reference flat was looked for; None if none was.
        """
        filter_, grating = self.config.filter, self.config.grating
        if filter_ is not None or grating is not None:
            mounted = await self.camera.mounted()
            if mounted is None:
                self.log.warning("Which filters and gratings there are is not published: not checked.")
            elif problems := mounted.problems(filter_, grating):
                return problems, None
        expected = await self.camera.find_filter(filter_, grating) if self.references.need_flat else None
        return [] if expected is None else await self.references.flat_problems(expected), expected

    async def set_up(self, expected: str | None) -> None:
        """Put filter and grating into the light path, and see that they are what was expected.

        Parameters
        ----------
        expected
            Physical filter whose reference flat was looked for before; None if none was.

        Raises
        ------
        AcquisitionError
            The instrument refused or did not answer, or flats have nothing to compare with.
        """
        await self.camera.setup(self.config.filter, self.config.grating)
        if not self.references.need_flat:
            return
        found = await self.camera.find_filter()
        if found is None:
            self.log.warning("What is in the light path is not known: its reference flat is not looked for.")
        elif found != expected:
            problems = await self.references.flat_problems(found)
            if problems:
                raise AcquisitionError("; ".join(problems), kept="Nothing was exposed.")
