"""What a run will take, and how long it will last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..config.config import CalibrationConfig
from ..domain.exposure_times import flat_pairs
from ..domain.instruments import ImageType, Instrument

__all__ = ["ImageSet", "Plan", "ProcessingTimes", "make_plan"]

LONG = 6 * 3600.0
"""Seconds of data taking from which on one wonders: most of a night."""


@dataclass(frozen=True)
class ImageSet:
    """The images of one type.

    Parameters
    ----------
    image_type
        Their type.
    exposure_times
        Of every image [s], in the order in which they are taken; the discarded come first.
    n_discard
        How many of them are discarded.
    """

    image_type: ImageType
    exposure_times: tuple[float, ...]
    n_discard: int

    @property
    def n_images(self) -> int:
        """How many images are taken."""
        return len(self.exposure_times)

    @property
    def kept_times(self) -> tuple[float, ...]:
        """Exposure times of the images that are used [s]."""
        return self.exposure_times[self.n_discard :]


@dataclass(frozen=True)
class ProcessingTimes:
    """How long what follows an exposure takes, for the duration that the queue shows.

    Parameters
    ----------
    set_up
        Seconds before the first exposure.
    ingest
        Seconds from the end of the readout to the confirmation of the OODS.
    job_start_up
        Seconds that any job of the OCPS takes.
    job_per_image
        Seconds that a job takes for one exposure of one detector.
    """

    set_up: float = 2.0
    ingest: float = 4.0
    job_start_up: float = 20.0
    job_per_image: float = 1.0


@dataclass(frozen=True)
class Plan:
    """The images of a run, in order.

    Parameters
    ----------
    instrument
        The camera that takes them.
    sets
        Sets of images, in the order in which they are taken.
    wait_between_exposures
        Seconds between two exposures.
    duration
        Seconds from the begin of the run to its end, processing included: an estimate.
    warnings
        What the operator should know before the first exposure.
    """

    instrument: Instrument
    sets: tuple[ImageSet, ...]
    wait_between_exposures: float
    duration: float
    warnings: tuple[str, ...]

    @property
    def n_images(self) -> int:
        """How many images are taken, discarded ones included."""
        return sum(each.n_images for each in self.sets)

    @property
    def open(self) -> float:
        """Sum of the exposure times [s]."""
        return sum(sum(each.exposure_times) for each in self.sets)

    @property
    def shutter(self) -> float:
        """Seconds that the shutter adds; biases and darks are taken with it closed."""
        flats = sum(each.n_images for each in self.sets if each.image_type is ImageType.FLAT)
        return flats * self.instrument.shutter_time

    @property
    def readout(self) -> float:
        """Seconds of readout."""
        return self.n_images * self.instrument.readout_time

    @property
    def floor(self) -> float:
        """Seconds that taking the images lasts at least: exposures, shutter, readouts and waits."""
        waits = max(self.n_images - 1, 0) * self.wait_between_exposures
        return self.open + self.shutter + self.readout + waits


def make_plan(
    config: CalibrationConfig,
    instrument: Instrument,
    times: ProcessingTimes | None = None,
    advice: Iterable[str] = (),
) -> Plan:
    """Plan the images of a run.

    Parameters
    ----------
    config
        What was asked for.
    instrument
        The camera.
    times
        How long processing takes, if it is known better than by `ProcessingTimes`.
    advice
        What else the operator should know, e.g. from somebody who knows the light of the lamp.

    Returns
    -------
    plan
        Biases, then darks, then flats, as far as the mode takes them.
    """
    sets = tuple(
        ImageSet(kind, settings.exposure_times, settings.n_discard)
        for kind, settings in config.images.items()
    )
    return Plan(
        instrument=instrument,
        sets=sets,
        wait_between_exposures=config.wait_between_exposures,
        duration=_duration(config, instrument, sets, times or ProcessingTimes()),
        warnings=(*_warnings(config, instrument, sets), *advice),
    )


def _duration(
    config: CalibrationConfig, instrument: Instrument, sets: tuple[ImageSet, ...], times: ProcessingTimes
) -> float:
    """Follow the jobs: each begins when its images are ingested and the jobs that it builds on have ended."""

    def after_job(begin: float, n_exposures: int) -> float:
        return begin + times.job_start_up + times.job_per_image * n_exposures * len(config.detectors)

    accepted = end = times.set_up
    for number, each in enumerate(sets):
        so_far = Plan(instrument, sets[: number + 1], config.wait_between_exposures, 0.0, ())
        ready, kept = times.set_up + so_far.floor + times.ingest, len(each.kept_times)
        if config.generate_calibrations:
            accepted = after_job(max(ready, accepted), kept)
            accepted = after_job(accepted, kept) if config.do_verify else accepted
        verified = after_job(ready, kept) if config.do_verify else ready
        end = max(end, accepted, verified)
        if each.image_type is not ImageType.FLAT:
            continue
        if config.gains and flat_pairs(each.kept_times).pairs:
            end = max(end, after_job(ready, kept))
        if config.products:  # both at once; each is made and then verified
            end = max(end, after_job(after_job(max(ready, accepted), kept), kept))
    return end


def _warnings(config: CalibrationConfig, instrument: Instrument, sets: tuple[ImageSet, ...]) -> Iterator[str]:
    """What the images will not be good for."""
    floor = Plan(instrument, sets, config.wait_between_exposures, 0.0, ()).floor
    if floor > LONG:
        yield f"taking the images will last {floor / 3600:.1f} h: are the exposure times in seconds?"
    kept = next((each.kept_times for each in sets if each.image_type is ImageType.FLAT), None)
    if kept is None:
        return
    if config.gains:
        yield from _pair_warnings(kept)


def _pair_warnings(kept: tuple[float, ...]) -> Iterator[str]:
    """Warn of flats that no gain comes from."""
    found = flat_pairs(kept)
    if not found.pairs:
        yield "no two flats have the same exposure time, so that no gain can be measured"
    elif found.unpaired:
        alone = ", ".join(f"{kept[position]:g} s" for position in found.unpaired)
        yield f"flats without a partner of the same exposure time give no gain: {alone}"
