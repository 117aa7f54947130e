"""Taking the images: one exposure after the other, each confirmed by the OODS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..butler.archive import Archive
from ..butler.exposures import another
from ..components.camera import Camera
from ..components.ingest import IngestWatcher
from ..config.config import ImageSet
from ..domain.errors import AcquisitionError, AcquisitionHalted, ArchiveError, IngestError
from ..domain.instruments import ImageType
from ..journal.facts import ExposureBegun, ExposureConfirmed, ExposureTaken, ReadoutEnded, TimeLimitOver
from ..journal.journal import JournalError
from ..workflow.plan import Plan
from .context import STOP_LIMIT, RunContext
from .processing import Processing

__all__ = ["Acquisition"]


@dataclass(frozen=True)
class Acquisition:
    """Takes the images of a plan."""

    context: RunContext
    """Journal, clock and log of the run."""
    camera: Camera
    """What takes the images."""
    ingest: IngestWatcher
    """What confirms them."""
    archive: Archive
    """What knows their files."""
    processing: Processing
    """What gets the images of a type when all are confirmed, and knows whether further ones make sense."""
    detectors: dict[int, str]
    """Full names of the detectors that must be confirmed, by Butler id."""
    annotations: Mapping[str, str | None]
    """For the headers, as of `Camera.take`."""
    oods_timeout: float
    """Seconds from the end of a readout within which the OODS must confirm the exposure."""
    wait_between_exposures: float
    """Seconds from the end of a readout to the next exposure, be it of this script or of one that follows."""
    checkpoint: Callable[[str], Awaitable[None]]
    """Awaited before every exposure and image type with a name for the operator."""
    group_id: Callable[[], str]
    """Gives the group id of the next exposure."""

    async def run(self, plan: Plan) -> None:
        """Take every set of the plan, as far as the record does not hold it.

        When all exposures of a set are confirmed the kept ones are handed over to processing; the next set is
        begun without waiting for that.

        Parameters
        ----------
        plan
            What to take.

        Raises
        ------
        AcquisitionHalted
            No further exposure makes sense.
        AcquisitionError, IngestError, ArchiveError
            An exposure was not taken or not confirmed, or the Butler has another under its number. No further
            exposure is begun; those that were taken are waited for, so that the journal has the end of each.
        """
        confirmations: list[asyncio.Task[None]] = []
        sets: list[asyncio.Task[None]] = []
        left = {each.image_type: self._left(each) for each in plan.sets}
        try:
            for image_set in plan.sets:
                places = left[image_set.image_type]
                if not places:
                    await self._hand_over(image_set, [])
                    continue
                if not confirmations:
                    await self.processing.decided_again()
                first = len(confirmations)
                taken = await self._take_set(image_set, places, confirmations)
                sets.append(asyncio.ensure_future(self._hand_over(image_set, confirmations[first:])))
                await self._pause(taken)  # after the last set, too: another script may follow
            if sets:
                # Not gathered: a stop would cancel the confirmations instead of giving them their time.
                await asyncio.wait([*confirmations, *sets], return_when=asyncio.FIRST_EXCEPTION)
            _raise_first_failure([*confirmations, *sets])
        except BaseException as error:
            limit = STOP_LIMIT if isinstance(error, asyncio.CancelledError) else None
            await _settle([*confirmations, *sets], limit)
            raise

    def _left(self, image_set: ImageSet) -> list[int]:
        """Places of the images of a set that are still to be taken, from 1."""
        held = self.context.record.held(image_set.image_type.value)
        return [place for place in range(1, image_set.n_images + 1) if place not in held]

    async def _take_set(
        self, image_set: ImageSet, places: list[int], confirmations: list[asyncio.Task[None]]
    ) -> int:
        """Take the images of a set that have these places, without the wait after the last; return its id."""
        kind, times, n = image_set.image_type, image_set.exposure_times, image_set.n_images
        n_discard = sum(place <= image_set.n_discard for place in places)
        discards = f" ({n_discard} discarded first)" if n_discard else ""
        number, other = (f"{n}", "") if len(places) == n else (f"{len(places)} of {n}", "the other ")
        self.context.log.info("Taking %s%s %s images%s.", other, number, kind, discards)
        await self.checkpoint(f"{kind}: {number} images")
        taken: int | None = None
        for place in places:
            if taken is not None:
                await self._pause(taken)
            _raise_first_failure(confirmations)
            if (reason := self.processing.halted()) is not None:
                raise AcquisitionHalted(reason, kept="The images that were taken are kept")
            await self.checkpoint(f"{kind} {place} of {n}, {times[place - 1]:g} s")
            begun = ExposureBegun(
                time=self.context.now(),
                group_id=self.group_id(),
                image_type=kind.value,
                exp_time=times[place - 1],
                position=place,
                discarded=place <= image_set.n_discard,
            )
            taken = await self._take(begun, confirmations)
        assert taken is not None  # a set without places to take is passed over
        return taken

    async def _pause(self, taken: int) -> None:
        """Wait for the readout of an exposure, and then as long as was asked for."""
        # The camera would wait for the readout as well, and then take the next one even after a stop.
        await self.camera.read_out(taken)
        await asyncio.sleep(self.wait_between_exposures)

    async def _take(self, begun: ExposureBegun, confirmations: list[asyncio.Task[None]]) -> int:
        """Take one exposure, note it and begin to wait for its confirmation."""
        self.context.note(begun)
        taking = asyncio.ensure_future(
            self.camera.take(ImageType(begun.image_type), begun.exp_time, begun.group_id, self.annotations)
        )
        try:
            taken = await asyncio.shield(taking)
        except asyncio.CancelledError:
            # The camera goes on with what it has begun: an exposure that it ends belongs into the journal.
            confirmations.append(asyncio.ensure_future(self._end_stopped(taking, begun)))
            raise
        self._note_taken(taken, begun)
        confirmations.append(asyncio.ensure_future(self._confirm(taken)))
        return taken

    async def _end_stopped(self, taking: asyncio.Future[int], begun: ExposureBegun) -> None:
        """Note and confirm the exposure under way when the run was stopped, if the camera ends it soon."""
        await _settle([taking], 0.0 if self.camera.asked is None else STOP_LIMIT)
        if not taking.cancelled() and taking.exception() is None:
            self._note_taken(taking.result(), begun)
            await self._confirm(taking.result())

    def _note_taken(self, taken: int, begun: ExposureBegun) -> None:
        """Note an exposure; the operator must know of one that the disk does not take, or that has no number.

        The record and the Butler know exposures by their numbers: a second one would take the place of the
        first, of which all steps to come would use the image.
        """
        if (known := self.context.record.exposures.get(taken)) is not None:
            what = f"the {begun.image_type} of {begun.exp_time:g} s has the number of {known.taken.obs_id}"
            happened = f"{what}, which this run has taken before: the camera counts anew"
            self.context.log.error(happened)  # a stop has another reason
            kept = "It is not used; all exposures before are kept."
            advice = "Have the camera count on after its last image of the day, then resume the run."
            raise AcquisitionError(happened, kept=kept, advice=advice)
        fact = ExposureTaken(
            time=self.context.now(),
            id=taken,
            obs_id=self.camera.name(taken),
            image_type=begun.image_type,
            exp_time=begun.exp_time,
            position=begun.position,
            discarded=begun.discarded,
            begun=begun.time,
        )
        try:
            self.context.note(fact)
        except JournalError as error:
            happened = f"the {fact.image_type} {fact.obs_id} was taken, and {error.happened}"
            self.context.log.error(happened)  # of several that fail at once one becomes the reason
            kept = "All exposures before are in it, and a resumed run looks for this one."
            raise JournalError(happened, kept=kept, advice=error.advice) from error

    async def _confirm(self, taken: int) -> None:
        """Wait for readout and ingest of an exposure and note both."""
        if await self.camera.read_out(taken):
            self.context.note(ReadoutEnded(time=self.context.now(), id=taken))
        else:
            self.context.log.warning("Exposure %d: no endReadout came; waiting for the OODS.", taken)
        try:
            await self.ingest.confirmed(self.camera.name(taken), self.detectors.values(), self.oods_timeout)
        except IngestError as error:
            if not error.refused:
                self.context.note(TimeLimitOver(time=self.context.now(), option="oods_timeout"))
            raise
        physical_filter: str | None = None
        files: tuple[str, ...] = ()
        try:
            image = await self.archive.image(taken, tuple(self.detectors))
            physical_filter, files = image.physical_filter, image.files
        except ArchiveError as error:  # the OODS has it: only its file name stays unknown
            self.context.log.warning("Exposure %d is ingested, but: %s", taken, error)
        else:
            if (other := another(self.context.record.exposures[taken], image.exposure)) is not None:
                raise ArchiveError(other, kept="It is not used; the others are kept")
        self.context.note(
            ExposureConfirmed(time=self.context.now(), id=taken, physical_filter=physical_filter, files=files)
        )

    async def _hand_over(self, image_set: ImageSet, confirmations: Sequence[asyncio.Task[None]]) -> None:
        """Hand over a set when its exposures are confirmed."""
        await asyncio.gather(*confirmations)
        kind, held = image_set.image_type, self.context.record.held(image_set.image_type.value)
        self.context.log.info("All %d %s images are ingested.", len(held), kind)
        kept = range(image_set.n_discard + 1, image_set.n_images + 1)
        self.processing.hand_over(kind, [held[place].taken.id for place in kept])


async def _settle(tasks: Sequence[asyncio.Future[Any]], limit: float | None) -> None:
    """Wait for tasks, whatever their outcome; cancel those that the limit (seconds) does not suffice for.

    A stop that comes meanwhile gives them their time and no more, and leaves none behind.
    """
    if not tasks:
        return
    try:
        _, late = await asyncio.wait(tasks, timeout=limit)
    except asyncio.CancelledError:
        await _settle(tasks, STOP_LIMIT if limit is None else 0.0)
        raise
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _raise_first_failure(confirmations: Iterable[asyncio.Task[None]]) -> None:
    for confirmation in confirmations:
        if confirmation.done() and not confirmation.cancelled() and (error := confirmation.exception()):
            raise error
