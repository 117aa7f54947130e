"""Filters and gratings: which there are, and which one is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MountedOptics"]

_NEAR = 0.4  # least likeness of a name that is proposed in place of an unknown one


@dataclass(frozen=True)
class MountedOptics:
    """The filters and gratings that light can be made to pass."""

    holder: str
    """SAL name of the component that has them."""
    filters: tuple[str, ...]
    """Names by position; those of a camera without spectrograph have no positions."""
    gratings: tuple[str, ...] = ()
    """Names by position; a camera without spectrograph has none."""

    def problems(self, filter_: str | int | None, grating: str | int | None) -> list[str]:
        """Look for what was asked for.

        Parameters
        ----------
        filter_, grating
            Name or position, as configured; None asks for nothing.

        Returns
        -------
        problems
            What is not there, one sentence for each option.
        """
        wanted = [("filter", self.filters, filter_), ("grating", self.gratings, grating)]
        return [
            f"{option}: {asked!r} is not in {self.holder}, {self._holding(names)}{self._hint(names, asked)}"
            for option, names, asked in wanted
            if asked is not None and self._find(names, asked) is None
        ]

    def set_up(
        self, present: tuple[str, str | None], filter_: str | int | None, grating: str | int | None
    ) -> tuple[str, str | None] | None:
        """Name the filter and the grating that an exposure will have.

        Parameters
        ----------
        present
            Names of those that are set up now.
        filter_, grating
            Name or position of what is asked for; None leaves what is there.

        Returns
        -------
        names
            None if what is asked for is not there.
        """
        filter_name = present[0] if filter_ is None else self._find(self.filters, filter_)
        grating_name = present[1] if grating is None else self._find(self.gratings, grating)
        if filter_name is None or (grating is not None and grating_name is None):
            return None
        return filter_name, grating_name

    def _find(self, names: Sequence[str], asked: str | int) -> str | None:
        # The spectrograph's class takes a number for a position, and a number in quotes for a name.
        if isinstance(asked, int):
            return names[asked] if self.gratings and 0 <= asked < len(names) else None
        return asked if asked in names else None

    def _holding(self, names: Sequence[str]) -> str:
        """What there is, with its position where that can be used to ask for it."""
        positions = (f"{name} (position {n})" for n, name in enumerate(names))
        return f"which has {', '.join(positions if self.gratings else names)}"

    def _hint(self, names: Sequence[str], asked: str | int) -> str:
        """What may have been meant; a filter can also be mounted among the gratings."""
        for option, others in (("filter", self.filters), ("grating", self.gratings)):
            if asked in others and others is not names:
                return f"; {asked} can be had with the option {option}"
        if self.gratings and asked in [f"{position}" for position in range(len(names))]:
            return f"; a position is written without quotation marks: {asked}"
        near = difflib.get_close_matches(str(asked), names, n=1, cutoff=_NEAR)
        return f"; did you mean {near[0]}?" if near and isinstance(asked, str) else ""
