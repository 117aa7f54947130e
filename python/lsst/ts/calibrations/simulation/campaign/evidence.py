"""All that is left of a scenario: what witnesses saw, and what the script wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...domain.exposures import ImageType
from .events import Events, ExposureEvent
from .runner import Lived
from .scenario import Scenario
from .shelf import Certificate, Shelf
from .witness import read_testimony

__all__ = ["Evidence", "Fact", "gather"]

Fact = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Everything that a judge looks at.

    Parameters
    ----------
    lived
        The scenario as it was played.
    events
        What really happened.
    journal
        Its bytes.
    facts
        Its lines that are complete.
    summary
        The summary; None if there is none.
    shelf
        The repository.
    before
        What was certified in it when the scenario began.
    """

    lived: Lived
    events: Events
    journal: bytes
    facts: tuple[Fact, ...]
    summary: Mapping[str, Any] | None
    shelf: Shelf
    before: frozenset[Certificate] = frozenset()

    @property
    def scenario(self) -> Scenario:
        """What was to happen."""
        return self.lived.scenario

    @property
    def last(self) -> Mapping[str, Any] | None:
        """The last life; None if it was ended by a kill."""
        return self.lived.lives[-1]

    @property
    def killed(self) -> bool:
        """Whether the last life was ended by a kill."""
        return self.last is None

    @property
    def told(self) -> dict[int, Mapping[str, Any]]:
        """What became of each life, by its number, without those that could not tell."""
        return {number: life for number, life in enumerate(self.lived.lives) if life is not None}

    def done_to(self, life: int) -> set[str]:
        """What was done to one life of the script from outside."""
        return {str(each.values["words"]) for each in self.events.interruptions if each.life == life}

    @property
    def done_to_it(self) -> set[str]:
        """What was done to the script from outside."""
        return {str(each.values["words"]) for each in self.events.interruptions}

    @property
    def resumed(self) -> bool:
        """Whether there was more than one life."""
        return len(self.lived.lives) > 1

    @property
    def detectors(self) -> dict[int, str]:
        """Names of the detectors in use, by id."""
        instrument = self.scenario.instrument
        wanted = self.scenario.wants("detectors", None) or list(instrument.detectors)
        return {number: instrument.detectors[number] for number in wanted}

    def of(self, kind: str, facts: tuple[Fact, ...] | None = None) -> list[Fact]:
        """Facts of a kind."""
        return [each for each in (self.facts if facts is None else facts) if each.get("fact") == kind]

    def confirmed(self, kind: ImageType) -> list[ExposureEvent]:
        """Exposures of a type that the camera confirmed, in their order."""
        return [each for each in self.events.exposures.values() if each.kind == kind]

    def kept(self, kind: ImageType) -> list[ExposureEvent]:
        """Those of them that are not discarded.

        A run that was resumed may have taken one again: its journal tells which one counts.
        """
        if not self.resumed:
            return self.confirmed(kind)[self.scenario.discarded(kind) :]
        lost = {fact["id"] for fact in self.of("ExposureLost")}
        places = {
            fact["position"]: fact["id"]
            for fact in self.of("ExposureTaken")
            if fact["image_type"] == kind and fact["id"] not in lost and not fact["discarded"]
        }
        return [
            self.events.begun[places[each]] for each in sorted(places) if places[each] in self.events.begun
        ]


def gather(lived: Lived) -> Evidence:
    """Read everything."""
    run = lived.folder / "run"
    testimony = list(read_testimony(lived.folder / "witness.jsonl"))
    path, summary = run / "journal.jsonl", run / "summary.json"
    journal = path.read_bytes() if path.is_file() else b""
    return Evidence(
        lived=lived,
        events=Events(testimony, lived.scenario.instrument),
        journal=journal,
        facts=tuple(_facts(journal)),
        summary=json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None,
        shelf=Shelf(run / "repo"),
        before=_before(lived.folder.parent / lived.scenario.instrument.name),
    )


def _before(template: Path) -> frozenset[Certificate]:
    with closing(Shelf(template)) as shelf:
        return frozenset(shelf.certificates())


def _facts(journal: bytes) -> list[Fact]:
    return [json.loads(line) for line in journal.split(b"\n")[:-1]]
