"""The story of a scenario, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator

from .evidence import Evidence

__all__ = ["tell"]

QUIET = ("evt_endReadout", "evt_summaryState")
"""Messages that a story does without."""


def tell(evidence: Evidence) -> str:
    """Everything that was drawn, and what passed on the bus, in order."""
    return "\n".join(_lines(evidence))


def _lines(evidence: Evidence) -> Iterator[str]:
    yield from evidence.scenario.describe()
    for name, times in evidence.lived.struck.items():
        yield f"struck: {name}, {times} times"
    for line in evidence.events.testimony:
        if line.topic in QUIET:
            continue
        values = ", ".join(f"{key}={value}" for key, value in line.values.items() if value not in ("", None))
        yield f"  {line.time:9.3f} {line.component} {line.topic.partition('_')[2] or line.topic}: {values}"
    for number, life in enumerate(evidence.lived.lives):
        yield f"life {number}: " + ("killed" if life is None else f"exit status {life['status']}")
        if life is not None:
            yield life["log"].rstrip()
    words = evidence.lived.folder / "stderr.txt"
    if words.exists():
        yield words.read_text(encoding="utf-8", errors="replace").rstrip()
