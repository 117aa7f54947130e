"""What a verification found, as values: outcomes of tests, and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .known_bad import KnownBad
from .measurements import Measurement

__all__ = [
    "ADDED_TESTS",
    "ONLY_ON_FAILURE",
    "UNCOUNTED_TESTS",
    "DetectorResults",
    "Gap",
    "MadeTest",
    "SubjectResults",
    "VerificationResults",
    "VerificationTest",
]

ADDED_TESTS = frozenset({"LEVEL", "DARK_CURRENT", "NOISE_FLOOR", "PTC_CHI_SQUARE"})
"""Tests that this project has added to those of cp_verify. They do not enter SUCCESS, so they are looked for
in what was measured, and reported."""

UNCOUNTED_TESTS = frozenset({"READ_NOISE_CONSISTENT", "PROB_TEST"}) | ADDED_TESTS
"""Tests that are reported and never counted: the first does not enter the SUCCESS of cp_verify either, the
second demands the equality of two counts of defects that are never equal."""

ONLY_ON_FAILURE = frozenset({"FORCE_FAILURE", "PROCESSING", "SATURATED"})
"""What is written only where something went wrong: one amplifier may have it and another not. The last one is
of this project, for flats of which more than 1 per cent of an amplifier is saturated; it counts."""


class VerificationTest(NamedTuple):
    """One test of one part of the camera."""

    detector: str | None
    """Name of the detector; None for a test of a whole exposure."""
    amplifier: str | None
    """Name of the amplifier; None for a test of a whole detector or exposure."""
    test: str
    """Type of the test, e.g. ``NOISE``."""

    def __str__(self) -> str:
        return " ".join(word for word in (self.detector, self.amplifier, self.test) if word)

    @property
    def counts(self) -> bool:
        """Whether acceptance counts it: tests of an exposure, and some others, are reported only."""
        return self.detector is not None and self.test not in UNCOUNTED_TESTS

    @property
    def place(self) -> str:
        """What was tested, e.g. ``RXX_S00 C05``."""
        return " ".join(word for word in (self.detector, self.amplifier) if word) or "the exposure"

    def order(self) -> tuple[str, str, str]:
        """Key to sort by detector, amplifier and test, the tests of a whole before those of its parts."""
        return self.detector or "", self.amplifier or "", self.test


@dataclass(frozen=True)
class Gap:
    """Something that is missing in the results, or contradicts itself: then they are not complete."""

    reason: str
    """What it is, in words."""
    subject: int | str | None = None
    """Id of the exposure, or name of the calibration that is verified by itself; None if it concerns all."""
    detector: str | None = None
    """Name of the detector; None if it concerns all."""

    def __str__(self) -> str:
        subject = f"exposure {self.subject}" if isinstance(self.subject, int) else self.subject
        where = ", ".join(each for each in (subject, self.detector) if each is not None)
        return f"{where}: {self.reason}" if where else self.reason


class MadeTest(NamedTuple):
    """One test that was made, with its outcome."""

    subject: int | str
    """Id of the exposure, or name of the calibration that is verified by itself."""
    test: VerificationTest
    """What was tested."""
    passed: bool
    """The outcome."""
    compared: Measurement
    """What was compared."""
    left_out: bool = False
    """Whether it is not counted because the amplifier is known to be bad."""

    def as_row(self) -> dict[str, Any]:
        """As ``summary.json`` has it in ``tests``, but for the calibration; JSON-safe."""
        compared = self.compared
        limits = (compared.lowest, compared.highest)
        return {
            "exposure": self.subject if isinstance(self.subject, int) else None,
            "detector": self.test.detector,
            "amplifier": self.test.amplifier,
            "test": self.test.test,
            "value": compared.value,
            "reference": compared.reference,
            "limit": None if limits == (None, None) else list(limits),
            "unit": compared.unit,
            "passed": self.passed,
            "counted": self.test.counts and not self.left_out,
        }


@dataclass(frozen=True)
class DetectorResults:
    """What was measured of one detector in one exposure, or in a calibration that is verified by itself."""

    outcomes: Mapping[VerificationTest, bool] | None
    """Whether each test of the detector and its amplifiers passed; None if no tests are known or missed."""
    gaps: tuple[Gap, ...]
    """What is missing or not finite."""
    compared: Mapping[VerificationTest, Measurement] = field(default_factory=dict)
    """What each of the tests compared."""

    @property
    def counted(self) -> frozenset[VerificationTest]:
        """The tests that count and have an outcome."""
        return frozenset(test for test in self.outcomes or () if test.counts)


@dataclass(frozen=True)
class SubjectResults:
    """What was found of one exposure, or of a calibration that is verified by itself."""

    subject: int | str
    """Id of the exposure, or name of the calibration."""
    failed: frozenset[VerificationTest]
    """Tests that failed, the uncounted ones included."""
    gaps: tuple[Gap, ...]
    """What is missing or contradictory in the naming of these."""
    detectors: Mapping[str, DetectorResults]
    """What was measured, by detector name; empty if no measurements were given."""
    whole: Mapping[VerificationTest, bool] = field(default_factory=dict)
    """Whether each test of the exposure as a whole passed."""
    compared: Mapping[VerificationTest, Measurement] = field(default_factory=dict)
    """What these compared."""

    @property
    def tests(self) -> Iterator[MadeTest]:
        """All tests that were made, and those that are named as failed, in order."""
        outcomes, compared = dict(self.whole), dict(self.compared)
        for each in self.detectors.values():
            outcomes |= each.outcomes or {}
            compared |= each.compared
        outcomes |= dict.fromkeys(self.failed, False)
        for test in sorted(outcomes, key=VerificationTest.order):
            yield MadeTest(self.subject, test, outcomes[test], compared.get(test, Measurement()))


@dataclass(frozen=True)
class VerificationResults:
    """The results of one verification."""

    amplifiers: Mapping[str, Set[str]]
    """Names of the amplifiers that must have results, by detector name: without those known to be bad."""
    subjects: tuple[SubjectResults, ...]
    """One for each exposure that must have results, in order; or one, the calibration verified by itself."""
    gaps: tuple[Gap, ...] = ()
    """What is missing or contradictory beyond the single subjects."""
    known_bad: tuple[KnownBad, ...] = ()
    """Amplifiers that are left out."""
    left_out: tuple[MadeTest, ...] = ()
    """Their tests."""

    @property
    def tests(self) -> Iterator[MadeTest]:
        """All tests of all subjects, and those that are left out."""
        for subject in self.subjects:
            yield from subject.tests
        yield from self.left_out
