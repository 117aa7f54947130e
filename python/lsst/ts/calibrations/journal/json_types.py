"""Values as they come out of JSON, compared with the types that a dataclass wants."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any

__all__ = ["adopt"]

MOST = 253_402_300_800.0
"""Number that none reaches: the seconds from 1970 to the year 10000."""


def adopt(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Compare values with the fields of a dataclass; lists become tuples where these are wanted.

    Parameters
    ----------
    values
        By name of the field; names that are no fields are left alone.
    kind
        The dataclass. Its fields are plain types, ``Any``, mappings, tuples of one type, or unions of these.

    Returns
    -------
    values
        As the dataclass wants them.

    Raises
    ------
    TypeError
        A value is of another type; it names the field.
    """
    hints = _hints(kind)
    adopted = dict(values)
    for name, value in values.items():
        wanted = hints.get(name, Any)
        if not _fits(value, wanted):
            raise TypeError(f"{name} is {value!r:.40}")
        if typing.get_origin(wanted) is tuple:
            adopted[name] = tuple(value)
    return adopted


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: Any, wanted: Any) -> bool:
    if wanted is Any:
        return True
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, (list, tuple)) and all(_fits(each, arguments[0]) for each in value)
    if origin is not None:  # a mapping
        return isinstance(value, Mapping) and all(_fits(each, arguments[1]) for each in value.values())
    if wanted is float:  # JSON writes 5.0 as it was given, and a whole number of seconds is a time, too
        return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < MOST
    return isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
