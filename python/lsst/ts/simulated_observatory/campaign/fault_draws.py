"""Random faults with conditions that have a chance to hold."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from lsst.ts.calibrations.domain.instruments import Instrument

from ..faults.kinds import KINDS, FaultKind

__all__ = ["draw_faults"]

NUMBERS = {0: 2, 1: 6, 2: 3, 3: 2}
"""How many faults, and how often so many are drawn."""


def draw_faults(
    rng: random.Random,
    instrument: Instrument,
    options: Mapping[str, Any],
    images: int,
    focus: Sequence[str],
) -> tuple[str, ...]:
    """Draw specifications of faults.

    Parameters
    ----------
    rng
        What draws.
    instrument, options
        Of the script.
    images
        How many images it shall take.
    focus
        Names of faults; one of them is drawn in any case.
    """
    (number,) = rng.choices(list(NUMBERS), list(NUMBERS.values()))
    wanted = [name for name in focus if name in KINDS]
    possible = [name for name in KINDS if _possible(name, instrument, options)]
    rare = [name for name in possible if KINDS[name].rare]
    names = list(dict.fromkeys(rng.sample([*possible, *rare, *rare], number)))
    if wanted and not set(wanted) & set(names):
        names = [rng.choice(wanted), *names[1:]]
    return tuple(_specification(rng, KINDS[name], instrument, options, images) for name in names)


def _possible(name: str, instrument: Instrument, options: Mapping[str, Any]) -> bool:
    """Whether a fault can strike at all."""
    if name == "oods-one-detector":
        return bool(options.get("detectors", [0]) != [0])
    if name == "butler-conflict":
        return bool(options["generate_calibrations"])
    return True


def _specification(
    rng: random.Random, kind: FaultKind, instrument: Instrument, options: Mapping[str, Any], images: int
) -> str:
    """One fault, with some of its conditions."""
    values: dict[str, object] = {}
    if "component" in kind.options:
        values["component"] = rng.choice((*instrument.components, f"OCPS:{instrument.ocps_index}"))
    if "image" in kind.options and rng.random() < 0.8:
        values["image"] = rng.randint(1, images)
    if "detector" in kind.options and "detectors" in options and rng.random() < 0.5:
        values["detector"] = instrument.detectors[rng.choice(options["detectors"])]
    if "calibration" in kind.options and rng.random() < 0.5:
        values["calibration"] = rng.choice(str(options["script_mode"]).split("_"))
    if "kind" in kind.options and rng.random() < 0.4:
        values["kind"] = rng.choice(
            ("generate", "verify") if options["generate_calibrations"] else ("verify",)
        )
    if "times" in kind.options and rng.random() < 0.5:
        values["times"] = rng.choice((1, 2))
    if kind.name == "ocps-configuration":
        others = kind.options["instrument"].choices
        values["instrument"] = rng.choice([each for each in others if each != instrument.name])
    if kind.name == "butler-conflict":
        values["collection"] = options["calib_collection"]
    for key, choices in kind.drawn.items():
        values[key] = rng.choice(choices)
    text = ",".join(f"{key}={value}" for key, value in values.items())
    return f"{kind.name}:{text}" if text else kind.name
