"""What happened in a scenario, for a person to read."""

from __future__ import annotations

from collections.abc import Iterator

from .evidence import Evidence

__all__ = ["describe"]

QUIET = ("evt_endReadout", "evt_summaryState")
"""Messages that a description does without."""


def describe(evidence: Evidence) -> str:
    """Describe a scenario.

    Parameters
    ----------
    evidence
        What it has left.

    Returns
    -------
    text
        Everything that was drawn, what passed on the bus, in order, and the log of each part.
    """
    return "\n".join(_lines(evidence))


def _lines(evidence: Evidence) -> Iterator[str]:
    yield evidence.scenario.describe()
    for name, times in evidence.played.struck.items():
        yield f"struck: {name}, {times} times"
    for message in evidence.events.recording:
        if message.topic in QUIET:
            continue
        values = ", ".join(
            f"{key}={value}" for key, value in message.values.items() if value not in ("", None)
        )
        topic = message.topic.partition("_")[2] or message.topic
        yield f"  {message.time:9.3f} {message.component} {topic}: {values}"
    for part, outcome in enumerate(evidence.played.parts):
        yield f"part {part}: " + ("killed" if outcome is None else f"exit status {outcome.status}")
        if outcome is not None:
            yield outcome.log.rstrip()
    complaints = evidence.played.folder / "stderr.txt"
    if complaints.exists():
        yield complaints.read_text(encoding="utf-8", errors="replace").rstrip()
