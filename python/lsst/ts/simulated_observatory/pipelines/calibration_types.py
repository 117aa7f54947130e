"""The types of calibrations: how the simulated observatory stores them, and what its jobs need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .storage_classes import CURVE, DEFECTS, IMAGE

__all__ = ["CALIBRATION_TYPES", "GAIN", "CalibrationType"]

GAIN = "GAIN"
"""What a job is about that measures gains with pairs of flats."""


@dataclass(frozen=True, kw_only=True)
class CalibrationType:
    """A type of calibration.

    Parameters
    ----------
    name
        As in the names of its pipelines, e.g. ``BIAS`` of ``cpBias.yaml``.
    storage_class, each_filter
        Of its datasets, and whether there is one for each filter.
    made_with, verified_with
        Dataset types without which there is nothing that a job could do which makes or verifies it.
    verified_by_itself, other_names
        Whether its own values are verified, and no images; names that it has had in files of cp_pipe.
    """

    name: str
    storage_class: str = IMAGE
    each_filter: bool = False
    made_with: tuple[str, ...] = ()
    verified_with: tuple[str, ...]
    verified_by_itself: bool = False
    other_names: tuple[str, ...] = ()

    @property
    def dataset_type(self) -> str:
        """Name of its dataset type, e.g. ``bias``."""
        return self.name.lower()

    @property
    def statistics_prefix(self) -> str:
        """Begin of the names of the datasets that its verification leaves, e.g. ``verifyBias``."""
        return f"verify{self.name.capitalize()}"

    @property
    def needed(self) -> dict[str, tuple[str, ...]]:
        """Dataset types that a job must have, by its kind: ``generate`` or ``verify``."""
        return {"generate": self.made_with, "verify": self.verified_with}


CALIBRATION_TYPES: Mapping[str, CalibrationType] = {
    each.name: each
    for each in (
        CalibrationType(name="BIAS", verified_with=("bias",)),
        CalibrationType(name="DARK", made_with=("bias",), verified_with=("bias", "dark")),
        CalibrationType(
            name="FLAT", each_filter=True, made_with=("bias", "dark"), verified_with=("bias", "dark", "flat")
        ),
        CalibrationType(name="DEFECTS", storage_class=DEFECTS, verified_with=("bias", "dark", "defects")),
        CalibrationType(
            name="PTC",
            storage_class=CURVE,
            verified_with=("ptc",),
            verified_by_itself=True,
            other_names=("PHOTONTRANSFERCURVE",),
        ),
    )
}
"""All types by name, in the order in which they are made."""
