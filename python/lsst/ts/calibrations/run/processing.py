"""What is made of the images: the graph of the steps, from the exposures to the certified calibrations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..butler.pipeline_files import PipelineFiles
from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS
from ..domain.errors import CalibrationError
from ..domain.instruments import ImageType
from ..journal.facts import StepNotDone
from ..verification import Verdict
from .context import RunContext
from .gains import GainsFromPairs
from .jobs import Jobs
from .products import Products
from .steps import Steps
from .verifications import Verifications

if TYPE_CHECKING:
    from ..butler.archive import Archive
    from ..components.ocps import OcpsClient
    from ..config.config import CalibrationConfig
    from ..domain.instruments import Instrument

__all__ = ["Processing"]

_Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class _Chain:
    """Steps that follow each other.

    Parameters
    ----------
    images
        Image types that must be there.
    steps
        Name and work of each.
    needs
        Names of steps that must have succeeded before the first.
    """

    images: tuple[ImageType, ...]
    steps: tuple[tuple[str, _Step], ...]
    needs: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """Name of the first step."""
        return self.steps[0][0]


class Processing:
    """The steps that follow the images, each begun as soon as what it needs is there.

    Parameters
    ----------
    context
        Journal, clock and log of the run.
    instrument, config
        What was asked for.
    ocps, archive
        What processes and what holds the results.
    """

    def __init__(
        self,
        context: RunContext,
        instrument: Instrument,
        config: CalibrationConfig,
        ocps: OcpsClient,
        archive: Archive,
    ) -> None:
        self.context = context
        self.config = config
        self.steps = Steps(self._not_done)
        jobs = Jobs(context, ocps, PipelineFiles(instrument), instrument, config)
        self.verifications = Verifications(context, instrument, config, jobs, archive)
        self.products = Products(context, instrument, config, jobs, archive)
        self.gains = GainsFromPairs(context, instrument, config, jobs, archive)
        self._exposures: dict[ImageType, tuple[int, ...]] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._begun: set[str] = set()
        self._halted: str | None = None

    @property
    def negative(self) -> list[str]:
        """One line for every verdict that is not positive."""
        return self.verifications.negative

    def halted(self) -> str | None:
        """Why no further exposure makes sense: a calibration that all later ones need was not made."""
        return self._halted

    def hand_over(self, image_type: ImageType, exposures: Sequence[int]) -> None:
        """Begin what these exposures are for.

        Parameters
        ----------
        image_type
            Their type.
        exposures
            Ids of the kept exposures, all confirmed.
        """
        self._exposures[image_type] = tuple(exposures)
        for chain in self._chains():  # those that others need come first
            there = all(each in self._exposures for each in chain.images)
            # The images of a type may be confirmed before those of the type that it needs.
            if there and chain.first not in self._begun and self._begun.issuperset(chain.needs):
                self._add(chain)

    def give_up_missing(self) -> None:
        """Note the steps that were never begun, since their images, or what they need, are not there."""
        for chain in self._chains():
            if chain.first in self._begun:
                continue
            missing = [image_type for image_type in chain.images if image_type not in self._exposures]
            reason = (
                f"the {' and '.join(missing)} images were not all taken and confirmed"
                if missing
                else f"it needs {chain.needs[-1]!r}, which was not done"
            )
            for name, _ in chain.steps:
                self._not_done(name, reason, follows=True)

    def give_up(self, reason: str) -> None:
        """Note every step that has not come to its end, when the run ends early and nothing is under way.

        Parameters
        ----------
        reason
            Why, in words for each of them.
        """
        named = {each.step for each in self.context.record.not_done}
        left = [name for chain in self._chains() for name, _ in chain.steps if name not in named]
        left = [name for name in left if not self._is_done(name)]
        for name in left:
            self.context.note(StepNotDone(time=self.context.now(), step=name, reason=reason, follows=True))
        if left:  # in one line: none of them went wrong
            self.context.log.info("Not done, since %s: %s.", reason, ", ".join(left))

    def _is_done(self, step: str) -> bool:
        """Whether a step has succeeded, in this part of the run or in an earlier one."""
        if self.steps.succeeded(step):
            return True
        if step == PAIR_GAINS.title:
            return bool(self.context.record.gains)
        kind, calibration = step.split()
        return self.context.record.came_of(kind, calibration)

    def _not_done(self, step: str, reason: str, follows: bool) -> None:
        self.context.log.error("Not done: %s: %s.", step, reason)
        self.context.note(StepNotDone(time=self.context.now(), step=step, reason=reason, follows=follows))

    def _add(self, chain: _Chain) -> None:
        """Add the steps of a chain, one after the other."""
        needs = chain.needs
        for name, work in chain.steps:
            self.steps.add(name, work, needs)
            self._begun.add(name)
            needs = (name,)

    def _chains(self) -> list[_Chain]:
        """All that is to be done, by the images that it needs."""
        config = self.config
        chains = []
        accepted: tuple[str, ...] = ()
        for image_type in config.image_types:
            chains.append(_Chain((image_type,), self._steps_of_images(image_type), accepted))
            if config.generate_calibrations:
                accepted = (*accepted, f"certify {image_type}")
        if config.gains:
            chains.append(_Chain((ImageType.FLAT,), ((PAIR_GAINS.title, self._measure_gains),)))
        for name in config.products:
            images = CALIBRATIONS[name].made_from
            chains.append(_Chain(images, self._steps_of_product(name, images), accepted))
        return [chain for chain in chains if chain.steps]

    def _steps_of_images(self, image_type: ImageType) -> tuple[tuple[str, _Step], ...]:
        """Verify, or generate, verify and certify."""
        config, name = self.config, image_type.value
        verify = (f"verify {name}", partial(self._verify_images, image_type))
        if not config.generate_calibrations:
            return (verify,) if config.do_verify else ()
        settings = config.images[image_type]
        generate = partial(
            self._generate, name, (image_type,), settings.input_collections, settings.config_options
        )
        steps: tuple[tuple[str, _Step], ...] = (
            (f"generate {name}", generate),
            *((verify,) if config.do_verify else ()),
            (f"certify {name}", partial(self._certify, name)),
        )
        return tuple((step, partial(self._or_halt, name, work)) for step, work in steps)

    def _steps_of_product(self, name: str, images: tuple[ImageType, ...]) -> tuple[tuple[str, _Step], ...]:
        """Generate, verify and certify defects or the photon transfer curve."""
        settings = self.config.products[name]
        generate = partial(self._generate, name, images, settings.input_collections, settings.config_options)
        verify = partial(self._verify_product, name, settings.input_collections)
        return (
            (f"generate {name}", generate),
            *(((f"verify {name}", verify),) if self.config.do_verify else ()),
            (f"certify {name}", partial(self._certify, name)),
        )

    async def _or_halt(self, name: str, step: _Step) -> None:
        """Do a step without which no later image type can be combined."""
        try:
            await step()
        except CalibrationError:
            self._halted = f"data taking was ended: without an accepted {name} nothing further can be made"
            raise

    async def _generate(
        self, name: str, images: Sequence[ImageType], configured: Sequence[str], options: str
    ) -> None:
        exposures = {image_type.value: self._exposures[image_type] for image_type in images}
        await self.products.generate(name, exposures, configured, options)

    async def _certify(self, name: str) -> None:
        await self.products.certify(name, self._verdicts.get(name))

    async def _verify_images(self, image_type: ImageType) -> None:
        """Verify the exposures of a type."""
        settings, name = self.config.images[image_type], image_type.value
        self._verdicts[name] = await self.verifications.verify(
            name,
            self._exposures[image_type],
            self.products.inputs(name, settings.verify_collections),
            threshold=settings.threshold,
            combined=self.products.generated.get(name),
        )

    async def _verify_product(self, name: str, configured: Sequence[str]) -> None:
        """Verify defects with the flats, or the photon transfer curve by itself."""
        inputs, combined = self.products.inputs(name, configured), self.products.generated[name]
        if CALIBRATIONS[name].verified_by_itself:
            self._verdicts[name] = await self.verifications.verify_product(combined, inputs)
            return
        threshold = self.config.images[CALIBRATIONS[name].verified_with].threshold
        self._verdicts[name] = await self.verifications.verify(
            name, combined.verified_with, inputs, threshold=threshold, combined=combined
        )

    async def _measure_gains(self) -> None:
        await self.gains.measure(self._exposures[ImageType.FLAT])
