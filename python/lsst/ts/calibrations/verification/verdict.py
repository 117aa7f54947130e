"""What a run made, the verdict on it, and what certification asks for: an acceptance or a waiver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ..config.config import CalibrationConfig
from ..domain.calibrations import CALIBRATIONS
from ..domain.jobs import RUN_COLLECTION
from .known_bad import KnownBad
from .results import Gap, VerificationTest
from .seal import Sealed, is_sealed, sealed

__all__ = ["Accepted", "CombinedCalibration", "Verdict", "Waiver", "waive"]


@dataclass(frozen=True)
class CombinedCalibration:
    """One type of calibration, as one job made it for all detectors."""

    name: str
    """A name of the table of calibration types, e.g. ``BIAS``."""
    exposures: Mapping[str, tuple[int, ...]]
    """Ids of the exposures that it was made from, by image type."""
    collection: str
    """Collection of the job."""
    datasets: tuple[str, ...]
    """Ids that the Butler gave the datasets. A dataset never changes; one in its place has another id."""
    left_out: Mapping[int, str] = field(default_factory=dict)
    """Why exposures that it was to be made from were not used."""
    odd: Mapping[int, str] = field(default_factory=dict)
    """What is odd in exposures that were."""

    def __post_init__(self) -> None:
        """Keep the exposures from being changed: an acceptance is bound to them."""
        for name in ("exposures", "left_out", "odd"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def dataset_type(self) -> str:
        """Name of its dataset type, e.g. ``bias``."""
        return CALIBRATIONS[self.name].dataset_type

    @property
    def run(self) -> str:
        """RUN collection that holds the datasets."""
        return RUN_COLLECTION.format(self.collection)

    @property
    def verified_with(self) -> tuple[int, ...]:
        """Those of its exposures with which it must be verified: neither fewer nor others.

        A bias, dark or flat is verified with all of them. Defects are found in darks and flats and verified
        with the flats, all of them: what a masked pixel does to an image shows where there is light. A
        photon transfer curve is made of the flats and verified by itself.
        """
        return tuple(self.exposures.get(CALIBRATIONS[self.name].verified_with, ()))


@dataclass(frozen=True, init=False)
class Accepted(Sealed):
    """Proof that a combined calibration was verified with exactly its exposures and accepted."""

    combined: CombinedCalibration
    """Its type, its exposures, and the one collection and datasets that may be certified."""


@dataclass(frozen=True, init=False)
class Verdict(Sealed):
    """What the verification of one type of calibration came to; made by `judge` alone."""

    passed: bool
    """Whether the calibration is accepted; never without complete results."""
    exposures: tuple[int, ...]
    """The exposures that were expected; none where the calibration was verified by itself."""
    failed_exposures: tuple[int, ...]
    """Those of them that failed verification."""
    failed_tests: Mapping[int | str, tuple[VerificationTest, ...]]
    """The failed tests by exposure, sorted; only exposures that have some. A calibration that is verified by
    itself has its own name in their place, e.g. ``PTC``."""
    thresholds: Mapping[str, int]
    """The five numbers of the documented reports, by name."""
    gaps: tuple[Gap, ...]
    """What is missing or contradictory; empty if the results are complete."""
    n_tests: int | None
    """How many tests there are in all, without those that are never counted; None if that is not known."""
    by_itself: bool
    """Whether the calibration was judged without exposures, as a photon transfer curve is."""
    combined: CombinedCalibration | None
    """What the run made and this verification looked at; None if the images were verified against
    calibrations that were there before."""
    known_bad: tuple[KnownBad, ...]
    """Amplifiers that were neither counted nor missed."""
    too_many_bad: Mapping[str, int]
    """Detectors of which more amplifiers are known to be bad than may be left out, with how many these may
    be: then it is negative."""

    @property
    def subjects(self) -> tuple[int | str, ...]:
        """What was judged: the exposures, or the calibration itself if a test of it failed."""
        return tuple(self.failed_tests) if self.by_itself else self.exposures

    @property
    def complete(self) -> bool:
        """Whether there is a result for everything that should have one."""
        return not self.gaps

    @property
    def problems(self) -> tuple[str, ...]:
        """What is missing or contradictory, in words."""
        return tuple(map(str, self.gaps))

    @property
    def failures(self) -> dict[int | str, dict[str, int]]:
        """Number of failed tests by exposure and test type; only exposures that have some."""
        return {key: dict(Counter(each.test for each in tests)) for key, tests in self.failed_tests.items()}

    @property
    def n_failed(self) -> int:
        """How many tests failed, without those that are never counted."""
        return sum(each.counts for tests in self.failed_tests.values() for each in tests)

    def accept(self) -> Accepted:
        """Accept the combined calibration that was verified.

        Returns
        -------
        accepted
            What certification asks for.

        Raises
        ------
        ValueError
            It did not pass; no test was made; it was verified with other exposures than it must be, or in
            another way; there is none, or this is no verdict that verification has given.
        """
        if not is_sealed(self):
            raise ValueError("this is no verdict that verification has given")
        if not (self.passed and self.complete):
            raise ValueError("what did not pass verification cannot be accepted")
        if self.combined is None:
            raise ValueError("nothing was made that could be accepted: the images were verified")
        if self.by_itself != CALIBRATIONS[self.combined.name].verified_by_itself:
            raise ValueError(f"a {self.combined.name} is not verified in this way")
        if not self.by_itself and sorted(self.exposures) != sorted(self.combined.verified_with):
            raise ValueError(
                f"{self.combined.name} was verified with {list(self.exposures)} and is to be verified with"
                f" {list(self.combined.verified_with)}"
            )
        if not self.n_tests:
            raise ValueError("the verification has no results of tests: nothing was verified")
        return sealed(Accepted, combined=self.combined)


@dataclass(frozen=True, init=False)
class Waiver(Sealed):
    """An operator's decision that a combined calibration is certified unverified; made by `waive` alone."""

    combined: CombinedCalibration
    """The calibration that may be certified."""
    reason: str
    """Why it is not verified, e.g. ``do_verify is false``."""


def waive(combined: CombinedCalibration, config: CalibrationConfig) -> Waiver:
    """Waive the verification of a combined calibration, if the configuration asks for that.

    Parameters
    ----------
    combined, config
        The calibration that is to be certified unverified, and what the operator asked for.

    Returns
    -------
    waiver
        What certification takes in the place of an acceptance.

    Raises
    ------
    ValueError
        The configuration does not ask for that.
    """
    if not config.waives_verification:
        raise ValueError(f"do_verify is true: {combined.name} is to be verified")
    return sealed(Waiver, combined=combined, reason="do_verify is false")
