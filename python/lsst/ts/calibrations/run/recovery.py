"""What a run does first when it is resumed: find out how everything ended that was under way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

from ..butler.archive import Archive
from ..butler.exposures import ArchivedImage, another
from ..components.clients import Clients
from ..domain.errors import ArchiveError, NotArchived, PreflightError
from ..domain.instruments import ImageType, day_obs
from ..journal.facts import ExposureBegun, ExposureConfirmed, ExposureLost, ExposureTaken, JobEnded
from .context import RunContext

__all__ = ["Recovery"]

POLL = 2.0  # seconds between two looks into the archive
OVERHEAD = 30.0  # seconds that the camera may take for an exposure beside its exposure time


@dataclass(frozen=True)
class Recovery:
    """Settles the exposures and jobs of which the journal does not know the end.

    The observatory does not end with the script: an exposure that was under way is read out and ingested, a
    job runs on.
    """

    context: RunContext
    """Journal, clock and log."""
    clients: Clients
    """What confirms exposures and has the jobs."""
    archive: Archive
    """What has the exposures."""
    detectors: dict[int, str]
    """Full names of the detectors that must be confirmed, by Butler id."""
    oods_timeout: float
    """Seconds that an exposure is looked for."""

    async def run(self, needed: Collection[ImageType]) -> None:
        """Note how everything ended that was under way; an exposure is looked for within its time limit.

        Exposures whose numbers have come to mean others, or whose images have gone from the Butler, are
        lost, if they are needed.

        Parameters
        ----------
        needed
            Types of the images of which not all that they are for is done.

        Raises
        ------
        ArchiveError
            The Butler cannot be read: what it has is not known, and nothing is lost for that.
        """
        record = self.context.record
        held = {number: each for number, each in record.exposures.items() if not each.lost}
        for number, found in (await self.archive.exposures(tuple(held))).items():
            if (other := another(held[number], found)) is None:
                continue
            if held[number].taken.image_type in needed:
                self._lose(number, held[number].taken.obs_id, other)
            else:  # all that it was for was done before
                self.context.log.warning("It is not needed any more, but %s.", other)
        await self._lose_gone(needed)
        unknown = [each.taken for each in record.exposures.values() if not each.ingested and not each.lost]
        await asyncio.gather(
            *(self._settle(job.submitted.job_id) for job in record.jobs.values() if job.ended is None),
            *(self._find(each.id, each.obs_id) for each in unknown),
            *([self._adopt(record.begun)] if record.begun is not None else []),
        )

    async def _lose_gone(self, needed: Collection[ImageType]) -> None:
        """Note as lost what was confirmed, is needed, and is in the Butler no more."""
        confirmed = {
            number: each.taken
            for number, each in self.context.record.exposures.items()
            if each.ingested
            and not each.lost
            and not each.taken.discarded
            and each.taken.image_type in needed
        }
        for number in await self.archive.without_raws(list(confirmed), list(self.detectors)):
            self._lose(number, confirmed[number].obs_id, "the Butler has not all of its raw images any more")

    async def compare(self, *, flats: bool) -> None:
        """Look whether the images to come belong together with those that the run has.

        Parameters
        ----------
        flats
            Whether there are flats to come.

        Raises
        ------
        PreflightError
            Flats were taken through another filter or grating than those in the light path.
        """
        record = self.context.record
        nights = sorted({each // 100_000 for each in record.exposures})
        if nights and nights[-1] != day_obs(self.context.now()):
            named = ", ".join(map(str, nights))
            self.context.log.warning(
                "The run has images of %s and goes on with those of another night.", named
            )
        held = record.held(ImageType.FLAT.value).values()
        before = {each.physical_filter for each in held if each.physical_filter is not None}
        if not before or not flats:
            return
        name = await self.clients.camera.find_filter()
        if name is not None and before != {name}:
            taken = f"the flats of this run were taken through {' and '.join(sorted(before))}"
            raise PreflightError([f"{taken}, and {name} is in the beam: put back what was there"])

    async def _settle(self, job_id: str) -> None:
        """Learn the end of a job, or end it."""
        exit_code = await self.clients.ocps.settle(job_id)
        end = "its end is not known, and it was aborted if it still ran"
        if exit_code is not None:
            end = f"it ended with exit code {exit_code}"
        self.context.log.info("Job %s was under way when the run was interrupted: %s.", job_id, end)
        self.context.note(JobEnded(time=self.context.now(), job_id=job_id, exit_code=exit_code))

    async def _adopt(self, begun: ExposureBegun) -> None:
        """Look for an exposure that the camera may have taken after the script had ended.

        It is known by its group, which no other exposure has. Like any other it has the time limit
        from now on, however long ago it was begun: what ended the script may have held up the OODS as well.
        """
        loop = asyncio.get_running_loop()
        longest = begun.exp_time + OVERHEAD
        # Never longer than that, should the clock have been set back.
        under_way = min(max(begun.time + longest - self.context.now(), 0.0), longest)
        latest = loop.time() + under_way + self.oods_timeout
        self.context.log.info(
            "Looking for the %s that was about to begin when the run was interrupted, for %.0f s at most.",
            begun.image_type,
            under_way + self.oods_timeout,
        )
        while (found := await self.archive.exposure_of_group(begun.group_id)) is None:
            if loop.time() >= latest:
                self.context.log.info("The %s that was about to begin was not taken.", begun.image_type)
                return
            await asyncio.sleep(POLL)
        taken, exposure = found
        obs_id, known = exposure.obs_id, self.context.record.exposures.get(taken)
        if known is not None or not exposure.is_like(begun.image_type, begun.exp_time):
            what = f"and the number of {known.taken.obs_id}" if known is not None else ""
            self.context.log.warning(
                "%s has the group of the %s of %g s that was about to begin, %s: it is not used.",
                obs_id,
                begun.image_type,
                begun.exp_time,
                what or f"and is a {exposure.image_type} of {exposure.exp_time:g} s",
            )
            return
        self.context.log.info("%s was taken after the run was interrupted.", obs_id)
        self.context.note(
            ExposureTaken(
                time=self.context.now(),
                id=taken,
                obs_id=obs_id,
                image_type=begun.image_type,
                exp_time=begun.exp_time,
                position=begun.position,
                discarded=begun.discarded,
                begun=begun.time,
            )
        )
        await self._find(taken, obs_id)

    async def _find(self, taken: int, obs_id: str) -> None:
        """Look for an exposure; note that it is confirmed, or that it is lost."""
        image, now = await self._image(taken, obs_id), self.context.now()
        if image is None:
            where = f"neither archive nor OODS had it within {self.oods_timeout:g} s"
            self._lose(taken, obs_id, f"{where} after the run was resumed")
        elif (other := another(self.context.record.exposures[taken], image.exposure)) is not None:
            self._lose(taken, obs_id, other)
        else:
            name, files = image.physical_filter, image.files
            self.context.note(ExposureConfirmed(time=now, id=taken, physical_filter=name, files=files))

    def _lose(self, taken: int, obs_id: str, reason: str) -> None:
        self.context.log.warning("%s is lost and will be taken again: %s.", obs_id, reason)
        self.context.note(ExposureLost(time=self.context.now(), id=taken, reason=reason))

    async def _image(self, taken: int, obs_id: str) -> ArchivedImage | None:
        """Wait until the archive has an exposure, or the OODS confirms it; None if the time runs out."""
        confirmed = asyncio.ensure_future(
            self.clients.ingest.confirmed(obs_id, self.detectors.values(), self.oods_timeout)
        )
        try:
            while True:
                decided = confirmed.done()
                try:
                    return await self.archive.image(taken, tuple(self.detectors))
                except ArchiveError as error:
                    if decided and confirmed.exception() is not None:
                        if isinstance(error, NotArchived):
                            return None
                        raise  # what the Butler has is not known: nothing is lost for that
                    if decided:  # as for any other exposure: only its file name stays unknown
                        self.context.log.warning("%s is ingested, but: %s", obs_id, error)
                        return ArchivedImage(None, ())
                await asyncio.wait((confirmed,), timeout=POLL)
        finally:
            confirmed.cancel()
            await asyncio.gather(confirmed, return_exceptions=True)
