"""What a run does with its images: the steps, and what each of them needs, made from the configuration.

This is the only place that says so: plan, preflight, processing, summary and a resumed run follow it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..config.config import CalibrationConfig
from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS, CalibrationType, StepKind, step_name
from ..domain.instruments import ImageType

__all__ = ["Step", "Workflow", "make_workflow"]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do with the images."""

    kind: StepKind
    """What is done."""
    calibration: str
    """Name of the calibration that it is about."""
    images: tuple[ImageType, ...]
    """Types of the images that must be there, all confirmed."""
    job_images: tuple[ImageType, ...] = ()
    """Types of the images that its job gets, if it needs one."""
    needs: tuple[Step, ...] = ()
    """Steps that must have succeeded before."""
    inputs_of_run: tuple[str, ...] = ()
    """Calibrations that the run has made by then and that the job takes before all others, in this order."""
    configured_inputs: tuple[str, ...] = ()
    """Input collections of its job, as configured."""
    options: str = ""
    """Options of pipetask for its job, as configured."""
    halts: bool = False
    """Whether no further image makes sense if it fails."""

    @property
    def name(self) -> str:
        """Name for people, as journal and summary have it, e.g. ``verify BIAS``."""
        return step_name(self.kind, self.calibration)

    @property
    def accepted_inputs(self) -> tuple[str, ...]:
        """Those of `inputs_of_run` that have been certified by then: all but the calibration itself."""
        return tuple(name for name in self.inputs_of_run if name != self.calibration)


@dataclass(frozen=True)
class Workflow:
    """All steps of a run."""

    steps: tuple[Step, ...]
    """Each after those that it needs."""

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @property
    def input_collections(self) -> frozenset[str]:
        """Configured collections that the jobs will name."""
        return frozenset(name for step in self.steps for name in step.configured_inputs)

    @property
    def jobs(self) -> tuple[tuple[StepKind, str], ...]:
        """Kind and calibration of every job."""
        return tuple((step.kind, step.calibration) for step in self.steps if step.job_images)

    @property
    def references(self) -> dict[ImageType, tuple[str, ...]]:
        """Collections with calibrations that images are verified against, if the run does not make them."""
        return {
            CALIBRATIONS[step.calibration].verified_with: step.configured_inputs
            for step in self.steps
            if step.kind is StepKind.VERIFY and not step.needs
        }

    @property
    def dataset_types_to_certify(self) -> tuple[str, ...]:
        """Dataset types of which calibrations will be certified."""
        certified = (step.calibration for step in self.steps if step.kind is StepKind.CERTIFY)
        return tuple(CALIBRATIONS[name].dataset_type for name in certified)


def make_workflow(config: CalibrationConfig) -> Workflow:
    """Put together what a run does with its images.

    Parameters
    ----------
    config
        What was asked for.

    Returns
    -------
    workflow
        For each image type: verification against existing calibrations (external), or generation,
        verification and certification (internal); then the gains of flat pairs; then the products.
    """
    steps: list[Step] = []
    for calibration in CALIBRATIONS.values():
        if calibration.image_type not in config.images:
            continue
        if calibration.name in config.calibrations_to_make:
            steps += _making(config, calibration, steps)
        elif config.do_verify:
            steps.append(_verification(config, calibration, ()))
    if config.gains is not None:
        flats = (PAIR_GAINS.made_from,)
        gains = Step(
            kind=StepKind.GAINS,
            calibration=PAIR_GAINS.name,
            images=flats,
            job_images=flats,
            configured_inputs=config.gains.input_collections,
            options=config.gains.config_options,
        )
        steps.append(gains)
    for name in config.products:
        steps += _making(config, CALIBRATIONS[name], steps)
    return Workflow(tuple(steps))


def _making(config: CalibrationConfig, calibration: CalibrationType, before: Sequence[Step]) -> list[Step]:
    """Generate, verify and certify a calibration, after those that it needs as far as the run makes them."""
    accepted = tuple(
        step for step in before if step.kind is StepKind.CERTIFY and step.calibration in calibration.needs
    )
    settings = config.products.get(calibration.name) or config.images[calibration.verified_with]
    generation = Step(
        kind=StepKind.GENERATE,
        calibration=calibration.name,
        images=calibration.made_from,
        job_images=calibration.made_from,
        needs=accepted,
        inputs_of_run=tuple(step.calibration for step in reversed(accepted)),
        configured_inputs=settings.input_collections,
        options=settings.config_options,
        halts=calibration.halts,
    )
    steps = [generation]
    if config.do_verify:
        steps.append(_verification(config, calibration, (generation,)))
    certification = Step(
        kind=StepKind.CERTIFY,
        calibration=calibration.name,
        images=calibration.made_from,
        needs=(steps[-1],),
        halts=calibration.halts,
    )
    return [*steps, certification]


def _verification(config: CalibrationConfig, calibration: CalibrationType, making: tuple[Step, ...]) -> Step:
    """Verify a calibration that the run has made by the step before, or one that is there."""
    product, images = config.products.get(calibration.name), config.images[calibration.verified_with]
    return Step(
        kind=StepKind.VERIFY,
        calibration=calibration.name,
        images=calibration.made_from,
        job_images=(calibration.verified_with,),
        needs=making,
        inputs_of_run=tuple(name for step in making for name in (step.calibration, *step.inputs_of_run)),
        configured_inputs=product.input_collections if product else images.verify_collections,
        halts=bool(making) and calibration.halts,
    )
