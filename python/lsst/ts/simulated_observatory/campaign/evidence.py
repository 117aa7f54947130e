"""All that a scenario has left: what passed on the bus, what the script wrote, and the repository."""

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
from .datasets import Datasets
from .events import Events, ExposureEvent
from .recording import BusMessage, read_recording
from .runner import Played
from .scenario import Scenario
from .script_process import PartOutcome

__all__ = ["Evidence", "Fact", "gather"]

Fact = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Everything that the invariants look at.

    Parameters
    ----------
    played
        The scenario as it was played.
    events
        What really happened.
    journal
        Its bytes.
    summary
        The summary; None if there is none.
    datasets
        The repository.
    """

    played: Played
    events: Events
    journal: bytes
    summary: Mapping[str, Any] | None
    datasets: Datasets

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

    def facts_at(self, message: BusMessage) -> Sequence[Fact]:
        """Facts that the journal had on the disk when a message was recorded.

        Parameters
        ----------
        message
            That one.

        Returns
        -------
        facts
            In their order.
        """
        return self.facts[: bisect_right(self._ends, message.journal_size)]

    def facts_until(self, part: int) -> Sequence[Fact]:
        """Facts that the journal had when a part of the run ended.

        Parameters
        ----------
        part
            Its number; -1 is before the first.

        Returns
        -------
        facts
            In their order.
        """
        if part < 0:
            return ()
        begins = [place for place, fact in enumerate(self.facts) if fact["fact"] == "RunResumed"]
        return self.facts[: begins[part]] if part < len(begins) else self.facts

    @property
    def scenario(self) -> Scenario:
        """What was to happen."""
        return self.played.scenario

    @property
    def last(self) -> PartOutcome | None:
        """The last part of the run; None if it was killed, or its session broke, so that it has no end."""
        last = self.played.parts[-1]
        return None if last is None or last.broken else last

    @property
    def last_part(self) -> int:
        """Number of the last part of the run."""
        return len(self.played.parts) - 1

    @property
    def outcomes(self) -> dict[int, PartOutcome]:
        """What became of each part, by its number, without those that were killed."""
        return {part: each for part, each in enumerate(self.played.parts) if each is not None}

    @property
    def final(self) -> tuple[str, str] | None:
        """State and reason at the end of the last part; None if it did not end by itself."""
        final = None if self.last is None else self.events.final(self.last_part)
        return None if final is None else (final[1], final[2])

    @property
    def acts(self) -> dict[int, set[str]]:
        """What was done to the script from outside, by the number of the part of the run."""
        acts: dict[int, set[str]] = {part: set() for part in range(len(self.played.parts))}
        for each in self.events.interruptions:
            acts.setdefault(each.part, set()).add(str(each.values["act"]))
        return acts

    @cached_property
    def suffered(self) -> dict[int, set[str]]:
        """Faults that a part of the run had to do with, by its number: also of before, if traces are left."""
        found, traces = dict[int, set[str]](), set[str]()
        for part, outcome in enumerate(self.played.parts):
            struck = set(self.played.strikes.get(part, ()))
            found[part] = struck | traces
            traces |= struck & (LASTING | LASTING_AFTER_A_KILL if outcome is None else LASTING)
        return found

    @property
    def resumed(self) -> bool:
        """Whether the run was resumed."""
        return self.last_part > 0

    @property
    def detectors(self) -> dict[int, str]:
        """Names of the detectors in use, by id."""
        instrument = self.scenario.instrument
        wanted = self.scenario.option("detectors", None) or list(instrument.detectors)
        return {number: instrument.detectors[number] for number in wanted}

    def of(self, kind: str, facts: Sequence[Fact] | None = None) -> list[Fact]:
        """Facts of a kind.

        Parameters
        ----------
        kind
            Name of their class.
        facts
            Among which; None: among all of the journal.

        Returns
        -------
        facts
            In their order.
        """
        return [each for each in (self.facts if facts is None else facts) if each.get("fact") == kind]

    @property
    def verdicts(self) -> dict[str, Fact]:
        """The last verdict on each calibration."""
        return {fact["calibration"]: fact for fact in self.of("VerdictGiven")}

    @cached_property
    def confirmed(self) -> dict[ImageType, list[ExposureEvent]]:
        """Exposures that the camera confirmed, by type, in their order."""
        confirmed = self.events.exposures.values()
        return {kind: [each for each in confirmed if each.kind == kind] for kind in ImageType}

    @cached_property
    def kept(self) -> dict[ImageType, list[ExposureEvent]]:
        """Exposures that the camera confirmed and that are not discarded, by type, in their order.

        A run that was resumed may have taken one again: its journal says which counts.
        """
        return {kind: self._kept(kind) for kind in ImageType}

    def _kept(self, kind: ImageType) -> list[ExposureEvent]:
        discarded = self.scenario.discarded[kind]
        if not self.resumed:
            return self.confirmed[kind][discarded:]
        found = {place: number for number, place in self.places[kind].items() if number in self._held}
        return [self.events.begun[found[place]] for place in sorted(found) if place > discarded]

    @cached_property
    def places(self) -> dict[ImageType, dict[int, int]]:
        """Place of each exposure among those of its type, from 1, by type and id.

        The camera says in which order they were begun. A run that is resumed begins with the first place of
        which its journal has no exposure, or a lost one.
        """
        return {kind: self._places(kind) for kind in ImageType}

    def _places(self, kind: ImageType) -> dict[int, int]:
        planned = range(1, self.scenario.number[kind] + self.scenario.discarded[kind] + 1)
        found = dict[int, int]()
        for part in range(len(self.played.parts)):
            held = {found.get(each) for each in self._held}
            left = [place for place in planned if place not in held]
            begun = [each.id for each in self.events.begun.values() if (each.kind, each.part) == (kind, part)]
            found |= dict(zip(begun, left, strict=False))
        return found

    @cached_property
    def _held(self) -> set[int]:
        """Exposures that the journal has, without those that it has as lost."""
        return {fact["id"] for fact in self.of("ExposureTaken")} - {
            fact["id"] for fact in self.of("ExposureLost")
        }


def gather(played: Played) -> Evidence:
    """Read what a scenario has left.

    Parameters
    ----------
    played
        The scenario as it was played.

    Returns
    -------
    evidence
        Its datasets are to be closed by the caller.
    """
    run = played.folder / "run"
    recording = list(read_recording(played.folder / "recording.jsonl"))
    path, summary = run / "journal.jsonl", run / "summary.json"
    return Evidence(
        played=played,
        events=Events(recording, played.scenario.instrument),
        journal=path.read_bytes() if path.is_file() else b"",
        summary=json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None,
        datasets=Datasets(run / "repo"),
    )
