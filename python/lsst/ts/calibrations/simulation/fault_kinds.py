"""The kinds of faults of the simulated components; a new one is an entry here and a look at it there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["KINDS", "FaultKind", "Option"]

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


def _counted(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it counts from 1")
    return number


_COMPONENT = Option("SAL name, e.g. ATCamera or OCPS:1", required=True, condition=True)
_IMAGE = Option("number of the image in the run, from 1; every image if left out", _counted, condition=True)
_DETECTOR = Option("detector name, e.g. RXX_S00; all if left out", condition=True)
_JOB_KIND = Option("of which jobs; all if left out", condition=True, choices=("generate", "verify", "gain"))
_CALIBRATION = Option(
    "of which jobs; all if left out",
    str.upper,
    condition=True,
    choices=("BIAS", "DARK", "FLAT", "DEFECTS", "PTC", "GAIN"),
)
_TIMES = Option("how often it strikes; always if left out", _counted)

_ALL = (
    FaultKind(
        "component-state",
        "a component is not ENABLED when the run begins",
        {
            "component": _COMPONENT,
            "state": Option("its state", str.upper, required=True, choices=("STANDBY", "DISABLED", "FAULT")),
        },
    ),
    FaultKind("component-absent", "a component does not run at all", {"component": _COMPONENT}),
    FaultKind(
        "ocps-configuration",
        "the OCPS was enabled with the configuration of another instrument",
        {"instrument": Option("which", required=True, choices=("LATISS", "LSSTComCam", "LSSTCam"))},
    ),
    FaultKind(
        "take-images-refused",
        "the camera refuses takeImages",
        {"image": _IMAGE, "times": _TIMES},
    ),
    FaultKind(
        "oods-lost",
        "an imageInOODS is never published, though the file is ingested",
        {"image": _IMAGE, "detector": _DETECTOR, "times": _TIMES},
    ),
    FaultKind(
        "oods-status",
        "a file is not ingested, and imageInOODS says so",
        {
            "image": _IMAGE,
            "detector": _DETECTOR,
            "code": Option("statusCode", _counted, default=1),
            "times": _TIMES,
        },
    ),
    FaultKind(
        "ocps-exit",
        "a job fails with an exit code",
        {
            "kind": _JOB_KIND,
            "calibration": _CALIBRATION,
            "code": Option("exit code", _counted, default=1),
            "times": _TIMES,
        },
    ),
)

KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ALL}
"""All kinds of faults of the components by name."""
