"""What a verification found, as values: outcomes of tests, and gaps."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

__all__ = [
    "ONLY_ON_FAILURE",
    "UNCOUNTED_TESTS",
    "DetectorResults",
    "Gap",
    "SubjectResults",
    "VerificationResults",
    "VerificationTest",
]

UNCOUNTED_TESTS = frozenset({"READ_NOISE_CONSISTENT", "PROB_TEST"})
"""Tests that are reported and never counted: the first does not enter the SUCCESS of cp_verify either, the
second demands the equality of two counts of defects that are never equal."""


ONLY_ON_FAILURE = frozenset({"FORCE_FAILURE", "PROCESSING"})
"""What cp_verify writes only where something went wrong: one amplifier may have it and another not."""


@dataclass(frozen=True)
class VerificationTest:
    """One test of one part of the camera.

    Parameters
    ----------
    detector
        Name of the detector; None for a test of a whole exposure.
    amplifier
        Name of the amplifier; None for a test of a whole detector or exposure.
    test
        Type of the test, e.g. ``NOISE``.
    """

    detector: str | None
    amplifier: str | None
    test: str

    def __str__(self) -> str:
        return " ".join(word for word in (self.detector, self.amplifier, self.test) if word)

    def __lt__(self, other: VerificationTest) -> bool:
        """Order by detector, amplifier and test, the tests of a whole before those of its parts."""
        return self._order < other._order

    @property
    def counts(self) -> bool:
        """Whether acceptance counts it: tests of an exposure, and some others, are reported only."""
        return self.detector is not None and self.test not in UNCOUNTED_TESTS

    @property
    def _order(self) -> tuple[str, str, str]:
        return self.detector or "", self.amplifier or "", self.test


@dataclass(frozen=True)
class Gap:
    """Something that is missing in the results, or contradicts itself: then they are not complete.

    Parameters
    ----------
    reason
        What it is, in words.
    subject
        Id of the exposure, or name of the calibration that is verified by itself; None if it concerns all.
    detector
        Name of the detector; None if it concerns all.
    """

    reason: str
    subject: int | str | None = None
    detector: str | None = None

    def __str__(self) -> str:
        subject = f"exposure {self.subject}" if isinstance(self.subject, int) else self.subject
        where = ", ".join(each for each in (subject, self.detector) if each is not None)
        return f"{where}: {self.reason}" if where else self.reason


@dataclass(frozen=True)
class DetectorResults:
    """What was measured of one detector in one exposure, or in a calibration that is verified by itself.

    Parameters
    ----------
    outcomes
        Whether each test of the detector and its amplifiers passed; None if nothing is known of tests and
        none is missed.
    gaps
        What is missing or not finite.
    """

    outcomes: Mapping[VerificationTest, bool] | None
    gaps: tuple[Gap, ...]

    @property
    def counted(self) -> frozenset[VerificationTest]:
        """The tests that count and have an outcome."""
        return frozenset(test for test in self.outcomes or () if test.counts)

    @property
    def failed(self) -> frozenset[VerificationTest]:
        """The tests that failed, the uncounted ones included."""
        return frozenset(test for test, passed in (self.outcomes or {}).items() if not passed)


@dataclass(frozen=True)
class SubjectResults:
    """What was found of one exposure, or of a calibration that is verified by itself.

    Parameters
    ----------
    subject
        Id of the exposure, or name of the calibration.
    failed
        Tests that failed, the uncounted ones included.
    gaps
        What is missing or contradictory in the naming of these.
    detectors
        What was measured, by detector name; empty if no measurements were given.
    """

    subject: int | str
    failed: frozenset[VerificationTest]
    gaps: tuple[Gap, ...]
    detectors: Mapping[str, DetectorResults]


@dataclass(frozen=True)
class VerificationResults:
    """The results of one verification.

    Parameters
    ----------
    amplifiers
        Names of the amplifiers that must have results, by detector name.
    subjects
        One entry for each exposure that must have results, in order; or a single one for the calibration
        that is verified by itself.
    gaps
        What is missing or contradictory beyond the single subjects.
    """

    amplifiers: Mapping[str, Set[str]]
    subjects: tuple[SubjectResults, ...]
    gaps: tuple[Gap, ...] = ()
