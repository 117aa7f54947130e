"""Hypothesis strategies for faults, with conditions that have a chance to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

from ..faults.kinds import KINDS
from .scenario import Scenario

__all__ = ["faults"]

MOST = 3
"""Faults of a scenario."""


@st.composite
def faults(draw: st.DrawFn, scenario: Scenario, focus: Sequence[str]) -> tuple[str, ...]:
    """Specifications of faults, as many as three.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    scenario
        In which they are to strike; its own faults are not looked at.
    focus
        Names of faults, one of which is among them; other words are ignored.

    Returns
    -------
    specifications
        Of faults of different names.
    """
    wanted = [name for name in focus if name in KINDS]
    possible = [name for name in KINDS if _is_possible(name, scenario)]
    often = [*possible, *2 * [name for name in possible if KINDS[name].rare]]
    # Name and conditions are drawn together, so that shrinking can leave out a fault as a whole.
    least = draw(st.sampled_from((0, 1, 1, 1, 1, 1)))
    found = draw(
        st.lists(_specifications(often, scenario), min_size=least, max_size=MOST, unique_by=_name_of)
    )
    if wanted and not set(wanted) & set(map(_name_of, found)):
        found = [draw(_specifications(wanted, scenario)), *found[1:]]
    return tuple(found)


def _name_of(specification: str) -> str:
    return specification.partition(":")[0]


def _is_possible(name: str, scenario: Scenario) -> bool:
    """Whether a fault can strike at all."""
    if name == "oods-one-detector":
        return bool(scenario.option("detectors", [0]) != [0])
    if name == "butler-conflict":
        return bool(scenario.option("generate_calibrations"))
    return True


@st.composite
def _specifications(draw: st.DrawFn, names: Sequence[str], scenario: Scenario) -> str:
    """One fault of several, with some of its conditions."""
    name = draw(st.sampled_from(names))
    options, instrument = KINDS[name].options, scenario.instrument
    makes = scenario.option("generate_calibrations")
    values: dict[str, object] = {}
    conditions: Mapping[str, st.SearchStrategy[object]] = {
        "image": st.integers(1, scenario.images),
        "detector": st.sampled_from(scenario.option("detectors", [0])).map(instrument.detectors.__getitem__),
        "calibration": st.sampled_from([kind.value for kind in scenario.kinds]),
        "kind": st.sampled_from(("verify", "generate") if makes else ("verify",)),
        "times": st.sampled_from((1, 2)),
    }
    needed: dict[str, Sequence[object]] = dict(KINDS[name].drawn)
    if "component" in options:
        needed["component"] = (*instrument.components, f"OCPS:{instrument.ocps_index}")
    if name == "ocps-configuration":
        needed["instrument"] = [each for each in options["instrument"].choices if each != instrument.name]
    if name == "butler-conflict":
        needed["collection"] = (scenario.option("calib_collection"),)
    for key, choices in needed.items():
        values[key] = draw(st.sampled_from(choices))
    for key, strategy in conditions.items():
        if key in options and key not in values and draw(st.booleans()):
            values[key] = draw(strategy)
    text = ",".join(f"{key}={value}" for key, value in values.items())
    return f"{name}:{text}" if text else name
