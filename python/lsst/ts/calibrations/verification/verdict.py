"""The verdict on a calibration, and the proof of acceptance that certification asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass

__all__ = ["Accepted", "Verdict"]

_SEAL = object()
"""Only `evaluate` and `Verdict.accept` hold it: a verdict or an acceptance cannot be made up elsewhere."""


@dataclass(frozen=True)
class Accepted:
    """Proof that a combined calibration was verified and accepted.

    Parameters
    ----------
    exposures
        The exposures that it was verified with.
    collection
        The collection that holds it and that alone may be certified from.
    """

    exposures: tuple[int, ...]
    collection: str
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _check(seal, type(self))


@dataclass(frozen=True, kw_only=True)
class Verdict:
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
    by_itself
        Whether the calibration was judged without exposures, as a photon transfer curve is.
    n_tests
        How many tests there are in all, without those that are never counted; None if that is not known.
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
    by_itself: bool = False
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        _check(seal, type(self))

    def accept(self, collection: str) -> Accepted:
        """Accept the combined calibration that was verified.

        Parameters
        ----------
        collection
            The collection that holds it.

        Raises
        ------
        ValueError
            The verification did not pass.
        """
        if not (self.passed and self.complete):
            raise ValueError(f"what {collection} holds did not pass verification and cannot be accepted")
        return Accepted(self.exposures, collection, seal=_SEAL)


def _check(seal: object, kind: type) -> None:
    if seal is not _SEAL:
        raise TypeError(f"{kind.__name__} is made by verification.evaluate only")
