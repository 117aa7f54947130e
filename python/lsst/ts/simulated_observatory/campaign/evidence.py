"""All that a scenario has left: what passed on the bus, what the script wrote, and the repository."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from lsst.ts.calibrations.domain.instruments import ImageType

from ..embedded_sal.enums import ScriptState
from ..faults.kinds import KINDS
from .datasets import Datasets
from .events import Events, ExposureEvent
from .interruption import AT_ONCE
from .recording import BusMessage
from .scenario import PartOutcome, Played, Scenario

__all__ = ["FINAL", "Evidence", "Fact", "Part", "gather"]

Fact = Mapping[str, Any]

FINAL = ("DONE", "STOPPED", "FAILED", "CONFIGURE_FAILED")
"""States in which a script ends."""


@dataclass(frozen=True)
class Part:
    """A part of a run, which is resumed in the next one.

    Parameters
    ----------
    number
        From 0.
    outcome
        What became of it; None if it was killed.
    messages
        What was recorded in it.
    suffered
        Faults that it had to do with: also of before, if traces are left.
    facts_before, facts
        Facts that the journal had at its begin, and at its end.
    """

    number: int
    outcome: PartOutcome | None
    messages: Sequence[BusMessage]
    suffered: frozenset[str]
    facts_before: Sequence[Fact]
    facts: Sequence[Fact]

    @cached_property
    def states(self) -> list[tuple[float, str, str]]:
        """Time, name and reason of each state of the script."""
        return [
            (each.time, ScriptState(each.values["state"]).name, str(each.values["reason"]))
            for each in self.messages
            if each.topic == "evt_state"
        ]

    @property
    def final(self) -> tuple[float, str, str] | None:
        """Time, name and reason of the state in which it ended; None if it ended in none."""
        return next((each for each in reversed(self.states) if each[1] in FINAL), None)

    @property
    def acts(self) -> set[str]:
        """What was done to the script from outside."""
        return {str(each.values["act"]) for each in self.messages if each.topic == "interruption"}

    @property
    def ended_at(self) -> float:
        """When somebody ended it at once [simulated s]; infinity if nobody did."""
        times = [each.time for each in self.messages if each.values.get("act") in AT_ONCE]
        return min(times, default=math.inf)

    @property
    def last_message(self) -> float:
        """When something was recorded for the last time [simulated s]; 0 if nothing was."""
        return max((each.time for each in self.messages), default=0.0)

    @property
    def end(self) -> float:
        """When it ended, or was seen for the last time [simulated s]."""
        return self.last_message if self.final is None else self.final[0]

    @property
    def attentive_until(self) -> float:
        """When it began to end, or was seen for the last time [simulated s]."""
        ends = [time for time, name, _ in self.states if name in ("STOPPING", "FAILING", *FINAL)]
        return min(*ends, self.ended_at, self.last_message)

    @property
    def went_wrong(self) -> set[str]:
        """Faults of which it may fail: all that it had to do with but those that must make no difference."""
        return {name for name in self.suffered if KINDS[name].cause}

    @property
    def disk_was_full(self) -> bool:
        """Whether the disk of the run directory was full: then what is to be written may be missing."""
        return "run-disk-full" in self.suffered


@dataclass(frozen=True)
class Evidence:
    """Everything that the invariants look at.

    Parameters
    ----------
    played
        The scenario as it was played.
    events
        Exposures and jobs that there really were.
    journal
        Its bytes.
    summary
        The summary; None if there is none.
    datasets
        The repository, to be closed by whoever has made this.
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

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All parts of the run."""
        found, traces = list[Part](), frozenset[str]()
        begins = [place for place, fact in enumerate(self.facts) if fact["fact"] == "RunResumed"]
        for number, outcome in enumerate(self.played.parts):
            struck = frozenset(self.played.strikes.get(number, ()))
            end = begins[number] if number < len(begins) else len(self.facts)
            found.append(
                Part(
                    number,
                    outcome,
                    [each for each in self.events.recording if each.part == number],
                    struck | traces,
                    found[-1].facts if found else (),
                    self.facts[:end],
                )
            )
            traces |= {
                name
                for name in struck
                if KINDS[name].lasting or (outcome is None and KINDS[name].lasting_after_kill)
            }
        return tuple(found)

    @property
    def scenario(self) -> Scenario:
        """What was to happen."""
        return self.played.scenario

    @property
    def last_part(self) -> Part:
        """The last part of the run."""
        return self.parts[-1]

    @property
    def last(self) -> PartOutcome | None:
        """The last part of the run; None if it was killed, or its session broke, so that it has no end."""
        last = self.last_part.outcome
        return None if last is None or last.broken else last

    @property
    def final(self) -> tuple[str, str] | None:
        """State and reason at the end of the last part; None if it did not end by itself."""
        final = None if self.last is None else self.last_part.final
        return None if final is None else (final[1], final[2])

    @property
    def resumed(self) -> bool:
        """Whether the run was resumed."""
        return len(self.parts) > 1

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
        kind, facts
            Name of their class, and among which facts they are; None: among all of the journal.

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

    def is_ingested(self, exposure: ExposureEvent) -> bool:
        """Whether all detectors in use are ingested, as far as the script can know.

        Parameters
        ----------
        exposure
            Whose.

        Returns
        -------
        ingested
            Whether the OODS published it. A run that is resumed looks into the Butler, too: the messages of
            before are gone.
        """
        if exposure.ingested.keys() >= set(self.detectors.values()):
            return True
        return self.resumed and {(exposure.id, each) for each in self.detectors} <= self.datasets.raws

    @cached_property
    def confirmed(self) -> dict[ImageType, list[ExposureEvent]]:
        """Exposures that the camera confirmed, by type, in their order."""
        return {kind: [each for each in self.events.exposures if each.kind == kind] for kind in ImageType}

    @cached_property
    def kept(self) -> dict[ImageType, list[ExposureEvent]]:
        """Exposures that the camera confirmed and that are not discarded, by type, in their order.

        A run that was resumed may have taken one again: its journal says which counts.
        """
        if not self.resumed:
            return {kind: self.confirmed[kind][self.scenario.discarded[kind] :] for kind in ImageType}
        found = {}
        for kind in ImageType:
            held = {place: number for number, place in self.places[kind].items() if number in self._held}
            kept = [place for place in sorted(held) if place > self.scenario.discarded[kind]]
            found[kind] = [self.events.begun[held[place]] for place in kept]
        return found

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
        for part in range(len(self.parts)):
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
    recording, journal, summary = (
        path.read_bytes() if path.is_file() else b""
        for path in (played.folder / "recording.jsonl", run / "journal.jsonl", run / "summary.json")
    )
    messages = [BusMessage(*json.loads(line)) for line in recording.splitlines()]
    return Evidence(
        played=played,
        events=Events(messages, played.scenario.instrument),
        journal=journal,
        summary=json.loads(summary) if summary else None,
        datasets=Datasets(run / "repo"),
    )
