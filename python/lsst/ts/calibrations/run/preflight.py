"""What must be in order before the first exposure and cannot be seen from the configuration alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsst.ts import salobj

from ..butler.archive import Archive
from ..butler.certification import Certifier, Conflict, PlannedCertification
from ..butler.pipeline_files import PipelineFiles
from ..components.sal import state_name
from ..config.observing_day import daily_lines, names_beside
from ..domain.errors import ArchiveError, CalibrationError, CertificationError, PreflightError
from ..domain.instruments import INSTRUMENTS, Instrument
from ..domain.text import one_line, some_of
from ..workflow.workflow import Workflow

__all__ = ["Preflight"]

STATE_TIMEOUT = 10.0
"""Seconds within which a component must have published its state."""

HEARTBEAT_TIMEOUT = 5.0  # seconds within which a component that runs sends a heartbeat
MOST_CONFLICTS = 5  # calibrations that are named which are certified already for some of the time
# Free disk that a run directory needs: journal, log, report and summary stay far below it.
FREE_BYTES = 100_000_000


@dataclass(frozen=True)
class Preflight:
    """Checks at the start of a run; all problems are reported together."""

    instrument: Instrument
    """What is to be used."""
    remotes: Sequence[salobj.Remote]
    """A remote for every component that the run needs."""
    archive: Archive
    """What reads the Butler."""
    certifier: Certifier
    """What certifies there."""
    pipelines: PipelineFiles
    """Which pipelines there are."""
    more: Sequence[Callable[[], Awaitable[list[str]]]] = ()
    """Further checks; each gives what is not in order, one sentence for each problem."""

    async def check(
        self,
        workflow: Workflow,
        *,
        folder: Path,
        certification: PlannedCertification | None = None,
        resumed: bool = False,
    ) -> None:
        """Look at everything.

        Parameters
        ----------
        workflow
            What will be done: its collections and pipelines must be there.
        folder
            Run directory.
        certification
            What is going to be certified; None: nothing.
        resumed
            Whether the run goes on, and its configuration cannot be changed any more.

        Raises
        ------
        PreflightError
            Something is not in order.
        """
        checks: list[Awaitable[list[str]]] = [self._state(remote) for remote in self.remotes]
        checks += [self._collections(workflow.input_collections)]
        checks += [asyncio.to_thread(self.pipelines.problems, workflow.jobs)]
        checks += [check() for check in self.more]
        problems, lasting = [problem for found in await asyncio.gather(*checks) for problem in found], ""
        if (conflict := await self._conflict(certification, resumed=resumed)) is not None:
            lasting = conflict.lasting if resumed else ""
            brief = lasting or isinstance(conflict, ArchiveError)
            problems.append(conflict.happened if brief else str(conflict))
        if (free := shutil.disk_usage(folder).free) < FREE_BYTES:
            needed = f"{FREE_BYTES / 1e6:.0f} MB are needed"
            problems.append(f"only {free / 1e6:.0f} MB are free for {folder}; {needed}")
        if problems:
            raise PreflightError(list(dict.fromkeys(problems)), lasting=lasting)

    async def _state(self, remote: salobj.Remote) -> list[str]:
        name = remote.salinfo.name_index
        try:
            data = await remote.evt_summaryState.aget(timeout=STATE_TIMEOUT)
        except TimeoutError:
            return [f"{name} has not said its state within {STATE_TIMEOUT:.0f} s: is it running?"]
        state, problems = data.summaryState, list[str]()
        if state != salobj.State.ENABLED:
            faulty = state == salobj.State.FAULT
            what = "in FAULT: clear it to STANDBY, then" if faulty else f"{state_name(state)}, not ENABLED:"
            problems.append(f"{name} is {what} enable it")
        else:  # the bus still has the last state of a component that has gone
            try:
                await remote.evt_heartbeat.next(flush=True, timeout=HEARTBEAT_TIMEOUT)
            except TimeoutError:
                problems.append(f"{name} was ENABLED, but has no heartbeat any more: start and enable it")
        if remote.salinfo.name == "OCPS" and state in (salobj.State.DISABLED, salobj.State.ENABLED):
            problems += self._configuration(remote)
        return problems

    def _configuration(self, ocps: salobj.Remote) -> list[str]:
        """An OCPS that names an instrument in its configuration must name ours; many name none."""
        applied = ocps.evt_configurationApplied.get()
        text = "" if applied is None else applied.configurations
        named = _instruments_named(text)
        if not named or self.instrument.name in named:
            return []
        return [
            f"{ocps.salinfo.name_index} has the configuration of {', '.join(named)} ({one_line(text)}), and"
            f" its jobs would look for images of {self.instrument.name} in the wrong place: start it with the"
            f" configuration of {self.instrument.name}"
        ]

    async def _collections(self, names: Collection[str]) -> list[str]:
        try:
            missing = await self.archive.missing_collections(names)
        except ArchiveError as error:
            return [error.happened]
        return [
            f"there is no collection {name} in {self.archive.repository}: see the options input_collections_*"
            for name in missing
        ]

    async def _conflict(
        self, certification: PlannedCertification | None, *, resumed: bool
    ) -> CalibrationError | None:
        """Validity ranges that are taken, and for a new run lines to paste and a name that is free."""
        if certification is None:
            return None
        try:
            conflicts = await self.certifier.conflicts(certification)
            free = await self._free_name(certification.collection) if conflicts else ""
        except (ArchiveError, CertificationError) as error:
            return error
        if not conflicts:
            return None
        there = some_of([_certified(each) for each in conflicts], MOST_CONFLICTS, "; ")
        taken = f"{certification.collection} already has {there}; only one can be valid at a time"
        if resumed:  # with the configuration of before
            lasting = f"another calibration is valid in {certification.collection} at some time in the range"
            return CertificationError(taken, lasting=lasting)
        daily = "\n        ".join(daily_lines(certification.collection))
        return CertificationError(
            f"{taken}. With these lines the same configuration can be queued every day:\n        {daily}\n"
            f"    For this range once more:\n        calib_collection: {free}\n"
            "    Or choose another validity range"
        )

    async def _free_name(self, collection: str) -> str:
        """A collection name beside one that is taken, as DMTN-222 numbers reruns."""
        names = names_beside(collection)
        free = await self.archive.missing_collections(names)
        return next((name for name in names if name in free), f"{names[0]}.new")


def _certified(conflict: Conflict) -> str:
    of = f" of {conflict.physical_filter}" if conflict.physical_filter else ""
    return f"{conflict.dataset_type}{of} valid from {conflict.begin} to {conflict.end}"


def _instruments_named(configurations: str) -> list[str]:
    """Instruments after which files in a ``configurationApplied`` are named: ``_init.yaml,LATISS.yaml``."""
    labels = {each.strip().partition(".")[0].casefold() for each in configurations.split(",")}
    return [name for name in INSTRUMENTS if name.casefold() in labels]
