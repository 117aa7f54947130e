"""A group of components that work together: their remotes, states and heartbeats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace

from ..embedded_sal import BaseMsgType, Domain, Remote, State, set_summary_state
from ..embedded_sal.sal_info import ClosedOnExit

__all__ = ["RemoteGroup"]


class RemoteGroup(ClosedOnExit):
    """Remotes of several components, which the methods call by their names in ``rem``.

    Parameters
    ----------
    components
        SAL names, with the index if there is one, e.g. ``ATCamera`` or ``OCPS:1``.
    domain, log
        Domain of the remotes; by default the group makes one, and closes it. Parent of the group's logger.
    intended_usage
        Accepted from scripts that save resources on a real bus; here every remote has all topics, unless
        `get_required_resources` says otherwise.

    Attributes
    ----------
    components, components_attr
        SAL names of the components, and their names in ``rem``.
    rem
        The remotes, by component name in lower case with ``_`` for the colon, e.g. ``rem.ocps_1``.
    check
        Under the same names, whether a component counts in states and heartbeats.
    start_task
        Done when all remotes have started.
    fast_timeout, long_timeout, long_long_timeout
        Time limits for what comes by itself, for ordinary commands and for slow ones (s).
    """

    def __init__(
        self,
        components: Sequence[str],
        domain: Domain | None = None,
        log: logging.Logger | None = None,
        intended_usage: int | None = None,
    ) -> None:
        name = type(self).__name__
        self.log = logging.getLogger(name) if log is None else log.getChild(name)
        self.fast_timeout = 5.0
        self.long_timeout = 30.0
        self.long_long_timeout = 120.0
        self.domain = Domain() if domain is None else domain
        self._close_domain = domain is None
        self.components = list(components)
        self.components_attr = [_attribute(component) for component in components]
        self.rem = SimpleNamespace()
        self.check = SimpleNamespace()
        for component, attribute in zip(self.components, self.components_attr, strict=True):
            sal_name, _, index = component.partition(":")
            needed = self.get_required_resources(attribute, intended_usage)
            options = {"readonly": needed.readonly, "include": needed.include}
            setattr(self.rem, attribute, Remote(self.domain, sal_name, int(index or 0), **options))
            setattr(self.check, attribute, True)
        self.start_task = asyncio.gather(*(remote.start_task for remote in vars(self.rem).values()))

    def get_required_resources(self, component: str, intended_usage: int | None) -> SimpleNamespace:
        """Say what the remote of a component needs; subclasses may ask for less.

        Parameters
        ----------
        component
            Its name in ``rem``.
        intended_usage
            As for the group.

        Returns
        -------
        resources : SimpleNamespace
            ``add_this``, always true here, ``readonly``, and ``include``: names of topics, None for all.

        Raises
        ------
        KeyError
            The component is not in the group.
        """
        if component not in self.components_attr:
            raise KeyError(f"Component {component} is not one of {self.components_attr}.")
        return SimpleNamespace(add_this=True, readonly=False, include=None)

    def components_to_check(self) -> list[str]:
        """Return the names in ``rem`` of the components that count."""
        return [name for name in self.components_attr if getattr(self.check, name)]

    def disable_checks_for_components(self, components: Iterable[str]) -> None:
        """Let components not count.

        Parameters
        ----------
        components
            Names of either kind; unknown ones are logged and ignored.
        """
        for component in components:
            attribute = _attribute(component)
            if attribute in self.components_attr:
                setattr(self.check, attribute, False)
            else:
                self.log.warning(f"{component!r} is not one of {self.components}; ignored")

    def reset_checks(self) -> None:
        """Let all components count."""
        for name in self.components_attr:
            setattr(self.check, name, True)

    async def get_state(self, component: str, ignore_timeout: bool = False) -> State | None:
        """Return the summary state of a component.

        Parameters
        ----------
        component : str
        ignore_timeout
            Return None if the state is not known within the fast time limit?

        Returns
        -------
        state : State or None

        Raises
        ------
        TimeoutError
            It is not known in time.
        """
        try:
            data = await getattr(self.rem, component).evt_summaryState.aget(timeout=self.fast_timeout)
        except TimeoutError:
            if ignore_timeout:
                return None
            raise TimeoutError(
                f"no summaryState of {component} within {self.fast_timeout} s: is it running?"
            ) from None
        return State(data.summaryState)

    async def check_component_state(self, component: str, desired_state: State = State.ENABLED) -> None:
        """Watch a component until it is not in a summary state.

        Parameters
        ----------
        component, desired_state
            Which component, and the state in which it is to stay.

        Raises
        ------
        RuntimeError
            It is not in this state, or leaves it.
        """
        event = getattr(self.rem, component).evt_summaryState
        event.flush()
        data = await event.aget()
        while State(data.summaryState) == desired_state:
            data = await event.next(flush=False)
        raise RuntimeError(
            f"{component} state is {State(data.summaryState)!r}, expected {State(desired_state)!r}"
        )

    async def get_heartbeat(self, component: str) -> BaseMsgType:
        """Return the last heartbeat of a component; wait for it, as `next_heartbeat`, if there was none.

        Parameters
        ----------
        component : str

        Returns
        -------
        heartbeat : BaseMsgType
        """
        data: BaseMsgType = await getattr(self.rem, component).evt_heartbeat.aget(timeout=self.fast_timeout)
        return data

    async def next_heartbeat(self, component: str) -> BaseMsgType:
        """Wait for the next heartbeat of a component; a TimeoutError if none comes in the fast time limit.

        Parameters
        ----------
        component : str

        Returns
        -------
        heartbeat : BaseMsgType
        """
        event = getattr(self.rem, component).evt_heartbeat
        data: BaseMsgType = await event.next(flush=True, timeout=self.fast_timeout)
        return data

    async def assert_liveliness(self) -> None:
        """Wait for a new heartbeat of each component that counts.

        Raises
        ------
        AssertionError
            One or more did not come.
        """
        names = self.components_to_check()
        beats = await asyncio.gather(*map(self.next_heartbeat, names), return_exceptions=True)
        silent = [name for name, beat in zip(names, beats, strict=True) if isinstance(beat, TimeoutError)]
        if silent:
            raise AssertionError(f"No heartbeat from {silent}.")

    async def assert_all_enabled(self, message: str = "") -> None:
        """Check that each component that counts is ENABLED; raises as `get_state`, too.

        Parameters
        ----------
        message
            Added to the text of the error.

        Raises
        ------
        AssertionError
            One or more are not.
        """
        names = self.components_to_check()
        states = await asyncio.gather(*map(self.get_state, names))
        others = [name for name, state in zip(names, states, strict=True) if state != State.ENABLED]
        if others:
            raise AssertionError(f"The following components are not enabled: {others}. {message}")

    async def set_state(
        self,
        state: State,
        overrides: Mapping[str, str] | None = None,
        components: list[str] | None = None,
    ) -> None:
        """Bring components to a summary state.

        Parameters
        ----------
        state, overrides
            Where to bring them, and configurations by component.
        components
            By default all that count.

        Raises
        ------
        RuntimeError
            A component is not in the group, or did not follow.
        """
        overrides = overrides or {}
        checked = [name for name in self.get_work_components(components) if getattr(self.check, name)]
        changes = (
            set_summary_state(
                getattr(self.rem, name), state, overrides.get(name, ""), timeout=self.long_long_timeout
            )
            for name in checked
        )
        results = await asyncio.gather(*changes, return_exceptions=True)
        failed = []
        for name, result in zip(checked, results, strict=True):
            if isinstance(result, Exception):
                self.log.error(f"Unable to transition {name} to {State(state)!r}: {result}")
                failed.append(name)
        if failed:
            raise RuntimeError(f"Failed to transition {failed} to {State(state)!r}.")
        self.log.info(f"All components in {State(state)!r}.")

    async def enable(self, overrides: Mapping[str, str] | None = None) -> None:
        """Bring all components that count to ENABLED.

        Parameters
        ----------
        overrides
            As `set_state`.

        Raises
        ------
        RuntimeError
            An override is for a component that is not in the group; or as `set_state`.
        """
        unknown = set(overrides or {}) - set(self.components_attr)
        if unknown:
            raise RuntimeError(f"{unknown} not in group {self.components_attr}.")
        await self.set_state(State.ENABLED, overrides)

    async def standby(self) -> None:
        """Bring all components that count to STANDBY."""
        await self.set_state(State.STANDBY)

    async def offline(self) -> None:
        """Bring all components that count to OFFLINE."""
        await self.set_state(State.OFFLINE)

    def get_work_components(self, components: list[str] | None = None) -> list[str]:
        """Return names of components in ``rem``: those that were given, by default all.

        Parameters
        ----------
        components
            Names in ``rem``.

        Returns
        -------
        names : list [str]

        Raises
        ------
        RuntimeError
            One is not in the group.
        """
        for component in components or []:
            if component not in self.components_attr:
                raise RuntimeError(
                    f"Component {component} not part of the group. Must be one of {self.components_attr}."
                )
        return self.components_attr if components is None else list(components)

    async def close(self) -> None:
        """Close the domain if the group made it."""
        if self._close_domain:
            await self.domain.close()


def _attribute(component: str) -> str:
    return component.lower().replace(":", "_")
