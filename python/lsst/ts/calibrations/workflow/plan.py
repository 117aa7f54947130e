"""What a run will take, and how long it will last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..config.config import CalibrationConfig, ImageSet
from ..domain.calibrations import PAIR_GAINS, StepKind
from ..domain.exposure_times import flat_pairs
from ..domain.instruments import ImageType, Instrument
from .workflow import Step, make_workflow

__all__ = ["Plan", "make_plan"]

# Seconds before the first exposure, and from a readout to the confirmation of the OODS: estimates.
SET_UP, INGEST = 2.0, 4.0
# Seconds that any job of the OCPS takes, and that it takes for one exposure of one detector: estimates.
JOB_START_UP, JOB_PER_IMAGE = 20.0, 1.0
LONG = 6 * 3600.0  # seconds of data taking from which on one wonders: most of a night


@dataclass(frozen=True)
class Plan:
    """The images of a run, in order."""

    sets: tuple[ImageSet, ...]
    """In the order in which they are taken."""
    floor: float
    """Seconds that taking the images lasts at least: exposures, shutter, readouts and waits."""
    duration: float
    """Seconds from the begin of the run to its end, processing included: an estimate."""
    warnings: tuple[str, ...]
    """What the operator should know before the first exposure."""

    @property
    def n_images(self) -> int:
        """How many images are taken, discarded ones included."""
        return sum(each.n_images for each in self.sets)


def make_plan(config: CalibrationConfig, instrument: Instrument, advice: Iterable[str] = ()) -> Plan:
    """Plan the images of a run.

    Parameters
    ----------
    config, instrument
        What was asked for, and the camera.
    advice
        What else the operator should know, e.g. of the light of the lamp.

    Returns
    -------
    plan
        Biases, then darks, then flats, as far as the mode takes them.
    """
    ended = _readout_ends(config, instrument)
    floor = max(ended.values())
    ready = {kind: SET_UP + end + INGEST for kind, end in ended.items()}
    duration = max(_duration(config, ready), SET_UP + floor + config.wait_between_exposures)
    warnings = (*_warnings(config, floor), *advice)
    return Plan(tuple(config.images.values()), floor, duration, warnings)


def _readout_ends(config: CalibrationConfig, instrument: Instrument) -> dict[ImageType, float]:
    """Seconds from the first exposure to the end of the last readout of each type, waits between included."""
    ends, begin, wait = {}, 0.0, config.wait_between_exposures
    for each in config.images.values():
        # Biases and darks are taken with the shutter closed.
        shutter = instrument.shutter_time if each.image_type is ImageType.FLAT else 0.0
        per_image = shutter + instrument.readout_time + wait
        begin += sum(each.exposure_times) + each.n_images * per_image
        ends[each.image_type] = begin - wait
    return ends


def _duration(config: CalibrationConfig, ready: Mapping[ImageType, float]) -> float:
    """Seconds to the end of the last step; each begins when its images and what it needs are there."""
    kept = {kind: each.kept_times for kind, each in config.images.items()}
    ends: dict[Step, float] = {}
    for step in make_workflow(config):
        begin = max([*(ready[each] for each in step.images), *(ends[need] for need in step.needs)])
        n_exposures = sum(len(kept[each]) for each in step.job_images)
        if step.kind is StepKind.GAINS:
            n_exposures = 2 * len(flat_pairs(kept[PAIR_GAINS.made_from]).pairs)
        seconds = JOB_START_UP + JOB_PER_IMAGE * n_exposures * len(config.detectors)
        ends[step] = begin + (seconds if n_exposures else 0.0)
    return max([*ready.values(), *ends.values()])


def _warnings(config: CalibrationConfig, floor: float) -> Iterator[str]:
    """What the images will not be good for."""
    if floor > LONG:
        yield f"taking the images will last {floor / 3600:.1f} h: are the exposure times in seconds?"
    if config.gains is None:
        return
    kept = config.images[PAIR_GAINS.made_from].kept_times
    found = flat_pairs(kept)
    if not found.pairs:
        yield "no two flats have the same exposure time, so that no gain can be measured"
    elif found.unpaired:
        alone = ", ".join(f"{kept[position]:g} s" for position in found.unpaired)
        yield f"flats without a partner of the same exposure time give no gain: {alone}"
