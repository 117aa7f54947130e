"""Recordings of what a client sees on the real bus, with which either SAL is compared.

``TS_CALIBRATIONS_RECORD=1`` on the real bus writes them anew; they are never made by the embedded SAL.
"""

from __future__ import annotations

import fcntl
import os
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any

import yaml

__all__ = ["as_recorded"]

_FOLDER = Path(__file__).parents[1] / "recorded"
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def as_recorded(chapter: str, name: str, seen: Any) -> bool:
    """Whether a client has seen what is in the recording of that name; if not, both are printed."""
    path = _FOLDER / f"{chapter}.yaml"
    if os.environ.get("TS_CALIBRATIONS_RECORD"):
        assert os.environ.get("TS_CALIBRATIONS_SAL") == "kafka", "recordings are made on the real bus alone"
        _record(path, name, seen)
    expected = _load(path).get(name)
    if seen == expected:
        return True
    before, now = (yaml.safe_dump(each, width=118).splitlines() for each in (expected, seen))
    print(f"\n{chapter}: {name}", *unified_diff(before, now, "recorded", "seen", n=0, lineterm=""), sep="\n")
    return False


@cache
def _load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506  # one of the two safe loaders


def _record(path: Path, name: str, seen: Any) -> None:
    """Put a recording into its file, which several processes may write to."""
    path.parent.mkdir(exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        known = yaml.load(file, _LOADER) or {}  # noqa: S506
        known[name] = seen
        file.truncate(0)
        yaml.safe_dump(known, file, width=118, default_flow_style=None)
    _load.cache_clear()
