"""All that is left of a scenario: what witnesses saw, and what the script wrote."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from lsst.ts.calibrations.domain.instruments import ImageType

from .causes import LASTING, LASTING_AFTER_A_KILL
from .events import Events, ExposureEvent
from .interruption import Act
from .runner import Lived
from .scenario import Scenario
from .shelf import Certificate, Shelf
from .witness import Testimony, read_testimony

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
    summary
        The summary; None if there is none.
    shelf
        The repository.
    """

    lived: Lived
    events: Events
    journal: bytes
    summary: Mapping[str, Any] | None
    shelf: Shelf

    @cached_property
    def _lines(self) -> list[bytes]:
        """Lines of the journal that are complete."""
        return self.journal.split(b"\n")[:-1]

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """All facts of the journal."""
        return tuple(json.loads(each) for each in self._lines)

    @cached_property
    def _ends(self) -> list[int]:
        """Bytes that the journal had after each fact."""
        return list(accumulate(len(each) + 1 for each in self._lines))

    def facts_at(self, line: Testimony) -> Sequence[Fact]:
        """Facts that the journal had on the disk when a witness wrote a line."""
        return self.facts[: bisect_right(self._ends, line.journal)]

    def facts_until(self, life: int) -> Sequence[Fact]:
        """Facts that the journal had when a life ended; none if the life is before the first."""
        if life < 0:
            return ()
        begins = [place for place, fact in enumerate(self.facts) if fact["fact"] == "RunResumed"]
        return self.facts[: begins[life]] if life < len(begins) else self.facts

    @property
    def scenario(self) -> Scenario:
        """What was to happen."""
        return self.lived.scenario

    @property
    def before(self) -> frozenset[Certificate]:
        """What was certified in the repository when the scenario began."""
        return self.lived.before

    @property
    def last(self) -> Mapping[str, Any] | None:
        """The last life; None if it was ended by a kill."""
        return self.lived.lives[-1]

    @property
    def newest(self) -> int:
        """Number of the last life."""
        return len(self.lived.lives) - 1

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

    def interrupted(self, life: int) -> bool:
        """Whether somebody, or the machine, was to end a life."""
        return bool(self.done_to(life) - {Act.PAUSE})

    def suffered(self, life: int) -> set[str]:
        """Faults that a life had to do with: those of its own, and those of before whose traces are left."""
        found = set(self.lived.strikes.get(life, ()))
        for number in range(life):
            killed = self.lived.lives[number] is None
            traces = LASTING | LASTING_AFTER_A_KILL if killed else LASTING
            found |= traces & set(self.lived.strikes.get(number, ()))
        return found

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

    def of(self, kind: str, facts: Sequence[Fact] | None = None) -> list[Fact]:
        """Facts of a kind."""
        return [each for each in (self.facts if facts is None else facts) if each.get("fact") == kind]

    @property
    def verdicts(self) -> dict[str, Fact]:
        """The last verdict on each calibration."""
        return {fact["calibration"]: fact for fact in self.of("VerdictGiven")}

    def confirmed(self, kind: ImageType) -> list[ExposureEvent]:
        """Exposures of a type that the camera confirmed, in their order."""
        return [each for each in self.events.exposures.values() if each.kind == kind]

    def kept(self, kind: ImageType) -> list[ExposureEvent]:
        """Those of them that are not discarded.

        A run that was resumed may have taken one again: its journal tells which one counts.
        """
        if not self.resumed:
            return self.confirmed(kind)[self.scenario.discarded(kind) :]
        places, held = self.places(kind), self._held()
        found = {place: number for number, place in places.items() if number in held}
        return [
            self.events.begun[found[place]]
            for place in sorted(found)
            if place > self.scenario.discarded(kind)
        ]

    def places(self, kind: ImageType) -> dict[int, int]:
        """Place of each exposure among those of its type, from 1, by its id.

        The camera tells in which order they were begun. A run that is resumed begins with the first place of
        which its journal has no exposure, or a lost one.
        """
        planned = range(1, self.scenario.number(kind) + self.scenario.discarded(kind) + 1)
        found = dict[int, int]()
        for life in range(len(self.lived.lives)):
            held = {found.get(each) for each in self._held()}
            left = [place for place in planned if place not in held]
            begun = [each.id for each in self.events.begun.values() if (each.kind, each.life) == (kind, life)]
            found |= dict(zip(begun, left, strict=False))
        return found

    def _held(self) -> set[int]:
        """Exposures that the journal has, without those that it has as lost."""
        return {fact["id"] for fact in self.of("ExposureTaken")} - {
            fact["id"] for fact in self.of("ExposureLost")
        }


def gather(lived: Lived) -> Evidence:
    """Read everything."""
    run = lived.folder / "run"
    testimony = list(read_testimony(lived.folder / "witness.jsonl"))
    path, summary = run / "journal.jsonl", run / "summary.json"
    return Evidence(
        lived=lived,
        events=Events(testimony, lived.scenario.instrument),
        journal=path.read_bytes() if path.is_file() else b"",
        summary=json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None,
        shelf=Shelf(run / "repo"),
    )
