"""The components of the telescope whose state matters for flats."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from lsst.ts import salobj

from ..domain.instruments import Instrument

__all__ = ["TelescopeCheck"]

STATE_TIMEOUT = 5.0
"""Seconds within which a component that is on the bus has published its state."""


class TelescopeCheck:
    """Looks at the summary states of telescope components; those that are not on the bus are passed over.

    Parameters
    ----------
    instrument
        Names the components, and the states in which flats can be taken.
    domain
        SAL domain of the script.
    """

    def __init__(self, instrument: Instrument, domain: salobj.Domain) -> None:
        self._allowed = instrument.states_for_flats
        self._remotes = {
            name: salobj.Remote(domain, name, include=["summaryState"], readonly=True)
            for name in self._allowed
        }

    async def start(self) -> None:
        """Wait until every remote is ready."""
        await asyncio.gather(*(remote.start_task for remote in self._remotes.values()))

    async def problems(self, ignore: Collection[str] = ()) -> list[str]:
        """Find the components that are not as flats need them.

        Parameters
        ----------
        ignore
            Components not to look at, by their SAL names in upper or lower case.

        Returns
        -------
        problems
            One sentence for each component.
        """
        ignored = {name.lower() for name in ignore}
        names = [name for name in self._remotes if name.lower() not in ignored]
        found = await asyncio.gather(*(self._problem(name) for name in names))
        return [problem for problem in found if problem is not None]

    async def _problem(self, name: str) -> str | None:
        try:
            data = await self._remotes[name].evt_summaryState.aget(timeout=STATE_TIMEOUT)
        except TimeoutError:
            return None
        state, allowed = salobj.State(data.summaryState).name, self._allowed[name]
        if state in allowed:
            return None
        return (
            f"{name} is {state}; flats need it {' or '.join(allowed)}: change its state, or name"
            f" {name.lower()} in the option ignore"
        )
