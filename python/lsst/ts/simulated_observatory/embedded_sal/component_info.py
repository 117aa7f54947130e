"""Topic definitions of SAL components, read from the YAML files in ``interfaces``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

__all__ = ["ACKCMD", "ComponentInfo", "FieldInfo", "TopicInfo", "component_info", "component_names"]

ACKCMD = "ackcmd"
"""Topic of the acknowledgements of a component's commands; not one of the interface files."""

_ACKCMD_FIELDS = {
    "ack": "long",
    "error": "long",
    "result": "string",
    "timeout": "double",
    "identity": "string",
    "origin": "long",
}
_PREFIXES = {"command": "cmd", "logevent": "evt", ACKCMD: "ack"}
_FIELD = re.compile(r"^(?P<type>[a-z ]+?)(\[(?P<count>\d+)\])?$")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class FieldInfo:
    """One field of a topic."""

    name: str
    """Field name."""
    sal_type: str
    """Type as the SAL interface files name it, e.g. ``long`` or ``string``."""
    count: int = 1
    """Number of elements; 1 for a scalar."""


@dataclass(frozen=True, eq=False)
class TopicInfo:
    """One topic of a component."""

    component: str
    """SAL component name."""
    sal_name: str
    """Name in the interface files, e.g. ``logevent_summaryState``."""
    indexed: bool
    """Is the component indexed?"""
    fields: Mapping[str, FieldInfo]
    """Public fields by name, without ``salIndex``."""

    @property
    def attr_name(self) -> str:
        """Attribute name, e.g. ``evt_summaryState``."""
        kind, _, name = self.sal_name.partition("_")
        return f"{_PREFIXES[kind]}_{name or kind}"


@dataclass(frozen=True)
class ComponentInfo:
    """One SAL component."""

    name: str
    """SAL component name."""
    indexed: bool
    """Can there be several, told apart by an index?"""
    generics: tuple[str, ...]
    """Categories and names of the generic topics that it adds to the mandatory ones."""
    topics: Mapping[str, TopicInfo]
    """Topics by attribute name."""
    ackcmd: TopicInfo
    """The acknowledgements of its commands."""


def component_names() -> list[str]:
    """Return the names of all components that can be simulated."""
    return sorted(_components())


@cache
def component_info(name: str) -> ComponentInfo:
    """Return the definition of a component.

    Parameters
    ----------
    name : str

    Returns
    -------
    info : ComponentInfo

    Raises
    ------
    ValueError
        There is no such component among those that can be simulated.
    """
    components = _components()
    if name not in components:
        raise ValueError(
            f"no SAL component {name!r} in the simulation; there are {', '.join(sorted(components))}"
        )
    component = components[name]
    indexed = component["indexed"]
    generics = tuple(component["generics"])
    definitions = _generic_topics(("mandatory", *generics))
    for file in component["topics"]:
        definitions |= _load(file)["topics"]
    topics = [
        TopicInfo(name, sal_name, indexed, _fields(definitions[sal_name])) for sal_name in sorted(definitions)
    ]
    ackcmd = TopicInfo(name, ACKCMD, indexed, _fields(_ACKCMD_FIELDS))
    return ComponentInfo(name, indexed, generics, {topic.attr_name: topic for topic in topics}, ackcmd)


@cache
def _components() -> dict[str, Any]:
    """Return definitions by SAL name: those of the file, and those of each instrument by their roles."""
    components: dict[str, Any] = {}
    loaded = _load("components")
    roles = loaded["roles"]
    for each in INSTRUMENTS.values():
        components[each.camera] = roles["camera" if each.spectrograph else "filter_camera"]
        components[each.header_service] = roles["header_service"]
        components[each.oods] = roles["oods"]
    return {**components, **loaded["components"]}


def _generic_topics(generics: tuple[str, ...]) -> dict[str, dict[str, str]]:
    loaded = _load("generics")
    names = [name for generic in generics for name in loaded["categories"].get(generic, [generic])]
    return {name: loaded["topics"][name] for name in names}


def _fields(definition: Mapping[str, str]) -> dict[str, FieldInfo]:
    fields = {}
    for name, text in definition.items():
        match = _FIELD.match(text)
        if match is None:
            raise ValueError(f"field {name}: {text!r} is neither a type nor type[count]")
        fields[name] = FieldInfo(name, match["type"], int(match["count"] or 1))
    return fields


@cache
def _load(file: str) -> Any:
    text = resources.files(__package__).joinpath(f"interfaces/{file}.yaml").read_text(encoding="utf-8")
    return yaml.load(text, _LOADER)  # noqa: S506  # one of the two safe loaders
