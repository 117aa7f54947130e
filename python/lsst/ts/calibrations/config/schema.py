"""The JSON schemas of the scripts: what all have in common, changed by what an instrument says."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["defaults", "load_schema"]

COMMON = "calibrations"
"""Name of the file with the common part."""


def load_schema(instrument: str) -> dict[str, Any]:
    """Schema of the configuration of the script of an instrument.

    Parameters
    ----------
    instrument
        Name of the instrument, e.g. ``LATISS``.

    Returns
    -------
    schema
        A JSON schema, draft 7; the caller's own copy.

    Raises
    ------
    ValueError
        There is no schema for the instrument.
    """
    return copy.deepcopy(_load(instrument))


def defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Default of every option that has one; the caller's own copy."""
    return {
        option: copy.deepcopy(about["default"])
        for option, about in schema["properties"].items()
        if "default" in about
    }


@cache
def _load(instrument: str) -> dict[str, Any]:
    patch = _read(instrument)
    schema = _merge(_read(COMMON), patch)
    # LOVE shows the title first: bring the parts that an instrument adds before the long list of options.
    return {**{key: schema[key] for key in schema if key != "properties"}, "properties": schema["properties"]}


def _read(name: str) -> dict[str, Any]:
    folder = files("lsst.ts.calibrations") / "schemas"
    known = sorted(path.name.removesuffix(".yaml") for path in folder.iterdir())
    if name not in known:
        known.remove(COMMON)
        raise ValueError(f"there is no schema for {name!r}; there are schemas for {', '.join(known)}")
    content: dict[str, Any] = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def _merge(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7396)."""
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = _merge(merged.get(key, {}), value)
        else:
            merged[key] = value
    return merged
