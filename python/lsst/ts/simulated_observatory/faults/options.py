"""What a kind of fault is: its name, its meaning, and its options, with functions that read their texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["FaultKind", "Option", "Value", "index", "number", "whole_number"]

MOST_COUNTED = 2**31 - 1
"""Largest number, as SAL has it for an exit code."""

Value = str | int | float


@dataclass(frozen=True)
class Option:
    """An option of a fault."""

    meaning: str
    """What it is, for the help text."""
    read: Callable[[str], Value] = str
    """Makes a value from its text; raises ValueError with what is expected."""
    default: Value | None = None
    """Value if it is not given."""
    required: bool = False
    """Whether it must be given."""
    condition: bool = False
    """Whether it says when the fault strikes (then None means always), rather than what it does."""
    choices: tuple[Value, ...] = ()
    """The only values allowed, if there are any."""
    drawn: tuple[Value, ...] = ()
    """Values from which a campaign draws, if it sets the option."""

    def explained(self, key: str) -> tuple[str, str]:
        """Explain it for the help text.

        Parameters
        ----------
        key
            Its name.

        Returns
        -------
        written, meaning
            As one writes it, with its default; and what it is, which values it has, and whether it must be
            given.
        """
        default = f"{self.default:g}" if isinstance(self.default, float) else f"{self.default or ''}"
        choices = f": {', '.join(map(str, self.choices))}" if self.choices else ""
        need = " (must be given)" if self.required else "; all if left out" if self.condition else ""
        return f"{key}={default}" if default else key, f"{self.meaning}{choices}{need}"


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault."""

    name: str
    """As the command line has it."""
    meaning: str
    """What happens, for the help text."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Its options by name."""
    cause: str = ""
    """Regular expression by which the reason of a run names this fault; empty for one that must not make any
    difference to the outcome."""
    rare: bool = False
    """Whether it has an opportunity in few runs, so that a campaign draws it more often."""
    lasting: bool = False
    """Whether it leaves something in the repository that a run meets again when it is resumed."""
    lasting_after_kill: bool = False
    """Whether it ends with the simulated components, unless these are killed."""
    of_machine: bool = False
    """Whether it strikes the machine of a script, which must then run in this process, in simulated time."""

    @property
    def drawn(self) -> Mapping[str, Sequence[Value]]:
        """Values from which a campaign draws, by option."""
        return {key: option.drawn for key, option in self.options.items() if option.drawn}


def number(expected: str, allowed: Callable[[float], bool]) -> Callable[[str], float]:
    """Make a function that reads a number.

    Parameters
    ----------
    expected, allowed
        What it is, for the message about another one, and whether a number (perhaps not finite) is one.

    Returns
    -------
    read
        Makes a number from a text; raises ValueError.
    """

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not allowed(found):
            raise ValueError(expected)
        return found

    return read


def whole_number(text: str) -> int:
    """Read a number that counts something.

    Parameters
    ----------
    text
        Of an option.

    Returns
    -------
    number
        From 1.

    Raises
    ------
    ValueError
        It is none.
    """
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_COUNTED):
        raise ValueError(f"a whole number from 1 to {MOST_COUNTED}")
    return int(text)


def index(text: str) -> int:
    """Read a number that begins at 0.

    Parameters
    ----------
    text
        Of an option.

    Returns
    -------
    number
        From 0.

    Raises
    ------
    ValueError
        It is none.
    """
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number, 0 or greater")
    return int(text)
