"""What simulated components need around them when there are neither pixels nor pipelines."""

from __future__ import annotations

from collections.abc import Callable

from lsst.ts.calibrations.domain.instruments import physical_filter

from ..components.machinery import Machinery
from ..components.mounted import band_of
from ..faults.faults import Faults
from ..repository.repository import is_complete, make_once, use_present_names
from ..stand_ins.machinery import standin_machinery
from ..stand_ins.measurements import StandInCamera
from .optics import all_mounted
from .surroundings import Surroundings

__all__ = ["SurroundingsWithoutPixels"]


class SurroundingsWithoutPixels(Surroundings):
    """Raw files that are headers alone, jobs that store what pipelines would find in the images.

    What they find is drawn for the amplifiers of the simulated detectors, with their faults; whether it
    passes is for the tests of the verification to say.
    """

    @property
    def properties(self) -> dict[str, object]:
        """What runs that share a repository must have in common; no run with pixels can share this one."""
        return {**super().properties, "stand-ins": True}

    def _machinery(self) -> Machinery:
        camera = StandInCamera(self.seed, Faults(self.faults).detector)
        return standin_machinery(self.instrument, self.repository, camera, scale=self.scale)

    def _make_repository(self, say: Callable[[str], None], check: Callable[[], None]) -> None:
        """Make a repository whose reference calibrations have one pixel for each amplifier."""
        from ..stand_ins.template import make_template

        if is_complete(self.repository):
            use_present_names(self.repository)
            return
        say("No pixels and no pipelines: outcomes of jobs are drawn.")
        make_once(
            self.repository,
            self.properties,
            lambda folder: make_template(
                folder,
                self.instrument,
                self.detectors,
                seed=self.seed,
                scale=self.scale,
                filters=self._filters(),
            ),
            check,
        )

    def _filters(self) -> list[tuple[str, str]]:
        """Physical filter and band of everything that can be put into the beam: a flat costs nothing here."""
        mounted = all_mounted(self.instrument)
        found = {
            physical_filter(filter_, grating): band_of(self.instrument, filter_).lower()
            for filter_ in mounted.filters
            for grating in mounted.gratings or (None,)
        }
        return list(found.items())
