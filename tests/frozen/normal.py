"""Texts of a run without what differs from machine to machine and from version to version."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .play import Message, Played

__all__ = ["PARTS", "lines_of", "parts_of", "pipelines_named", "shape_of"]

PARTS = ("journal", "summary", "report", "log", "exposures", "messages", "outcome")
"""What is frozen of each run."""

LONGEST = 320
HEAD, TAIL, BLOCK = 100, 60, 20
"""Of a text with more lines than the longest, head and tail are kept and digests of the blocks between."""

MOST_OBJECTS = 8

_PIPELINES = re.compile(r"resource://lsst\.ts\.[a-z_]+\.pipelines\b")
_DATASET = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")

_SPOKEN = ("evt_logMessage", "evt_heartbeat")
"""Topics that are left out: the log is a part of its own, and heartbeats say that time passes."""


def parts_of(played: Played, *, whole: bool = False) -> dict[str, str]:
    """All that is frozen of a run, as texts; if they are not to be whole, long ones without their middle."""
    folder, place = played.folder, _Places(played.folder)
    summary = json.loads(place.named(_text(folder / "summary.json")))
    summary["versions"] = dict.fromkeys(summary["versions"], "{version}")
    journal = place.named(_text(folder / "journal.jsonl")).splitlines()
    log = _text(folder / "script.log").splitlines()
    outcome = {
        "exit status": played.status,
        "said beside the log": [line for line in played.output.splitlines() if line not in log],
        "run directory": sorted(each.name for each in folder.iterdir()),
    }
    shown: Callable[[Any], Any] = (lambda value: value) if whole else _shortened
    texts: dict[str, Sequence[str]] = {
        "journal": [json.dumps(shown(_rounded(json.loads(line)))) for line in journal],
        "summary": _indented(shown(_rounded(summary))),
        "report": _text(folder / "report.txt").splitlines(),
        "log": log,
        "exposures": [f"{each['id']} {each['image_type']}" for each in summary["exposures"]],
        "messages": [_line(each) for each in played.messages if each.topic not in _SPOKEN],
        "outcome": _indented(outcome),
    }
    named = {name: [place.named(line) for line in lines] for name, lines in texts.items()}
    return {name: "\n".join(lines if whole else _elided(lines)) + "\n" for name, lines in named.items()}


def lines_of(values: Any) -> str:
    """JSON as lines of text."""
    return "\n".join(_indented(values)) + "\n"


def pipelines_named(text: str) -> str:
    """Text in which the address of the project's own pipelines is ``{pipelines}``."""
    return _PIPELINES.sub("{pipelines}", text)


def shape_of(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and JSON type of everything in a JSON value; exposure ids are all one."""
    if isinstance(values, Mapping):
        yield path, "object"
        for key, value in values.items():
            yield from shape_of(value, f"{path}.{'{exposure}' if key.isdigit() else key}".lstrip("."))
    elif isinstance(values, list):
        yield path, "array"
        for value in values:
            yield from shape_of(value, f"{path}[]")
    else:
        names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
        yield path, names[type(values)]


def _text(path: Path) -> str:
    """Text of a file; none where a run has not come so far."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _indented(values: Any) -> list[str]:
    return json.dumps(values, indent=1, ensure_ascii=False).splitlines()


def _line(message: Message) -> str:
    """A message as a line: when, who, what, and its fields."""
    told = " ".join(f"{name}={json.dumps(_rounded(value))}" for name, value in message.values.items())
    return f"{message.seconds:10.3f} {message.component} {message.topic} {told}".rstrip()


def _rounded(value: Any) -> Any:
    """Values with numbers to nine digits; times to microseconds."""
    if isinstance(value, float):
        return round(value, 6) if abs(value) >= 1000 else float(f"{value:.9g}")
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value


def _shortened(value: Any) -> Any:
    """Value in which long lists of objects have a digest between their head and their last one."""
    if isinstance(value, Mapping):
        return {key: _shortened(each) for key, each in value.items()}
    if not isinstance(value, list) or len(value) <= MOST_OBJECTS or not isinstance(value[0], Mapping):
        return value
    return [*value[:2], _digest([json.dumps(each) for each in value[2:-1]]), value[-1]]


class _Places:
    """Gives names to folder, pipelines and ids of datasets, which are others in every run."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._datasets: dict[str, str] = {}

    def named(self, text: str) -> str:
        """Text with the names."""
        return _DATASET.sub(self._name, pipelines_named(text.replace(self._folder, "{run}")))

    def _name(self, match: re.Match[str]) -> str:
        return self._datasets.setdefault(match[0], f"{{dataset {len(self._datasets) + 1}}}")


def _elided(lines: Sequence[str]) -> list[str]:
    """Lines with head and tail in full; of what lies between each block has a line with its digest."""
    if len(lines) <= LONGEST:
        return list(lines)
    middle = lines[HEAD:-TAIL]
    blocks = [middle[first : first + BLOCK] for first in range(0, len(middle), BLOCK)]
    return [*lines[:HEAD], *map(_digest, blocks), *lines[-TAIL:]]


def _digest(block: Sequence[str]) -> str:
    digest = hashlib.sha256("\n".join(block).encode()).hexdigest()
    return f"... {len(block)} more with the digest {digest[:16]}, from: {block[0][:80]}"
