"""The verdict on a calibration, and the proof of acceptance that certification asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .combined import CombinedCalibration
from .seal import Sealed, is_intact, sealed

__all__ = ["Accepted", "Verdict"]


@dataclass(frozen=True, kw_only=True)
class Accepted(Sealed):
    """Proof that a combined calibration was verified with exactly its exposures and accepted.

    Parameters
    ----------
    combined
        Which: its type, its exposures, and the one collection and datasets that may be certified.
    """

    combined: CombinedCalibration


@dataclass(frozen=True, kw_only=True)
class Verdict(Sealed):
    """What the verification of one type of calibration came to; made by `evaluate` alone.

    Parameters
    ----------
    passed
        Whether the calibration is accepted; never without complete results.
    complete
        Whether there is a result for everything that should have one.
    exposures
        The exposures that were expected.
    failed_exposures
        Those of them that failed verification.
    failures
        Number of failed tests by exposure and test type; only exposures that have some. What is verified
        without exposures has its own name in their place, e.g. ``PTC``.
    names
        The failed tests by exposure, e.g. ``RXX_S00 C00 NOISE``, sorted; only exposures that have some.
    thresholds
        The five numbers of the documented reports, by name.
    problems
        What is missing or contradictory, in words; empty if complete.
    n_failed
        How many tests failed, without those that are never counted.
    n_tests
        How many tests there are in all, without those that are never counted; None if that is not known.
    by_itself
        Whether the calibration was judged without exposures, as a photon transfer curve is.
    combined
        What the run made and this verification looked at; None if the images were verified against
        calibrations that were there before.
    """

    passed: bool
    complete: bool
    exposures: tuple[int, ...]
    failed_exposures: tuple[int, ...]
    failures: Mapping[int | str, Mapping[str, int]]
    names: Mapping[int | str, tuple[str, ...]]
    thresholds: Mapping[str, int]
    problems: tuple[str, ...]
    n_failed: int
    n_tests: int | None
    by_itself: bool
    combined: CombinedCalibration | None

    def accept(self) -> Accepted:
        """Accept the combined calibration that was verified.

        Raises
        ------
        ValueError
            It did not pass; no test was made; it was verified with other exposures than it must be, or in
            another way; there is none, or the verdict was changed after it had been given.
        """
        if not is_intact(self):
            raise ValueError("the verdict was changed after it had been given")
        if not (self.passed and self.complete):
            raise ValueError("what did not pass verification cannot be accepted")
        if self.combined is None:
            raise ValueError("nothing was made that could be accepted: the images were verified")
        if self.by_itself != self.combined.is_verified_by_itself:
            raise ValueError(f"a {self.combined.name} is not verified in this way")
        if sorted(self.exposures) != sorted(self.combined.verified_with):
            raise ValueError(
                f"{self.combined.name} was verified with {list(self.exposures)} and is to be verified with"
                f" {list(self.combined.verified_with)}"
            )
        if not self.n_tests:
            raise ValueError("the verification has no results of tests: nothing was verified")
        return sealed(Accepted, combined=self.combined)
