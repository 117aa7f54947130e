"""Faults of the simulated detector, as the physics sees them; their kinds: ``faults/detector_kinds.py``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..cameras.models import DetectorModel

__all__ = ["ActiveFaults", "DetectorFault", "active_faults"]


@dataclass(frozen=True)
class DetectorFault:
    """A fault of the detector."""

    name: str
    """Such as ``amplifier-noise``."""
    detector: int | None
    """Butler id of the only detector that has it; None: all have it."""
    values: Mapping[str, str | int | float]
    """Its options by name, defaults included."""

    def strikes(self, image: int) -> bool:
        """Whether it strikes in an image.

        Parameters
        ----------
        image
            Its number in the run, from 1; 0 if it has none.

        Returns
        -------
        strikes
            True unless the fault names images, such as ``3-6``, and this is none of them.
        """
        images = self.values.get("images", self.values.get("image"))
        if images is None:
            return True
        first, _, last = str(images).partition("-")
        return int(first) <= image <= int(last or first)


class ActiveFaults(tuple[DetectorFault, ...]):
    """The faults that strike."""

    def named(self, name: str) -> list[Mapping[str, str | int | float]]:
        """Options of each fault of a name.

        Parameters
        ----------
        name
            E.g. ``light-leak``.

        Returns
        -------
        values
            Empty if there is no such fault.
        """
        return [fault.values for fault in self if fault.name == name]

    def numbers(self, name: str, option: str) -> list[float]:
        """Numbers that an option of the faults of a name has.

        Parameters
        ----------
        name, option
            E.g. ``light-leak`` and ``rate``.

        Returns
        -------
        numbers
            Of each fault.
        """
        return [float(values[option]) for values in self.named(name)]

    def by_amplifier(self, name: str, option: str) -> dict[str, float]:
        """What an option of the faults of a name says for each amplifier; the last one counts.

        Parameters
        ----------
        name, option
            E.g. ``amplifier-noise`` and ``factor``.

        Returns
        -------
        numbers
            By name of the amplifier.
        """
        return {str(values["amplifier"]): float(values[option]) for values in self.named(name)}


def active_faults(
    faults: Iterable[DetectorFault], model: DetectorModel, image: int | None = None
) -> ActiveFaults:
    """Select the faults that a detector has.

    Parameters
    ----------
    faults, model
        All that were asked for, and the detector.
    image
        Number of the image in the run, from 1, 0 if it has none; None: those of some images only, too.

    Returns
    -------
    active
        Those of this detector, and image.

    Raises
    ------
    ValueError
        One is of an amplifier or a column that the detector does not have.
    """
    active = ActiveFaults(fault for fault in faults if fault.detector in (None, model.id))
    for fault in active:
        if "amplifier" in fault.values:
            model.amplifier(str(fault.values["amplifier"]))
        if int(fault.values.get("column", 0)) >= model.width:
            raise ValueError(
                f"fault {fault.name}: column {fault.values['column']} is beyond the last column of detector "
                f"{model.name} at scale {model.scale}, {model.width - 1}"
            )
    return active if image is None else ActiveFaults(fault for fault in active if fault.strikes(image))
