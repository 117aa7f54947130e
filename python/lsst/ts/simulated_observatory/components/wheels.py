"""What is mounted in the wheels of the simulated spectrograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FILTERS", "GRATINGS", "Slot", "find_slot"]


@dataclass(frozen=True)
class Slot:
    """A slot of a wheel.

    Parameters
    ----------
    name
        What is in it.
    band
        Its band as the header has it.
    wavelength
        Central wavelength, nm; 0 if it has none.
    """

    name: str
    band: str
    wavelength: float = 0.0


FILTERS = (
    Slot("empty_1", "EMPTY"),
    Slot("SDSSg_65mm", "g", 476.4),
    Slot("SDSSr_65mm", "r", 622.3),
    Slot("SDSSz_65mm", "z", 905.0),
)
"""Filter wheel, slots 0 to 3: what the weekly flats of the procedure need."""

GRATINGS = (
    Slot("empty_1", "EMPTY"),
    Slot("holo4_003", "EMPTY"),
    Slot("blue300lpmm_qn1", "EMPTY"),
    Slot("SDSSy_65mm", "y", 1004.0),
)
"""Grating wheel, slots 0 to 3; the y filter is mounted here."""


def find_slot(slots: Sequence[Slot], number: int, name: str) -> int:
    """Find the slot that a command means.

    Parameters
    ----------
    slots
        The wheel.
    number, name
        Of the slot, or of what is in it. With a name the number is 0.

    Raises
    ------
    ValueError
        Both are given, or there is no such slot or name.
    """
    if name and number:
        raise ValueError(f"both slot {number} and name {name!r} are given; give one")
    names = [slot.name for slot in slots]
    if name:
        if name not in names:
            raise ValueError(f"{name!r} is not mounted; mounted are {', '.join(names)}")
        return names.index(name)
    if not 0 <= number < len(slots):
        raise ValueError(f"slot {number} is not between 0 and {len(slots) - 1}")
    return number
