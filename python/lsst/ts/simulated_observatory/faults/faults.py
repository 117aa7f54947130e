"""Faults that a user, a test or a campaign asks for: data, at which the simulated components look."""

from __future__ import annotations

import difflib
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..detector.faults import DetectorFault
from .detector_kinds import DETECTOR_KINDS
from .kinds import KINDS
from .options import FaultKind, Value

__all__ = ["FAULT_KINDS", "Fault", "FaultError", "Faults", "describe_faults", "shared_options"]

FAULT_KINDS: Mapping[str, Mapping[str, FaultKind]] = {
    "Faults of the components": KINDS,
    "Faults of the detectors": DETECTOR_KINDS,
}
"""All kinds of faults by name, below headings."""

SHARED_BY = 3
"""Faults that have an option, from which on the help text explains it once."""

WIDTH = 100
"""Columns of the help text."""

MOST_SHOWN = 80
"""Characters of what somebody wrote that are repeated in a message."""


class FaultError(ValueError):
    """A fault specification that cannot be understood, or a fault that is not possible."""


@dataclass(frozen=True)
class Fault:
    """A fault that was asked for.

    Parameters
    ----------
    kind
        What it is.
    values
        Its options, defaults included; None for a condition that holds always.
    """

    kind: FaultKind
    values: Mapping[str, Value | None]

    def __getitem__(self, name: str) -> Value | None:
        return self.values[name]

    def number(self, name: str) -> float:
        """Value of an option that is a number.

        Parameters
        ----------
        name
            Of the option.

        Returns
        -------
        number
            In the unit of the option; 0 if it was left out.
        """
        return float(self.values[name] or 0.0)

    def _applies(self, context: Mapping[str, object]) -> bool:
        """Whether what happens meets every condition of the fault."""
        return all(
            self.values[name] is None or self.values[name] == context.get(name)
            for name, option in self.kind.options.items()
            if option.condition
        )


class Faults:
    """The faults of a simulation.

    Parameters
    ----------
    specifications
        ``NAME[:KEY=VALUE,...]`` each.

    Raises
    ------
    FaultError
        A specification names an unknown fault or option, lacks one, or has a bad value.
    """

    def __init__(self, specifications: Iterable[str] = ()) -> None:
        specifications = tuple(specifications)
        asked_for = [_read(specification) for specification in specifications]
        self._faults = [fault for fault in asked_for if fault.kind.name in KINDS]
        self.detector = tuple(_of_detector(each) for each in asked_for if each.kind.name in DETECTOR_KINDS)
        """Faults of the detectors."""
        self.struck: Counter[str] = Counter()
        """How often each fault struck, by name."""
        self._never = {id(fault): text for text, fault in zip(specifications, asked_for, strict=True)}
        self._left = {id(fault): fault.values.get("times") for fault in self._faults}

    def asked_for(self, name: str) -> list[Fault]:
        """Faults of a name that were asked for, also after they have struck for the last time.

        Parameters
        ----------
        name
            Name of the fault, not one of the detectors.

        Returns
        -------
        faults
            In the order in which they were asked for.
        """
        return [fault for fault in self._faults if fault.kind.name == name]

    @property
    def unstruck(self) -> list[str]:
        """Specifications of the faults that have not struck; those of the detectors are always there."""
        return [self._never[id(fault)] for fault in self._faults if id(fault) in self._never]

    def strike(self, name: str, **context: object) -> Fault | None:
        """Return the fault that strikes now, if one does, and count it.

        Parameters
        ----------
        name
            Name of the fault.
        **context
            What is happening, e.g. ``image=3``; compared with the conditions of the faults.

        Returns
        -------
        fault
            The first one that strikes; None if nothing goes wrong.
        """
        for fault in self.asked_for(name):
            left = self._left[id(fault)]
            if left != 0 and fault._applies(context):
                if isinstance(left, int):
                    self._left[id(fault)] = left - 1
                self.struck[name] += 1
                self._never.pop(id(fault), None)
                return fault
        return None


def describe_faults() -> str:
    """Help text: every fault with its options; those that many have are explained once."""
    lines = ["A fault is --fault NAME[:KEY=VALUE,...]; --fault can be repeated."]
    for heading, kinds in FAULT_KINDS.items():
        shared = shared_options(kinds)
        lines += ["", f"{heading}:"]
        for name, kind in kinds.items():
            keys = ", ".join(key for key, text in _explained(kind) if (key, text) in shared)
            lines += _wrapped([(name, f"{kind.meaning}{keys and f' [{keys}]'}")], 2)
            lines += _wrapped((each for each in _explained(kind) if each not in shared), 6)
        lines += ["  Keys in brackets:", *_wrapped(shared, 6)]
    return "\n".join(lines)


def shared_options(kinds: Mapping[str, FaultKind]) -> list[tuple[str, str]]:
    """Find the options that many faults have.

    Parameters
    ----------
    kinds
        Of the faults, by name.

    Returns
    -------
    options
        As `Option.explained` explains them, those of the first faults first.
    """
    explained = Counter(each for kind in kinds.values() for each in _explained(kind))
    return [each for each, times in explained.items() if times >= SHARED_BY]


def _wrapped(entries: Iterable[tuple[str, str]], indent: int) -> Iterator[str]:
    blanks = " " * indent
    for name, meaning in entries:
        yield from textwrap.wrap(
            f"{name}: {meaning}", WIDTH, initial_indent=blanks, subsequent_indent=f"{blanks}    "
        )


def _explained(kind: FaultKind) -> list[tuple[str, str]]:
    """Every option of a fault, as one writes it, with its meaning."""
    return [option.explained(key) for key, option in kind.options.items()]


def _of_detector(fault: Fault) -> DetectorFault:
    values = {key: value for key, value in fault.values.items() if value is not None}
    detector = values.pop("detector", None)
    return DetectorFault(fault.kind.name, None if detector is None else int(detector), values)


def _read(specification: str) -> Fault:
    name, _, text = specification.partition(":")
    known = {**KINDS, **DETECTOR_KINDS}
    if name not in known:
        near = _near(name, known)
        raise FaultError(f"there is no fault {_shown(name)}{near or '.'} --fault help lists all")
    kind = known[name]
    given: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in kind.options or key in given:
            near = "" if key in kind.options else _near(key, kind.options)
            options = ", ".join(kind.options) or "none"
            raise FaultError(
                f"fault {name!r}: {_shown(part)} is not KEY=VALUE with one of its options, once"
                f" ({options}){near}"
            )
        given[key] = value
    return Fault(kind, {key: _value(kind, key, given.get(key)) for key in kind.options})


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}... ({len(shown)} characters)"


def _value(kind: FaultKind, key: str, text: str | None) -> Value | None:
    option = kind.options[key]
    if text is None:
        if option.required:
            raise FaultError(f"fault {kind.name!r} needs {key}=... ({option.meaning})")
        return option.default
    try:
        value = option.read(text)
    except ValueError as error:
        raise FaultError(
            f"fault {kind.name!r}: {key}={_shown(text)}: use {str(error)[:MOST_SHOWN]}"
        ) from None
    if option.choices and value not in option.choices:
        choices = ", ".join(map(str, option.choices))
        raise FaultError(f"fault {kind.name!r}: {key}={_shown(text)}: choose one of {choices}")
    return value
