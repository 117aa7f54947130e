"""Gains from pairs of flats: measured by a job, read back, reported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..domain.calibrations import PAIR_GAINS, JobKind
from ..domain.exposure_times import flat_pairs
from ..domain.gains import corrected_gain
from ..domain.pipeline_names import without_labels
from ..journal.facts import GainsMeasured
from ..report.gains import gain_table, love_gain_table
from .context import RunContext

if TYPE_CHECKING:
    from ..butler.archive import Archive
    from ..butler.pair_gains import PairGain
    from ..config.config import CalibrationConfig
    from ..domain.instruments import Instrument
    from .jobs import Jobs

__all__ = ["GainsFromPairs"]


@dataclass(frozen=True)
class GainsFromPairs:
    """Measures the gain of every amplifier with every pair of flats.

    Parameters
    ----------
    context
        Journal, clock and log.
    instrument, config
        What was asked for.
    jobs, archive
        What measures, and what holds the results.
    """

    context: RunContext
    instrument: Instrument
    config: CalibrationConfig
    jobs: Jobs
    archive: Archive

    async def measure(self, exposures: Sequence[int]) -> None:
        """Measure and report; with a warning and nothing else if no two flats belong together.

        Parameters
        ----------
        exposures
            Ids of the kept flats, in the order in which they were taken.

        Raises
        ------
        ProcessingError, ArchiveError
            The job failed, or left no gain for a pair.
        """
        times = [self.context.record.exposures[each].taken.exp_time for each in exposures]
        pairs = [(exposures[first], exposures[second]) for first, second in flat_pairs(times).pairs]
        if not pairs:
            self.context.log.warning("No two flats have the same exposure time: no gain is measured.")
            return
        settings = self.config.gains
        assert settings is not None
        paired = [each for pair in pairs for each in pair]
        collection = await self.jobs.run(
            JobKind.GAINS,
            PAIR_GAINS.name,
            paired,
            settings.input_collections,
            without_labels(settings.config_options, PAIR_GAINS.tasks_left_out),
        )
        measured = await self.archive.pair_gains(collection, pairs, self.config.detectors)
        gains = tuple(self._gain(each) for each in measured)
        # As text, in which also gains that are no numbers can be equal; tuples become lists in the journal.
        if json.dumps(gains) != json.dumps(self.context.record.gains):
            self.context.note(GainsMeasured(time=self.context.now(), gains=gains))
        path = self.context.add_to_report(gain_table(gains))
        self.context.log.info(love_gain_table(gains, str(path)))

    def _gain(self, measured: PairGain) -> Mapping[str, Any]:
        values = asdict(measured)
        mean = values.pop("mean")
        vendor = self.instrument.manufacturer(measured.detector)
        values["gain_corrected"] = corrected_gain(measured.gain, mean, vendor)
        return values
