"""Faults that a user, a test or a campaign can ask for: data, at which the simulated components look."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..detector.faults import DETECTOR_FAULTS, parse_fault
from .kinds import KINDS, FaultKind, Option

__all__ = ["Fault", "FaultError", "Faults", "describe_faults"]

MOST_SHOWN = 80
"""Characters of what somebody wrote that are repeated in a message."""


class FaultError(ValueError):
    """A fault specification that cannot be understood."""


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
    values: Mapping[str, str | int | float | None]

    def __getitem__(self, name: str) -> str | int | float | None:
        return self.values[name]

    def applies(self, context: Mapping[str, object]) -> bool:
        """Whether what happens (`context`) meets every condition of the fault."""
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
        detector: list[str] = []
        self._faults: list[Fault] = []
        for specification in specifications:
            name, _, text = specification.partition(":")
            if name in KINDS:
                self._faults.append(Fault(KINDS[name], _read_options(KINDS[name], text)))
            else:
                detector.append(_detector_fault(name, specification))
        self.detector: tuple[str, ...] = tuple(detector)
        """Specifications of the faults of the detectors."""
        self.struck: Counter[str] = Counter()
        """How often each fault struck, by name."""
        self._left = {id(fault): fault.values.get("times") for fault in self._faults}

    def values(self, name: str, key: str) -> list[str | int | float | None]:
        """Values of an option in all faults of a name that were asked for."""
        return [fault[key] for fault in self._faults if fault.kind.name == name]

    def asked_for(self, name: str) -> bool:
        """Whether a fault of a name was asked for."""
        return any(fault.kind.name == name for fault in self._faults)

    def strike(self, name: str, **context: object) -> Fault | None:
        """Return the fault that strikes now, if one does, and count it.

        Parameters
        ----------
        name
            Name of the fault.
        **context
            What is happening, e.g. ``image=3``; compared with the conditions of the faults.
        """
        for fault in self._faults:
            left = self._left[id(fault)]
            if fault.kind.name == name and left != 0 and fault.applies(context):
                if isinstance(left, int):
                    self._left[id(fault)] = left - 1
                self.struck[name] += 1
                return fault
        return None


def describe_faults() -> str:
    """Help text: every fault with its options."""
    return "\n".join(_help_lines())


def _help_lines() -> Iterator[str]:
    yield "Faults of the components (--fault NAME[:KEY=VALUE,...], can be repeated):"
    for name, kind in KINDS.items():
        yield f"  {name}: {kind.meaning}"
        for key, option in kind.options.items():
            choices = f": {', '.join(map(str, option.choices))}" if option.choices else ""
            yield _option_line(key, option.meaning + choices, option.default, option.required)
    yield "Faults of the detectors:"
    for name, detector_kind in DETECTOR_FAULTS.items():
        yield f"  {name}: {detector_kind.description}"
        for key, parameter in detector_kind.parameters.items():
            needed = parameter.default is None
            yield _option_line(key, parameter.description, parameter.default, needed)
        yield _option_line("detector", "Butler id of the only detector that has it", None, needed=False)


def _option_line(key: str, meaning: str, default: object, needed: bool) -> str:
    remark = " (needed)" if needed else "" if default is None else f" (default {default})"
    return f"      {key}=  {meaning}{remark}"


def _detector_fault(name: str, specification: str) -> str:
    """Check the specification of a fault of the detectors and return it."""
    if name not in DETECTOR_FAULTS:
        names = [*KINDS, *DETECTOR_FAULTS]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise FaultError(f"there is no fault {_shown(name)}{hint}; there are {', '.join(names)}")
    try:
        parse_fault(specification)
    except ValueError as error:
        raise FaultError(str(error)) from None
    return specification


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= MOST_SHOWN else f"{shown[:MOST_SHOWN]}... ({len(shown)} characters)"


def _read_options(kind: FaultKind, text: str) -> dict[str, str | int | float | None]:
    given: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or key not in kind.options or key in given:
            known = ", ".join(kind.options) or "none"
            raise FaultError(
                f"fault {kind.name!r}: {_shown(part)} is not one KEY=VALUE of its options ({known})"
            )
        given[key] = value
    return {key: _value(kind, key, option, given.get(key)) for key, option in kind.options.items()}


def _value(kind: FaultKind, key: str, option: Option, text: str | None) -> str | int | float | None:
    if text is None:
        if option.required:
            raise FaultError(f"fault {kind.name!r} needs {key}=... ({option.meaning})")
        return option.default
    try:
        value = option.read(text)
    except ValueError as error:
        raise FaultError(f"fault {kind.name!r}: {key}={_shown(text)}: {str(error)[:MOST_SHOWN]}") from None
    if option.choices and value not in option.choices:
        choices = ", ".join(map(str, option.choices))
        raise FaultError(f"fault {kind.name!r}: {key}={_shown(text)} is none of {choices}")
    return value
