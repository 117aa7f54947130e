"""Faults of the simulated detector, written like ``amplifier-noise:amplifier=C05,factor=1.2``."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..cameras.models import DetectorModel

__all__ = ["DETECTOR_FAULTS", "DetectorFault", "FaultKind", "FaultParameter", "active_faults", "parse_fault"]

Value = str | int | float


def _amplifier(text: str) -> str:
    if len(text) == 3 and text[0] == "C" and text[1] in "01" and text[2] in "01234567":
        return text
    raise ValueError("an amplifier name, C00 to C07 or C10 to C17")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise ValueError("a number greater than 0")
    return value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number, 0 or greater")
    return int(text)


@dataclass(frozen=True)
class FaultParameter:
    """A parameter of a fault.

    Parameters
    ----------
    description
        What it means, with its unit.
    read
        Makes the value of its text; raises ValueError with what is expected.
    default
        Value when it is not given; None: it has to be given.
    """

    description: str
    read: Callable[[str], Value]
    default: Value | None = None


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault: what it does and its parameters by name."""

    description: str
    parameters: Mapping[str, FaultParameter]


_AMPLIFIER = FaultParameter("name of the amplifier, e.g. C05", _amplifier)

DETECTOR_FAULTS: Mapping[str, FaultKind] = {
    "amplifier-noise": FaultKind(
        "The read noise of an amplifier is multiplied.",
        {"amplifier": _AMPLIFIER, "factor": FaultParameter("factor of the noise", _positive, 1.2)},
    ),
    "amplifier-dead": FaultKind(
        "No charge reaches the output of an amplifier: bias level and read noise only.",
        {"amplifier": _AMPLIFIER},
    ),
    "light-leak": FaultKind(
        "Light reaches the detector all the time, with the shutter closed too.",
        {"rate": FaultParameter("electron/s in every pixel", _positive, 5.0)},
    ),
    "hot-column": FaultKind(
        "A column of the assembled detector has a high dark current over its whole height.",
        {
            "column": FaultParameter("column of the assembled, trimmed image, from 0", _count),
            "rate": FaultParameter("electron/s in every pixel of it", _positive, 50.0),
        },
    ),
    "shutter-stuck": FaultKind("The shutter does not open.", {}),
}
"""Faults of the detector by name. Each also takes ``detector=`` (Butler id): that one only, else all."""

_DETECTOR = FaultParameter("Butler id of the only detector that has it", _count)


@dataclass(frozen=True)
class DetectorFault:
    """A fault of the detector with all its parameters.

    Parameters
    ----------
    name
        One of `DETECTOR_FAULTS`.
    detector
        Butler id of the only detector that has it; None: all have it.
    values
        Parameters by name, those not given with their default.
    """

    name: str
    detector: int | None
    values: Mapping[str, Value]


def parse_fault(text: str) -> DetectorFault:
    """Read a fault from ``NAME[:KEY=VALUE,...]``.

    Raises
    ------
    ValueError
        Unknown name or parameter, a parameter missing or given twice, or a value that cannot be; the message
        lists what is allowed.
    """
    name, _, rest = text.partition(":")
    if name not in DETECTOR_FAULTS:
        raise ValueError(_unknown(f"fault {text!r}: there is no fault", name, DETECTOR_FAULTS))
    allowed = {**DETECTOR_FAULTS[name].parameters, "detector": _DETECTOR}
    given: dict[str, Value] = {}
    for item in rest.split(",") if rest else []:
        key, equals, value = item.partition("=")
        if key not in allowed:
            raise ValueError(_unknown(f"fault {text!r}: {name} has no parameter", key, allowed))
        if not equals or key in given:
            raise ValueError(f"fault {text!r}: {key} must be given once, as {key}=VALUE")
        try:
            given[key] = allowed[key].read(value)
        except ValueError as expected:
            raise ValueError(f"fault {text!r}: {key} must be {expected}, not {value!r}") from None
    values: dict[str, Value] = {}
    for key, parameter in DETECTOR_FAULTS[name].parameters.items():
        default = parameter.default
        if key not in given and default is None:
            raise ValueError(f"fault {text!r}: {key}= is missing ({parameter.description})")
        values[key] = given.get(key, default if default is not None else "")
    detector = given.get("detector")
    return DetectorFault(name, detector if isinstance(detector, int) else None, values)


def active_faults(texts: Iterable[str], model: DetectorModel) -> tuple[DetectorFault, ...]:
    """Faults that this detector has.

    Raises
    ------
    ValueError
        As `parse_fault`; or an amplifier or column that the detector does not have.
    """
    faults = tuple(fault for fault in map(parse_fault, texts) if fault.detector in (None, model.id))
    for fault in faults:
        if "amplifier" in fault.values:
            model.amplifier(str(fault.values["amplifier"]))
        if int(fault.values.get("column", 0)) >= model.width:
            raise ValueError(
                f"fault {fault.name}: column {fault.values['column']} is beyond the last column of detector "
                f"{model.name} at scale {model.scale}, {model.width - 1}"
            )
    return faults


def _unknown(what: str, name: str, allowed: Iterable[str]) -> str:
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"{what} {name!r}{hint}; allowed: {', '.join(names)}"
