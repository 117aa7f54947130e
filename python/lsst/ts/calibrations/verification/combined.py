"""A combined calibration that a run made: what it is made of, where it is, and which datasets it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..domain.calibrations import CALIBRATIONS
from ..domain.jobs import run_collection

__all__ = ["CombinedCalibration"]


@dataclass(frozen=True)
class CombinedCalibration:
    """One type of calibration, as one job made it for all detectors.

    Parameters
    ----------
    name
        A name of the table of calibration types, e.g. ``BIAS``.
    exposures
        Ids of the exposures that it was made from, by image type.
    collection
        Collection of the job.
    datasets
        Ids that the Butler gave the datasets. A dataset never changes; one that takes its place has another
        id.
    """

    name: str
    exposures: Mapping[str, tuple[int, ...]]
    collection: str
    datasets: tuple[str, ...]

    def __post_init__(self) -> None:
        """Keep the exposures from being changed: an acceptance is bound to them."""
        object.__setattr__(self, "exposures", MappingProxyType(dict(self.exposures)))

    @property
    def dataset_type(self) -> str:
        """Name of its dataset type, e.g. ``bias``."""
        return CALIBRATIONS[self.name].dataset_type

    @property
    def run(self) -> str:
        """RUN collection that holds the datasets."""
        return run_collection(self.collection)

    @property
    def is_verified_by_itself(self) -> bool:
        """Whether its values are tested, and not images that were processed with it."""
        return CALIBRATIONS[self.name].verified_by_itself

    @property
    def verified_with(self) -> tuple[int, ...]:
        """Those of its exposures with which it must be verified: neither fewer nor others.

        A bias, dark or flat is verified with all of them. Defects are found in darks and flats and verified
        with the flats, all of them: what a masked pixel does to an image shows where there is light. A
        photon transfer curve is made of the flats and verified by itself.
        """
        return tuple(self.exposures.get(CALIBRATIONS[self.name].verified_with, ()))
