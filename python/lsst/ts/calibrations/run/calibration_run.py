"""A run from preflight to outcome."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ..adapters.archive import Archive
from ..adapters.camera import Annotations
from ..domain.config import CalibrationConfig
from ..domain.errors import CalibrationError
from ..domain.exposures import ImageType
from ..domain.instruments import Instrument
from ..domain.plan import Plan
from .acquisition import Acquisition
from .clients import Clients
from .context import RunContext
from .preflight import Preflight
from .processing import Processing

__all__ = ["CalibrationRun", "RunIncomplete"]


class RunIncomplete(CalibrationError, RuntimeError):
    """A run ended without something that was asked for."""


class CalibrationRun:
    """One run of a calibration script.

    Parameters
    ----------
    context
        Journal, clock and log.
    instrument, config, plan
        What was asked for.
    clients
        Connections to the components.
    checkpoint
        Where the operator may pause or stop.
    group_id
        Gives the group id of the next exposure.
    """

    def __init__(
        self,
        context: RunContext,
        instrument: Instrument,
        config: CalibrationConfig,
        plan: Plan,
        clients: Clients,
        *,
        checkpoint: Callable[[str], Awaitable[None]],
        group_id: Callable[[], str],
    ) -> None:
        self.context = context
        self.instrument = instrument
        self.config = config
        self.plan = plan
        self.clients = clients
        self.checkpoint = checkpoint
        self.group_id = group_id
        self.archive = Archive(config.repo, instrument)
        self.processing = Processing(context, instrument, config, clients.ocps, self.archive)

    async def run(self) -> str:
        """Run; return the outcome in words for the operator: negative verdicts first.

        Raises
        ------
        CalibrationError
            The run ended early, or something that was asked for was not done.
        """
        try:
            await self._check()
            await self.clients.camera.setup(self.config.filter, self.config.grating)
            await self._take_and_process()
        finally:
            self.archive.close()
        return self._outcome()

    async def _check(self) -> None:
        preflight = Preflight(self.instrument, self.clients.remotes, self.archive)
        await preflight.check(collections=self._input_collections(), folder=self.context.settings.folder)

    def _input_collections(self) -> set[str]:
        """Collections that the jobs of this run will name."""
        config, names = self.config, set[str]()
        if config.do_verify:
            names.update(name for images in config.images.values() for name in images.verify_collections)
        if config.do_gain_from_flat_pairs and ImageType.FLAT in config.images:
            names.update(config.ptc.input_collections)
        return names

    async def _take_and_process(self) -> None:
        """Take the images while what is complete is processed.

        A failure of the camera ends data taking, yet what was handed over is processed to its end; a stop
        ends both.
        """
        acquisition = Acquisition(
            context=self.context,
            camera=self.clients.camera,
            ingest=self.clients.ingest,
            archive=self.archive,
            detectors={number: self.instrument.detectors[number] for number in self.config.detectors},
            annotations=Annotations(
                program=self.config.program, reason=self.config.reason, note=self.config.note
            ),
            oods_timeout=self.config.oods_timeout,
            wait_between_exposures=self.config.wait_between_exposures,
            checkpoint=self.checkpoint,
            group_id=self.group_id,
        )
        try:
            await acquisition.run(self.plan, self.processing.hand_over)
            await self.processing.steps.finish()
        except CalibrationError:
            self.processing.give_up_missing()
            await self.processing.steps.finish()
            raise
        except BaseException:  # a stop, or a fault of this program: nobody waits for the jobs any more
            await self.processing.steps.cancel()
            raise

    def _outcome(self) -> str:
        """Tell the end from the facts: DONE means that every step asked for was done."""
        record, negative = self.context.record, self.processing.negative
        if record.not_done:
            lines = [*negative, *(f"not done: {each.step} ({each.reason})" for each in record.not_done)]
            raise RunIncomplete(
                "; ".join(lines),
                kept="All images that were taken are kept.",
                advice=f"See {self.context.settings.folder / 'report.txt'}",
            )
        passed = [
            f"{name} passed verification ({verdict.n_failed} of {verdict.n_tests} tests failed)"
            for name, verdict in record.verdicts.items()
            if verdict.passed
        ]
        return "; ".join([*negative, *passed]) or "nothing was verified, as configured"
