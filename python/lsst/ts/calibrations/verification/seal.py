"""What only this package can make: verdicts, acceptances and waivers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar
from weakref import WeakValueDictionary

__all__ = ["Sealed", "is_sealed", "sealed"]

# All that was made in this process and is still in use, by its identity.
_MADE: WeakValueDictionary[int, Sealed] = WeakValueDictionary()


@dataclass(frozen=True, init=False)
class Sealed:
    """Base of dataclasses without a public constructor, so that `dataclasses.replace` is refused as well.

    A copy, or what another process has made, is not sealed. This guards against mistakes and short cuts; code
    that sets out to deceive its own process cannot be kept from it in Python.
    """

    def __init__(self, **_: object) -> None:
        raise TypeError(f"{type(self).__name__} is made by verification alone")


_S = TypeVar("_S", bound=Sealed)


def sealed(kind: type[_S], **values: Any) -> _S:
    """Make something sealed; an import contract leaves this to verification.

    Parameters
    ----------
    kind, **values
        Its class, and the values of all fields.

    Returns
    -------
    made
        The one instance of which `is_sealed` is true.

    Raises
    ------
    TypeError
        A value is missing, or is of no field.
    """
    if values.keys() != {each.name for each in fields(kind)}:
        raise TypeError(f"{kind.__name__} is not made of {', '.join(values)}")
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    _MADE[id(made)] = made
    return made


def is_sealed(value: object) -> bool:
    """Tell whether something was made by verification in this process.

    Parameters
    ----------
    value
        What may be a verdict, an acceptance or a waiver of verification.

    Returns
    -------
    is_sealed
        True for exactly what `sealed` made, and not for a copy of it.
    """
    return _MADE.get(id(value)) is value
