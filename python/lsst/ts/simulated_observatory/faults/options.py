"""What a kind of fault is, and the options that several kinds have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = [
    "CALIBRATION",
    "COMPONENT",
    "DETECTOR",
    "IMAGE",
    "JOB_KIND",
    "SECONDS",
    "TIMES",
    "FaultKind",
    "Option",
    "counted",
    "step",
]

MOST_COUNTED = 2**31 - 1
"""Largest number, as SAL has it for an exit code."""

MOST_SECONDS = 1e6
"""Longest time of a fault: more than the longest run."""

Value = str | int | float


@dataclass(frozen=True)
class Option:
    """An option of a fault.

    Parameters
    ----------
    meaning
        What it is, for the help text.
    read
        Makes a value from its text; raises ValueError.
    default
        Value if it is not given.
    required
        Whether it must be given.
    condition
        Whether it says when the fault strikes (then None means always), rather than what it does.
    choices
        The only values allowed, if there are any.
    """

    meaning: str
    read: Callable[[str], Value] = str
    default: Value | None = None
    required: bool = False
    condition: bool = False
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Parameters
    ----------
    name
        As the command line has it.
    meaning
        What happens, for the help text.
    options
        Its options by name.
    """

    name: str
    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)


def counted(text: str) -> int:
    """Read a whole number from 1.

    Raises
    ------
    ValueError
        It is none.
    """
    number = int(text)
    if number < 1:
        raise ValueError("it counts from 1")
    if number > MOST_COUNTED:
        raise ValueError(f"it counts up to {MOST_COUNTED}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= MOST_SECONDS:
        raise ValueError(f"a number of seconds greater than 0 and up to {MOST_SECONDS:g}")
    return number


def step(text: str) -> float:
    """Read by how much a clock jumps [s].

    Raises
    ------
    ValueError
        It is no number, or too large.
    """
    number = float(text)
    if not abs(number) <= MOST_SECONDS:
        raise ValueError(f"a number of seconds between -{MOST_SECONDS:g} and {MOST_SECONDS:g}")
    return number


COMPONENT = Option("SAL name, e.g. ATCamera or OCPS:1", required=True, condition=True)
IMAGE = Option("number of the image in the run, from 1; every image if left out", counted, condition=True)
DETECTOR = Option("detector name, e.g. RXX_S00; all if left out", condition=True)
JOB_KIND = Option("of which jobs; all if left out", condition=True, choices=("generate", "verify", "gain"))
CALIBRATION = Option(
    "of which jobs; all if left out",
    str.upper,
    condition=True,
    choices=("BIAS", "DARK", "FLAT", "DEFECTS", "PTC", "GAIN"),
)
SECONDS = Option("simulated seconds", _seconds, default=30.0)
TIMES = Option("how often it strikes; always if left out", counted)
