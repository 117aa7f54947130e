"""All that a scenario has left: what passed on the bus, what the script wrote, and the repository."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, PAIR_GAINS
from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import ImageType

from ..faults.kinds import KINDS
from .datasets import Certificate, Datasets
from .events import Events, ExposureEvent, Fact, JobEvent, Part
from .expected import expected
from .literal_rule import KnownBadAmplifiers, LiteralVerdict, judge_curve, judge_images
from .recording import BusMessage
from .scenario import PartOutcome, Played, Scenario

__all__ = ["GAINS", "Evidence", "gather"]

GAINS = PAIR_GAINS.title
"""Name of a step."""

THRESHOLD = 8
"""Default of the thresholds of failed tests."""

MOST_BAD = 4
"""Default of the amplifiers of a detector that may be known to be bad."""


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
        wanted = self.scenario.options.get("detectors") or list(instrument.detectors)
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
    def exchanged(self) -> set[int]:
        """Exposures whose numbers mean others in the repository than the camera has taken under them."""
        begun = self.events.begun
        return {
            number
            for number, (group, kind, time) in self.datasets.exposures.items()
            if number in begun
            and (group, kind, time) != (begun[number].group, begun[number].kind, begun[number].exp_time)
        }

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

        The camera is told in which order. A run that is resumed begins with the first place of which its
        journal has no exposure, or a lost one.
        """
        return {kind: self._places(kind) for kind in ImageType}

    def _places(self, kind: ImageType) -> dict[int, int]:
        planned = range(1, self.scenario.number[kind] + self.scenario.discarded[kind] + 1)
        found = dict[int, int]()
        for part in range(len(self.parts)):
            held = {found.get(each) for each in self._held}
            left = [place for place in planned if place not in held]
            asked = [group for of_part, of, group in self.events.asked if (of_part, of) == (part, kind)]
            begun = {each.group: each.id for each in self.events.begun.values() if each.part == part}
            found |= {begun[g]: place for g, place in zip(asked, left, strict=False) if g in begun}
        return found

    @cached_property
    def _held(self) -> set[int]:
        """Exposures that the journal has, without those that it has as lost."""
        taken, lost = ({fact["id"] for fact in self.of(f"Exposure{what}")} for what in ("Taken", "Lost"))
        return taken - lost

    @cached_property
    def asked_for(self) -> list[str]:
        """Steps that the scenario asks for, as the summary names them if they were not done."""
        scenario, names = self.scenario, list[str]()
        verifies = scenario.options.get("do_verify", True)
        for name in CALIBRATIONS:
            calibration = expected(name)
            if calibration.image_type not in (None, *scenario.kinds):
                continue
            if scenario.options.get(calibration.option):
                names += [f"generate {name}", *([f"verify {name}"] if verifies else []), f"certify {name}"]
            elif verifies and calibration.image_type is not None:
                names.append(f"verify {name}")
        return names + ([GAINS] if self.pairs_of_flats else [])

    @property
    def pairs_of_flats(self) -> list[tuple[int, int]]:
        """Pairs of flats whose gains are asked for: places among the flats that are kept, from 0."""
        scenario = self.scenario
        if not scenario.options.get(PAIR_GAINS.option, True) or PAIR_GAINS.made_from not in scenario.kinds:
            return []
        times = scenario.options["exp_times_flat"]
        kept = times if isinstance(times, list) else [times] * scenario.number[ImageType.FLAT]
        return list(flat_pairs(kept).pairs)

    @property
    def numbers_of_pairs(self) -> list[tuple[int, int]]:
        """Ids of the pairs of kept flats: the pipeline pairs them in the order of ids, not of places."""
        flats = sorted((each.id, each.exp_time) for each in self.kept[PAIR_GAINS.made_from])
        return [(flats[a][0], flats[b][0]) for a, b in flat_pairs([time for _, time in flats]).pairs]

    @property
    def certified(self) -> list[Certificate]:
        """What is certified in the collection that the scenario asks for."""
        collection = self.scenario.options.get("calib_collection")
        return [each for each in self.datasets.certificates if each.collection == collection]

    @cached_property
    def not_done(self) -> list[str]:
        """Those of the steps that were not really done, as messages on the bus and the repository say."""
        return [step for step in self.asked_for if not self._done(step)]

    def _done(self, step: str) -> bool:
        if step == GAINS:
            return self._gains_measured()
        kind, name = step.split()
        if kind == "generate":
            return any(self.successful(kind, name))
        if kind == "verify":
            return any(self.verdict_on(job).complete for job in self.successful(kind, name))
        runs = {job.run for job in self.events.jobs if job.calibration == name}
        detectors = [
            each.detector
            for each in self.certified
            if each.dataset_type == CALIBRATIONS[name].dataset_type and each.run in runs
        ]
        return sorted(detectors) == sorted(self.detectors)

    def _gains_measured(self) -> bool:
        """Whether there is a gain of every pair and detector."""
        pairs = self.numbers_of_pairs
        wanted = {(flat, number) for pair in pairs for flat in pair for number in self.detectors}
        jobs = [job for job in self.events.jobs if job.kind == "gain" and job.exit_code == 0]
        found = (self.datasets.statistics("cpPtcExtract", job.run).keys() for job in jobs)
        return len(pairs) >= len(self.pairs_of_flats) and any(wanted <= each for each in found)

    def successful(self, kind: str, calibration: str) -> Iterator[JobEvent]:
        """Look for jobs that ended well.

        Parameters
        ----------
        kind, calibration
            Of the jobs: ``generate`` or ``verify``, and a name of the table of calibrations.

        Yields
        ------
        job
            On exactly the exposures that it is for, with exit code 0 published for its own id.
        """
        row = expected(calibration)
        images = row.made_from if kind == "generate" else (row.verified_with,)
        wanted = sorted(each.id for image_type in images for each in self.kept[image_type])
        for job in self.events.jobs:
            same = (job.kind, job.calibration) == (kind, calibration)
            if same and job.exit_code == 0 and sorted(job.exposures) == wanted:
                yield job

    @cached_property
    def known_bad(self) -> KnownBadAmplifiers:
        """Amplifiers that are known to be bad: the scenario names them, or the curve in use has no gain."""
        reference = self.scenario.instrument.calibration_collection
        names = {}
        for number, name in self.detectors.items():
            named = [each.split() for each in self.scenario.options.get("known_bad_amplifiers", ())]
            bad = {amplifier for detector, amplifier in named if detector == name}
            if bad := bad | set(self.datasets.without_gain(reference, number)):
                names[number] = bad
        return KnownBadAmplifiers(names, int(self.scenario.options.get("max_known_bad_amplifiers", MOST_BAD)))

    def verdict_on(self, job: JobEvent) -> LiteralVerdict:
        """Apply the documented rule to the results of a verification.

        Parameters
        ----------
        job
            The verification.

        Returns
        -------
        verdict
            From what is in the repository.
        """
        row, amplifiers = expected(job.calibration), self.scenario.instrument.amplifiers
        of_detectors = self.datasets.statistics(f"{row.statistics_prefix}DetStats", job.run)
        if row.verified_by_itself:
            return judge_curve(
                of_detectors, detectors=self.detectors, amplifiers=amplifiers, known_bad=self.known_bad
            )
        threshold = f"number_verification_tests_threshold_{row.verified_with.lower()}"
        return judge_images(
            self.datasets.statistics(f"{row.statistics_prefix}ExpStats", job.run),
            of_detectors,
            exposures=job.exposures,
            detectors=self.detectors,
            amplifiers=amplifiers,
            threshold=int(self.scenario.options.get(threshold, THRESHOLD)),
            known_bad=self.known_bad,
        )


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
        datasets=Datasets(run / "repo", played.open_butler),
    )
