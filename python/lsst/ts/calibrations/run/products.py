"""Calibrations made in a run: generated, verified, decided, certified."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..butler.certification import Certification
from ..domain.errors import CertificationError
from ..journal.facts import CalibrationMade, Certified
from ..verification import Accepted, CombinedCalibration, Verdict, Waiver, waive
from .context import RunContext

if TYPE_CHECKING:
    from ..butler.archive import Archive
    from ..config.config import CalibrationConfig
    from ..domain.instruments import Instrument
    from .jobs import Jobs

__all__ = ["Products"]


@dataclass
class Products:
    """What a run makes.

    Parameters
    ----------
    context
        Journal, clock and log.
    instrument, config
        What was asked for.
    jobs, archive
        What makes, and what holds the calibrations.
    """

    context: RunContext
    instrument: Instrument
    config: CalibrationConfig
    jobs: Jobs
    archive: Archive
    generated: dict[str, CombinedCalibration] = field(default_factory=dict)
    """What was generated, by calibration."""
    certified: list[str] = field(default_factory=list)
    """Calibrations that were accepted and certified, in order."""

    def inputs(self, calibration: str, configured: Sequence[str]) -> tuple[str, ...]:
        """Input collections of a job: what this run made and accepted first, then what was configured.

        Defects and photon transfer curve are made beside each other and never of each other, so that the
        inputs do not depend on which of them was ready first.

        Parameters
        ----------
        calibration
            The job's; if it was generated in this run, that comes before all else.
        configured
            Input collections of the configuration.
        """
        own = [calibration] if calibration in self.generated else []
        accepted = [each for each in self.certified if each in self.config.image_types]
        runs = [self.generated[each].run for each in [*own, *reversed(accepted)]]
        certified = [self.config.calib_collection] if accepted else []
        return tuple(dict.fromkeys([*runs, *certified, *configured]))

    async def generate(
        self,
        calibration: str,
        exposures: Mapping[str, tuple[int, ...]],
        configured: Sequence[str],
        options: str,
    ) -> None:
        """Make a calibration from exposures.

        Parameters
        ----------
        calibration
            Which.
        exposures
            Ids by image type.
        configured
            Input collections of the configuration.
        options
            Of pipetask, as configured.

        Raises
        ------
        ProcessingError
            The job failed.
        """
        inputs = self.inputs(calibration, configured)
        ids = [exposure for each in exposures.values() for exposure in each]
        collection = await self.jobs.run("generate", calibration, ids, inputs, options)
        self.generated[calibration] = await self._made(calibration, exposures, collection)

    async def _made(
        self, calibration: str, exposures: Mapping[str, tuple[int, ...]], collection: str
    ) -> CombinedCalibration:
        """What a job made, as it was when it had made it, even if that was before the run was resumed."""
        made = CombinedCalibration(calibration, exposures, collection, ())
        if collection not in self.context.record.made:
            datasets = await self.archive.made(made.dataset_type, made.run)
            self.context.note(
                CalibrationMade(
                    time=self.context.now(), calibration=calibration, collection=collection, datasets=datasets
                )
            )
        return replace(made, datasets=self.context.record.made[collection].datasets)

    async def certify(self, calibration: str, verdict: Verdict | None) -> None:
        """Certify a calibration that was accepted, or whose verification the operator waived.

        Parameters
        ----------
        calibration
            Which.
        verdict
            What its verification came to; None if none was wanted.

        Raises
        ------
        CertificationError
            It was not accepted, or the Butler refused it.
        """
        wish = Certification(
            ground=self._ground(self.generated[calibration], verdict),
            detectors=self.config.detectors,
            collection=self.config.calib_collection,
            begin=self.config.certify_begin,
            end=self.config.certify_end,
        )
        certifying = asyncio.ensure_future(self._certify(calibration, wish))
        try:
            await asyncio.shield(certifying)
        except asyncio.CancelledError:
            # A transaction that has begun is not to be stopped: what it did belongs into the journal.
            await asyncio.wait([certifying])
            if not certifying.cancelled():
                certifying.exception()  # the stop comes first
            raise

    async def _certify(self, calibration: str, wish: Certification) -> None:
        """Certify, and write it down."""
        await self.archive.certify(wish)
        self.certified.append(calibration)
        begin, end = (date.isoformat(timespec="milliseconds") for date in (wish.begin, wish.end))
        certified = Certified(
            time=self.context.now(),
            dataset_type=wish.dataset_type,
            collection=wish.collection,
            begin=begin,
            end=end,
            verified=wish.verified,
        )
        # After a run was resumed it may be certified, or even noted, already.
        if not any(replace(each, time=certified.time) == certified for each in self.context.record.certified):
            self.context.note(certified)
        self.context.log.info(
            "%s certified in %s, valid from %s to %s (TAI).", calibration, wish.collection, begin, end
        )

    def _ground(self, made: CombinedCalibration, verdict: Verdict | None) -> Accepted | Waiver:
        """The ground to certify what was made; whether it need be verified is the operator's word alone."""
        if not self.config.do_verify and self.config.generate_calibrations:
            self.context.log.warning("%s is certified UNVERIFIED: do_verify is false.", made.name)
            return waive(made, self.config)
        kept = f"It is kept in {made.collection}."
        if verdict is None or not verdict.passed:
            raise CertificationError(
                f"{made.name} calibration failed verification and will not be certified", kept=kept
            )
        try:
            accepted = verdict.accept()
        except ValueError as error:
            raise CertificationError(f"{made.name} will not be certified: {error}", kept=kept) from error
        if accepted.combined != made:
            raise CertificationError(f"{made.name} will not be certified: another was verified", kept=kept)
        return accepted
