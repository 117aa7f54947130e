"""Faults of the simulated detector, as the physics sees them; ``faults/kinds.py`` says which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..cameras.models import DetectorModel

__all__ = ["DetectorFault", "active_faults"]


@dataclass(frozen=True)
class DetectorFault:
    """A fault of the detector."""

    name: str
    """Such as ``amplifier-noise``."""
    detector: int | None
    """Butler id of the only detector that has it; None: all have it."""
    values: Mapping[str, str | int | float]
    """Its options by name, defaults included."""


def active_faults(faults: Iterable[DetectorFault], model: DetectorModel) -> tuple[DetectorFault, ...]:
    """Select the faults that a detector has.

    Parameters
    ----------
    faults, model
        All that were asked for, and the detector.

    Returns
    -------
    active
        Those of this detector.

    Raises
    ------
    ValueError
        One is of an amplifier or a column that the detector does not have.
    """
    active = tuple(fault for fault in faults if fault.detector in (None, model.id))
    for fault in active:
        if "amplifier" in fault.values:
            model.amplifier(str(fault.values["amplifier"]))
        if int(fault.values.get("column", 0)) >= model.width:
            raise ValueError(
                f"fault {fault.name}: column {fault.values['column']} is beyond the last column of detector "
                f"{model.name} at scale {model.scale}, {model.width - 1}"
            )
    return active
